//! Response headers, CORS, and the trace context of a request.

use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, header};
use galleria_domain::trace::Trace;
use std::time::Duration;
use tower_http::cors::{AllowOrigin, CorsLayer};

/// Security headers for browsers: a response is data, never framed and never cached. A route that serves a
/// page sets its own.
const SECURITY: [(HeaderName, HeaderValue); 5] = [
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

/// Adds the security headers that the route did not set.
pub(crate) fn add_security(headers: &mut HeaderMap) {
    for (name, value) in SECURITY {
        headers.entry(name).or_insert(value);
    }
}

/// CORS for these origins; `None` if there are none.
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

/// The trace context that the caller sent.
pub(crate) fn trace(headers: &HeaderMap) -> Option<Trace> {
    let value = headers.get("traceparent")?;
    value.to_str().ok()?.parse().ok()
}
