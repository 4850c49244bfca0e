//! Applies a decision. Its effects, the journal and the position of the group are one transaction.

use super::attempt::attempt;
use super::prepare::{PreparedCall, order_of, paid, take_turn};
use super::{Item, Progress, retry};
use crate::events::Events;
use crate::shared_texts::put_texts;
use galleria_domain::guest_values::size_of_decision;
use galleria_domain::plugin::Point;
use galleria_domain::shares::write_cost;
use galleria_domain::{Decision, Digest, NewEvent};
use galleria_ports::Error;
use galleria_ports::in_tx;
use galleria_ports::plugins::Usage;
use galleria_ports::records::{
    Claim, DocumentRow, DocumentState, JournalRow, Outcome, OutgoingRow, ReceiptRow, Tx,
};
use jiff::Timestamp;
use serde_json::{Value, json};
use std::sync::Arc;
use std::time::Duration;

/// Everything that one transaction writes for a decision. It is built before the transaction, which
/// may be repeated.
struct Application {
    item: Item,
    progress: Progress,
    now: Timestamp,
    wakes: Option<String>,
    journal: JournalRow,
    blobs: Vec<(Digest, String)>,
    documents: Vec<DocumentRow>,
    events: Vec<NewEvent>,
    requests: Vec<OutgoingRow>,
    receipts: Vec<ReceiptRow>,
}

impl Events {
    pub(super) async fn apply(
        &self,
        item: &Item,
        prepared: &PreparedCall,
        decision: &Decision,
        usage: Usage,
        progress: Progress,
    ) -> Result<(), Error> {
        let application = Arc::new(self.application(item, prepared, decision, usage, progress));
        let documents = !application.documents.is_empty();
        // The log has grown only for its readers: nobody may read the topic of a publication here.
        let mut topics = application.events.iter().map(|event| &event.topic);
        let grew = topics.any(|topic| self.policy.is_read(topic));
        let now = application.now;
        let written = self
            .core
            .records
            .write(in_tx!(|tx, application| write(tx, &application).await))
            .await;
        let woken = self.stored_settings(written, prepared, now)?;
        if documents {
            self.core.document_decided.notify();
        }
        if woken {
            self.core.parked_woke.notify();
        }
        if grew {
            self.core.log_grew.notify();
        }
        Ok(())
    }

    /// Remembers that the settings of an attempt are stored, if its transaction was committed.
    pub(super) fn stored_settings<T>(
        &self,
        written: Result<T, Error>,
        prepared: &PreparedCall,
        now: Timestamp,
    ) -> Result<T, Error> {
        match &written {
            Ok(_) => self.core.settings.stored(&prepared.context.settings, now),
            Err(Error::Records { .. }) => self.core.settings.forget(),
            Err(_) => {}
        }
        written
    }

    fn application(
        &self,
        item: &Item,
        prepared: &PreparedCall,
        decision: &Decision,
        usage: Usage,
        progress: Progress,
    ) -> Application {
        let now = self.core.clock.now();
        let Decision {
            documents,
            publications,
            requests,
            receipts,
            notes: _,
        } = decision;
        let row_id = |index: usize| format!("{}/{}/{index}", item.event.id, item.subscriber);
        let events = publications
            .iter()
            .enumerate()
            .map(|(index, publication)| NewEvent {
                id: row_id(index),
                topic: publication.topic.clone(),
                key: publication.key.clone(),
                store: Some(prepared.store.id.clone()),
                data: publication.data.clone(),
            });
        let events = events.collect();
        let summary = summary(decision).to_string();
        let digest = Digest::of(summary.as_bytes());
        let (mut journal, mut blobs) = attempt(item, prepared, usage, &self.core.settings, now);
        journal.outcome = "applied".into();
        journal.decision = Some(digest.to_string());
        blobs.push((digest, summary));
        let wakes = match (prepared.argument.point(), &prepared.order_id) {
            (Point::OnPayment, Some(order_id)) => Some(paid(order_id)),
            _ => None,
        };
        Application {
            item: item.clone(),
            progress,
            now,
            wakes,
            journal,
            blobs,
            documents: documents
                .iter()
                .enumerate()
                .map(|(index, document)| DocumentRow {
                    id: Digest::of(row_id(index).as_bytes()).as_str()[..32].to_owned(),
                    event_id: item.event.id.clone(),
                    subscriber: item.subscriber.clone(),
                    retailer: prepared.store.retailer.clone(),
                    store_id: prepared.store.id.clone(),
                    order_id: prepared.order_id.clone(),
                    directory: document.directory.clone(),
                    folder: prepared
                        .plugin
                        .slot
                        .folder(&document.directory, &prepared.store.id)
                        .to_owned(),
                    name: document.name.clone(),
                    media_type: document.media_type.clone(),
                    size: i64::try_from(document.body.len()).unwrap_or(i64::MAX),
                    digest: Digest::of(&document.body).to_string(),
                    body: Some(document.body.clone()),
                    state: DocumentState::Pending,
                    created_at: now,
                })
                .collect(),
            events,
            requests: requests
                .iter()
                .enumerate()
                .map(|(index, request)| OutgoingRow {
                    id: row_id(index),
                    event_id: item.event.id.clone(),
                    subscriber: item.subscriber.clone(),
                    store_id: prepared.store.id.clone(),
                    order_id: prepared.order_id.clone(),
                    request: json!(request).to_string(),
                    created_at: now,
                })
                .collect(),
            receipts: receipts
                .iter()
                .enumerate()
                .map(|(index, receipt)| ReceiptRow {
                    id: row_id(index),
                    event_id: item.event.id.clone(),
                    subscriber: item.subscriber.clone(),
                    store_id: prepared.store.id.clone(),
                    order_id: prepared.order_id.clone(),
                    receipt: json!(receipt).to_string(),
                    created_at: now,
                })
                .collect(),
        }
    }

    /// Records that no plugin has to decide about the event.
    pub(super) async fn skip(&self, item: &Item, progress: Progress) -> Result<(), Error> {
        let (item, now) = (item.clone(), self.core.clock.now());
        let wakes = retry::waiting_for(&item);
        self.core
            .records
            .write(in_tx!(|tx, item, wakes| {
                let (event, subscriber) = (&item.event.id, &item.subscriber);
                if let Some(wakes) = &wakes {
                    take_turn(tx, wakes).await?;
                }
                tx.effect_claim(event, subscriber, Outcome::Skipped, now)
                    .await?;
                tx.parked_remove(event, subscriber).await?;
                if let Some(wakes) = wakes {
                    tx.parked_wake(&wakes, subscriber, now).await?;
                }
                progress.store(tx, &item.group).await
            }))
            .await
    }

    /// Unparks an event that took effect elsewhere.
    pub(super) async fn unpark_settled(
        &self,
        item: &Item,
        progress: Progress,
    ) -> Result<(), Error> {
        let item = item.clone();
        self.core
            .records
            .write(in_tx!(|tx, item| {
                tx.parked_remove(&item.event.id, &item.subscriber).await?;
                progress.store(tx, &item.group).await
            }))
            .await
    }
}

/// Returns whether events that waited for this one are due now.
async fn write(tx: &mut dyn Tx, application: &Application) -> Result<bool, Error> {
    let Application {
        item,
        progress,
        now,
        wakes,
        journal,
        blobs,
        documents,
        events,
        requests,
        receipts,
    } = application;
    let (event, subscriber) = (&item.event.id, &item.subscriber);
    let outcome = Outcome::Applied;
    // Takes the turn of the order: see `take_turn`.
    let claim = match wakes.as_deref().and_then(order_of) {
        Some(order) => {
            tx.effect_claim_of_order(event, subscriber, outcome, *now, order)
                .await?
        }
        None => tx.effect_claim(event, subscriber, outcome, *now).await?,
    };
    if claim == Claim::Existing {
        tx.parked_remove(event, subscriber).await?;
        progress.store(tx, &item.group).await?;
        return Ok(false);
    }
    put_texts(tx, blobs, *now).await?;
    let was_parked = tx.journal_insert_applied(journal).await?;
    tx.document_insert_many(documents).await?;
    tx.outgoing_insert_many(requests).await?;
    tx.receipt_insert_many(receipts).await?;
    if was_parked {
        tx.parked_remove(event, subscriber).await?;
        tx.dead_letter_remove(event, subscriber).await?;
    }
    let woken = match wakes {
        Some(wakes) => tx.parked_wake(wakes, subscriber, *now).await?,
        None => 0,
    };
    // Near the end, because it locks the end of the log.
    tx.event_append_many(events, *now).await?;
    progress.store(tx, &item.group).await?;
    // The next event of its lane is due, too.
    Ok(woken > 0 || was_parked)
}

/// The cost of applying a decision, for fair scheduling: a store with large decisions occupies the writer
/// of all stores.
pub(super) fn cost(decision: &Decision) -> Duration {
    write_cost(decision.rows(), size_of_decision(decision))
}

/// A decision as JSON. Documents have digests instead of bodies, because the files hold the bodies.
fn summary(decision: &Decision) -> Value {
    let Decision {
        documents,
        publications,
        requests,
        receipts,
        notes,
    } = decision;
    let documents: Vec<Value> = documents
        .iter()
        .map(|document| {
            json!({
                "directory": document.directory,
                "name": document.name,
                "media_type": document.media_type,
                "digest": Digest::of(&document.body),
            })
        })
        .collect();
    json!({
        "documents": documents,
        "publications": publications,
        "requests": requests,
        "receipts": receipts,
        "notes": notes,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use galleria_domain::{Attribute, Document, JsonText, Outgoing, Publication, Receipt};

    #[test]
    fn a_decision_costs_its_rows_and_bytes() {
        let mut decision = Decision::default();
        assert_eq!(cost(&decision), Duration::ZERO);
        decision.publications = vec![
            Publication {
                topic: "sales".into(),
                key: None,
                data: JsonText::parse("{}").expect("JSON"),
            };
            1_000
        ];
        let bytes = size_of_decision(&decision);
        assert_eq!(cost(&decision), write_cost(1_000, bytes));

        // The journal stores what is no row.
        let text = Attribute {
            name: "a".into(),
            value: "x".repeat(1 << 20),
        };
        let document = Document {
            directory: "poslog".into(),
            name: "receipt.pdf".into(),
            media_type: "application/pdf".into(),
            body: vec![0; 1 << 20],
        };
        let request = Outgoing {
            id: "1".into(),
            target: "erp".into(),
            method: "POST".into(),
            path: "/".into(),
            headers: vec![text.clone()],
            body: Vec::new(),
        };
        let receipt = |document, attributes| Receipt {
            template: "sale".into(),
            locale: "es".into(),
            document,
            attributes,
        };
        let least = write_cost(0, 1 << 20);
        for decision in [
            Decision {
                notes: vec![text.clone()],
                ..Decision::default()
            },
            Decision {
                requests: vec![request],
                ..Decision::default()
            },
            Decision {
                receipts: vec![receipt(None, vec![text.clone()])],
                ..Decision::default()
            },
            Decision {
                receipts: vec![receipt(Some(document), Vec::new())],
                ..Decision::default()
            },
        ] {
            assert!(cost(&decision) >= least, "{:?}", cost(&decision));
        }
    }
}
