//! Comparisons of a store's tax route with another route.

use crate::Error;
use async_trait::async_trait;
use galleria_domain::tax::{TaxDifferences, TaxRequest, TaxResponse, TaxRoute};
use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::Offset;
use serde::{Deserialize, Serialize};

/// The outcome of an evaluation in the background.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum ShadowOutcome {
    /// Both routes gave the same taxes.
    Equal,
    /// The shadow gave other taxes, or rejected the basket.
    Different,
    /// The shadow did not answer, or not with taxes.
    Failed,
    /// The basket was not evaluated by the shadow, or the outcome could not be recorded.
    Dropped,
}

impl ShadowOutcome {
    /// All outcomes.
    pub const ALL: [Self; 4] = [Self::Equal, Self::Different, Self::Failed, Self::Dropped];

    /// The name in JSON, in metrics and in the database.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Equal => "equal",
            Self::Different => "different",
            Self::Failed => "failed",
            Self::Dropped => "dropped",
        }
    }
}

/// What was compared. A change of the store's table or settings starts new terms.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct ComparisonTerms {
    /// The store.
    pub store_id: String,
    /// The route that answered.
    pub route: TaxRoute,
    /// The route that evaluated in the background.
    pub shadow: TaxRoute,
    /// The version of the store's table.
    pub table_version: i64,
    /// The version of the store's settings.
    pub settings_version: i64,
}

/// The number of baskets with an outcome on a day in UTC.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ComparisonCount {
    /// What was compared.
    pub terms: ComparisonTerms,
    /// The day in UTC.
    pub day: Date,
    /// The outcome.
    pub outcome: ShadowOutcome,
    /// The number of baskets.
    pub baskets: u64,
    /// The number of these baskets that were recorded completely.
    pub recorded: u64,
}

impl ComparisonCount {
    /// The day of a time.
    pub fn day_of(at: Timestamp) -> Date {
        Offset::UTC.to_datetime(at).date()
    }
}

/// A basket with both answers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ComparisonRow {
    /// What was compared.
    pub terms: ComparisonTerms,
    /// When the route answered.
    pub at: Timestamp,
    /// The outcome, never `Dropped`.
    pub outcome: ShadowOutcome,
    /// The request, with its business date.
    pub request: TaxRequest,
    /// The answer of the route.
    pub response: TaxResponse,
    /// The answer of the shadow, if it evaluated the basket.
    pub shadow_response: Option<TaxResponse>,
    /// The differences of both answers.
    pub differences: TaxDifferences,
    /// Why there is no answer of the shadow; empty if there is one.
    pub error: String,
}

/// The position in the list of comparisons.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct ComparisonCursor {
    /// When the route answered.
    pub at: Timestamp,
    /// The number of the comparison.
    pub serial: i64,
}

/// Filter of comparisons.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ComparisonFilter {
    /// The store.
    pub store_id: String,
    /// At this time or later.
    pub since: Timestamp,
    /// Only with this outcome.
    pub outcome: Option<ShadowOutcome>,
}

/// Records of comparisons. A store is not checked.
#[async_trait]
pub trait TaxComparisons {
    /// How often comparisons with these terms had this outcome on this day.
    async fn tax_comparison_count_get(
        &mut self,
        terms: &ComparisonTerms,
        day: Date,
        outcome: ShadowOutcome,
    ) -> Result<ComparisonCount, Error>;
    /// Adds to the count of these terms, this day and this outcome.
    async fn tax_comparison_count_add(&mut self, count: &ComparisonCount) -> Result<(), Error>;
    /// The counts of a store since a day.
    async fn tax_comparison_count_list(
        &mut self,
        store: &str,
        since: Date,
    ) -> Result<Vec<ComparisonCount>, Error>;
    /// Records baskets with both answers.
    async fn tax_comparison_insert_many(&mut self, rows: &[ComparisonRow]) -> Result<(), Error>;
    /// Comparisons that match a filter, newest first, before a position.
    async fn tax_comparison_list(
        &mut self,
        filter: &ComparisonFilter,
        before: Option<ComparisonCursor>,
        limit: u32,
    ) -> Result<Vec<(i64, ComparisonRow)>, Error>;
    /// Removes up to `limit` comparisons before `before` and the counts of earlier days. Returns the number of
    /// removed comparisons.
    async fn tax_comparison_sweep(&mut self, before: Timestamp, limit: u32) -> Result<u64, Error>;
}
