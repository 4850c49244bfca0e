//! What happens to every request alike: its id and trace, its client, its time, its line in the log.
//!
//! Owns: the one place where a problem gets its body and is logged, and where a panic ends. Never
//! logs: bodies, query strings, keys, or paths that are no route of ours.

use crate::health::Parts;
use crate::problem::{self, Problem};
use crate::serve::ApiState;
use crate::{headers, limits, members, upload};
use axum::extract::{ConnectInfo, MatchedPath, Request, State};
use axum::http::header::CONNECTION;
use axum::http::{HeaderMap, HeaderValue, Method};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use futures_util::FutureExt as _;
use galleria_app::{figures, trace};
use galleria_domain::trace::Origin;
use std::any::Any;
use std::net::SocketAddr;
use std::panic::AssertUnwindSafe;
use std::time::Instant;
use tracing::{Instrument as _, Span, field};

/// Probes and scrapes come from the house's own machines, and must not be refused.
const FREE: [&str; 3] = ["/healthz", "/readyz", "/metrics"];

const REQUEST_ID: &str = "x-request-id";

/// The outermost layer of every route and of what is no route.
pub(crate) async fn edge(State(state): State<ApiState>, request: Request, next: Next) -> Response {
    let id = request_id(request.headers());
    let told = exported(&request);
    let route = request.extensions().get::<MatchedPath>();
    let sensitive = route.is_some_and(|route| route.as_str() == members::IDENTIFY);
    let trace = trace::below(&told, headers::trace(request.headers()));
    let trace = trace.unwrap_or_else(trace::unsent);
    // An error's span, so that its id stands on every line however quiet the log is set.
    let trace_id = format!("{:032x}", trace.id);
    let span = tracing::error_span!("request", request_id = %id, trace_id, caller = field::Empty);
    let work = answered(&state, request, next, &id).instrument(span);
    let origin = Origin {
        trace: Some(trace),
        request: Some(id.as_str().into()),
    };
    let work = trace::within(origin, work).instrument(told.clone());
    let mut response = work.await;
    if !sensitive {
        told.record("http.response.status_code", response.status().as_u16());
    }
    if let Ok(value) = HeaderValue::from_str(&id) {
        response.headers_mut().insert(REQUEST_ID, value);
    }
    headers::secure(response.headers_mut());
    if state.draining.is_cancelled() {
        // Whoever asks again does so elsewhere: a request that meets the end of its connection would be
        // lost without a word.
        let close = HeaderValue::from_static("close");
        response.headers_mut().insert(CONNECTION, close);
    }
    response
}

/// What a collector is told of a request: its method and the pattern of its route, nothing sent; of a
/// sensitive point not even how it ended. Probes and scrapes would bury everything else.
fn exported(request: &Request) -> Span {
    let route = request.extensions().get::<MatchedPath>();
    let route = route.map_or("none", MatchedPath::as_str);
    if FREE.contains(&route) {
        return Span::none();
    }
    let method = told(request.method());
    tracing::info_span!(
        target: trace::TARGET, "request", otel.kind = "server",
        otel.name = format_args!("{method} {route}"), http.request.method = method,
        http.route = route, http.response.status_code = field::Empty,
    )
}

async fn answered(state: &ApiState, request: Request, next: Next, id: &str) -> Response {
    let began = Instant::now();
    let method = request.method().clone();
    let route = request.extensions().get::<MatchedPath>().cloned();
    let route = route.as_ref().map_or("none", MatchedPath::as_str);
    let within = match upload::ROUTES.contains(&route) {
        true => state.config.uploads.timeout,
        false => state.config.timeout,
    };
    let counted = here(state, route).and_then(|()| counted(state, route, &request));
    // Nothing a handler holds is looked at again after its panic.
    let work = AssertUnwindSafe(next.run(request)).catch_unwind();
    let mut response = match counted {
        Err(refused) => refused.into_response(),
        Ok(()) => match tokio::time::timeout(within, work).await {
            Ok(Ok(response)) => response,
            Ok(Err(panic)) => Problem::panicked(words(&*panic)).into_response(),
            Err(_) => Problem::late(within).into_response(),
        },
    };
    let problem = response.extensions_mut().remove::<Problem>();
    let code = problem.as_ref().map(|problem| problem.kind.code);
    if let Some(problem) = problem {
        if let Some(cause) = &problem.cause {
            tracing::error!(code, cause = &**cause, "a request failed");
        }
        let parts = response.extensions_mut().remove::<Parts>();
        response = problem::rendered(&problem, parts, response, id);
    }
    let (status, took) = (response.status().as_u16(), began.elapsed());
    figures::request(told(&method), route, status, code, took);
    let ms = u64::try_from(took.as_millis()).unwrap_or(u64::MAX);
    if FREE.contains(&route) && status < 400 {
        // Probes and scrapes come every few seconds and would bury everything else.
        tracing::debug!(%method, route, status, ms, "answered");
    } else {
        tracing::info!(%method, route, status, code, ms, "answered");
    }
    response
}

/// Refuses everything but probes and scrapes in a process that is there for something else.
fn here(state: &ApiState, route: &str) -> Result<(), Problem> {
    if state.config.serves_api() || FREE.contains(&route) {
        return Ok(());
    }
    let detail = "this host has other roles than `api`: ask another one";
    Err(Problem::new(problem::NO_ROUTE, detail))
}

/// Counts a request of a client. Who cannot be told apart is not counted.
fn counted(state: &ApiState, route: &str, request: &Request) -> Result<(), Problem> {
    let peer = request.extensions().get::<ConnectInfo<SocketAddr>>();
    let (Some(rates), Some(peer), false) = (&state.rates, peer, FREE.contains(&route)) else {
        return Ok(());
    };
    let proxies = &state.config.trusted_proxies;
    rates.count(limits::client(peer.0.ip(), request.headers(), proxies))
}

/// A method as a label: callers may make up others, as many as they like.
fn told(method: &Method) -> &'static str {
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

/// The caller's id where it is harmless in a log and a header; a new one otherwise.
fn request_id(headers: &HeaderMap) -> String {
    let given = headers
        .get(REQUEST_ID)
        .and_then(|value| value.to_str().ok());
    let harmless = |id: &&str| {
        (1..=128).contains(&id.len())
            && id
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || b"-_.:/".contains(&byte))
    };
    given
        .filter(harmless)
        .map_or_else(|| uuid::Uuid::now_v7().to_string(), ToOwned::to_owned)
}

fn words(panic: &(dyn Any + Send)) -> String {
    let text = panic
        .downcast_ref::<&str>()
        .map(|text| (*text).to_owned())
        .or_else(|| panic.downcast_ref::<String>().cloned());
    text.unwrap_or_else(|| "a panic without words".into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_that_could_harm_a_log_is_replaced() {
        let with = |value: &'static str| {
            let mut headers = HeaderMap::new();
            headers.insert(REQUEST_ID, HeaderValue::from_static(value));
            request_id(&headers)
        };
        assert_eq!(with("till-7/0001"), "till-7/0001");
        for bad in ["", "a b", "a\"b", "{}"] {
            assert_ne!(with(bad), bad);
            assert_eq!(with(bad).len(), 36);
        }
        assert_eq!(request_id(&HeaderMap::new()).len(), 36);
    }
}
