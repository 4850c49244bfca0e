//! The journal of an event: its attempts, their arguments and their decisions.
//!
//! Personal data in a decision is omitted, as in the lists of queued receipts and requests: the
//! body and headers of a request, and the attributes and the file of a receipt. Sensitive points
//! have no texts: their digests use the host's own key and refer to nothing.

use super::Events;
use crate::orders::order_exists;
use galleria_domain::{Attribute, Outgoing, Receipt};
use galleria_ports::Error;
use galleria_ports::in_tx;
use galleria_ports::records::{JournalRow, Tx};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

/// An attempt at an event.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct AttemptView {
    /// The event.
    pub event_id: String,
    /// The slot, by its name in `retailer.toml`.
    pub plugin: String,
    /// The number of the attempt, from 1.
    pub attempt: u32,
    /// `applied`, or the code of the fault.
    pub outcome: String,
    /// The message of the fault.
    pub detail: Option<String>,
    /// SHA-256 digest of the component.
    pub component: String,
    /// SHA-256 digest of the settings.
    pub settings: String,
    /// SHA-256 digest of the argument of the component.
    pub argument: String,
    /// SHA-256 digest of the decision.
    pub decision: Option<String>,
    /// CPU time, microseconds.
    pub cpu_us: i64,
    /// Peak memory, bytes.
    pub memory_bytes: i64,
    /// Size of the decision, bytes.
    pub output_bytes: i64,
    /// Time of the end, RFC 3339.
    pub at: String,
}

/// The argument or the decision of an attempt.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct JournalText {
    /// The event.
    pub event_id: String,
    /// SHA-256 digest, as in the attempt.
    pub digest: String,
    /// `argument` or `decision`.
    pub what: String,
    /// The text, which is JSON.
    #[cfg_attr(feature = "openapi", schema(value_type = Object))]
    pub content: Value,
}

/// A decision as the journal stores it. Documents have digests instead of bodies.
#[derive(Deserialize)]
struct Decided {
    documents: Value,
    publications: Vec<StoredPublication>,
    requests: Vec<Outgoing>,
    receipts: Vec<Receipt>,
    notes: Value,
}

/// Earlier versions accepted data that `JsonText` refuses.
#[derive(Deserialize)]
struct StoredPublication {
    topic: String,
    key: Option<String>,
    data: String,
}

impl Events {
    /// Attempts at the events of an order, oldest first.
    pub async fn journal_of_order(&self, id: &str) -> Result<Vec<AttemptView>, Error> {
        let id = id.to_owned();
        self.core
            .records
            .read(in_tx!(|tx, id| {
                order_exists(tx, &id).await?;
                let rows = tx.journal_list_by_order(&id).await?;
                Ok(rows.into_iter().map(attempt).collect())
            }))
            .await
    }

    /// Attempts at an event, oldest first.
    pub async fn journal(&self, id: &str) -> Result<Vec<AttemptView>, Error> {
        let id = id.to_owned();
        self.core
            .records
            .read(in_tx!(|tx, id| {
                let rows = tx.journal_list_by_event(&id).await?;
                if rows.is_empty() {
                    event_exists(tx, &id).await?;
                }
                Ok(rows.into_iter().map(attempt).collect())
            }))
            .await
    }

    /// The argument or the decision of an attempt at an event, by its digest.
    pub async fn journal_text(&self, event: &str, digest: &str) -> Result<JournalText, Error> {
        let requested = (event.to_owned(), digest.to_owned());
        let found = self.core.records.read(in_tx!(|tx, requested| {
            let (event, digest) = requested;
            text(tx, &event, &digest).await
        }));
        let Some((what, text)) = found.await? else {
            return Err(Error::NotFound {
                what: "text in the journal of the event with the digest",
                id: digest.to_owned(),
            });
        };
        let content = match what {
            "decision" => decided(&text),
            _ => serde_json::from_str(&text).ok(),
        };
        // The error must not quote the text.
        let unread = || Error::Internal(format!("{what} {digest} of the journal cannot be read"));
        Ok(JournalText {
            event_id: event.to_owned(),
            digest: digest.to_owned(),
            what: what.to_owned(),
            content: content.ok_or_else(unread)?,
        })
    }
}

fn attempt(row: JournalRow) -> AttemptView {
    AttemptView {
        event_id: row.event_id,
        plugin: row.subscriber,
        attempt: row.attempt,
        outcome: row.outcome,
        detail: row.detail,
        component: row.component,
        settings: row.settings,
        argument: row.argument,
        decision: row.decision,
        cpu_us: row.cpu_us,
        memory_bytes: row.memory_bytes,
        output_bytes: row.output_bytes,
        at: row.at.to_string(),
    }
}

/// Returns a text if an attempt at the event refers to it.
async fn text(
    tx: &mut dyn Tx,
    event: &str,
    digest: &str,
) -> Result<Option<(&'static str, String)>, Error> {
    let rows = tx.journal_list_by_event(event).await?;
    let decision = rows
        .iter()
        .any(|row| row.decision.as_deref() == Some(digest));
    let what = match (decision, rows.iter().any(|row| row.argument == digest)) {
        (true, _) => "decision",
        (false, true) => "argument",
        (false, false) => return Ok(None),
    };
    Ok(tx.blob_get(digest).await?.map(|text| (what, text)))
}

/// Checks all tables that may know the event: it may have no attempts yet.
async fn event_exists(tx: &mut dyn Tx, id: &str) -> Result<(), Error> {
    let run = id.strip_prefix("run:").unwrap_or_default();
    let known = tx.event_get(id).await?.is_some()
        || tx.timeline_store(id).await?.is_some()
        || (!run.is_empty() && tx.run_get(run).await?.is_some());
    match known {
        true => Ok(()),
        false => Err(Error::NotFound {
            what: "event",
            id: id.to_owned(),
        }),
    }
}

/// A decision without personal data.
fn decided(text: &str) -> Option<Value> {
    let Decided {
        documents,
        publications,
        requests,
        receipts,
        notes,
    } = serde_json::from_str(text).ok()?;
    let publications = publications.into_iter().map(|publication| {
        let StoredPublication { topic, key, data } = publication;
        let data = serde_json::from_str::<Value>(&data).ok();
        json!({ "topic": topic, "key": key, "data": data })
    });
    let requests = requests.into_iter().map(|request| {
        let Outgoing {
            id,
            target,
            method,
            path,
            headers,
            body,
        } = request;
        json!({
            "id": id, "target": target, "method": method, "path": path,
            "headers": names(&headers), "size": body.len(),
        })
    });
    let receipts = receipts.into_iter().map(|receipt| {
        let Receipt {
            template,
            locale,
            document,
            attributes,
        } = receipt;
        let file = document.map(|file| {
            json!({ "name": file.name, "media_type": file.media_type, "size": file.body.len() })
        });
        json!({
            "template": template, "locale": locale, "file": file, "attributes": names(&attributes),
        })
    });
    Some(json!({
        "documents": documents,
        "publications": publications.collect::<Vec<_>>(),
        "requests": requests.collect::<Vec<_>>(),
        "receipts": receipts.collect::<Vec<_>>(),
        "notes": notes,
    }))
}

fn names(attributes: &[Attribute]) -> Vec<&str> {
    attributes.iter().map(|one| one.name.as_str()).collect()
}
