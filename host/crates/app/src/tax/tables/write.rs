//! The transaction of an import: the differences of all stores of a file.

use super::changes::{Changes, Progress, WRITTEN};
use super::result::TaxTableImported;
use super::{rows_of, subject};
use crate::request::{answer, refuse};
use crate::tabular::Watch;
use galleria_domain::tax::TaxRow;
use galleria_ports::Error;
use galleria_ports::in_tx;
use galleria_ports::records::{InTx, OperationRow, Tx};
use jiff::Timestamp;
use serde_json::{Value, json};
use std::borrow::Cow;
use std::sync::Arc;

/// The rows of a file for one store, compared with its table.
pub(super) struct Compared {
    pub store: String,
    pub rows: Vec<TaxRow>,
    /// The version of the table that the rows were compared with.
    pub version: i64,
    pub changes: Changes,
}

/// The changes of all stores.
pub(super) struct Writing {
    /// Sorted by store, so that two concurrent imports never deadlock.
    pub stores: Vec<Compared>,
    /// The number of rows of the file.
    pub rows: u64,
    pub replace: bool,
    pub actor: String,
    pub reason: String,
    pub now: Timestamp,
    pub watch: Watch,
}

impl Writing {
    pub fn work(
        self,
    ) -> impl for<'t> Fn(&'t mut dyn Tx) -> InTx<'t, Value> + Send + Sync + 'static {
        let writing = Arc::new(self);
        in_tx!(|tx, writing| writing.write(tx).await)
    }

    async fn write(&self, tx: &mut dyn Tx) -> Result<Value, Error> {
        let all = self.stores.iter().map(|one| one.changes.count()).sum();
        let mut progress = Progress::new(&self.watch, all);
        let ids: Vec<&str> = self.stores.iter().map(|one| one.store.as_str()).collect();
        let versions = tx.tax_table_lock_many(&ids).await?;
        let mut written = Vec::with_capacity(self.stores.len());
        for compared in &self.stores {
            let store = compared.store.as_str();
            let changes = if versions.get(store) == Some(&compared.version) {
                Cow::Borrowed(&compared.changes)
            } else {
                // Another import changed the table after it was compared.
                let table = rows_of(tx, store).await?;
                Cow::Owned(Changes::between(store, table, &compared.rows, self.replace))
            };
            refuse(changes.problems.clone())?;
            written.push((store, changes));
        }
        let changed: Vec<(&str, &Changes)> = written
            .iter()
            .filter(|(_, changes)| changes.count() > 0)
            .map(|(store, changes)| (*store, &**changes))
            .collect();
        // The queries are for many stores, so that their number depends on the rows only.
        let ids: Vec<&str> = changed.iter().map(|(store, _)| *store).collect();
        tx.tax_table_change_many(&ids).await?;
        for (store, changes) in &changed {
            changes.write_others(tx, store, &mut progress).await?;
        }
        let added = changed
            .iter()
            .flat_map(|(store, changes)| changes.added.iter().map(|row| (*store, row)));
        let added: Vec<(&str, &TaxRow)> = added.collect();
        for rows in added.chunks(WRITTEN) {
            tx.tax_row_insert_many(rows).await?;
            progress.add(rows.len())?;
        }
        let operations: Vec<OperationRow> = changed
            .iter()
            .map(|(store, changes)| self.operation(store, changes))
            .collect();
        tx.operation_insert_many(&operations).await?;
        answer(&TaxTableImported::new(false, self.rows, &written))
    }

    fn operation(&self, store: &str, changes: &Changes) -> OperationRow {
        let after = json!({ "rows": changes.after(), "added": changes.added.len(),
            "changed": changes.changed.len(), "removed": changes.removed.len() });
        OperationRow {
            at: self.now,
            actor: self.actor.clone(),
            action: "tax_table_import".into(),
            subject: subject(store),
            reason: self.reason.clone(),
            before: json!({ "rows": changes.before }).to_string(),
            after: after.to_string(),
        }
    }
}
