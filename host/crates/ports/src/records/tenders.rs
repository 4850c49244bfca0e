//! Tenders, which matching compares with statement lines.

use crate::Error;
use async_trait::async_trait;
use galleria_domain::{RecordedTender, StatementLine};
use jiff::Timestamp;

/// Position of a reader of uncovered payments.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UncoveredCursor {
    /// When the tender was accepted.
    pub accepted_at: Timestamp,
    /// The row's id.
    pub id: String,
}

/// Records of tenders.
#[async_trait]
pub trait Tenders {
    /// Adds tenders that matching has not checked.
    async fn tender_insert_many(
        &mut self,
        tenders: &[RecordedTender],
        accepted_at: Timestamp,
    ) -> Result<(), Error>;
    /// Voids the tenders of an entry: no statement is expected to cover them.
    async fn tender_void(&mut self, entry_id: &str) -> Result<(), Error>;
    /// Tenders that matching has not checked, oldest first.
    async fn tender_list_unchecked(&mut self, limit: u32) -> Result<Vec<RecordedTender>, Error>;
    /// Records that matching has checked a tender.
    async fn tender_mark_checked(&mut self, id: &str) -> Result<(), Error>;
    /// Tenders that share a reference with a line, at most `limit` for each reference, oldest
    /// first.
    async fn tender_list_by_reference(
        &mut self,
        retailer: &str,
        line: &StatementLine,
        limit: u32,
    ) -> Result<Vec<RecordedTender>, Error>;
    /// A tender.
    async fn tender_get(&mut self, id: &str) -> Result<Option<RecordedTender>, Error>;
    /// The tenders of a sale or refund.
    async fn tender_list_by_entry(
        &mut self,
        retailer: &str,
        entry_id: &str,
    ) -> Result<Vec<RecordedTender>, Error>;
    /// Sets the line that settles a tender, or clears it.
    async fn tender_settle(&mut self, id: &str, line: Option<&str>) -> Result<(), Error>;
    /// Tenders of a retailer that no line settles, accepted before `before`, after `after`. If
    /// `kinds` is empty, those with a provider's reference.
    async fn tender_list_uncovered(
        &mut self,
        retailer: &str,
        before: Timestamp,
        kinds: &[String],
        after: &UncoveredCursor,
        limit: u32,
    ) -> Result<Vec<(RecordedTender, Timestamp)>, Error>;
}
