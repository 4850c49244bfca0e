//! Reports about comparisons: of recorded answers, and of baskets that a route evaluates again.

use super::Taxes;
use super::comparisons::{
    ComparedBaskets, ComparisonQuery, ComparisonSummary, ComparisonView, RouteComparison,
};
use super::shadow::ShadowResult;
use galleria_domain::tax::{
    DifferenceSums, DifferenceTable, TaxDifferences, TaxRequest, TaxResponse, TaxRoute,
};
use galleria_ports::Error;
use galleria_ports::records::ShadowOutcome;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Comparisons in one page.
const PAGE: u32 = 100;

/// Counts of comparisons, and their differences by code and rate.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ComparisonReport {
    /// The counts.
    #[serde(flatten)]
    pub summary: ComparisonSummary,
    /// The recorded baskets that a route evaluated again; absent if none did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub recorded: Option<RecordedBaskets>,
    /// The differences of the recorded baskets.
    pub differences: DifferenceTable,
}

/// Numbers of recorded baskets that were evaluated again, by what recorded them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RecordedBaskets {
    /// Comparisons with a shadow.
    pub comparisons: u64,
    /// Evaluations with `commit`.
    pub evaluations: u64,
    /// Orders whose lines got their taxes from a route.
    pub orders: u64,
}

/// Baskets that another route evaluates again.
pub struct Replay<'a> {
    taxes: &'a Taxes,
    with: TaxRoute,
    counts: BTreeMap<TaxRoute, ComparedBaskets>,
    sums: DifferenceSums,
}

impl Taxes {
    /// The recorded comparisons of a store.
    pub async fn comparison_report(
        &self,
        store: &str,
        since: Option<Timestamp>,
    ) -> Result<ComparisonReport, Error> {
        let mut sums = DifferenceSums::default();
        let add = async |view: ComparisonView| {
            add(
                &mut sums,
                &view.id,
                view.outcome,
                (&view.differences, &view.error),
            );
        };
        let summary = self.each_comparison(store, since, add).await?;
        Ok(ComparisonReport {
            summary,
            recorded: None,
            differences: sums.table(),
        })
    }

    /// Calls `each` with the recorded comparisons of a store, newest first. Returns the counts.
    pub async fn each_comparison(
        &self,
        store: &str,
        since: Option<Timestamp>,
        mut each: impl AsyncFnMut(ComparisonView),
    ) -> Result<ComparisonSummary, Error> {
        let mut query = ComparisonQuery {
            store: store.to_owned(),
            since,
            outcome: None,
            after: None,
            limit: PAGE,
        };
        loop {
            let page = self.comparisons(query.clone()).await?;
            for view in page.comparisons {
                each(view).await;
            }
            match page.next {
                Some(next) => query.after = Some(next),
                None => return Ok(page.summary),
            }
        }
    }

    /// Starts to evaluate baskets again.
    pub fn replay(&self, with: TaxRoute) -> Replay<'_> {
        Replay {
            taxes: self,
            with,
            counts: BTreeMap::new(),
            sums: DifferenceSums::default(),
        }
    }
}

impl Replay<'_> {
    /// Compares the answer of the store's route with that of the other route, both now.
    pub async fn basket(&mut self, name: &str, request: &TaxRequest) -> Result<(), Error> {
        let store = self.taxes.evaluated_store(&request.store_data.store_id);
        let route = store.await?.settings.route;
        match self.taxes.evaluate_by(request, route).await {
            Ok(response) => self.compare(name, request, (route, &response)).await,
            Err(error) => {
                let counts = self.counts.entry(route).or_default();
                counts.add(ShadowOutcome::Failed, 1);
                self.sums.fail(name, &format!("{route}: {error}"));
            }
        }
        Ok(())
    }

    /// Compares the answer of a route with that of the other route now.
    pub(super) async fn compare(
        &mut self,
        name: &str,
        request: &TaxRequest,
        (route, response): (TaxRoute, &TaxResponse),
    ) {
        let compared = self.taxes.compare_with(request, response, self.with).await;
        let ShadowResult {
            outcome,
            differences,
            error,
            ..
        } = compared;
        self.counts.entry(route).or_default().add(outcome, 1);
        add(&mut self.sums, name, outcome, (&differences, &error));
    }

    /// The counts by the first route, and the differences.
    pub fn finish(self) -> (Vec<RouteComparison>, DifferenceTable) {
        let shadow = self.with;
        let routes = self
            .counts
            .into_iter()
            .map(|(route, baskets)| RouteComparison {
                route,
                shadow,
                baskets,
            });
        (routes.collect(), self.sums.table())
    }
}

fn add(
    sums: &mut DifferenceSums,
    basket: &str,
    outcome: ShadowOutcome,
    (differences, error): (&TaxDifferences, &str),
) {
    match outcome {
        ShadowOutcome::Different if differences.is_empty() => sums.reject(basket, error),
        ShadowOutcome::Different => sums.add(basket, differences),
        ShadowOutcome::Failed => sums.fail(basket, error),
        ShadowOutcome::Equal | ShadowOutcome::Dropped => {}
    }
}
