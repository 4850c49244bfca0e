//! Traces for a collector: the spans of one target, in batches, as OTLP over HTTP.
//!
//! An unavailable collector has no other effect than lost spans: spans that do not fit into the queue are
//! dropped, nothing waits for them, and the outage is logged once. The content of log lines is never sent.

use anyhow::Context as _;
use async_trait::async_trait;
use galleria_config::Traces;
use opentelemetry::trace::TracerProvider as _;
use opentelemetry_http::{Bytes, HttpClient, HttpError, Request, Response};
use opentelemetry_otlp::{WithExportConfig as _, WithHttpConfig as _};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::trace::{
    BatchConfigBuilder, BatchSpanProcessor, Sampler, SdkTracer, SdkTracerProvider,
};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use tokio::runtime::Handle;

/// Capacity of the queue of spans: some thousand payments, a few megabytes.
const WAITING: usize = 8_192;

/// Interval between batches.
const EVERY: Duration = Duration::from_secs(1);

/// Exports spans until `finish` is called.
pub struct Exporting {
    provider: SdkTracerProvider,
    timeout: Duration,
}

/// Starts to export on the current runtime. Returns none if no collector is configured.
pub fn start(traces: &Traces) -> anyhow::Result<Option<Exporting>> {
    let Some(endpoint) = &traces.endpoint else {
        return Ok(None);
    };
    let http = reqwest::Client::builder()
        .timeout(traces.timeout)
        .redirect(reqwest::redirect::Policy::none())
        .build();
    let collector = Collector {
        http: http.context("creating the client of the trace collector")?,
        runtime: Handle::current(),
        away: AtomicBool::new(false),
    };
    let exporter = opentelemetry_otlp::SpanExporter::builder()
        .with_http()
        .with_endpoint(format!("{endpoint}/v1/traces"))
        .with_timeout(traces.timeout)
        .with_http_client(collector)
        .build()
        .context("starting to export traces (traces.endpoint)")?;
    let batches = BatchConfigBuilder::default()
        .with_max_queue_size(WAITING)
        .with_scheduled_delay(EVERY);
    let batches = BatchSpanProcessor::builder(exporter).with_batch_config(batches.build());
    let resource = Resource::builder()
        .with_service_name("galleria")
        .with_attribute(opentelemetry::KeyValue::new(
            "service.version",
            env!("CARGO_PKG_VERSION"),
        ));
    // The caller decides about its own requests; everything that a request causes follows that decision.
    let share = Sampler::TraceIdRatioBased(traces.sample);
    let provider = SdkTracerProvider::builder()
        .with_span_processor(batches.build())
        .with_resource(resource.build())
        .with_sampler(Sampler::ParentBased(Box::new(share)))
        .build();
    Ok(Some(Exporting {
        provider,
        timeout: traces.timeout,
    }))
}

impl Exporting {
    /// Returns the tracer that creates spans.
    pub fn tracer(&self) -> SdkTracer {
        self.provider.tracer("galleria")
    }

    /// Sends queued spans and stops. Waits at most for the collector's timeout.
    pub async fn finish(self) {
        let ended = move || self.provider.shutdown_with_timeout(self.timeout);
        // A failed batch was already logged.
        let _ = tokio::task::spawn_blocking(ended).await;
    }
}

/// The collector, called on the host's runtime: the thread that sends batches has none.
#[derive(Debug)]
struct Collector {
    http: reqwest::Client,
    runtime: Handle,
    /// The last batch failed.
    away: AtomicBool,
}

#[async_trait]
impl HttpClient for Collector {
    async fn send_bytes(&self, request: Request<Bytes>) -> Result<Response<Bytes>, HttpError> {
        let http = self.http.clone();
        let sent = self.runtime.spawn(async move {
            let request = reqwest::Request::try_from(request)?;
            let answer = http.execute(request).await?;
            Ok::<_, reqwest::Error>(answer.status())
        });
        // An error of this client contains the collector's address, but nothing of a batch.
        let status = sent.await?.map_err(reqwest::Error::without_url);
        match &status {
            Ok(status) if status.is_success() => {
                if self.away.swap(false, Ordering::Relaxed) {
                    tracing::info!("trace collector available again");
                }
            }
            failed => {
                if !self.away.swap(true, Ordering::Relaxed) {
                    let why = match failed {
                        Ok(status) => format!("response status {status}"),
                        Err(error) => chain(error),
                    };
                    tracing::warn!(why, "trace collector unavailable, spans are lost");
                }
            }
        }
        let mut response = Response::new(Bytes::new());
        *response.status_mut() = status?;
        Ok(response)
    }
}

fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(one) = cause {
        text.push_str(&format!(": {one}"));
        cause = one.source();
    }
    text
}
