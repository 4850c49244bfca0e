//! The transaction of an import: the differences of all stores of a file.

use super::changes::{Changes, Progress};
use super::result::TaxTableImported;
use super::{rows_of, subject};
use crate::request::{answer, refuse};
use crate::tabular::Watch;
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
    pub rows: Vec<galleria_domain::tax::TaxRow>,
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
        let mut written = Vec::with_capacity(self.stores.len());
        for compared in &self.stores {
            let store = compared.store.as_str();
            let changes = if tx.tax_table_lock(store).await? == compared.version {
                Cow::Borrowed(&compared.changes)
            } else {
                // Another import changed the table after it was compared.
                let table = rows_of(tx, store).await?;
                Cow::Owned(Changes::between(store, table, &compared.rows, self.replace))
            };
            refuse(changes.problems.clone())?;
            if changes.count() > 0 {
                tx.tax_table_change(store).await?;
                changes.write(tx, store, &mut progress).await?;
                self.record(tx, store, &changes).await?;
            }
            written.push((store, changes));
        }
        answer(&TaxTableImported::new(false, self.rows, &written))
    }

    async fn record(&self, tx: &mut dyn Tx, store: &str, changes: &Changes) -> Result<(), Error> {
        let after = json!({ "rows": changes.after(), "added": changes.added.len(),
            "changed": changes.changed.len(), "removed": changes.removed.len() });
        tx.operation_insert(&OperationRow {
            at: self.now,
            actor: self.actor.clone(),
            action: "tax_table_import".into(),
            subject: subject(store),
            reason: self.reason.clone(),
            before: json!({ "rows": changes.before }).to_string(),
            after: after.to_string(),
        })
        .await
    }
}
