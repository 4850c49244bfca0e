//! Queries of comparisons of tax routes.

use crate::Db;
use galleria_domain::tax::{TaxRoute, TaxSettings};
use galleria_ports::in_tx;
use galleria_ports::records::{
    ComparisonCount, ComparisonFilter, ComparisonTerms, Records, ShadowOutcome,
};
use jiff::Timestamp;

/// Runs the queries whose cost must not grow with the number of comparisons.
pub(super) async fn run_comparison_queries(db: &Db) {
    let records: &dyn Records = db;
    let result = records.write(in_tx!(|tx| {
        let now = Timestamp::UNIX_EPOCH;
        let (day, outcome) = (ComparisonCount::day_of(now), ShadowOutcome::Equal);
        let terms = ComparisonTerms {
            store_id: "s".into(),
            route: TaxRoute::Grpc,
            shadow: TaxRoute::Http,
            table_version: 0,
            settings_version: 0,
        };
        let count = tx.tax_comparison_count_get(&terms, day, outcome).await?;
        tx.tax_comparison_count_add(&count).await?;
        tx.tax_comparison_count_list("s", day).await?;
        for outcome in [None, Some(outcome)] {
            let filter = ComparisonFilter {
                store_id: "s".into(),
                since: now,
                outcome,
            };
            tx.tax_comparison_list(&filter, None, 1).await?;
        }
        tx.tax_settings_put("s", &TaxSettings::default()).await?;
        tx.tax_store_get("s").await?;
        tx.tax_comparison_sweep(now, 1).await.map(drop)
    }));
    result.await.expect("queries");
}
