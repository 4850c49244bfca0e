//! The request and the trace that some work belongs to, down to what is written because of it.
//!
//! Owns: what is handed on where work leaves its task, and the spans that are exported: those of
//! [`TARGET`], which nothing else has. So what a log line or a library's span holds is never sent to a
//! collector, and without one the spans are not even made. Never has a person's data, a setting, or
//! anything a sensitive point was asked, in a span.

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

/// What caused the work in hand; what it appends to the log keeps it.
pub fn current() -> Origin {
    CURRENT.try_with(Origin::clone).unwrap_or_default()
}

/// Does some work for what caused it.
pub async fn within<F: Future>(origin: Origin, work: F) -> F::Output {
    CURRENT.scope(origin, work).await
}

/// Puts a span below the one that caused it, and answers what continues from here: the span where it
/// is exported, otherwise who caused it.
pub fn below(span: &Span, cause: Option<Trace>) -> Option<Trace> {
    if span.is_disabled() {
        return cause;
    }
    if let Some(cause) = cause {
        let (id, parent) = (TraceId::from(cause.id), SpanId::from(cause.span));
        let flags = TraceFlags::new(cause.flags);
        let remote = SpanContext::new(id, parent, flags, true, TraceState::default());
        // The span is new, and a subscriber without exporter has nothing to set.
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

/// Whether anybody collects spans here: otherwise nothing has to be looked up for them.
pub fn is_collected() -> bool {
    tracing::span_enabled!(target: TARGET, tracing::Level::INFO)
}

/// A trace that nobody collects, so that log lines and events belong together nevertheless.
pub fn unsent() -> Trace {
    let (id, span) = (Uuid::new_v4().as_u128(), Uuid::new_v4().as_u64_pair().0);
    Trace { id, span, flags: 0 }
}
