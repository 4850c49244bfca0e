//! Query plans of SQLite: each query that is frequent, or reads a growing table, uses an index. Tests
//! only.

mod lists;
mod parked;
mod records;
mod settlement;
mod tax_comparisons;

use crate::{Db, DbConfig};
use galleria_test_database::TestDatabase;
use std::collections::BTreeSet;

#[tokio::test]
async fn no_query_scans_a_whole_table() {
    let _turn = crate::query_log::turn().await;
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("records.db");
    let config = DbConfig::new(format!("sqlite://{}", path.display()));
    Db::migrate(&config).await.expect("migrated");
    let db = Db::open(&config).await.expect("open");
    // Opening reads the versions of the schema.
    crate::query_log::take();
    records::run_record_queries(&db).await;
    settlement::run_settlement_queries(&db).await;
    tax_comparisons::run_comparison_queries(&db).await;
    lists::run_timeline_queries(&db).await;
    lists::run_list_queries(&db).await;
    db.close().await.expect("closed");

    let queries: BTreeSet<_> = crate::query_log::take().into_iter().collect();
    assert!(
        queries.len() > 25,
        "too few queries were recorded: {queries:?}"
    );
    let mut file = TestDatabase::connect(&config.url).await;
    // Queries for the few rows that wait must use the partial index that contains only them.
    let waiting = [
        ("document_waiting_retailers", "documents_to_deliver"),
        ("run_waiting_retailers", "runs_by_turn"),
        ("run_lease", "runs_by_turn"),
    ];
    let mut bad = Vec::new();
    for (name, sql) in queries {
        // The last of the columns `id`, `parent`, `notused` and `detail`.
        let steps = file.rows(&format!("EXPLAIN QUERY PLAN {sql}")).await;
        let steps = steps.into_iter().map(|mut step| step.pop().flatten());
        let steps: Vec<String> = steps.map(|step| step.expect("a step")).collect();
        // Queries for rare rows must use the partial index that contains only them.
        let rare = [
            ("status <> 'paid'", "orders_unpaid_by_"),
            ("closed_ms IS NULL", "shifts_open_by_"),
            ("state <> 'delivered'", "documents_undelivered"),
        ];
        let wrong_index = name == "list_cursors"
            && !sql.contains("order_id = ")
            && rare.iter().any(|(words, index)| {
                sql.contains(words) && !steps.iter().any(|step| step.contains(index))
            });
        let reads = |step: &&String| step.contains("documents") || step.contains("runs");
        let wrong_index = wrong_index
            || waiting.iter().any(|(query, index)| {
                *query == name
                    && sql.starts_with(['W', 'S'])
                    && !steps.iter().filter(reads).all(|step| step.contains(index))
            });
        // They group the few rows since the last totals.
        let groups = ["store_metrics", "totals_advance"].contains(&name);
        let is_group = |step: &str| groups && step == "USE TEMP B-TREE FOR GROUP BY";
        if wrong_index
            || steps
                .iter()
                .any(|step| !is_indexed(step) && !is_group(step))
        {
            bad.push((name, sql, steps));
        }
    }
    assert!(bad.is_empty(), "{bad:#?}");
}

fn is_indexed(step: &str) -> bool {
    // `counts`, `e`, `few`, `n` and `retailers` are not tables but the subqueries of `store_metrics`, `parked_backlog`,
    // `event_lag`, a timeline and `waiting_retailers`. `store_totals` has one row for each store.
    let subqueries = [
        "SCAN counts",
        "SCAN e",
        "SCAN few",
        "SCAN n",
        "SCAN retailers",
        "SCAN store_totals",
        "SCAN CONSTANT ROW",
    ];
    let is_subquery = subqueries.contains(&step);
    let is_subquery = is_subquery || step.starts_with("SCAN (subquery");
    let whole_table = step.starts_with("SCAN") && !step.contains(" INDEX ") && !is_subquery;
    let sorts = step.contains("TEMP B-TREE");
    !whole_table && !sorts
}
