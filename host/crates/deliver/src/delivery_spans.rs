//! Trace spans of deliveries: one for each document, in the trace of its event.
//!
//! A span has the directory and the outcome. It never has the document's name, because a plugin chose it.

use galleria_app::App;
use galleria_ports::records::DocumentRow;
use galleria_ports::trace;
use std::collections::BTreeMap;
use tracing::Span;
use tracing::field::Empty;

/// The spans of a batch, by the document's id. They end when this is dropped. Empty if traces are not exported.
#[derive(Default)]
pub(crate) struct DeliverySpans(BTreeMap<String, Span>);

impl DeliverySpans {
    /// Begins a span for each document whose event belongs to a trace.
    pub(crate) async fn begin(app: &App, documents: &[DocumentRow]) -> Self {
        if !trace::is_collected() {
            return Self::default();
        }
        let mut events: Vec<String> = documents.iter().map(|one| one.event_id.clone()).collect();
        events.sort_unstable();
        events.dedup();
        // A batch is delivered without spans if the traces cannot be read.
        let traces = app.documents.traces(events).await.unwrap_or_default();
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

    /// Records the outcome of these documents.
    pub(crate) fn end<'a>(&self, ids: impl Iterator<Item = &'a str>, outcome: &str) {
        for span in ids.filter_map(|id| self.0.get(id)) {
            span.record("outcome", outcome);
            if outcome != "delivered" {
                span.record("otel.status_code", "ERROR");
            }
        }
    }
}
