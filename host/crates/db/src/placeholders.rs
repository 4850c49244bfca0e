//! Lists of placeholders in SQL text.

use crate::query::{Query, query};
use crate::transaction::{Transaction, inserted};
use galleria_ports::Error;
use std::collections::HashSet;

/// Most rows in one query. On PostgreSQL a query costs a round trip, and on both databases its
/// preparation. At 64 rows both are cheap compared to the rows. Only the last chunk is shorter, so the
/// texts of all lengths fit the cache of prepared queries of a connection.
pub(crate) const CHUNK: usize = 64;

/// Returns `$first, $first+1...` with `count` placeholders.
pub(crate) fn list(first: usize, count: usize) -> String {
    let all: Vec<_> = (first..first + count)
        .map(|number| format!("${number}"))
        .collect();
    all.join(", ")
}

/// Returns `($first, $first+1...), (...)` with `count` tuples of `width` placeholders.
pub(crate) fn tuples(first: usize, count: usize, width: usize) -> String {
    let all: Vec<_> = (0..count)
        .map(|row| format!("({})", list(first + row * width, width)))
        .collect();
    all.join(", ")
}

/// Starts a query that inserts rows of `width` columns: `head`, the rows, and `tail`.
pub(crate) fn insert<'q, T>(
    name: &'static str,
    (head, width, tail): (&str, usize, &str),
    rows: &'q [T],
    bind: impl FnMut(Query<'q>, &'q T) -> Query<'q>,
) -> Query<'q> {
    let sql = format!("{head} VALUES {} {tail}", tuples(1, rows.len(), width));
    rows.iter().fold(query(name, sql), bind)
}

/// Runs an insert that returns the ids of the new rows. Returns `Error::Exists` with the first id that was taken.
pub(crate) async fn insert_all<'i>(
    tx: &mut Transaction<'_>,
    insert: Query<'_>,
    what: &'static str,
    mut ids: impl Iterator<Item = &'i str>,
) -> Result<(), Error> {
    if tx.assumes() {
        return tx.execute_later(insert.without_conflict_clause()).await;
    }
    let rows = tx.fetch_all_as(insert, |row| row.text("id")).await?;
    let new: HashSet<String> = rows.into_iter().collect();
    match ids.find(|id| !new.contains(*id)) {
        Some(id) => inserted(0, what, id),
        None => Ok(()),
    }
}

/// The number of placeholders for `count` ids: the next power of two, so that a few prepared texts
/// serve all lengths.
fn padded_len(count: usize) -> usize {
    count.next_power_of_two()
}

/// Returns a placeholder list for `count` ids, to be bound by [`bind_padded`].
pub(crate) fn padded_list(first: usize, count: usize) -> String {
    list(first, padded_len(count))
}

/// Binds the ids. The last id fills the remaining placeholders.
pub(crate) fn bind_padded<'q>(mut query: Query<'q>, ids: &[&'q str]) -> Query<'q> {
    let last = ids.last().copied().unwrap_or_default();
    for index in 0..padded_len(ids.len()) {
        query = query.bind(ids.get(index).copied().unwrap_or(last));
    }
    query
}
