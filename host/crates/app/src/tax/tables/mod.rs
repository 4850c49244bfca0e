//! The tax tables of stores: listed, imported, exported, deleted.
//!
//! Owns: a table changes completely or not at all, and each change of it is a recorded operation.

mod changes;
mod export;
mod import;
mod result;
mod row;
mod write;

pub use export::tax_table_csv;
pub use import::TaxTableImport;
pub use result::{TaxRowChange, TaxTableImported};

use super::Taxes;
use crate::core::{IdempotencyKey, Reply, store_of};
use crate::parts::no_cursor;
use crate::request::answer;
use galleria_domain::tax::{TaxRow, TaxRowKey};
use galleria_ports::Error;
use galleria_ports::in_tx;
use galleria_ports::records::{OperationRow, Tx};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

/// Rows in one query.
const PAGE: u32 = 1_000;

/// A page of the table of a store.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct TaxTablePage {
    /// Sorted by code, level id and date.
    pub rows: Vec<TaxRow>,
    /// The `after` of the next page; null on the last page.
    pub next: Option<String>,
}

/// The result of a deletion.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct TaxTableDeleted {
    /// The number of removed rows.
    pub rows: u64,
}

impl Taxes {
    /// The table of a store, sorted by key.
    pub async fn table(&self, store: &str) -> Result<Vec<TaxRow>, Error> {
        let id = store.to_owned();
        let read = self.core.records.read(in_tx!(|tx, id| {
            store_of(tx, &id).await?;
            rows_of(tx, &id).await
        }));
        read.await
    }

    /// Up to `limit` rows of the table of a store, after those of a previous page.
    pub async fn table_page(
        &self,
        store: &str,
        after: Option<&str>,
        limit: u32,
    ) -> Result<TaxTablePage, Error> {
        let after = after.map(parse_cursor).transpose()?;
        let id = store.to_owned();
        let read = self.core.records.read(in_tx!(|tx, id, after| {
            store_of(tx, &id).await?;
            // Read one more row to find out whether there is a next page.
            tx.tax_row_list(&id, after.as_ref(), limit + 1).await
        }));
        let mut rows = read.await?;
        let more = rows.len() > limit as usize;
        rows.truncate(limit as usize);
        let last = rows.last().filter(|_| more);
        let next = last.map(|row| json!(row.key()).to_string());
        Ok(TaxTablePage { rows, next })
    }

    /// Removes the table of a store. The next evaluation on each host finds no table.
    pub async fn delete_table(
        &self,
        key: Option<IdempotencyKey>,
        store: &str,
        actor: &str,
        reason: &str,
    ) -> Result<Reply, Error> {
        let operation = OperationRow {
            at: self.core.clock.now(),
            actor: actor.to_owned(),
            action: "tax_table_delete".into(),
            subject: subject(store),
            reason: reason.to_owned(),
            before: String::new(),
            after: Value::Null.to_string(),
        };
        let id = store.to_owned();
        let deleted = self.core.once(
            key,
            200,
            in_tx!(|tx, id, operation| {
                store_of(tx, &id).await?;
                tx.tax_table_change(&id).await?;
                let rows = tx.tax_table_delete(&id).await?;
                if rows > 0 {
                    let before = json!({ "rows": rows }).to_string();
                    tx.operation_insert(&OperationRow {
                        before,
                        ..operation
                    })
                    .await?;
                }
                answer(&TaxTableDeleted { rows })
            }),
        );
        deleted.await
    }
}

/// The subject of recorded operations.
pub(super) fn subject(store: &str) -> String {
    format!("store {store}")
}

/// A key from the `next` of a page. PostgreSQL fails on a query with NUL.
fn parse_cursor(text: &str) -> Result<TaxRowKey, Error> {
    let key: Option<TaxRowKey> = serde_json::from_str(text).ok();
    let plain = |text: &str| !text.contains('\0');
    key.filter(|(code, id, _)| plain(code) && plain(id))
        .ok_or_else(no_cursor)
}

/// The table of a store, sorted by key.
pub(super) async fn rows_of(tx: &mut dyn Tx, store: &str) -> Result<Vec<TaxRow>, Error> {
    let mut rows: Vec<TaxRow> = Vec::new();
    loop {
        let after = rows.last().map(TaxRow::key);
        let page = tx.tax_row_list(store, after.as_ref(), PAGE).await?;
        let is_last = page.len() < PAGE as usize;
        rows.extend(page);
        if is_last {
            return Ok(rows);
        }
    }
}
