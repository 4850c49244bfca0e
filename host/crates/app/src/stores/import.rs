//! Imports a file of stores completely or not at all.
//!
//! Every cell is checked, and every store is compared with the recorded one, before anything is written. One
//! transaction compares again and writes the differences: a partial file is never visible, and a concurrent
//! change of a store happens before it or after it. Unchanged stores are not written.

use super::row::{LAYOUT, row};
use super::single::{keeps, kept};
use crate::access::may_put;
use crate::core::{IdempotencyKey, Reply};
use crate::stores::Stores;
use crate::tabular::{Format, NotImported, Problems, Rows, Step, Upload, Watch};
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

/// Stores compared in one batch.
const PIECE: usize = 256;
/// The subject of the recorded operation.
const SUBJECT: &str = "stores";

/// The options of an import.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoreImportRequest {
    /// Only report what the import would do.
    pub dry_run: bool,
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
        mut file: Box<dyn Upload>,
        key: Option<IdempotencyKey>,
        watch: Watch,
    ) -> Result<Reply, NotImported> {
        if let Some(key) = key.clone()
            && let Some(before) = self.core.answered(key).await?
        {
            return Ok(before);
        }
        let watching = watch.clone();
        let read = tokio::task::spawn_blocking(move || read(&mut *file, &watching)).await;
        let read =
            read.map_err(|error| Error::Internal(format!("importing stores: {error}")))??;
        let looked = self.compared(read, &request, &watch).await?;
        if request.dry_run {
            let body = to_json(&looked.imported)?.to_string();
            return Ok(answered(body));
        }
        let writing = Writing {
            looked,
            actor: request.actor,
            reason: request.reason,
            now: self.core.clock.now(),
        };
        watch.go_on()?;
        let work = writing.work();
        Ok(match key {
            Some(key) => self.core.once(key, 200, work).await?,
            None => answered(self.core.records.write(work).await?.to_string()),
        })
    }

    /// Compares every store with the recorded one, without writing.
    async fn compared(
        &self,
        (stores, mut problems): (Vec<(Position, Store)>, Problems),
        request: &StoreImportRequest,
        watch: &Watch,
    ) -> Result<Looked, NotImported> {
        let all = stores.len() as u64;
        let (mut done, mut beyond) = (0, Problems::default());
        let (mut added, mut changed, mut differing) = (0, 0, Vec::new());
        let mut stores = stores.into_iter();
        loop {
            watch.go_on()?;
            let piece: Vec<(Position, Store)> = stores.by_ref().take(PIECE).collect();
            if piece.is_empty() {
                break;
            }
            done += piece.len() as u64;
            let ids: Vec<String> = piece.iter().map(|(_, store)| store.id.clone()).collect();
            let there = self
                .core
                .records
                .read(in_tx!(|tx, ids| tx.store_get_many(&ids).await));
            let there = by_id(there.await?);
            for (at, store) in piece {
                let before = there.get(&store.id);
                if !may_put(&request.reach, before, &store.retailer) {
                    beyond.of_row(at, "id", "must be a store that the caller may change");
                    continue;
                }
                match before {
                    Some(before) if *before == store => continue,
                    Some(before) => {
                        for (column, text) in kept(before, &store) {
                            problems.of_row(at, column, format!("must stay {text}"));
                        }
                        changed += 1;
                    }
                    None => added += 1,
                }
                differing.push(store);
            }
            (watch.steps)(Step::Compared(done, all));
        }
        if beyond.total > 0 {
            return Err(NotImported::Beyond(beyond));
        }
        if problems.total > 0 {
            return Err(NotImported::Refused(problems));
        }
        // A common order, so that two concurrent imports never deadlock.
        differing.sort_unstable_by(|one, other| one.id.cmp(&other.id));
        let imported = StoresImported {
            dry_run: request.dry_run,
            rows: all,
            added,
            changed,
            unchanged: all - added - changed,
        };
        Ok(Looked {
            differing: differing.into(),
            imported,
        })
    }
}

/// The result of the comparison.
struct Looked {
    /// The stores to write, in the order of ids.
    differing: Arc<[Store]>,
    imported: StoresImported,
}

/// Reads every valid store of a file with its row, and the problems of the others.
fn read(
    file: &mut dyn Upload,
    watch: &Watch,
) -> Result<(Vec<(Position, Store)>, Problems), NotImported> {
    let mut problems = Problems::default();
    let mut stores = Vec::new();
    let Some(mut rows) = Rows::open(file, &LAYOUT, Format::Csv, &mut problems)? else {
        return Err(NotImported::Refused(problems));
    };
    let further = rows.further().to_vec();
    let (mut seen, mut count) = (HashMap::new(), 0);
    while let Some(cells) = rows.next(&mut problems)? {
        count += 1;
        if count % PIECE as u64 == 0 {
            watch.go_on()?;
            (watch.steps)(Step::Checked(count));
        }
        let id = cells.text("id");
        if let Some(before) = seen.get(id) {
            let message = format!("must be unique in the file; row {before} has it too");
            problems.of_row(cells.at, "id", message);
        } else if !id.is_empty() {
            seen.insert(id.to_owned(), cells.at.row);
        }
        stores.extend(row(&cells, &further, &mut problems).map(|store| (cells.at, store)));
    }
    (watch.steps)(Step::Checked(count));
    Ok((stores, problems))
}

/// The transaction of an import.
struct Writing {
    looked: Looked,
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
        for piece in self.looked.differing.chunks(PIECE) {
            let ids: Vec<String> = piece.iter().map(|store| store.id.clone()).collect();
            let there = by_id(tx.store_get_many(&ids).await?);
            let (mut new, mut other) = (Vec::new(), Vec::new());
            for store in piece {
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
        let rows = self.looked.imported.rows;
        let answer = to_json(&StoresImported {
            dry_run: false,
            rows,
            added,
            changed,
            unchanged: rows - added - changed,
        })?;
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

fn to_json(imported: &StoresImported) -> Result<Value, Error> {
    serde_json::to_value(imported)
        .map_err(|error| Error::Internal(format!("serialising a response: {error}")))
}

fn answered(body: String) -> Reply {
    Reply {
        status: 200,
        body,
        repeated: false,
    }
}
