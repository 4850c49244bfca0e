//! Headers that every answer has, pages that may ask, and the trace a request belongs to.

use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, header};
use std::time::Duration;
use tower_http::cors::{AllowOrigin, CorsLayer};
use uuid::Uuid;

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

/// The trace that a request belongs to, W3C Trace Context: the caller's from `traceparent`, or a new one.
pub(crate) fn trace_id(headers: &HeaderMap) -> String {
    let given = headers
        .get("traceparent")
        .and_then(|value| value.to_str().ok())
        .and_then(trace_of);
    given.map_or_else(|| Uuid::new_v4().simple().to_string(), ToOwned::to_owned)
}

/// `00-<32 hex>-<16 hex>-<2 hex>`; later versions may have more behind it.
fn trace_of(text: &str) -> Option<&str> {
    let mut parts = text.split('-');
    let hex = |part: &str, length: usize| {
        part.len() == length
            && part
                .bytes()
                .all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
    };
    let (version, trace) = (parts.next()?, parts.next()?);
    let (parent, flags) = (parts.next()?, parts.next()?);
    let shaped = hex(version, 2) && hex(trace, 32) && hex(parent, 16) && hex(flags, 2);
    let known = version != "ff" && (version != "00" || parts.next().is_none());
    let some = |id: &str| id.bytes().any(|byte| byte != b'0');
    (shaped && known && some(trace) && some(parent)).then_some(trace)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_trace_goes_on_where_its_header_is_whole() {
        let trace = "4bf92f3577b34da6a3ce929d0e0e4736";
        let good = format!("00-{trace}-00f067aa0ba902b7-01");
        assert_eq!(trace_of(&good), Some(trace));
        assert_eq!(trace_of(&format!("01{}-more", &good[2..])), Some(trace));
        let zero = "0".repeat(32);
        for bad in [
            String::new(),
            good.to_uppercase(),
            good.replace(trace, &zero),
            format!("{good}-more"),
            format!("ff{}", &good[2..]),
            good.replace("00f067aa0ba902b7", "00f067aa0ba902b"),
        ] {
            assert_eq!(trace_of(&bad), None, "{bad}");
        }
        assert_eq!(trace_id(&HeaderMap::new()).len(), 32);
    }
}
