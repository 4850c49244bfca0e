//! The outermost middleware: request id, trace, rate limit, timeout, log line, body of problems.
//!
//! Owns: the one place that writes and logs problems and that catches panics. Never logs: bodies, query
//! strings, keys, or paths that are not routes.

use crate::access::route::RouteKind;
use crate::part::Parts;
use crate::problem::{self, Problem};
use crate::problem_kinds::NO_ROUTE;
use crate::state::ApiState;
use crate::{headers, limits};
use axum::extract::{ConnectInfo, MatchedPath, Request, State};
use axum::http::header::CONNECTION;
use axum::http::{HeaderValue, Method};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use futures_util::FutureExt as _;
use galleria_domain::trace::Origin;
use galleria_ports::metrics;
use galleria_ports::trace;
use std::any::Any;
use std::net::SocketAddr;
use std::panic::AssertUnwindSafe;
use std::time::Instant;
use tracing::{Instrument as _, Span, field};

const REQUEST_ID: &str = "x-request-id";

/// The route in logs and metrics of a request that matches none.
const NO_PATTERN: &str = "none";

/// Wraps every route and the fallback.
pub(crate) async fn edge(State(state): State<ApiState>, request: Request, next: Next) -> Response {
    let sent = request.headers().get(REQUEST_ID);
    let id = trace::request_id(sent.and_then(|value| value.to_str().ok()));
    let route = request.extensions().get::<MatchedPath>().cloned();
    let route = route.as_ref().map_or(NO_PATTERN, MatchedPath::as_str);
    let kind = state.access.kind(route);
    let exported = exported_span(&request, route, kind);
    let trace = trace::below(&exported, headers::trace(request.headers()));
    let trace = trace.unwrap_or_else(trace::unsent);
    // An error-level span, so that every line has the trace id at any log level.
    let trace_id = format!("{:032x}", trace.id);
    let span = tracing::error_span!("request", request_id = %id, trace_id, caller = field::Empty);
    let work = respond(&state, request, next, &id, route, kind).instrument(span);
    let origin = Origin {
        trace: Some(trace),
        request: Some(id.as_str().into()),
    };
    let work = trace::within(origin, work).instrument(exported.clone());
    let mut response = work.await;
    if kind != RouteKind::Sensitive {
        exported.record("http.response.status_code", response.status().as_u16());
    }
    if let Ok(value) = HeaderValue::from_str(&id) {
        response.headers_mut().insert(REQUEST_ID, value);
    }
    headers::add_security(response.headers_mut());
    if state.draining.is_cancelled() {
        // The client must connect to another host: a request on a connection that is about to close would
        // be lost.
        let close = HeaderValue::from_static("close");
        response.headers_mut().insert(CONNECTION, close);
    }
    response
}

/// The span that is exported to a trace collector: method and route pattern, nothing that the caller sent.
/// Probes are not exported: they would bury everything else.
fn exported_span(request: &Request, route: &str, kind: RouteKind) -> Span {
    if kind == RouteKind::Probe {
        return Span::none();
    }
    let method = method_label(request.method());
    tracing::info_span!(
        target: trace::TARGET, "request", otel.kind = "server",
        otel.name = format_args!("{method} {route}"), http.request.method = method,
        http.route = route, http.response.status_code = field::Empty,
    )
}

async fn respond(
    state: &ApiState,
    request: Request,
    next: Next,
    id: &str,
    route: &str,
    kind: RouteKind,
) -> Response {
    let started = Instant::now();
    let method = request.method().clone();
    let limit = match kind {
        RouteKind::Upload => state.config.uploads.timeout,
        _ => state.config.timeout,
    };
    let checked = check_role(state, kind).and_then(|()| check_rate(state, &request, kind));
    // After a panic, nothing that the handler owned is used again.
    let work = AssertUnwindSafe(next.run(request)).catch_unwind();
    let mut response = match checked {
        Err(problem) => problem.into_response(),
        Ok(()) => match tokio::time::timeout(limit, work).await {
            Ok(Ok(response)) => response,
            Ok(Err(panic)) => Problem::panicked(panic_message(&*panic)).into_response(),
            Err(_) => Problem::timed_out(limit).into_response(),
        },
    };
    let problem = response.extensions_mut().remove::<Problem>();
    let code = problem.as_ref().map(|problem| problem.kind.code);
    if let Some(problem) = problem {
        if let Some(cause) = &problem.cause {
            tracing::error!(code, cause = &**cause, "request failed");
        }
        let parts = response.extensions_mut().remove::<Parts>();
        response = problem::with_body(&problem, parts, response, id);
    }
    let (status, elapsed) = (response.status().as_u16(), started.elapsed());
    metrics::request(method_label(&method), route, status, code, elapsed);
    let ms = u64::try_from(elapsed.as_millis()).unwrap_or(u64::MAX);
    if kind == RouteKind::Probe && status < 400 {
        // Probes come every few seconds and would bury everything else.
        tracing::debug!(%method, route, status, ms, "request completed");
    } else {
        tracing::info!(%method, route, status, code, ms, "request completed");
    }
    response
}

/// Rejects everything but probes in a process without the role `api`.
fn check_role(state: &ApiState, kind: RouteKind) -> Result<(), Problem> {
    if state.config.serves_routes() || kind == RouteKind::Probe {
        return Ok(());
    }
    let detail = "this process does not have the role `api`: send the request to another host";
    Err(Problem::new(NO_ROUTE, detail))
}

/// Counts a request of a client. Requests without a peer address are not counted.
fn check_rate(state: &ApiState, request: &Request, kind: RouteKind) -> Result<(), Problem> {
    let peer = request.extensions().get::<ConnectInfo<SocketAddr>>();
    let (Some(rates), Some(peer), false) = (&state.rates, peer, kind == RouteKind::Probe) else {
        return Ok(());
    };
    let proxies = &state.config.trusted_proxies;
    rates.check(limits::client(peer.0.ip(), request.headers(), proxies))
}

/// A method as a metric label: callers could invent any number of others.
fn method_label(method: &Method) -> &'static str {
    match *method {
        Method::GET => "GET",
        Method::POST => "POST",
        Method::PUT => "PUT",
        Method::DELETE => "DELETE",
        Method::PATCH => "PATCH",
        Method::HEAD => "HEAD",
        Method::OPTIONS => "OPTIONS",
        _ => "other",
    }
}

fn panic_message(panic: &(dyn Any + Send)) -> &str {
    let message = panic.downcast_ref::<&str>().copied();
    let message = message.or_else(|| panic.downcast_ref::<String>().map(String::as_str));
    message.unwrap_or("no message")
}
