//! What is known about an id, whatever table it stands in. Reads only.

use crate::Error;
use async_trait::async_trait;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// What an id can turn out to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum Subject {
    /// An order, with its payment, refunds, voids and verifications.
    Order,
    /// A drawer's day.
    Shift,
    /// An event of the log.
    Event,
    /// A run of a report, settlement file or catalogue.
    Run,
    /// A provider's statement.
    Statement,
    /// One line of a statement.
    Line,
    /// A document.
    Document,
}

/// One thing that happened.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct StoryRow {
    /// When.
    pub at: Timestamp,
    /// What, such as `payment`, `attempt` or `delivery`.
    pub what: &'static str,
    /// Which.
    pub id: String,
    /// What is kept about it, by name.
    pub facts: Vec<(&'static str, String)>,
}

/// What is told of a subject.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct StoryRows {
    /// In no particular order.
    pub rows: Vec<StoryRow>,
    /// Of what there is more than was asked for.
    pub cut: Vec<&'static str>,
}

/// Records as people ask for them by an id.
#[async_trait]
pub trait Stories {
    /// What an id belongs to; several things where it is no id of the host's own, such as a receipt's
    /// number.
    async fn story_subjects(
        &mut self,
        id: &str,
        limit: u32,
    ) -> Result<Vec<(Subject, String)>, Error>;
    /// Everything about one subject, at most `limit` of each kind.
    async fn story_rows(
        &mut self,
        subject: Subject,
        id: &str,
        limit: u32,
    ) -> Result<StoryRows, Error>;
    /// The events of an order, as their ids say or as attempts and documents name them.
    async fn story_events(&mut self, order_id: &str, limit: u32) -> Result<Vec<String>, Error>;
    /// The store of an event, from whatever still knows it.
    async fn story_store(&mut self, event_id: &str) -> Result<Option<String>, Error>;
}

/// What comes first where several things happened in one transaction, and so at the same instant:
/// every kind of thing that a story tells.
pub const ORDER: [&str; 28] = [
    "order",
    "shift_opened",
    "run_asked",
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
    "run_begun",
    "parked",
    "attempt",
    "effect",
    "document",
    "receipt",
    "outgoing_request",
    "publication",
    "delivery",
    "run_over",
    "dead_letter",
    "operation",
    "settled_by_hand",
];
