//! The origin of the current work: its request and its trace.
//!
//! Owns: how the origin is passed on when work leaves its task, and which spans are exported: only those with
//! the target [`TARGET`]. So log lines and spans of libraries are never sent to a collector, and without a
//! collector no span is created. A span never contains personal data, settings, or the input of a sensitive
//! point.

use galleria_domain::trace::{Origin, Trace};
use opentelemetry::trace::{SpanContext, TraceContextExt as _, TraceFlags, TraceState};
use opentelemetry::{Context, SpanId, TraceId};
use tracing::Span;
use tracing_opentelemetry::OpenTelemetrySpanExt as _;
use uuid::Uuid;

/// The target of every span that is exported.
pub const TARGET: &str = "galleria_trace";

tokio::task_local! {
    static CURRENT: Origin;
}

/// The origin of the current work, which is stored with the events that the work appends.
pub fn current() -> Origin {
    CURRENT.try_with(Origin::clone).unwrap_or_default()
}

/// Runs work with an origin.
pub async fn within<F: Future>(origin: Origin, work: F) -> F::Output {
    CURRENT.scope(origin, work).await
}

/// Makes a span the child of its cause. Returns the parent for further work: the span if it is exported,
/// otherwise the cause.
pub fn below(span: &Span, cause: Option<Trace>) -> Option<Trace> {
    if span.is_disabled() {
        return cause;
    }
    if let Some(cause) = cause {
        let (id, parent) = (TraceId::from(cause.id), SpanId::from(cause.span));
        let flags = TraceFlags::new(cause.flags);
        let remote = SpanContext::new(id, parent, flags, true, TraceState::default());
        // Ignore the error of a subscriber without an exporter.
        let _ = span.set_parent(Context::new().with_remote_span_context(remote));
    }
    let context = span.context();
    let own = context.span().span_context().clone();
    if !own.is_valid() {
        return cause;
    }
    Some(Trace {
        id: u128::from_be_bytes(own.trace_id().to_bytes()),
        span: u64::from_be_bytes(own.span_id().to_bytes()),
        flags: own.trace_flags().to_u8(),
    })
}

/// Whether spans are exported; if not, data for them need not be read.
pub fn is_collected() -> bool {
    tracing::span_enabled!(target: TARGET, tracing::Level::INFO)
}

/// A new trace that is not sampled, so that log lines and events can still be correlated.
pub fn unsent() -> Trace {
    let (id, span) = (Uuid::new_v4().as_u128(), Uuid::new_v4().as_u64_pair().0);
    Trace { id, span, flags: 0 }
}

/// The id of a request: that of the caller if it is safe in a log and a header, otherwise a new one.
pub fn request_id(sent: Option<&str>) -> String {
    let safe = |id: &&str| {
        (1..=128).contains(&id.len())
            && id
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || b"-_.:/".contains(&byte))
    };
    sent.filter(safe)
        .map_or_else(|| Uuid::now_v7().to_string(), ToOwned::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unsafe_request_id_is_replaced() {
        assert_eq!(request_id(Some("till-7/0001")), "till-7/0001");
        for value in ["", "a b", "a\"b", "{}"] {
            assert_ne!(request_id(Some(value)), value);
            assert_eq!(request_id(Some(value)).len(), 36);
        }
        assert_eq!(request_id(None).len(), 36);
    }
}
