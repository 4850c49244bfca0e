//! The earlier tax service, over gRPC.

use super::config::{ConfigError, UpstreamConfig};
use super::connection::Connection;
use super::fault::{chain, connection, is_timeout, safe_text};
use super::response::MAX_BYTES;
use super::upstream::{HOPS, KEY, Sent, TRACE, Transport};
use crate::proto::TaxEvaluateRequest;
use crate::proto::tax_client::TaxClient;
use async_trait::async_trait;
use galleria_domain::Problem;
use galleria_domain::tax::{TaxRequest, TaxResponse};
use galleria_ports::tax::TaxFault;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::client::legacy::connect::dns::Name;
use reqwest::dns::{Addrs, Resolve};
use std::error::Error as _;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tonic::metadata::MetadataValue;
use tonic::transport::{Certificate, Channel, ClientTlsConfig, Endpoint, Identity};
use tonic::{Code, Request, Status};
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_client::HealthClient;
use tonic_types::StatusExt as _;
use tower::Service;

/// The most problems of a rejection that a caller sees.
const MAX_PROBLEMS: usize = 100;

/// The time between two pings while calls are in flight, so that a dead connection is noticed.
const PING_EVERY: Duration = Duration::from_secs(10);

pub(crate) struct GrpcTransport {
    config: UpstreamConfig,
    connection: Connection<Channel>,
}

impl GrpcTransport {
    pub(crate) fn new(config: &UpstreamConfig) -> Result<Self, ConfigError> {
        endpoint(config)?;
        let of_channel = config.clone();
        let open = move || {
            let endpoint = endpoint(&of_channel)?;
            Ok(match &of_channel.resolver {
                Some(resolver) => endpoint.connect_with_connector_lazy(connector(resolver)),
                None => endpoint.connect_lazy(),
            })
        };
        Ok(Self {
            config: config.clone(),
            connection: Connection::new(Box::new(open), config.lifetime),
        })
    }
}

fn endpoint(config: &UpstreamConfig) -> Result<Endpoint, ConfigError> {
    let invalid = |error: tonic::transport::Error| ConfigError(chain(&error));
    let endpoint = Endpoint::from_shared(config.address.clone()).map_err(invalid)?;
    let endpoint = endpoint
        .connect_timeout(config.timeout)
        .tcp_nodelay(true)
        .http2_keep_alive_interval(PING_EVERY)
        .keep_alive_timeout(config.timeout);
    if !config.is_secure() {
        return Ok(endpoint);
    }
    let tls = ClientTlsConfig::new();
    let tls = match config.ca_certificates()? {
        Some(pem) => tls.ca_certificate(Certificate::from_pem(pem)),
        None => tls.with_native_roots(),
    };
    match (config.identity_pem()?, &config.identity) {
        (Some([certificate, key]), Some(files)) => endpoint
            .tls_config(tls.identity(Identity::from_pem(certificate, key)))
            .map_err(|error| files.error(&error)),
        _ => endpoint.tls_config(tls).map_err(invalid),
    }
}

/// Connects to the addresses that a resolver returns.
fn connector(resolver: &Arc<dyn Resolve>) -> HttpConnector<NamesOf> {
    let mut connector = HttpConnector::new_with_resolver(NamesOf(Arc::clone(resolver)));
    connector.enforce_http(false);
    connector.set_nodelay(true);
    connector
}

/// The resolver of reqwest in the form that the connector requires.
#[derive(Clone)]
struct NamesOf(Arc<dyn Resolve>);

type BoxError = Box<dyn std::error::Error + Send + Sync>;

impl Service<Name> for NamesOf {
    type Response = Addrs;
    type Error = BoxError;
    type Future = Pin<Box<dyn Future<Output = Result<Addrs, BoxError>> + Send>>;

    fn poll_ready(
        &mut self,
        _: &mut std::task::Context<'_>,
    ) -> std::task::Poll<Result<(), BoxError>> {
        std::task::Poll::Ready(Ok(()))
    }

    fn call(&mut self, name: Name) -> Self::Future {
        let resolver = Arc::clone(&self.0);
        Box::pin(async move { resolver.resolve(name.as_str().parse()?).await })
    }
}

#[async_trait]
impl Transport for GrpcTransport {
    async fn evaluate(
        &self,
        request: &TaxRequest,
        sent: &Sent<'_>,
    ) -> Result<TaxResponse, TaxFault> {
        let channel = self
            .connection
            .client(Instant::now())
            .map_err(unavailable)?;
        let mut client = TaxClient::new(channel).max_decoding_message_size(MAX_BYTES);
        let mut call = Request::new(TaxEvaluateRequest::from(request.clone()));
        call.set_timeout(sent.limit);
        call.metadata_mut().insert(HOPS, sent.call.hops.into());
        let key = sent.call.idempotency_key.as_deref();
        for (name, value) in [(KEY, key), (TRACE, sent.traceparent.as_deref())] {
            let Some(value) = value else { continue };
            let value = MetadataValue::try_from(value).map_err(|error| {
                let rule = format!("must be visible ASCII: {error}");
                TaxFault::Rejected(vec![Problem::new(name, rule)])
            })?;
            call.metadata_mut().insert(name, value);
        }
        let response = client.evaluate_tax(call).await;
        let response = response.map_err(|status| fault(&status, sent.limit))?;
        TaxResponse::try_from(response.into_inner()).map_err(|problems| {
            let problems: Vec<_> = problems.iter().map(Problem::to_string).collect();
            TaxFault::InvalidResponse {
                rule: safe_text(&problems.join("; ")),
                cause: String::new(),
            }
        })
    }

    async fn check(&self) -> Result<(), TaxFault> {
        let endpoint = endpoint(&self.config).map_err(unavailable)?;
        let connected = match &self.config.resolver {
            Some(resolver) => endpoint.connect_with_connector(connector(resolver)).await,
            None => endpoint.connect().await,
        };
        let channel = connected.map_err(|error| connection(&error))?;
        // A service can reject this host's certificate after the handshake, with the first call. Every answer shows that
        // the service is there.
        let mut health = HealthClient::new(channel);
        match health.check(HealthCheckRequest::default()).await {
            Err(status) if status.source().is_some() => Err(fault(&status, self.config.timeout)),
            _ => Ok(()),
        }
    }

    fn reconnect(&self) {
        self.connection.failed();
    }
}

fn unavailable(error: ConfigError) -> TaxFault {
    TaxFault::Unavailable {
        cause: error.to_string(),
    }
}

/// The fault of a status. The library also reports with it what happened to the connection and to the message.
fn fault(status: &Status, limit: Duration) -> TaxFault {
    if let Some(error) = status.source() {
        return match is_timeout(error) {
            true => TaxFault::Timeout { limit },
            false => connection(error),
        };
    }
    let text = safe_text(status.message());
    let invalid = |rule: String| TaxFault::InvalidResponse {
        rule,
        cause: text.clone(),
    };
    match status.code() {
        Code::InvalidArgument | Code::NotFound | Code::AlreadyExists => {
            TaxFault::Rejected(rejections(status))
        }
        Code::DeadlineExceeded => TaxFault::Timeout { limit },
        Code::Internal if text.starts_with("failed to decode") => {
            invalid("the message must be a TaxEvaluateResponse".into())
        }
        Code::OutOfRange => invalid(format!("the message must have at most {MAX_BYTES} bytes")),
        Code::Unavailable
        | Code::ResourceExhausted
        | Code::Aborted
        | Code::Cancelled
        | Code::Internal
        | Code::Unknown => TaxFault::Unavailable {
            cause: format!("gRPC status {:?}: {text}", status.code()),
        },
        code => invalid(format!("the gRPC status must be Ok, got {code:?}")),
    }
}

/// The problems of a rejection: those of its details, else its text.
fn rejections(status: &Status) -> Vec<Problem> {
    let details = status.get_details_bad_request().into_iter();
    let violations = details.flat_map(|details| details.field_violations);
    let problems: Vec<Problem> = violations
        .take(MAX_PROBLEMS)
        .map(|one| Problem::new(safe_text(&one.field), safe_text(&one.description)))
        .collect();
    match problems.is_empty() {
        true => vec![rejection(&safe_text(status.message()))],
        false => problems,
    }
}

/// The text of a rejection; this host writes `field: rule`.
fn rejection(text: &str) -> Problem {
    match text.split_once(": ") {
        Some((field, rule)) if !field.contains(' ') => Problem::new(field, rule),
        _ => Problem::new("", text),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(status: Status) -> &'static str {
        fault(&status, Duration::from_secs(2)).name()
    }

    #[test]
    fn a_status_is_a_rejection_or_a_failure_of_the_service() {
        assert_eq!(name(Status::invalid_argument("x")), "rejected");
        assert_eq!(name(Status::not_found("there is no store s")), "rejected");
        assert_eq!(name(Status::deadline_exceeded("x")), "timeout");
        assert_eq!(name(Status::unavailable("x")), "unavailable");
        assert_eq!(name(Status::internal("x")), "unavailable");
        assert_eq!(
            name(Status::internal("failed to decode Protobuf message: x")),
            "invalid_response"
        );
        assert_eq!(name(Status::out_of_range("too large")), "invalid_response");
        assert_eq!(name(Status::unimplemented("x")), "invalid_response");
        assert_eq!(name(Status::permission_denied("x")), "invalid_response");
    }

    #[test]
    fn the_timer_of_the_library_is_a_timeout() {
        let expired: Box<dyn std::error::Error + Send + Sync> = tonic::TimeoutExpired(()).into();
        let wrapped = std::io::Error::other(expired);
        for status in [
            Status::from_error(Box::new(tonic::TimeoutExpired(()))),
            Status::from_error(Box::new(wrapped)),
        ] {
            assert_eq!(name(status.clone()), "timeout", "{status:?}");
        }
    }

    #[test]
    fn a_rejection_has_the_problems_of_its_details() {
        let violations = [
            ("items.0.tax_code", "must be known"),
            ("items.2.quantity", "must not be 0"),
        ];
        let details = tonic_types::ErrorDetails::with_bad_request(
            violations
                .map(|(field, rule)| tonic_types::FieldViolation::new(field, rule))
                .to_vec(),
        );
        let status = Status::with_error_details(Code::InvalidArgument, "two problems", details);
        let problems: Vec<String> = rejections(&status)
            .iter()
            .map(ToString::to_string)
            .collect();
        assert_eq!(
            problems,
            [
                "items.0.tax_code: must be known",
                "items.2.quantity: must not be 0"
            ]
        );
    }

    #[test]
    fn a_rejection_names_its_field() {
        let problem = rejection("items.0.tax_code: must be in the table, got \"a: b\"");
        assert_eq!(
            (&*problem.field, &*problem.message),
            ("items.0.tax_code", "must be in the table, got \"a: b\"")
        );
        assert_eq!(rejection("there is no store: s").field, "");
    }
}
