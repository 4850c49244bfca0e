//! Imports a file of stores completely or not at all.
//!
//! Every cell is checked, and every store is compared with the recorded one, before anything is written. One
//! transaction compares again and writes the differences: a partial file is never visible, and a concurrent
//! change of a store happens before it or after it. Unchanged stores are not written.

use super::row::{LAYOUT, row};
use super::single::{keeps, kept};
use crate::access::may_put;
use crate::core::{Core, IdempotencyKey, Reply};
use crate::stores::Stores;
use crate::tabular::{
    BATCH, Cells, End, Format, ImportOptions, Importer, Job, Layout, NotImported, Problems, Unique,
    Upload, Watch, import, imported,
};
use galleria_csv::Position;
use galleria_domain::Store;
use galleria_ports::Error;
use galleria_ports::access::Reach;
use galleria_ports::in_tx;
use galleria_ports::records::{InTx, OperationRow, Tx};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::HashMap;
use std::sync::Arc;

/// The subject of the recorded operation.
const SUBJECT: &str = "stores";

/// The options of an import.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoreImportRequest {
    /// The options of every import.
    pub options: ImportOptions,
    /// The stores that the caller may change.
    pub reach: Reach,
    /// The actor.
    pub actor: String,
    /// The reason.
    pub reason: String,
}

/// The result of an import.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct StoresImported {
    /// Whether it was a dry run.
    pub dry_run: bool,
    /// Rows of the file, without the header.
    pub rows: u64,
    /// New stores.
    pub added: u64,
    /// Changed stores.
    pub changed: u64,
    /// Unchanged stores.
    pub unchanged: u64,
}

impl Stores {
    /// Imports a CSV file, or returns all its problems. With an idempotency key, the response is saved and a repeated
    /// request gets the same response.
    pub async fn import(
        &self,
        request: StoreImportRequest,
        file: Box<dyn Upload>,
        key: Option<IdempotencyKey>,
        watch: Watch,
    ) -> Result<Reply, NotImported> {
        let job = Job::new((Format::Csv, request.options), file, key, watch);
        let comparison = Comparison {
            core: self.core.clone(),
            request,
            seen: Unique::default(),
            beyond: Problems::default(),
            differing: Vec::new(),
            added: 0,
        };
        import(&self.core, job, async { Ok(comparison) }).await
    }
}

/// Stores of a file, compared with the recorded ones.
struct Comparison {
    core: Core,
    request: StoreImportRequest,
    seen: Unique,
    beyond: Problems,
    /// The stores to write.
    differing: Vec<Store>,
    /// The number of new stores among them.
    added: u64,
}

impl Importer for Comparison {
    type Row = Store;
    const LAYOUT: &'static Layout = &LAYOUT;

    fn row(&self, cells: &Cells, further: &[String], problems: &mut Problems) -> Option<Store> {
        row(cells, further, problems)
    }

    fn note(&mut self, cells: &Cells, _: Option<&Store>, problems: &mut Problems) {
        let id = cells.text("id");
        if !id.is_empty() {
            self.seen.add(cells.at, "id", id, (), problems);
        }
    }

    async fn compare(
        &mut self,
        batch: Vec<(Position, Store)>,
        problems: &mut Problems,
    ) -> Result<(), Error> {
        let ids: Vec<String> = batch.iter().map(|(_, store)| store.id.clone()).collect();
        let records = &self.core.records;
        let there = records.read(in_tx!(|tx, ids| tx.store_get_many(&ids).await));
        let there = by_id(there.await?);
        for (at, store) in batch {
            let before = there.get(&store.id);
            if !may_put(&self.request.reach, before, &store.retailer) {
                let message = "must be a store that the caller may change";
                self.beyond.of_row(at, "id", message);
                continue;
            }
            match before {
                Some(before) if *before == store => continue,
                Some(before) => {
                    for (column, text) in kept(before, &store) {
                        problems.of_row(at, column, format!("must stay {text}"));
                    }
                }
                None => self.added += 1,
            }
            self.differing.push(store);
        }
        Ok(())
    }

    fn beyond(&mut self) -> Problems {
        std::mem::take(&mut self.beyond)
    }

    async fn finish(&mut self, end: End<'_>) -> Result<Reply, NotImported> {
        let mut differing = std::mem::take(&mut self.differing);
        if end.dry_run {
            let changed = differing.len() as u64 - self.added;
            let counts = StoresImported::new(end.rows, self.added, changed);
            return Ok(imported(&StoresImported {
                dry_run: true,
                ..counts
            })?);
        }
        // A common order, so that two concurrent imports never deadlock.
        differing.sort_unstable_by(|one, other| one.id.cmp(&other.id));
        let writing = Writing {
            differing,
            rows: end.rows,
            actor: self.request.actor.clone(),
            reason: self.request.reason.clone(),
            now: self.core.clock.now(),
        };
        let work = writing.work();
        Ok(match end.key {
            Some(key) => self.core.once(key, 200, work).await?,
            None => imported(&self.core.records.write(work).await?)?,
        })
    }
}

impl StoresImported {
    fn new(rows: u64, added: u64, changed: u64) -> Self {
        Self {
            dry_run: false,
            rows,
            added,
            changed,
            unchanged: rows - added - changed,
        }
    }
}

/// The transaction of an import.
struct Writing {
    /// Sorted by id.
    differing: Vec<Store>,
    rows: u64,
    actor: String,
    reason: String,
    now: Timestamp,
}

impl Writing {
    fn work(self) -> impl for<'t> Fn(&'t mut dyn Tx) -> InTx<'t, Value> + Send + Sync + 'static {
        let writing = Arc::new(self);
        in_tx!(|tx, writing| writing.write(tx).await)
    }

    async fn write(&self, tx: &mut dyn Tx) -> Result<Value, Error> {
        let (mut added, mut changed) = (0, 0);
        for batch in self.differing.chunks(BATCH) {
            let ids: Vec<String> = batch.iter().map(|store| store.id.clone()).collect();
            let there = by_id(tx.store_get_many(&ids).await?);
            let (mut new, mut other) = (Vec::new(), Vec::new());
            for store in batch {
                match there.get(&store.id) {
                    // The same change was made meanwhile.
                    Some(before) if before == store => {}
                    Some(before) => {
                        keeps(before, store)?;
                        other.push(store.clone());
                    }
                    None => new.push(store.clone()),
                }
            }
            tx.store_insert_many(&new).await?;
            tx.store_replace_many(&other).await?;
            (added, changed) = (added + new.len() as u64, changed + other.len() as u64);
        }
        let imported = StoresImported::new(self.rows, added, changed);
        let answer = serde_json::to_value(imported)
            .map_err(|error| Error::Internal(format!("serialising a response: {error}")))?;
        tx.operation_insert(&OperationRow {
            at: self.now,
            actor: self.actor.clone(),
            action: "stores_import".into(),
            subject: SUBJECT.into(),
            reason: self.reason.clone(),
            before: Value::Null.to_string(),
            after: answer.to_string(),
        })
        .await?;
        Ok(answer)
    }
}

fn by_id(stores: Vec<Store>) -> HashMap<String, Store> {
    let all = stores.into_iter();
    all.map(|store| (store.id.clone(), store)).collect()
}
