//! What a collector is told of deliveries: a span for each document, in the trace of its event.
//!
//! It has the directory and the outcome; the document's name, which a plugin made up, stays here.

use galleria_app::records::DocumentRow;
use galleria_app::{App, trace};
use std::collections::BTreeMap;
use tracing::Span;
use tracing::field::Empty;

/// Spans of a batch by the document's id; they end with it. None where nobody collects.
#[derive(Default)]
pub(crate) struct Told(BTreeMap<String, Span>);

impl Told {
    /// Begins the spans of documents whose events belong to a trace.
    pub(crate) async fn of(app: &App, documents: &[DocumentRow]) -> Self {
        if !trace::is_collected() {
            return Self::default();
        }
        let mut events: Vec<String> = documents.iter().map(|one| one.event_id.clone()).collect();
        events.sort_unstable();
        events.dedup();
        // Without its traces a batch is delivered none the worse.
        let traces = app.traces_of(events).await.unwrap_or_default();
        let spans = documents.iter().filter_map(|document| {
            let cause = *traces.get(&document.event_id)?;
            let span = tracing::info_span!(
                target: trace::TARGET, "deliver document", otel.kind = "producer",
                directory = document.directory, outcome = Empty, otel.status_code = Empty,
            );
            trace::below(&span, Some(cause));
            Some((document.id.clone(), span))
        });
        Self(spans.collect())
    }

    /// These have ended so.
    pub(crate) fn ended<'a>(&self, ids: impl Iterator<Item = &'a str>, outcome: &str) {
        for span in ids.filter_map(|id| self.0.get(id)) {
            span.record("outcome", outcome);
            if outcome != "delivered" {
                span.record("otel.status_code", "ERROR");
            }
        }
    }
}
