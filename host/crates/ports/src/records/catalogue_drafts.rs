//! Drafts: catalogue versions that are being written.

use super::{PriceRow, ProductRow};
use crate::Error;
use async_trait::async_trait;
use jiff::Timestamp;

/// A catalogue version that is being written. A retailer has at most one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CatalogueDraft {
    /// The retailer.
    pub retailer: String,
    /// The version number.
    pub version: i64,
    /// The writer's id.
    pub writer: String,
}

/// The result of starting a draft.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DraftStart {
    /// The caller has a new draft.
    Draft(CatalogueDraft),
    /// Another writer has a draft.
    Busy,
    /// The draft of a writer that no longer runs must be cleared first.
    LeftOver,
}

/// Records of catalogue drafts.
#[async_trait]
pub trait CatalogueDrafts {
    /// Starts a draft and leases it to the writer until `until`.
    async fn catalogue_draft_begin(
        &mut self,
        retailer: &str,
        writer: &str,
        now: Timestamp,
        until: Timestamp,
    ) -> Result<DraftStart, Error>;
    /// Adds rows to a draft and extends its lease until `until`. Returns an error if another writer
    /// has it. Deletes versions of these rows that were replaced before `forget`.
    async fn catalogue_draft_add(
        &mut self,
        draft: &CatalogueDraft,
        products: &[ProductRow],
        prices: &[PriceRow],
        until: Timestamp,
        forget: Timestamp,
    ) -> Result<(), Error>;
    /// Publishes a draft and returns the time of its publication: `now`, or later if `now` was
    /// frozen.
    async fn catalogue_draft_publish(
        &mut self,
        draft: &CatalogueDraft,
        now: Timestamp,
    ) -> Result<Timestamp, Error>;
    /// Deletes up to `limit` rows of a draft. Returns true if none is left and the draft is
    /// deleted.
    async fn catalogue_draft_clear(
        &mut self,
        draft: &CatalogueDraft,
        limit: u32,
    ) -> Result<bool, Error>;
    /// Takes over a draft whose lease expired by `now`, if there is one.
    async fn catalogue_draft_take_over(
        &mut self,
        writer: &str,
        now: Timestamp,
        until: Timestamp,
    ) -> Result<Option<CatalogueDraft>, Error>;
    /// Deletes up to `limit` versions before `before` without rows, and returns their number.
    async fn catalogue_version_remove(
        &mut self,
        before: Timestamp,
        limit: u32,
    ) -> Result<u64, Error>;
}
