//! Timelines: everything recorded about an id, in any table. Read-only.

use crate::Error;
use async_trait::async_trait;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// The kind of object that an id belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum Subject {
    /// An order, with its payment, refunds, voids and verifications.
    Order,
    /// A shift of a drawer.
    Shift,
    /// An event of the log.
    Event,
    /// A run of a report, settlement file or catalogue.
    Run,
    /// A settlement statement.
    Statement,
    /// One line of a statement.
    Line,
    /// A document.
    Document,
    /// A store: operations on it, and its recorded evaluations of taxes.
    Store,
    /// A recorded evaluation of taxes.
    TaxEvaluation,
}

/// An entry of a timeline.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct TimelineRow {
    /// When it happened.
    pub at: Timestamp,
    /// The kind of entry, such as `payment`, `attempt` or `delivery`.
    pub kind: &'static str,
    /// The id of the row.
    pub id: String,
    /// Its details, by name.
    pub facts: Vec<(&'static str, String)>,
}

/// The entries of a timeline.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TimelineRows {
    /// In no particular order.
    pub rows: Vec<TimelineRow>,
    /// The kinds with more entries than the limit.
    pub truncated: Vec<&'static str>,
}

/// Records by any of their ids.
#[async_trait]
pub trait Timelines {
    /// The subjects that an id belongs to. An id that the host did not create, such as a receipt
    /// number, may have several.
    async fn timeline_subjects(
        &mut self,
        id: &str,
        limit: u32,
    ) -> Result<Vec<(Subject, String)>, Error>;
    /// All entries of a subject, at most `limit` of each kind.
    async fn timeline_rows(
        &mut self,
        subject: Subject,
        id: &str,
        limit: u32,
    ) -> Result<TimelineRows, Error>;
    /// The events of an order, by their ids or by attempts and documents that refer to the order.
    async fn timeline_events(&mut self, order_id: &str, limit: u32) -> Result<Vec<String>, Error>;
    /// The store of an event, from any table that still contains it.
    async fn timeline_store(&mut self, event_id: &str) -> Result<Option<String>, Error>;
}

/// The order of all kinds of entries that have the same timestamp, because they were committed in
/// one transaction.
pub const ORDER: [&str; 30] = [
    "order",
    "order_taxes",
    "tax_evaluation",
    "shift_opened",
    "run_requested",
    "statement",
    "payment",
    "refund",
    "void",
    "verification",
    "movement",
    "shift_ended",
    "tender",
    "fiscal_record",
    "fiscal_mark",
    "statement_line",
    "event",
    "run_started",
    "parked",
    "attempt",
    "effect",
    "document",
    "receipt",
    "outgoing_request",
    "publication",
    "delivery",
    "run_ended",
    "dead_letter",
    "operation",
    "manual_settlement",
];
