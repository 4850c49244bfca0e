//! The recorded comparisons of a store's route with its shadow.

use super::Taxes;
use crate::core::store_of;
use galleria_domain::tax::{TaxDifferences, TaxRequest, TaxResponse, TaxRoute};
use galleria_ports::records::{
    ComparisonCount, ComparisonCursor, ComparisonFilter, ComparisonRow, ComparisonTerms,
    ShadowOutcome, Tx,
};
use galleria_ports::{Error, in_tx};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Comparisons that one query removes.
const SWEPT_AT_ONCE: u32 = 500;

/// Numbers of baskets by outcome.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ComparedBaskets {
    /// Evaluated by both routes: `equal` plus `different`.
    pub compared: u64,
    /// With the same taxes.
    pub equal: u64,
    /// With other taxes, or rejected by the shadow only.
    pub different: u64,
    /// The shadow did not answer, or not with taxes.
    pub failed: u64,
    /// Not evaluated by the shadow, because the queue was full, the host stopped, or the database failed.
    pub dropped: u64,
}

impl ComparedBaskets {
    pub(super) fn add(&mut self, outcome: ShadowOutcome, baskets: u64) {
        let count = match outcome {
            ShadowOutcome::Equal => &mut self.equal,
            ShadowOutcome::Different => &mut self.different,
            ShadowOutcome::Failed => &mut self.failed,
            ShadowOutcome::Dropped => &mut self.dropped,
        };
        *count += baskets;
        self.compared = self.equal + self.different;
    }
}

/// Numbers of baskets that were compared.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct RouteComparison {
    /// The route that answered.
    pub route: TaxRoute,
    /// The route that evaluated in the background.
    pub shadow: TaxRoute,
    /// The numbers.
    #[serde(flatten)]
    pub baskets: ComparedBaskets,
}

/// What is known about a move of the store to its shadow.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct MoveReadiness {
    /// The comparison of the store's route with its shadow since the last change of its tax table or tax settings.
    #[serde(flatten)]
    pub comparison: RouteComparison,
    /// The number of compared baskets that a move requires.
    pub required: u64,
    /// Whether the store can move to its shadow: enough baskets were compared, and none differs.
    pub ready: bool,
}

impl MoveReadiness {
    pub(super) fn new(comparison: RouteComparison, required: u64) -> Self {
        let ComparedBaskets {
            compared,
            different,
            ..
        } = comparison.baskets;
        Self {
            comparison,
            required,
            ready: different == 0 && compared >= required,
        }
    }
}

/// A summary of the comparisons of a store.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ComparisonSummary {
    /// The first day, in UTC, of the counts in `routes`.
    pub since: String,
    /// The counts by both routes.
    pub routes: Vec<RouteComparison>,
    /// The state of a move to the shadow; null if the store has no shadow.
    pub readiness: Option<MoveReadiness>,
}

/// A basket with both answers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ComparisonView {
    /// The number of the comparison.
    pub id: String,
    /// When the route answered, RFC 3339.
    pub at: String,
    /// The route that answered.
    pub route: TaxRoute,
    /// The route that evaluated in the background.
    pub shadow: TaxRoute,
    /// The outcome.
    pub outcome: ShadowOutcome,
    /// The differences of both answers.
    pub differences: TaxDifferences,
    /// Why there is no answer of the shadow; empty if there is one.
    pub error: String,
    /// The request, with its business date.
    pub request: TaxRequest,
    /// The answer of the route.
    pub response: TaxResponse,
    /// The answer of the shadow; null if it failed or rejected the basket.
    pub shadow_response: Option<TaxResponse>,
}

/// A page of the comparisons of a store.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ComparisonPage {
    /// The counts.
    pub summary: ComparisonSummary,
    /// Recorded baskets, the newest first.
    pub comparisons: Vec<ComparisonView>,
    /// The `after` of the next page; null on the last page.
    pub next: Option<String>,
}

/// The query for a page of comparisons.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ComparisonQuery {
    /// The store.
    pub store: String,
    /// At this time or later; all if it is absent.
    pub since: Option<Timestamp>,
    /// Only with this outcome.
    pub outcome: Option<ShadowOutcome>,
    /// The `next` of the previous page.
    pub after: Option<String>,
    /// The size of the page.
    pub limit: u32,
}

impl Taxes {
    /// A page of the comparisons of a store, newest first, with the counts.
    pub async fn comparisons(&self, query: ComparisonQuery) -> Result<ComparisonPage, Error> {
        let ComparisonQuery {
            store: store_id,
            since,
            outcome,
            after,
            limit,
        } = query;
        let before = after.as_deref().map(cursor_of).transpose()?;
        let filter = ComparisonFilter {
            store_id,
            since: since.unwrap_or_else(|| self.kept_since()),
            outcome,
        };
        let required = self.policy.move_baskets;
        let read = self.core.records.read(in_tx!(|tx, filter| {
            let summary = summary(tx, &filter, required).await?;
            // One extra row shows whether there is a next page.
            let rows = tx.tax_comparison_list(&filter, before, limit + 1).await?;
            Ok((summary, rows))
        }));
        let (summary, mut rows) = read.await?;
        let page_size = usize::try_from(limit).unwrap_or(usize::MAX);
        let more = rows.len() > page_size;
        rows.truncate(page_size);
        let last = rows.last().filter(|_| more);
        Ok(ComparisonPage {
            summary,
            next: last.map(|(serial, row)| format!("{}.{serial}", row.at.as_millisecond())),
            comparisons: rows.into_iter().map(view).collect(),
        })
    }

    /// The time since which comparisons are kept.
    pub(super) fn kept_since(&self) -> Timestamp {
        let kept = self.core.clock.now().checked_sub(self.policy.shadow.keep);
        kept.unwrap_or(Timestamp::MIN)
    }

    /// Removes comparisons that are older than their retention, and returns their number.
    pub async fn sweep_comparisons(&self) -> Result<u64, Error> {
        let before = self.kept_since();
        let mut removed = 0;
        loop {
            let sweep = self.core.records.write(in_tx!(|tx| {
                tx.tax_comparison_sweep(before, SWEPT_AT_ONCE).await
            }));
            let rows = sweep.await?;
            removed += rows;
            if rows < u64::from(SWEPT_AT_ONCE) {
                return Ok(removed);
            }
        }
    }
}

async fn summary(
    tx: &mut dyn Tx,
    filter: &ComparisonFilter,
    required: u64,
) -> Result<ComparisonSummary, Error> {
    store_of(tx, &filter.store_id).await?;
    let since = ComparisonCount::day_of(filter.since);
    let counts = tx
        .tax_comparison_count_list(&filter.store_id, since)
        .await?;
    let mut routes: BTreeMap<(TaxRoute, TaxRoute), ComparedBaskets> = BTreeMap::new();
    for count in counts {
        let route = routes.entry((count.terms.route, count.terms.shadow));
        route.or_default().add(count.outcome, count.baskets);
    }
    let routes = routes
        .into_iter()
        .map(|((route, shadow), baskets)| RouteComparison {
            route,
            shadow,
            baskets,
        });
    let taxes = tx.tax_store_get(&filter.store_id).await?;
    let settings = taxes.settings.unwrap_or_default();
    let readiness = match settings.shadow {
        Some(shadow) => {
            let terms = ComparisonTerms {
                store_id: filter.store_id.clone(),
                route: settings.route,
                shadow,
                table_version: taxes.table_version,
                settings_version: taxes.settings_version,
            };
            Some(MoveReadiness::new(compared(tx, terms).await?, required))
        }
        None => None,
    };
    Ok(ComparisonSummary {
        since: since.to_string(),
        routes: routes.collect(),
        readiness,
    })
}

/// The counts of exactly these terms.
pub(super) async fn compared(
    tx: &mut dyn Tx,
    terms: ComparisonTerms,
) -> Result<RouteComparison, Error> {
    let first = ComparisonCount::day_of(Timestamp::UNIX_EPOCH);
    let mut baskets = ComparedBaskets::default();
    for count in tx.tax_comparison_count_list(&terms.store_id, first).await? {
        if count.terms == terms {
            baskets.add(count.outcome, count.baskets);
        }
    }
    Ok(RouteComparison {
        route: terms.route,
        shadow: terms.shadow,
        baskets,
    })
}

fn cursor_of(text: &str) -> Result<ComparisonCursor, Error> {
    let cursor = text.split_once('.').and_then(|(ms, serial)| {
        Some(ComparisonCursor {
            at: Timestamp::from_millisecond(ms.parse().ok()?).ok()?,
            serial: serial.parse().ok()?,
        })
    });
    cursor.ok_or_else(|| Error::invalid("after", "must be the `next` of the previous page"))
}

fn view((serial, row): (i64, ComparisonRow)) -> ComparisonView {
    ComparisonView {
        id: serial.to_string(),
        at: row.at.to_string(),
        route: row.terms.route,
        shadow: row.terms.shadow,
        outcome: row.outcome,
        differences: row.differences,
        error: row.error,
        request: row.request,
        response: row.response,
        shadow_response: row.shadow_response,
    }
}
