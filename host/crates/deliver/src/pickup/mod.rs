//! Imports the statements that payment providers put into a directory, then moves the files away.
//!
//! A file in `<directory>/<retailer>/` is imported when it is complete. Afterwards it is moved to `done/`, or
//! to `refused/` with a text file that states the reason. No file there is ever replaced. A crash between
//! import and move is safe: the same file is the same statement. Links are never followed. A file that no
//! pickup takes is logged once, counted, and shown in the status with the reason.
//!
//! Retailers take turns by the time that their files take, so that the files of one delay those of another by at
//! most one file.

mod files;
mod folders;
mod outcome;
mod survey;

pub use folders::PickupFolders;

use cap_std::fs::Dir;
use files::{Candidate, Fingerprint, move_away, open};
use galleria_app::App;
use galleria_app::settlement::StatementRequest;
use galleria_domain::retry::DELIVERY_WAIT;
use galleria_domain::{Complete, Pickup, Shares};
use galleria_ports::Error;
use galleria_ports::clock::elapsed;
use galleria_ports::files::UntakenFile;
use jiff::Timestamp;
use outcome::{Outcome, rejection};
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet, VecDeque};
use std::io::{self, Read as _};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use tokio_util::sync::CancellationToken;

/// How often the directories are scanned, also while files wait.
const POLL: Duration = Duration::from_secs(1);

/// The lease of a directory. It only saves work: a file that two replicas read still becomes one statement.
const LEASE: Duration = Duration::from_secs(30);

/// Scans directories for statements.
pub struct Pickups {
    app: App,
    folders: PickupFolders,
    owner: String,
    /// Files that no pickup takes and that were already logged.
    logged: HashSet<UntakenFile>,
    seen: HashMap<(String, String, String), Seen>,
    /// The complete files of each pickup that wait for their turn, by retailer and plugin.
    waiting: BTreeMap<(String, String), Waiting>,
    retailers: Shares<String>,
    stop: Arc<AtomicBool>,
}

struct Waiting {
    pickup: Pickup,
    folder: Arc<Dir>,
    /// In the order of their names.
    files: VecDeque<Candidate>,
}

struct Seen {
    fingerprint: Fingerprint,
    /// Since when the file has not changed.
    since: Timestamp,
    /// When to try again after a failure that may pass.
    retry_at: Option<Timestamp>,
}

impl Pickups {
    /// Creates a scanner of these directories. `owner` identifies this process.
    pub fn new(app: App, folders: PickupFolders, owner: String) -> Self {
        Self {
            app,
            folders,
            owner,
            logged: HashSet::new(),
            seen: HashMap::new(),
            waiting: BTreeMap::new(),
            retailers: Shares::default(),
            stop: Arc::default(),
        }
    }

    /// Scans until `stop`. A file that is being read then stays for the next start.
    pub async fn run(mut self, stop: CancellationToken) {
        let stop_reading = Arc::clone(&self.stop);
        let scanning = async {
            loop {
                self.scan().await;
                if self.waiting.is_empty() {
                    tokio::time::sleep(POLL).await;
                }
            }
        };
        tokio::select! {
            () = stop.cancelled() => stop_reading.store(true, Ordering::Relaxed),
            () = scanning => {}
        }
    }

    /// Scans every directory without waiting files once, then imports files until none waits, or until the next
    /// scan is due. Returns the number of files that were moved away.
    pub async fn scan(&mut self) -> usize {
        let until = self.app.core.clock().now() + POLL;
        self.scan_directories().await;
        let mut moved = 0;
        while let Some((pickup, folder, file)) = self.next() {
            let begun = self.app.core.clock().now();
            self.retailers.begin(&pickup.retailer);
            if self.is_due(&folder, &pickup, &file) && self.process(&folder, &pickup, &file).await {
                moved += 1;
            }
            let now = self.app.core.clock().now();
            self.retailers.charge(&pickup.retailer, elapsed(begun, now));
            if now >= until {
                break;
            }
        }
        moved
    }

    /// Takes the next file of the retailer whose turn it is.
    fn next(&mut self) -> Option<(Pickup, Arc<Dir>, Candidate)> {
        // A reload may have changed or removed the pickup of files that wait.
        let pickups = self.folders.pickups();
        self.waiting.retain(|_, one| pickups.contains(&one.pickup));
        let retailers = self.waiting.keys().map(|(retailer, _)| retailer.clone());
        let order = self.retailers.compete(retailers);
        let first = order.first()?;
        let mut of_first = self.waiting.iter_mut();
        let (key, waiting) = of_first.find(|((retailer, _), _)| retailer == first)?;
        let (key, pickup) = (key.clone(), waiting.pickup.clone());
        let (folder, file) = (Arc::clone(&waiting.folder), waiting.files.pop_front()?);
        if waiting.files.is_empty() {
            self.waiting.remove(&key);
        }
        Some((pickup, folder, file))
    }

    async fn scan_directories(&mut self) {
        let mut scanned = BTreeSet::new();
        let pickups = self.folders.pickups();
        let is_active = |(retailer, plugin): (&String, &String)| {
            let mut active = pickups.iter();
            active.any(|one| (&one.retailer, &one.plugin) == (retailer, plugin))
        };
        self.seen.retain(|key, _| is_active((&key.0, &key.1)));
        for pickup in &pickups {
            match self.scan_directory(pickup, &pickups).await {
                Ok(true) => {
                    scanned.insert((pickup.retailer.as_str(), pickup.directory.as_str()));
                }
                // Another host scans it.
                Ok(false) => {}
                Err(error) => tracing::error!(
                    retailer = pickup.retailer,
                    directory = pickup.directory,
                    error = error.chain(),
                    "statement directory not scanned"
                ),
            }
        }
        if let Err(error) = self.report(&scanned, &pickups).await {
            tracing::error!(
                error = error.chain(),
                "files that no pickup takes not reported"
            );
        }
    }

    /// Logs each file that no pickup takes once, and counts them. `scanned` are the directories of this host.
    async fn report(
        &mut self,
        scanned: &BTreeSet<(&str, &str)>,
        pickups: &[Pickup],
    ) -> Result<(), Error> {
        let mut untaken = self.app.operations.untaken_files().await?;
        untaken.retain(|one| {
            let mut scanned = scanned.iter();
            scanned.any(|(retailer, directory)| {
                *directory == one.directory
                    && (one.retailer.is_empty() || *retailer == one.retailer)
            })
        });
        // A retailer without such files has the value 0. A file in no folder of a retailer has an empty label.
        let mut counts: HashMap<String, u64> = HashMap::from([(String::new(), 0)]);
        for pickup in pickups {
            counts.entry(pickup.retailer.clone()).or_default();
        }
        // A reload may have removed the last pickup of a retailer.
        for one in &self.logged {
            counts.entry(one.retailer.clone()).or_default();
        }
        for one in &untaken {
            *counts.entry(one.retailer.clone()).or_default() += 1;
            if !self.logged.contains(one) {
                tracing::warn!(
                    retailer = one.retailer,
                    directory = one.directory,
                    file = one.file,
                    reason = one.reason,
                    "file not picked up"
                );
            }
        }
        galleria_ports::metrics::untaken_files(counts);
        self.logged = untaken.into_iter().collect();
        Ok(())
    }

    /// Renews the lease of a directory, and lists its complete files unless some of them still wait. Returns whether
    /// this host has the lease.
    async fn scan_directory(&mut self, pickup: &Pickup, pickups: &[Pickup]) -> Result<bool, Error> {
        let lease = format!("pickup/{}/{}", pickup.retailer, pickup.plugin);
        let leased = self.app.settlement.lease(&lease, &self.owner, LEASE);
        let key = (pickup.retailer.clone(), pickup.plugin.clone());
        if !leased.await? {
            self.waiting.remove(&key);
            return Ok(false);
        }
        let waiting = self.waiting.get(&key);
        if waiting.is_some_and(|waiting| waiting.pickup == *pickup) {
            return Ok(true);
        }
        self.waiting.remove(&key);
        let (folder, survey) = self
            .folders
            .survey(&pickup.retailer, &pickup.directory, pickups)?;
        let mut files = survey.candidates;
        files.retain(|file| file.plugin == pickup.plugin);
        let still_exists = |key: &(String, String, String)| {
            (&key.0, &key.1) != (&pickup.retailer, &pickup.plugin)
                || files.iter().any(|file| file.name == key.2)
        };
        self.seen.retain(|key, _| still_exists(key));
        files.retain(|file| self.is_due(&folder, pickup, file));
        if !files.is_empty() {
            let waiting = Waiting {
                pickup: pickup.clone(),
                folder: Arc::new(folder),
                files: files.into(),
            };
            self.waiting.insert(key, waiting);
        }
        Ok(true)
    }

    /// Whether a file is complete and not waiting for its next try.
    fn is_due(&mut self, folder: &Dir, pickup: &Pickup, candidate: &Candidate) -> bool {
        let name = candidate.name.as_str();
        let Ok((_, fingerprint)) = open(folder, name) else {
            return false;
        };
        let now = self.app.core.clock().now();
        let key = (
            pickup.retailer.clone(),
            pickup.plugin.clone(),
            name.to_owned(),
        );
        let fresh = Seen {
            fingerprint,
            since: now,
            retry_at: None,
        };
        let seen = self.seen.entry(key).or_insert(fresh);
        if seen.fingerprint != fingerprint {
            *seen = Seen {
                fingerprint,
                since: now,
                retry_at: None,
            };
        }
        let is_complete = match pickup.complete {
            Complete::Marker => candidate.marker.is_some(),
            Complete::Unchanged(time) => now >= seen.since + time,
        };
        is_complete && seen.retry_at.is_none_or(|at| now >= at)
    }

    /// Imports a file and moves it away; returns whether it was moved.
    async fn process(&mut self, folder: &Dir, pickup: &Pickup, candidate: &Candidate) -> bool {
        let name = candidate.name.as_str();
        let imported = match open(folder, name) {
            Ok((file, fingerprint)) => self
                .import(pickup, name, file)
                .await
                .map(|outcome| (outcome, fingerprint)),
            Err(error) => Err(failed("opening", name, error)),
        };
        let moved = match imported {
            Ok((Outcome::Imported(imported), fingerprint)) => {
                let to = format!("{}-{name}", &imported.statement.digest[..12]);
                move_away(folder, candidate, fingerprint, "done", &to, None)
            }
            Ok((Outcome::Rejected(reason), fingerprint)) => {
                tracing::warn!(
                    retailer = pickup.retailer,
                    file = name,
                    "statement rejected"
                );
                move_away(
                    folder,
                    candidate,
                    fingerprint,
                    "refused",
                    name,
                    Some(&reason),
                )
            }
            Err(error) => {
                tracing::error!(
                    retailer = pickup.retailer,
                    file = name,
                    error = error.chain(),
                    "statement not imported, trying again later"
                );
                self.retry_later(pickup, name);
                return false;
            }
        };
        if let Err(error) = &moved {
            tracing::error!(file = name, %error, "statement file not moved");
            self.retry_later(pickup, name);
        }
        moved.is_ok()
    }

    fn retry_later(&mut self, pickup: &Pickup, name: &str) {
        let key = (
            pickup.retailer.clone(),
            pickup.plugin.clone(),
            name.to_owned(),
        );
        let at = self.app.core.clock().now() + DELIVERY_WAIT;
        if let Some(seen) = self.seen.get_mut(&key) {
            seen.retry_at = Some(at);
        }
    }

    async fn import(
        &self,
        pickup: &Pickup,
        name: &str,
        mut file: std::fs::File,
    ) -> Result<Outcome, Error> {
        let mut spool = self.app.settlement.vault()?.spool(name)?;
        let spooled = tokio::task::spawn_blocking(move || {
            let mut chunk = vec![0; 1 << 16];
            loop {
                let read = file.read(&mut chunk);
                let read = read.map_err(|error| Error::records("reading a statement", error))?;
                if read == 0 {
                    return Ok(spool);
                }
                spool.write(&chunk[..read])?;
            }
        });
        let spooled = spooled
            .await
            .map_err(|error| Error::Internal(format!("spooling a statement: {error}")))?;
        let request = StatementRequest {
            retailer: pickup.retailer.clone(),
            plugin: pickup.plugin.clone(),
        };
        let imported = match spooled {
            Ok(spool) => {
                let stop = Arc::clone(&self.stop);
                self.app.settlement.import(&request, spool, stop).await
            }
            Err(error) => Err(error),
        };
        match imported {
            Ok(imported) => Ok(Outcome::Imported(Box::new(imported))),
            Err(error) => rejection(error).map(Outcome::Rejected),
        }
    }
}

fn failed(doing: &str, what: &str, error: io::Error) -> Error {
    Error::records(format!("{doing} {what}"), error)
}
