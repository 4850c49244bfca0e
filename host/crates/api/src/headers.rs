//! Headers that every answer has, pages that may ask, and the trace a request belongs to.

use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, header};
use galleria_domain::trace::Trace;
use std::time::Duration;
use tower_http::cors::{AllowOrigin, CorsLayer};

/// For browsers: an answer is data, never a page in somebody's frame, and kept nowhere. A route that
/// serves a page sets its own.
const SAFE: [(HeaderName, HeaderValue); 5] = [
    (
        header::X_CONTENT_TYPE_OPTIONS,
        HeaderValue::from_static("nosniff"),
    ),
    (header::X_FRAME_OPTIONS, HeaderValue::from_static("DENY")),
    (
        header::CONTENT_SECURITY_POLICY,
        HeaderValue::from_static("default-src 'none'; frame-ancestors 'none'"),
    ),
    (
        header::REFERRER_POLICY,
        HeaderValue::from_static("no-referrer"),
    ),
    (header::CACHE_CONTROL, HeaderValue::from_static("no-store")),
];

/// Adds what a browser must know, where the route said nothing else.
pub(crate) fn secure(headers: &mut HeaderMap) {
    for (name, value) in SAFE {
        headers.entry(name).or_insert(value);
    }
}

/// Lets pages of these origins ask; none where there are none.
pub(crate) fn cors(origins: &[String]) -> Option<CorsLayer> {
    let origins: Vec<HeaderValue> = origins.iter().filter_map(|one| one.parse().ok()).collect();
    if origins.is_empty() {
        return None;
    }
    let own = HeaderName::from_static;
    let layer = CorsLayer::new()
        .allow_origin(AllowOrigin::list(origins))
        .allow_methods([
            Method::GET,
            Method::POST,
            Method::PUT,
            Method::PATCH,
            Method::DELETE,
        ])
        .allow_headers([
            header::AUTHORIZATION,
            header::CONTENT_TYPE,
            own("idempotency-key"),
            own("traceparent"),
            own("x-request-id"),
        ])
        .expose_headers([
            header::RETRY_AFTER,
            own("idempotency-replayed"),
            own("x-request-id"),
        ])
        .max_age(Duration::from_secs(3_600));
    Some(layer)
}

/// The trace that a request belongs to, where its caller tells one.
pub(crate) fn trace(headers: &HeaderMap) -> Option<Trace> {
    let given = headers.get("traceparent")?;
    given.to_str().ok()?.parse().ok()
}
