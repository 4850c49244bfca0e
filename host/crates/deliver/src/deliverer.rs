//! The loop that brings decided documents to their directories.

use crate::directories::{self, Directories, Renamed};
use crate::told::Told;
use cap_std::fs::Dir;
use galleria_app::clock::later;
use galleria_app::records::{DocumentRow, DocumentState, InTx};
use galleria_app::{App, Error};
use galleria_domain::Digest;
use std::collections::BTreeMap;
use std::io;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use tokio_util::sync::CancellationToken;

/// Documents taken at a time: they share the directories' syncs and two commits.
const BATCH: u32 = 64;

/// Longer than a batch takes on a slow disk; after it another host may try.
const LEASE: Duration = Duration::from_secs(60);

/// How often the database is asked where nobody told of a new document.
const POLL: Duration = Duration::from_millis(500);

/// Brings documents to their directories.
pub struct Deliverer {
    app: App,
    directories: Directories,
    owner: String,
    /// Grows with every batch of which something failed. Leases are taken under owner and round:
    /// so what failed keeps its lease until that runs out, and does not come back at once, before
    /// everything that is younger.
    round: AtomicU64,
}

/// A document and the folder it goes to.
struct Bound {
    document: DocumentRow,
    folder: Dir,
}

impl Deliverer {
    /// `owner` names this host among others on the same database.
    pub fn new(app: App, directories: Directories, owner: impl Into<String>) -> Self {
        Self {
            app,
            directories,
            owner: owner.into(),
            round: AtomicU64::new(0),
        }
    }

    /// Delivers until told to stop; a batch in hand is finished first.
    pub async fn run(self, stop: CancellationToken) {
        let mut decided = self.app.document_decided();
        while !stop.is_cancelled() {
            match self.deliver_batch().await {
                Ok(0) => {}
                Ok(_) => continue,
                Err(error) => {
                    tracing::error!("documents cannot be delivered: {}", error.chain());
                }
            }
            tokio::select! {
                () = decided.heard() => {}
                () = self.app.clock().sleep(POLL) => {}
                () = stop.cancelled() => {}
            }
        }
    }

    /// Delivers some of what can be delivered now, and answers how many documents it took in hand.
    pub async fn deliver_batch(&self) -> Result<usize, Error> {
        let leased = self.lease().await?;
        if leased.is_empty() {
            return Ok(0);
        }
        let told = Told::of(&self.app, &leased).await;
        let directories = self.directories.clone();
        let (taken, writer) = (leased.len(), self.writer());
        let (ready, failed) = blocking(move || prepare(&directories, &writer, leased)).await?;
        let mut some_failed = report(failed);
        let pending = ids(&ready, DocumentState::Pending);
        let prepared = self.advance(pending, DocumentState::Prepared).await?;
        let ready: Vec<Bound> = ready
            .into_iter()
            .filter(|bound| {
                bound.document.state == DocumentState::Prepared
                    || prepared.contains(&bound.document.id)
            })
            .collect();
        let Outcome {
            delivered,
            blocked,
            failed,
        } = blocking(move || rename_all(ready)).await?;
        some_failed |= report(failed);
        for bound in &blocked {
            tracing::error!(
                document = %bound.id, event = %bound.event_id, retailer = %bound.retailer,
                "{}/{} is there already and is not ours: move it away and deliver again",
                bound.directory, bound.name
            );
        }
        told.ended(blocked.iter().map(|one| &*one.id), "blocked");
        let blocked: Vec<String> = blocked.into_iter().map(|document| document.id).collect();
        let delivered = self.advance(delivered, DocumentState::Delivered).await?;
        told.ended(delivered.iter().map(|id| &**id), "delivered");
        galleria_app::figures::delivered(delivered.len());
        self.advance(blocked, DocumentState::Blocked).await?;
        if some_failed {
            self.round.fetch_add(1, Ordering::Relaxed);
        }
        Ok(taken)
    }

    fn leaseholder(&self) -> String {
        format!("{}#{}", self.owner, self.round.load(Ordering::Relaxed))
    }

    /// Stands in the names of drafts, so that no two hosts write into one.
    fn writer(&self) -> String {
        Digest::of(self.owner.as_bytes()).short().to_owned()
    }

    async fn lease(&self) -> Result<Vec<DocumentRow>, Error> {
        let (owner, now) = (self.leaseholder(), self.app.clock().now());
        let until = later(now, LEASE);
        self.app
            .records()
            .write(move |tx| {
                let owner = owner.clone();
                Box::pin(async move { tx.document_lease(&owner, now, until, BATCH).await })
                    as InTx<'_, Vec<DocumentRow>>
            })
            .await
    }

    async fn advance(&self, ids: Vec<String>, state: DocumentState) -> Result<Vec<String>, Error> {
        if ids.is_empty() {
            return Ok(ids);
        }
        let (owner, now) = (self.leaseholder(), self.app.clock().now());
        self.app
            .records()
            .write(move |tx| {
                let (owner, ids) = (owner.clone(), ids.clone());
                Box::pin(async move { tx.document_advance(&ids, &owner, state, now).await })
                    as InTx<'_, Vec<String>>
            })
            .await
    }
}

/// A document that could not be moved on, and why. Its lease runs out; then it is tried again.
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
        .map_err(|error| Error::Internal(format!("delivering documents: {error}")))
}

/// Writes and syncs the temporary files, then each folder once.
fn prepare(
    directories: &Directories,
    writer: &str,
    leased: Vec<DocumentRow>,
) -> (Vec<Bound>, Vec<Failed>) {
    let mut failed = Vec::new();
    let mut ready = Vec::new();
    for document in leased {
        let (directory, retailer) = (&document.directory, &document.retailer);
        let written = match document.state {
            DocumentState::Pending => {
                let body = document.body.as_deref().unwrap_or_default();
                let folder = directories.folder(directory, retailer);
                folder.and_then(|folder| {
                    directories::write_temporary(&folder, &document.id, writer, body)?;
                    Ok(folder)
                })
            }
            _ => directories.folder_before(directory, retailer),
        };
        match written {
            Ok(folder) => ready.push(Bound { document, folder }),
            Err(error) => failed.push((document, error)),
        }
    }
    sync_folders(ready, failed)
}

/// Syncs each folder once; what stands in one that cannot be synced is not moved on.
fn sync_folders(bound: Vec<Bound>, mut failed: Vec<Failed>) -> (Vec<Bound>, Vec<Failed>) {
    let mut folders: BTreeMap<(String, String), Vec<Bound>> = BTreeMap::new();
    for one in bound {
        let place = (
            one.document.directory.clone(),
            one.document.retailer.clone(),
        );
        folders.entry(place).or_default().push(one);
    }
    let mut synced = Vec::new();
    for (_, bound) in folders {
        match directories::sync(&bound[0].folder) {
            Ok(()) => synced.extend(bound),
            Err(error) => failed.extend(bound.into_iter().map(|one| {
                let same = io::Error::new(error.kind(), error.to_string());
                (one.document, same)
            })),
        }
    }
    (synced, failed)
}

/// Gives every file its name, then syncs each folder once.
fn rename_all(ready: Vec<Bound>) -> Outcome {
    let (mut failed, mut blocked, mut renamed) = (Vec::new(), Vec::new(), Vec::new());
    for bound in ready {
        match directories::rename(&bound.folder, &bound.document.id, &bound.document.name) {
            Ok(Renamed::Done | Renamed::Before) => renamed.push(bound),
            Ok(Renamed::Taken) => blocked.push(bound.document),
            Err(error) => failed.push((bound.document, error)),
        }
    }
    let (synced, failed) = sync_folders(renamed, failed);
    Outcome {
        delivered: synced.into_iter().map(|bound| bound.document.id).collect(),
        blocked,
        failed,
    }
}

fn ids(bound: &[Bound], state: DocumentState) -> Vec<String> {
    let of_state = bound.iter().filter(|bound| bound.document.state == state);
    of_state.map(|bound| bound.document.id.clone()).collect()
}

/// Whether there was anything to report.
fn report(failed: Vec<Failed>) -> bool {
    let any = !failed.is_empty();
    for (document, error) in failed {
        tracing::error!(
            document = %document.id, event = %document.event_id, retailer = %document.retailer,
            "{}/{} cannot be delivered now, tried again in {} s: {error}",
            document.directory, document.name, LEASE.as_secs()
        );
    }
    any
}
