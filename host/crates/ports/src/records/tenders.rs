//! Tenders, which matching compares with statement lines.

use crate::Error;
use async_trait::async_trait;
use galleria_domain::matching::ReferenceKind;
use galleria_domain::{Money, RecordedTender};
use jiff::Timestamp;

/// Position of a reader of uncovered payments.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UncoveredCursor {
    /// The tender's business date.
    pub business_date: String,
    /// The row's id.
    pub id: String,
}

/// The part of a tender that a statement line pays.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PaidPart {
    /// The line's statement.
    pub statement: String,
    /// The line's number.
    pub number: u64,
    /// The amount, in minor units of the tender.
    pub amount: Money,
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
    /// The retailers with tenders that matching has not checked, by name.
    async fn tender_retailer_list_unchecked(&mut self) -> Result<Vec<String>, Error>;
    /// Tenders of a retailer that matching has not checked, oldest first.
    async fn tender_list_unchecked(
        &mut self,
        retailer: &str,
        limit: u32,
    ) -> Result<Vec<RecordedTender>, Error>;
    /// Records that matching has checked a tender.
    async fn tender_mark_checked(&mut self, id: &str) -> Result<(), Error>;
    /// Tenders of a retailer with a reference, oldest first.
    async fn tender_list_by_reference(
        &mut self,
        retailer: &str,
        kind: ReferenceKind,
        reference: &str,
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
    /// The parts of a tender, by the lines that pay them.
    async fn tender_allocation_list(&mut self, id: &str) -> Result<Vec<PaidPart>, Error>;
    /// Sets the paid part of a tender, and whether it is covered. Writes nothing if both are unchanged.
    async fn tender_settle(&mut self, id: &str, settled: Money, covered: bool)
    -> Result<(), Error>;
    /// Tenders of a retailer that lines do not cover, with a business date up to `last`, after `after`. If
    /// `kinds` is empty, those with a provider's reference.
    async fn tender_list_uncovered(
        &mut self,
        retailer: &str,
        last: &str,
        kinds: &[String],
        after: &UncoveredCursor,
        limit: u32,
    ) -> Result<Vec<(RecordedTender, Timestamp)>, Error>;
}
