//! What operators and callers ask to see.

mod documents;
mod journal;
mod lists;
mod orders;
mod payments;
mod refunds;
mod shifts;
mod verifications;
mod voids;

pub use documents::{Content, DocumentPage, DocumentQuery, Held};
pub use journal::JournalText;
pub use lists::ListQuery;
pub use orders::{OrderPage, OrderSummary, PaidBy};
pub use payments::{PaymentDetail, PaymentPage, PaymentSummary};
pub use refunds::{RefundDetail, RefundPage, RefundSummary};
pub use shifts::{ShiftDetail, ShiftEnd, ShiftPage};
pub use verifications::{VerificationPage, VerificationSummary};
pub use voids::{VoidPage, VoidSummary};

pub(crate) use orders::{OrderOutcome, order_outcome};

use crate::app::App;
use crate::metrics;
use crate::relay::readers;
use galleria_ports::Error;
use galleria_ports::records::{
    DocumentRow, DocumentState, JournalRow, OperationFilter, OperationRow, Tx,
};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::sync::Arc;

/// A document.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct DocumentView {
    /// Its id.
    pub id: String,
    /// The event that wrote it.
    pub event_id: String,
    /// The slot, by its name in `retailer.toml`.
    pub plugin: String,
    /// The retailer.
    pub retailer: String,
    /// The store's id; null if a run over all stores wrote it.
    pub store_id: Option<String>,
    /// The order that it is about, if any.
    pub order_id: Option<String>,
    /// The name of the directory.
    pub directory: String,
    /// The file name.
    pub name: String,
    /// Media type.
    pub media_type: String,
    /// Bytes.
    pub size: i64,
    /// SHA-256 digest of the content.
    pub digest: String,
    /// `pending`, `prepared`, `delivered` or `blocked`.
    pub state: String,
    /// Time of the decision, RFC 3339.
    pub created_at: String,
}

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

/// Documents by state.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct DocumentCounts {
    /// Pending or prepared, not yet delivered.
    pub pending: u64,
    /// Delivered under their names.
    pub delivered: u64,
    /// Blocked: another file has the name.
    pub blocked: u64,
}

/// The status of a store.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct StoreStatus {
    /// The retailer.
    pub retailer: String,
    /// The store's id.
    pub store: String,
    /// The retailer's id of the store.
    pub external_id: String,
    /// Events of the store.
    pub events: u64,
    /// Documents delivered.
    pub documents: u64,
    /// CPU time of all attempts, microseconds.
    pub cpu_us: u64,
}

/// The progress of a consumer group, or of the relay of a topic to the broker.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct GroupStatus {
    /// Its name.
    pub group: String,
    /// Events in the log after its position, counted up to 100000.
    pub lag: u64,
}

/// The status of the host.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct StatusView {
    /// Whether every event took effect, every document is delivered, and the broker, if any, has
    /// everything. Dead letters and the events behind them do not count: they wait for an operator.
    pub settled: bool,
    /// Events of all stores.
    pub events: u64,
    /// Consumer groups.
    pub groups: Vec<GroupStatus>,
    /// Parked events.
    pub parked: u64,
    /// Dead letters that keep their lane closed.
    pub held: u64,
    /// All dead letters.
    pub dead_letters: u64,
    /// Documents by state.
    pub documents: DocumentCounts,
    /// Runs of reports, settlement files and catalogues, by state.
    pub runs: BTreeMap<String, u64>,
    /// Stores with events.
    pub stores: Vec<StoreStatus>,
    /// Directories of documents by name.
    pub directories: BTreeMap<String, String>,
}

fn document(row: DocumentRow) -> DocumentView {
    DocumentView {
        id: row.id,
        event_id: row.event_id,
        plugin: row.subscriber,
        retailer: row.retailer,
        store_id: (!row.store_id.is_empty()).then_some(row.store_id),
        order_id: row.order_id,
        directory: row.directory,
        name: row.name,
        media_type: row.media_type,
        size: row.size,
        digest: row.digest,
        state: row.state.name().into(),
        created_at: row.created_at.to_string(),
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

impl App {
    /// Documents about an order, oldest first.
    pub async fn documents_of_order(&self, id: &str) -> Result<Vec<DocumentView>, Error> {
        let id = id.to_owned();
        self.records
            .read(move |tx| {
                let id = id.clone();
                Box::pin(async move {
                    order_exists(tx, &id).await?;
                    let rows = tx.document_list_by_order(&id).await?;
                    Ok(rows.into_iter().map(document).collect())
                })
            })
            .await
    }

    /// Attempts at the events of an order, oldest first.
    pub async fn journal_of_order(&self, id: &str) -> Result<Vec<AttemptView>, Error> {
        let id = id.to_owned();
        self.records
            .read(move |tx| {
                let id = id.clone();
                Box::pin(async move {
                    order_exists(tx, &id).await?;
                    let rows = tx.journal_list_by_order(&id).await?;
                    Ok(rows.into_iter().map(attempt).collect())
                })
            })
            .await
    }

    /// Whether the database answers.
    pub async fn healthy(&self) -> Result<(), Error> {
        self.records
            .read(|tx| Box::pin(async move { tx.store_get("").await.map(drop) }))
            .await
    }

    /// The status of the host.
    pub async fn status(&self) -> Result<StatusView, Error> {
        let (policy, plugins) = (Arc::clone(&self.policy), Arc::clone(&self.plugins));
        self.records
            .read(move |tx| {
                let (policy, plugins) = (Arc::clone(&policy), Arc::clone(&plugins));
                Box::pin(async move {
                    let readers = readers(tx, &policy, &*plugins).await?;
                    let lags = metrics::lags(tx, &readers).await?;
                    let read = lags.iter().all(|(_, lag)| *lag == 0);
                    let documents = DocumentCounts {
                        pending: tx.document_count(DocumentState::Pending).await?
                            + tx.document_count(DocumentState::Prepared).await?,
                        delivered: tx.document_count(DocumentState::Delivered).await?,
                        blocked: tx.document_count(DocumentState::Blocked).await?,
                    };
                    let (all, held) = tx.parked_count().await?;
                    let runs = metrics::runs(tx).await?;
                    let stores = stores(tx).await?;
                    let directories = policy.directories.iter();
                    Ok(StatusView {
                        settled: read && documents.pending == 0 && all == held,
                        events: stores.iter().map(|store| store.events).sum(),
                        groups: lags
                            .into_iter()
                            .map(|(group, lag)| GroupStatus { group, lag })
                            .collect(),
                        parked: all - held,
                        held,
                        dead_letters: tx.dead_letter_count().await?,
                        documents,
                        runs: runs
                            .into_iter()
                            .map(|(state, count)| (state.name().to_owned(), count))
                            .collect(),
                        stores,
                        directories: directories
                            .map(|(name, path)| (name.clone(), path.display().to_string()))
                            .collect(),
                    })
                })
            })
            .await
    }
}

async fn order_exists(tx: &mut dyn Tx, id: &str) -> Result<(), Error> {
    match tx.order_get(id).await? {
        Some(_) => Ok(()),
        None => Err(Error::NotFound {
            what: "order",
            id: id.to_owned(),
        }),
    }
}

async fn stores(tx: &mut dyn Tx) -> Result<Vec<StoreStatus>, Error> {
    let mut found = Vec::new();
    for figures in tx.store_metrics().await? {
        if let Some(store) = tx.store_get(&figures.store_id).await? {
            found.push(StoreStatus {
                retailer: store.retailer,
                store: store.id,
                external_id: store.external_id,
                events: figures.events,
                documents: figures.documents,
                cpu_us: figures.cpu_us,
            });
        }
    }
    Ok(found)
}

/// An action of an operator.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct OperationView {
    /// Time, RFC 3339.
    pub at: String,
    /// The actor.
    pub actor: String,
    /// The action, such as `dead_letter_replay`.
    pub action: String,
    /// The subject of the action.
    pub subject: String,
    /// The reason.
    pub reason: String,
    /// The state before; null if there was nothing.
    #[cfg_attr(feature = "openapi", schema(value_type = Option<Object>))]
    pub before: serde_json::Value,
    /// The state after; null if nothing was left.
    #[cfg_attr(feature = "openapi", schema(value_type = Option<Object>))]
    pub after: serde_json::Value,
}

/// A page of the audit log.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct OperationPage {
    /// The records, the newest first.
    pub operations: Vec<OperationView>,
    /// The `after` of the next page; null on the last page.
    pub next: Option<String>,
}

impl App {
    /// What operators did, newest first.
    pub async fn operations(
        &self,
        filter: OperationFilter,
        after: Option<&str>,
        limit: u32,
    ) -> Result<OperationPage, Error> {
        let before: i64 = match after {
            Some(text) => text
                .parse()
                .map_err(|_| Error::invalid("after", "must be the `next` of the previous page"))?,
            None => i64::MAX,
        };
        // One extra row shows whether there is a next page.
        let mut rows = self
            .records
            .read(move |tx| {
                let filter = filter.clone();
                Box::pin(async move { tx.operation_list(&filter, before, limit + 1).await })
            })
            .await?;
        let asked = usize::try_from(limit).unwrap_or(usize::MAX);
        let more = rows.len() > asked;
        rows.truncate(asked);
        let last = rows.last().filter(|_| more);
        Ok(OperationPage {
            next: last.map(|(serial, _)| serial.to_string()),
            operations: rows.into_iter().map(|(_, row)| operation(row)).collect(),
        })
    }
}

fn operation(row: OperationRow) -> OperationView {
    let json = |text: &str| serde_json::from_str(text).unwrap_or_default();
    OperationView {
        at: row.at.to_string(),
        before: json(&row.before),
        after: json(&row.after),
        actor: row.actor,
        action: row.action,
        subject: row.subject,
        reason: row.reason,
    }
}
