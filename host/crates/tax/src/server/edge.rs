//! What surrounds every call: request id, trace, caller, deadline, log line, metrics.
//!
//! Never logs: messages, metadata, keys, or paths that are not methods.

use super::calls::Called;
use super::deadline;
use super::status::{self, coded};
use futures_util::FutureExt as _;
use galleria_app::App;
use galleria_app::access::{CredentialFault, bearer};
use galleria_domain::trace::Origin;
use galleria_ports::access::{Caller, Scope, Tokens};
use galleria_ports::{metrics, trace};
use std::convert::Infallible;
use std::panic::AssertUnwindSafe;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};
use tonic::body::Body;
use tonic::codegen::http::header::AUTHORIZATION;
use tonic::codegen::http::{HeaderMap, HeaderValue, Request, Response};
use tonic::service::Routes;
use tonic::{Code, Status};
use tower::Service;
use tracing::{Instrument as _, Span, field};

const REQUEST_ID: &str = "x-request-id";

/// What all calls share.
pub(super) struct Shared {
    pub app: App,
    pub identity: Option<Caller>,
    pub tokens: Option<Arc<dyn Tokens>>,
    pub deadline: Duration,
    pub import_deadline: Duration,
    pub max_message_bytes: usize,
}

/// All services, with what surrounds their calls.
#[derive(Clone)]
pub(super) struct Edge {
    pub routes: Routes,
    pub shared: Arc<Shared>,
}

impl Service<Request<Body>> for Edge {
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Response<Body>, Infallible>> + Send>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Service::<Request<Body>>::poll_ready(&mut self.routes, cx)
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        let called = Called::of(request.uri().path());
        let limit = self.shared.limit(called, request.headers());
        // Measured from here, so that this deadline ends before the one of the transport.
        let until = tokio::time::Instant::now() + limit;
        let (routes, shared) = (self.routes.clone(), Arc::clone(&self.shared));
        Box::pin(async move {
            let timed = Timed {
                called,
                limit,
                until,
            };
            Ok(shared.serve(routes, request, timed).await)
        })
    }
}

/// A call with its deadline.
#[derive(Clone, Copy)]
struct Timed {
    called: Called,
    limit: Duration,
    until: tokio::time::Instant,
}

impl Shared {
    /// The maximum time of a call: the configured one, or that of the client if it is shorter.
    fn limit(&self, called: Called, headers: &HeaderMap) -> Duration {
        let limit = match called {
            Called::Tax {
                is_import: true, ..
            } => self.import_deadline,
            // A client may watch the health for any time: its deadline concerns the head of the response.
            _ => self.deadline,
        };
        let sent = text(headers, "grpc-timeout").and_then(deadline::parse);
        sent.map_or(limit, |sent| sent.min(limit))
    }

    async fn serve(&self, routes: Routes, request: Request<Body>, timed: Timed) -> Response<Body> {
        let (called, started) = (timed.called, Instant::now());
        let method = called.name();
        let id = trace::request_id(text(request.headers(), REQUEST_ID));
        let exported = match called {
            Called::Tax { .. } => tracing::info_span!(
                target: trace::TARGET, "call", otel.kind = "server", otel.name = method,
                rpc.system = "grpc", rpc.method = method, rpc.grpc.status_code = field::Empty,
            ),
            _ => Span::none(),
        };
        let sent = text(request.headers(), "traceparent").and_then(|value| value.parse().ok());
        let trace = trace::below(&exported, sent).unwrap_or_else(trace::unsent);
        let trace_id = format!("{:032x}", trace.id);
        let span = tracing::error_span!("call", request_id = %id, trace_id, caller = field::Empty);
        let origin = Origin {
            trace: Some(trace),
            request: Some(id.as_str().into()),
        };
        let work = async {
            let response = self.respond(routes, request, timed).await;
            let status = response.extensions().get::<Status>();
            let code = status.map_or(Code::Ok, Status::code);
            let ms = u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX);
            metrics::tax_grpc(method, name(code), started.elapsed());
            if matches!(called, Called::Probe(_)) && code == Code::Ok {
                tracing::debug!(method, status = name(code), ms, "call completed");
            } else {
                tracing::info!(method, status = name(code), ms, "call completed");
            }
            (response, code)
        };
        let work = trace::within(origin, work.instrument(span));
        let (mut response, code) = work.instrument(exported.clone()).await;
        exported.record("rpc.grpc.status_code", code as i32);
        if let Ok(value) = HeaderValue::from_str(&id) {
            response.headers_mut().insert(REQUEST_ID, value);
        }
        response
    }

    async fn respond(
        &self,
        mut routes: Routes,
        mut request: Request<Body>,
        timed: Timed,
    ) -> Response<Body> {
        if let Called::Tax { scope, .. } = timed.called
            && let Err(status) = self.admit(&mut request, scope).await
        {
            return status.into_http();
        }
        // After a panic, nothing that the handler owned is used again.
        let work = AssertUnwindSafe(routes.call(request)).catch_unwind();
        let response = match tokio::time::timeout_at(timed.until, work).await {
            Ok(Ok(Ok(response))) => response,
            Ok(Ok(Err(never))) => match never {},
            Ok(Err(panic)) => status::panicked(&*panic).into_http(),
            Err(_) => {
                let text = format!(
                    "no response within {:?}: the call may still take effect, repeat it with the same \
                     idempotency-key",
                    timed.limit
                );
                coded(Code::DeadlineExceeded, "timeout", text).into_http()
            }
        };
        let status = response.extensions().get::<Status>();
        match status.and_then(|status| self.too_large(status)) {
            Some(status) => status.into_http(),
            None => response,
        }
    }

    /// The status with a remedy if it is that of a message above the maximum.
    fn too_large(&self, status: &Status) -> Option<Status> {
        let is_size = status.code() == Code::OutOfRange
            && status.message().contains("message length too large");
        is_size.then(|| {
            let text = format!(
                "a message must have at most {} bytes (tax.server.max_message_bytes): send the rows of a large table \
                 in several messages with StreamStoreTaxCodeData",
                self.max_message_bytes
            );
            coded(Code::ResourceExhausted, "body_too_large", text)
        })
    }

    /// Adds the caller to the request, if it has the scope.
    async fn admit(&self, request: &mut Request<Body>, scope: Scope) -> Result<(), Status> {
        // Remove the credentials before anything else sees the request.
        let credentials = take_credentials(request.headers_mut())?;
        let caller = match (credentials, &self.identity) {
            // Reject invalid credentials even if calls without any are allowed.
            (Some(credentials), _) => self.caller(&credentials).await?,
            (None, Some(identity)) => identity.clone(),
            (None, None) => return Err(unauthenticated()),
        };
        Span::current().record("caller", &*caller.log_name);
        if caller.scope < scope {
            let text = format!(
                "this call needs the scope `{}`; the caller has `{}`",
                scope.name(),
                caller.scope.name()
            );
            return Err(coded(Code::PermissionDenied, "forbidden", text));
        }
        request.extensions_mut().insert(caller);
        Ok(())
    }

    async fn caller(&self, credentials: &str) -> Result<Caller, Status> {
        let tokens = self.tokens.as_deref();
        let caller = self.app.access.caller(credentials, tokens).await;
        caller.map_err(|fault| match fault {
            CredentialFault::Rejected(why) => rejected(why),
            CredentialFault::Powerless(why) => coded(Code::PermissionDenied, "forbidden", why),
            CredentialFault::IssuerUnavailable(cause) => status::internal(
                Code::Unavailable,
                "issuer_unavailable",
                "the token issuer does not respond: repeat the call later, or use an API key",
                &cause,
            ),
            CredentialFault::Failed(error) => status::of(error),
        })
    }
}

/// The value of a header that occurs once.
fn text<'h>(headers: &'h HeaderMap, name: &str) -> Option<&'h str> {
    headers.get(name)?.to_str().ok()
}

fn take_credentials(headers: &mut HeaderMap) -> Result<Option<String>, Status> {
    let values: Vec<_> = headers.get_all(AUTHORIZATION).iter().cloned().collect();
    headers.remove(AUTHORIZATION);
    match values.as_slice() {
        [] => Ok(None),
        [value] => match value.to_str().ok().and_then(bearer) {
            Some(text) => Ok(Some(text.to_owned())),
            None => Err(rejected(
                "`authorization` is not `Bearer` with a key or a token",
            )),
        },
        _ => Err(rejected("several values of `authorization`")),
    }
}

/// The status of invalid credentials. It is always the same; only the log has the reason.
fn rejected(why: &str) -> Status {
    tracing::info!(why, "credentials rejected");
    unauthenticated()
}

fn unauthenticated() -> Status {
    let text = "authentication required: send the metadata `authorization: Bearer` with a valid key or token";
    coded(Code::Unauthenticated, "unauthorized", text)
}

/// The name of a code, as the specification of gRPC writes it.
const fn name(code: Code) -> &'static str {
    match code {
        Code::Ok => "OK",
        Code::Cancelled => "CANCELLED",
        Code::Unknown => "UNKNOWN",
        Code::InvalidArgument => "INVALID_ARGUMENT",
        Code::DeadlineExceeded => "DEADLINE_EXCEEDED",
        Code::NotFound => "NOT_FOUND",
        Code::AlreadyExists => "ALREADY_EXISTS",
        Code::PermissionDenied => "PERMISSION_DENIED",
        Code::ResourceExhausted => "RESOURCE_EXHAUSTED",
        Code::FailedPrecondition => "FAILED_PRECONDITION",
        Code::Aborted => "ABORTED",
        Code::OutOfRange => "OUT_OF_RANGE",
        Code::Unimplemented => "UNIMPLEMENTED",
        Code::Internal => "INTERNAL",
        Code::Unavailable => "UNAVAILABLE",
        Code::DataLoss => "DATA_LOSS",
        Code::Unauthenticated => "UNAUTHENTICATED",
    }
}
