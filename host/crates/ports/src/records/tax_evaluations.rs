//! Recorded evaluations of taxes.

use crate::Error;
use async_trait::async_trait;
use jiff::Timestamp;

/// A recorded evaluation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TaxEvaluationRow {
    /// The digest of the idempotency key with its reach; without a key, that of the content.
    pub id: String,
    /// The digest of the content.
    pub digest: String,
    /// The store's id.
    pub store_id: String,
    /// As the caller sent it; empty if it sent none.
    pub idempotency_key: String,
    /// The actor.
    pub actor: String,
    /// When it was recorded.
    pub recorded_at: Timestamp,
    /// The request as JSON text.
    pub request: String,
    /// The response as JSON text, as it was sent.
    pub response: String,
}

/// Time and id of the last evaluation of a page.
pub type TaxEvaluationCursor = (Timestamp, String);

/// Filter of evaluations.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TaxEvaluationFilter {
    /// The store.
    pub store_id: String,
    /// Recorded at this time or later.
    pub since: Timestamp,
    /// Only of this idempotency key.
    pub idempotency_key: Option<String>,
}

/// Records of evaluations.
#[async_trait]
pub trait TaxEvaluations {
    /// An evaluation by its id.
    async fn tax_evaluation_get(&mut self, id: &str) -> Result<Option<TaxEvaluationRow>, Error>;
    /// Inserts an evaluation. Returns `Error::Exists` if the id is taken.
    async fn tax_evaluation_insert(&mut self, row: &TaxEvaluationRow) -> Result<(), Error>;
    /// Evaluations that match a filter, newest first, before a cursor.
    async fn tax_evaluation_list(
        &mut self,
        filter: &TaxEvaluationFilter,
        before: &TaxEvaluationCursor,
        limit: u32,
    ) -> Result<Vec<TaxEvaluationRow>, Error>;
    /// Removes evaluations that were recorded before an instant, and returns their number.
    async fn tax_evaluation_remove(&mut self, before: Timestamp, limit: u32) -> Result<u64, Error>;
}
