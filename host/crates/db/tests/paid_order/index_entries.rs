//! The entries of all indexes of a PostgreSQL database.

use galleria_test_database::{TestDatabase, integer};
use std::collections::BTreeMap;

/// Counts the entries by table, with those of replaced rows.
pub async fn of_tables(url: &str) -> BTreeMap<String, usize> {
    let mut database = TestDatabase::connect(url).await;
    database
        .run("CREATE EXTENSION IF NOT EXISTS pgstattuple")
        .await;
    let counts = "SELECT t.relname::TEXT, SUM(s.tuple_count + s.dead_tuple_count)::BIGINT
         FROM pg_index i JOIN pg_class t ON t.oid = i.indrelid JOIN pg_namespace n ON n.oid = t.relnamespace,
             pgstattuple(i.indexrelid) s
         WHERE n.nspname = 'public' GROUP BY t.relname";
    let rows = database.rows(counts).await.into_iter();
    rows.map(|row| {
        let [table, count] = <[_; 2]>::try_from(row).expect("two columns");
        let count = usize::try_from(integer(count)).expect("a count");
        (table.expect("a name"), count)
    })
    .collect()
}

/// Compares the entries that each of `orders` added with the limit.
pub fn check(
    before: &BTreeMap<String, usize>,
    after: &BTreeMap<String, usize>,
    orders: usize,
    limit: usize,
) {
    let added = after.iter().map(|(table, count)| {
        let added = count.saturating_sub(before.get(table).copied().unwrap_or_default());
        (table, added.div_ceil(orders))
    });
    let added: Vec<_> = added.filter(|(_, count)| *count > 0).collect();
    let total: usize = added.iter().map(|(_, count)| count).sum();
    let list: String = added
        .iter()
        .map(|(table, count)| format!("\n{count:4} {table}"))
        .collect();
    assert!(
        total <= limit,
        "a paid order adds {total} entries to indexes:{list}"
    );
}
