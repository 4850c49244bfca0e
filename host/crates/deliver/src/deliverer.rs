//! The loop that delivers documents to their directories.
//!
//! A batch has the documents of one retailer. Retailers take turns by the documents and bytes of their batches, so
//! that the documents of one delay those of another by at most one batch for each host.

use crate::delivery_spans::DeliverySpans;
use crate::directories::{self, Directories, RenameOutcome};
use cap_std::fs::Dir;
use galleria_app::App;
use galleria_domain::shares::{Shares, write_cost};
use galleria_domain::{Digest, retry};
use galleria_ports::Error;
use galleria_ports::clock::later;
use galleria_ports::in_tx;
use galleria_ports::records::{DocumentRow, DocumentState, LeaseLimit};
use std::collections::BTreeMap;
use std::io;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio_util::sync::CancellationToken;

/// Documents in one batch, which share the directories' syncs and two commits.
/// Their bodies are in memory together, so their size is bounded too; a larger document is a batch of its own.
const BATCH: LeaseLimit = LeaseLimit {
    documents: 64,
    bytes: 4 * 1024 * 1024,
};

/// The lease of a batch: longer than a batch takes on a slow disk. A document that failed keeps its lease, so
/// this is also the wait before its next try.
const LEASE: Duration = retry::DELIVERY_WAIT;

/// How often the database is checked without a notification.
const POLL: Duration = Duration::from_millis(500);

/// Delivers documents to their directories.
pub struct Deliverer {
    app: App,
    directories: Directories,
    owner: String,
    /// Incremented after every batch with a failure. The leaseholder is owner and round: so a document that
    /// failed keeps its lease until it expires, and does not block the younger ones.
    round: AtomicU64,
    retailers: Mutex<Shares<String>>,
}

/// A document and its folder.
struct Destination {
    document: DocumentRow,
    folder: Dir,
}

impl Deliverer {
    /// Creates a deliverer. `owner` identifies this host among others on the same database.
    pub fn new(app: App, directories: Directories, owner: impl Into<String>) -> Self {
        Self {
            app,
            directories,
            owner: owner.into(),
            round: AtomicU64::new(0),
            retailers: Mutex::default(),
        }
    }

    /// Delivers until `stop`; a batch in flight finishes first.
    pub async fn run(self, stop: CancellationToken) {
        let mut decided = self.app.core.document_decided();
        while !stop.is_cancelled() {
            let mut pause = POLL;
            match self.deliver_next().await {
                Ok(batch) if batch.more => continue,
                Ok(_) => {}
                Err(error) => {
                    tracing::error!(error = error.chain(), "delivery paused");
                    pause = retry::OUTAGE_PAUSE;
                }
            }
            tokio::select! {
                () = decided.notified() => {}
                () = self.app.core.clock().sleep(pause) => {}
                () = stop.cancelled() => {}
            }
        }
    }

    /// Delivers one batch; returns the number of documents it leased.
    pub async fn deliver_batch(&self) -> Result<usize, Error> {
        Ok(self.deliver_next().await?.documents)
    }

    async fn deliver_next(&self) -> Result<Batch, Error> {
        let (leased, others) = self.lease().await?;
        let Some(first) = leased.first() else {
            return Ok(Batch::default());
        };
        let bodies = leased.iter().filter_map(|one| one.body.as_ref());
        let bytes: usize = bodies.map(Vec::len).sum();
        let cost = write_cost(leased.len(), bytes as u64);
        // A batch that fails has its cost too.
        self.retailers().charge(&first.retailer, cost);
        let spans = DeliverySpans::begin(&self.app, &leased).await;
        let directories = self.directories.clone();
        let batch = Batch {
            documents: leased.len(),
            // A small document alone was all that waited, unless other retailers wait.
            more: others || leased.len() > 1 || bytes as u64 > BATCH.bytes / 4,
        };
        let writer = self.writer();
        let (ready, failed) = blocking(move || prepare(&directories, &writer, leased)).await?;
        let mut any_failed = log_failures(failed);
        let pending = ids(&ready, DocumentState::Pending);
        let prepared = self.advance(pending, DocumentState::Prepared).await?;
        let ready: Vec<Destination> = ready
            .into_iter()
            .filter(|one| {
                one.document.state == DocumentState::Prepared || prepared.contains(&one.document.id)
            })
            .collect();
        let Outcome {
            delivered,
            blocked,
            failed,
        } = blocking(move || rename_all(ready)).await?;
        any_failed |= log_failures(failed);
        for document in &blocked {
            tracing::error!(
                document = %document.id, event = %document.event_id, retailer = %document.retailer,
                directory = document.directory, path = document.path(),
                "document blocked: another file has its name; move that file and deliver again"
            );
        }
        spans.end(blocked.iter().map(|one| &*one.id), "blocked");
        let blocked: Vec<String> = blocked.into_iter().map(|document| document.id).collect();
        let delivered = self.advance(delivered, DocumentState::Delivered).await?;
        spans.end(delivered.iter().map(|id| &**id), "delivered");
        galleria_ports::metrics::delivered(delivered.len());
        self.advance(blocked, DocumentState::Blocked).await?;
        if any_failed {
            self.round.fetch_add(1, Ordering::Relaxed);
        }
        Ok(batch)
    }

    fn leaseholder(&self) -> String {
        format!("{}#{}", self.owner, self.round.load(Ordering::Relaxed))
    }

    /// Part of the names of drafts, so that two hosts never write to the same one.
    fn writer(&self) -> String {
        Digest::of(self.owner.as_bytes()).short().to_owned()
    }

    fn retailers(&self) -> MutexGuard<'_, Shares<String>> {
        self.retailers
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    /// Leases documents of the retailer whose turn it is. The flag says whether other retailers wait.
    async fn lease(&self) -> Result<(Vec<DocumentRow>, bool), Error> {
        let (owner, now) = (self.leaseholder(), self.app.core.clock().now());
        let until = later(now, LEASE);
        let records = self.app.core.records();
        let reader = owner.clone();
        let waiting = records.read_one(in_tx!(|tx, reader| tx
            .document_waiting_retailers(&reader, now)
            .await));
        let waiting = waiting.await?;
        let others = waiting.len() > 1;
        let order = self.retailers().compete(waiting);
        for retailer in order {
            let owner = owner.clone();
            let leased = records.write_one(in_tx!(|tx, retailer, owner| tx
                .document_lease(&retailer, &owner, now, until, BATCH)
                .await));
            let leased = leased.await?;
            // Another host may have taken the documents of this retailer meanwhile.
            if let Some(first) = leased.first() {
                self.retailers().begin(&first.retailer);
                return Ok((leased, others));
            }
        }
        Ok((Vec::new(), false))
    }

    async fn advance(&self, ids: Vec<String>, state: DocumentState) -> Result<Vec<String>, Error> {
        if ids.is_empty() {
            return Ok(ids);
        }
        let (owner, now) = (self.leaseholder(), self.app.core.clock().now());
        self.app
            .core
            .records()
            .write_one(in_tx!(|tx, owner, ids| tx
                .document_advance(&ids, &owner, state, now)
                .await))
            .await
    }
}

/// A batch that was delivered.
#[derive(Default)]
struct Batch {
    documents: usize,
    /// Whether more documents may wait.
    more: bool,
}

/// A document with an error. It is tried again when its lease has expired.
type Failed = (DocumentRow, io::Error);

struct Outcome {
    delivered: Vec<String>,
    blocked: Vec<DocumentRow>,
    failed: Vec<Failed>,
}

async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, Error> {
    tokio::task::spawn_blocking(work)
        .await
        .map_err(|error| Error::Internal(format!("delivery task: {error}")))
}

/// Writes and syncs the temporary files, then syncs each folder once.
fn prepare(
    directories: &Directories,
    writer: &str,
    leased: Vec<DocumentRow>,
) -> (Vec<Destination>, Vec<Failed>) {
    let mut failed = Vec::new();
    let mut ready = Vec::new();
    for document in leased {
        let DocumentRow {
            directory,
            retailer,
            folder: store,
            ..
        } = &document;
        let written = match document.state {
            DocumentState::Pending => {
                let body = document.body.as_deref().unwrap_or_default();
                let folder = directories.folder(directory, retailer, store);
                folder.and_then(|folder| {
                    directories::write_temporary(&folder, &document.id, writer, body)?;
                    Ok(folder)
                })
            }
            _ => directories.existing_folder(directory, retailer, store),
        };
        match written {
            Ok(folder) => ready.push(Destination { document, folder }),
            Err(error) => failed.push((document, error)),
        }
    }
    sync_folders(ready, failed)
}

/// Syncs each folder once. If that fails, all documents of the folder fail.
fn sync_folders(
    destinations: Vec<Destination>,
    mut failed: Vec<Failed>,
) -> (Vec<Destination>, Vec<Failed>) {
    let mut folders: BTreeMap<[String; 3], Vec<Destination>> = BTreeMap::new();
    for one in destinations {
        let DocumentRow {
            directory,
            retailer,
            folder,
            ..
        } = &one.document;
        let folder = [directory, retailer, folder].map(String::clone);
        folders.entry(folder).or_default().push(one);
    }
    let mut synced = Vec::new();
    for (_, destinations) in folders {
        match directories::sync(&destinations[0].folder) {
            Ok(()) => synced.extend(destinations),
            Err(error) => failed.extend(destinations.into_iter().map(|one| {
                let error = io::Error::new(error.kind(), error.to_string());
                (one.document, error)
            })),
        }
    }
    (synced, failed)
}

/// Renames every file to its final name, then syncs each folder once.
fn rename_all(ready: Vec<Destination>) -> Outcome {
    let (mut failed, mut blocked, mut renamed) = (Vec::new(), Vec::new(), Vec::new());
    for one in ready {
        match directories::place(&one.folder, &one.document) {
            Ok(RenameOutcome::Done | RenameOutcome::Earlier) => renamed.push(one),
            Ok(RenameOutcome::NameTaken) => blocked.push(one.document),
            Err(error) => failed.push((one.document, error)),
        }
    }
    let (synced, failed) = sync_folders(renamed, failed);
    Outcome {
        delivered: synced.into_iter().map(|one| one.document.id).collect(),
        blocked,
        failed,
    }
}

/// The ids of the documents in this state.
fn ids(destinations: &[Destination], state: DocumentState) -> Vec<String> {
    let matching = destinations
        .iter()
        .filter(|one| one.document.state == state);
    matching.map(|one| one.document.id.clone()).collect()
}

/// Logs the failures; returns whether there were any.
fn log_failures(failed: Vec<Failed>) -> bool {
    let any = !failed.is_empty();
    for (document, error) in failed {
        tracing::error!(
            document = %document.id, event = %document.event_id, retailer = %document.retailer,
            directory = document.directory, path = document.path(), wait_s = LEASE.as_secs(), %error,
            "document not delivered, trying again later"
        );
    }
    any
}
