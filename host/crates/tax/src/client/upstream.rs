//! One tax service: deadlines, repetitions, its breaker and its last failure.

use super::breaker::{Breaker, Ended, Permit};
use super::config::UpstreamConfig;
use super::response;
use async_trait::async_trait;
use backon::{BackoffBuilder as _, ExponentialBuilder};
use galleria_domain::tax::{TaxRequest, TaxResponse, TaxRoute};
use galleria_ports::clock::Clock;
use galleria_ports::tax::{BreakerState, TaxCall, TaxFault, TaxUpstream, TaxUpstreamFailure};
use galleria_ports::{metrics, trace};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};
use tokio::time::timeout;
use tracing::Instrument as _;

/// The wait before the first repetition; later ones are twice as long each.
const FIRST_WAIT: Duration = Duration::from_millis(50);

/// The header, or the metadata, of the idempotency key.
pub(crate) const KEY: &str = "idempotency-key";

/// The header, or the metadata, with the number of tax services that a request has passed.
pub(crate) const HOPS: &str = "galleria-tax-hops";

/// The header, or the metadata, of the trace.
pub(crate) const TRACE: &str = "traceparent";

/// What a service gets beside the request.
pub(crate) struct Sent<'a> {
    pub call: &'a TaxCall,
    /// The time that the caller waits.
    pub limit: Duration,
    /// The parent of the service's spans.
    pub traceparent: Option<String>,
}

/// Calls a service over its protocol.
#[async_trait]
pub(crate) trait Transport: Send + Sync {
    /// Evaluates a basket. The caller limits the time.
    async fn evaluate(
        &self,
        request: &TaxRequest,
        sent: &Sent<'_>,
    ) -> Result<TaxResponse, TaxFault>;
    /// Connects.
    async fn check(&self) -> Result<(), TaxFault>;
    /// The next call uses a new connection.
    fn reconnect(&self);
}

pub(crate) struct Upstream {
    route: TaxRoute,
    config: UpstreamConfig,
    transport: Box<dyn Transport>,
    clock: Arc<dyn Clock>,
    breaker: Mutex<Breaker>,
    last_failure: Mutex<Option<TaxUpstreamFailure>>,
}

/// A permitted call. Its end is reported to the breaker, even if its caller stops waiting.
struct Call<'u> {
    upstream: &'u Upstream,
    permit: Option<Permit>,
}

impl Call<'_> {
    fn end(mut self, fault: Option<&TaxFault>) {
        self.end_as(match fault {
            None | Some(TaxFault::Rejected(_)) => Ended::Answered,
            Some(_) => Ended::Failed,
        });
    }

    fn end_as(&mut self, ended: Ended) {
        if let Some(permit) = self.permit.take() {
            self.upstream.end(permit, ended);
        }
    }
}

impl Drop for Call<'_> {
    fn drop(&mut self) {
        self.end_as(Ended::Abandoned);
    }
}

impl Upstream {
    pub(crate) fn new(
        route: TaxRoute,
        config: UpstreamConfig,
        transport: Box<dyn Transport>,
        clock: Arc<dyn Clock>,
    ) -> Self {
        Self {
            route,
            transport,
            clock,
            breaker: Mutex::new(Breaker::new(config.breaker_failures, config.breaker_pause)),
            last_failure: Mutex::new(None),
            config,
        }
    }

    pub(crate) const fn route(&self) -> TaxRoute {
        self.route
    }

    pub(crate) fn status(&self) -> TaxUpstream {
        TaxUpstream {
            route: self.route,
            address: self.config.address.clone(),
            breaker: lock(&self.breaker).state(Instant::now()),
            last_failure: lock(&self.last_failure).clone(),
        }
    }

    pub(crate) async fn check(&self) -> Result<(), TaxFault> {
        let limit = self.config.timeout;
        let checked = timeout(limit, self.transport.check()).await;
        let checked = checked.unwrap_or(Err(TaxFault::Timeout { limit }));
        if let Err(fault) = &checked {
            self.record(fault);
        }
        checked
    }

    /// Evaluates a basket within the deadline.
    pub(crate) async fn evaluate(
        &self,
        request: &TaxRequest,
        sent: &TaxCall,
    ) -> Result<TaxResponse, TaxFault> {
        let limit = self.config.deadline;
        let until = Instant::now() + limit;
        match timeout(limit, self.evaluate_repeatedly(request, sent, until)).await {
            Ok(evaluated) => evaluated,
            Err(_) => {
                let fault = TaxFault::Timeout { limit };
                self.record(&fault);
                Err(fault)
            }
        }
    }

    /// Repeats a call that failed for a reason that may pass. An evaluation that the service records could be recorded
    /// twice, so it is repeated only with an idempotency key.
    async fn evaluate_repeatedly(
        &self,
        request: &TaxRequest,
        sent: &TaxCall,
        until: Instant,
    ) -> Result<TaxResponse, TaxFault> {
        let is_safe = !request.commit || sent.idempotency_key.is_some();
        let retries = if is_safe { self.config.retries } else { 0 };
        let mut waits = ExponentialBuilder::default()
            .with_min_delay(FIRST_WAIT)
            .with_factor(2.0)
            .with_jitter()
            .with_max_times(retries as usize)
            .build();
        let mut call = self.begin()?;
        loop {
            let fault = match self.evaluate_once(call, request, sent, until).await {
                Ok(response) => return Ok(response),
                Err(fault) => fault,
            };
            let may_pass = matches!(
                fault,
                TaxFault::Unavailable { .. } | TaxFault::Timeout { .. }
            );
            let Some(wait) = waits.next().filter(|_| may_pass) else {
                return Err(fault);
            };
            tokio::time::sleep(wait).await;
            // The breaker may have opened meanwhile.
            call = match self.begin() {
                Ok(call) => call,
                Err(_) => return Err(fault),
            };
            metrics::tax_retry(self.route);
        }
    }

    async fn evaluate_once(
        &self,
        call: Call<'_>,
        request: &TaxRequest,
        sent: &TaxCall,
        until: Instant,
    ) -> Result<TaxResponse, TaxFault> {
        // A later call has only what is left of the deadline. The service gets this time, so that it does not work longer.
        let left = until.saturating_duration_since(Instant::now());
        let UpstreamConfig {
            timeout: limit,
            deadline,
            ..
        } = self.config;
        let is_cut = left < limit;
        let (limit, reported) = match is_cut {
            true => (left, deadline),
            false => (limit, limit),
        };
        let span = tracing::info_span!(
            target: trace::TARGET, "call tax service", route = self.route.name(), fault = tracing::field::Empty
        );
        let parent = trace::below(&span, None).or(trace::current().trace);
        let sent = Sent {
            call: sent,
            limit,
            traceparent: parent.map(|parent| parent.to_string()),
        };
        let evaluated = self.transport.evaluate(request, &sent);
        let evaluated = timeout(limit, evaluated.instrument(span.clone())).await;
        let evaluated = match evaluated {
            Ok(Ok(found)) => response::check(request, &found)
                .map(|()| found)
                .map_err(|rule| TaxFault::InvalidResponse {
                    rule,
                    cause: String::new(),
                }),
            Ok(Err(TaxFault::Timeout { .. })) | Err(_) => {
                Err(TaxFault::Timeout { limit: reported })
            }
            Ok(Err(fault)) => Err(fault),
        };
        if let Err(fault) = &evaluated {
            span.record("fault", fault.name());
            self.record(fault);
        }
        match &evaluated {
            // The service did not have its time, so it did not fail.
            Err(TaxFault::Timeout { .. }) if is_cut => drop(call),
            evaluated => call.end(evaluated.as_ref().err()),
        }
        evaluated
    }

    fn begin(&self) -> Result<Call<'_>, TaxFault> {
        let permit = lock(&self.breaker).begin(Instant::now());
        let permit = permit.map_err(|wait| TaxFault::BreakerOpen { wait })?;
        Ok(Call {
            upstream: self,
            permit: Some(permit),
        })
    }

    fn end(&self, permit: Permit, ended: Ended) {
        let (route, failures) = (self.route.name(), self.config.breaker_failures);
        let changed = lock(&self.breaker).end(permit, ended, Instant::now());
        match changed {
            Some(BreakerState::Open) => {
                let pause_ms = u64::try_from(self.config.breaker_pause.as_millis());
                let pause_ms = pause_ms.unwrap_or(u64::MAX);
                tracing::warn!(
                    route,
                    failures,
                    pause_ms,
                    "tax service not called for a while"
                );
            }
            Some(_) => tracing::info!(route, "tax service works again"),
            None => {}
        }
    }

    /// Records a failure. The service does not fail if it rejects a basket.
    fn record(&self, fault: &TaxFault) {
        if matches!(fault, TaxFault::Rejected(_)) {
            return;
        }
        self.transport.reconnect();
        *lock(&self.last_failure) = Some(TaxUpstreamFailure {
            at: self.clock.now().to_string(),
            kind: fault.name().to_owned(),
            reason: fault.chain(),
        });
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
