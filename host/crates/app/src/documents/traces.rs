//! Looks up the traces of events.

use crate::documents::Documents;
use galleria_domain::trace::Trace;
use galleria_ports::Error;
use galleria_ports::in_tx;
use std::collections::BTreeMap;

impl Documents {
    /// The traces of events by event id. Events without a trace are omitted.
    pub async fn traces(&self, events: Vec<String>) -> Result<BTreeMap<String, Trace>, Error> {
        self.core
            .records
            .read(in_tx!(|tx, events| {
                let mut traces = BTreeMap::new();
                for id in events {
                    let event = tx.event_get(&id).await?;
                    if let Some(trace) = event.and_then(|event| event.origin.trace) {
                        traces.insert(id, trace);
                    }
                }
                Ok(traces)
            }))
            .await
    }
}
