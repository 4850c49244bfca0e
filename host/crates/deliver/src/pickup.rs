//! Statements that providers leave in a directory: taken in when they are whole, then moved aside.
//!
//! A file lies in `<directory>/<retailer>/`. After its import it stands in `done/`, after its refusal
//! in `refused/` with a text beside it that says what is wrong; nothing there is replaced. A crash between an import and its
//! move does no harm: the same file again is the same statement. No link is ever followed.

use crate::directories::{Directories, sync};
use cap_std::fs::{Dir, MetadataExt as _};
use galleria_app::statements::{Imported, StatementAsk};
use galleria_app::{App, Error};
use galleria_domain::{Complete, Pickup};
use jiff::Timestamp;
use rustix::fs::{Mode, OFlags};
use std::collections::HashMap;
use std::io::{self, Read as _};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use tokio_util::sync::CancellationToken;

/// How often directories are looked through.
const EVERY: Duration = Duration::from_secs(1);

/// One replica looks through a directory at a time. That it is one is for thrift alone: whoever
/// reads a file, it becomes one statement.
const LEASE: Duration = Duration::from_secs(30);

/// How long a file rests whose import failed for a reason that may pass.
const REST: Duration = Duration::from_secs(60);

const MARKER: &str = ".complete";

/// Looks through directories for statements.
pub struct Pickups {
    app: App,
    directories: Directories,
    pickups: Vec<Pickup>,
    owner: String,
    seen: HashMap<(String, String, String), Seen>,
    stop: Arc<AtomicBool>,
}

/// A file that lies there, as it was seen.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Look {
    inode: u64,
    size: u64,
    modified: (i64, i64),
}

struct Seen {
    look: Look,
    /// Since when it has not changed.
    since: Timestamp,
    /// Not before then: it failed for a reason that may pass.
    rests_until: Option<Timestamp>,
}

impl Pickups {
    /// For these directories. `owner` is this process's own word.
    pub fn new(app: App, directories: Directories, pickups: Vec<Pickup>, owner: String) -> Self {
        Self {
            app,
            directories,
            pickups,
            owner,
            seen: HashMap::new(),
            stop: Arc::default(),
        }
    }

    /// Looks until told to stop. A file that is being read then stays for the next start.
    pub async fn run(mut self, stop: CancellationToken) {
        let reading = Arc::clone(&self.stop);
        let looking = async {
            loop {
                self.look().await;
                tokio::time::sleep(EVERY).await;
            }
        };
        tokio::select! {
            () = stop.cancelled() => reading.store(true, Ordering::Relaxed),
            () = looking => {}
        }
    }

    /// Looks through every directory once; how many files were taken in or refused.
    pub async fn look(&mut self) -> usize {
        let mut moved = 0;
        for pickup in self.pickups.clone() {
            match self.look_into(&pickup).await {
                Ok(count) => moved += count,
                Err(error) => tracing::error!(
                    retailer = pickup.retailer,
                    directory = pickup.directory,
                    error = error.chain(),
                    "a directory of statements was not looked through"
                ),
            }
        }
        moved
    }

    async fn look_into(&mut self, pickup: &Pickup) -> Result<usize, Error> {
        let lease = format!("pickup/{}/{}", pickup.retailer, pickup.plugin);
        if !self.app.lease(&lease, &self.owner, LEASE).await? {
            return Ok(0);
        }
        let folder = self.directories.folder(&pickup.directory, &pickup.retailer);
        let folder = folder.map_err(|error| failed("opening", &pickup.directory, error))?;
        let names = names(&folder, pickup);
        let names = names.map_err(|error| failed("listing", &pickup.directory, error))?;
        let there = |key: &(String, String, String)| {
            (&key.0, &key.1) != (&pickup.retailer, &pickup.plugin) || names.contains(&key.2)
        };
        self.seen.retain(|key, _| there(key));
        let mut moved = 0;
        for name in &names {
            if self.is_due(&folder, pickup, name) && self.take(&folder, pickup, name).await {
                moved += 1;
            }
        }
        Ok(moved)
    }

    /// Whether a file is whole, and not at rest.
    fn is_due(&mut self, folder: &Dir, pickup: &Pickup, name: &str) -> bool {
        let Ok((_, look)) = open(folder, name) else {
            return false;
        };
        let now = self.app.clock().now();
        let key = (
            pickup.retailer.clone(),
            pickup.plugin.clone(),
            name.to_owned(),
        );
        let fresh = Seen {
            look,
            since: now,
            rests_until: None,
        };
        let seen = self.seen.entry(key).or_insert(fresh);
        if seen.look != look {
            *seen = Seen {
                look,
                since: now,
                rests_until: None,
            };
        }
        let whole = match pickup.complete {
            Complete::Marker => folder.symlink_metadata(format!("{name}{MARKER}")).is_ok(),
            Complete::Unchanged(time) => now >= seen.since + time,
        };
        whole && seen.rests_until.is_none_or(|until| now >= until)
    }

    /// Takes a file in and moves it aside; whether it was moved.
    async fn take(&mut self, folder: &Dir, pickup: &Pickup, name: &str) -> bool {
        let taken = match open(folder, name) {
            Ok((file, look)) => self
                .import(pickup, name, file)
                .await
                .map(|done| (done, look)),
            Err(error) => Err(failed("opening", name, error)),
        };
        let moved = match taken {
            Ok((Outcome::Imported(imported), look)) => {
                let to = format!("{}-{name}", &imported.statement.digest[..12]);
                aside(folder, name, look, "done", &to, None)
            }
            Ok((Outcome::Refused(why), look)) => {
                tracing::warn!(
                    retailer = pickup.retailer,
                    file = name,
                    "a statement was refused"
                );
                aside(folder, name, look, "refused", name, Some(&why))
            }
            Err(error) => {
                tracing::error!(
                    retailer = pickup.retailer,
                    file = name,
                    error = error.chain(),
                    "a statement was not taken in; it is tried again"
                );
                self.rest(pickup, name);
                return false;
            }
        };
        if let Err(error) = &moved {
            tracing::error!(file = name, %error, "a statement's file was not moved aside");
            self.rest(pickup, name);
        }
        moved.is_ok()
    }

    fn rest(&mut self, pickup: &Pickup, name: &str) {
        let key = (
            pickup.retailer.clone(),
            pickup.plugin.clone(),
            name.to_owned(),
        );
        let until = self.app.clock().now() + REST;
        if let Some(seen) = self.seen.get_mut(&key) {
            seen.rests_until = Some(until);
        }
    }

    async fn import(
        &self,
        pickup: &Pickup,
        name: &str,
        mut file: std::fs::File,
    ) -> Result<Outcome, Error> {
        let mut spool = self.app.vault()?.spool(name)?;
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
        let ask = StatementAsk {
            retailer: pickup.retailer.clone(),
            plugin: pickup.plugin.clone(),
        };
        let imported = match spooled {
            Ok(spool) => {
                let stop = Arc::clone(&self.stop);
                self.app.statement_import(&ask, spool, stop).await
            }
            Err(error) => Err(error),
        };
        match imported {
            Ok(imported) => Ok(Outcome::Imported(Box::new(imported))),
            Err(error) => refusal(error).map(Outcome::Refused),
        }
    }
}

enum Outcome {
    Imported(Box<Imported>),
    Refused(String),
}

/// Why the same file would be refused every time; the error where another attempt may do better.
fn refusal(error: Error) -> Result<String, Error> {
    let passing = [
        "retry",
        "misconfigured",
        "failed",
        "denied",
        "not_served",
        "host_failed",
    ];
    match error {
        Error::Invalid(problems) => {
            let lines: Vec<String> = problems.iter().map(|p| format!("{p}\n")).collect();
            Ok(lines.concat())
        }
        Error::Conflict {
            code: "payout_exists",
            message,
        } => Ok(format!("{message}\n")),
        Error::Plugin(fault) if !passing.contains(&fault.code()) => Ok(format!(
            "the plugin could not read it within its limits: {}\n",
            fault.code()
        )),
        error => Err(error),
    }
}

fn failed(doing: &str, what: &str, error: io::Error) -> Error {
    Error::records(format!("{doing} {what}"), error)
}

/// Names of what may be statements, in order.
fn names(folder: &Dir, pickup: &Pickup) -> io::Result<Vec<String>> {
    let mut names = Vec::new();
    for entry in folder.entries()? {
        let entry = entry?;
        // What is no UTF-8 is no name of ours, and could not be told of.
        let Ok(name) = entry.file_name().into_string() else {
            continue;
        };
        let meant = name.ends_with(&pickup.suffix) && !name.starts_with('.');
        if meant && !name.ends_with(MARKER) && entry.file_type()?.is_file() {
            names.push(name);
        }
    }
    names.sort();
    Ok(names)
}

/// Opens a regular file, and nothing else.
fn open(folder: &Dir, name: &str) -> io::Result<(std::fs::File, Look)> {
    // Opening a pipe would wait for somebody to write into it.
    let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
    let file = rustix::fs::openat(folder, name, flags, Mode::empty())?;
    let file = std::fs::File::from(file);
    let found = file.metadata()?;
    if !found.is_file() {
        let message = "only a regular file can be a statement";
        return Err(io::Error::new(io::ErrorKind::InvalidInput, message));
    }
    use std::os::unix::fs::MetadataExt as _;
    let look = Look {
        inode: found.ino(),
        size: found.size(),
        modified: (found.mtime(), found.mtime_nsec()),
    };
    Ok((file, look))
}

/// Moves a file that is still the one that was read, and says why where it was refused.
fn aside(
    folder: &Dir,
    name: &str,
    look: Look,
    to_folder: &str,
    to: &str,
    why: Option<&str>,
) -> io::Result<()> {
    match folder.create_dir(to_folder) {
        Ok(()) => sync(folder)?,
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
        Err(error) => return Err(error),
    }
    let target = folder.open_dir(to_folder)?;
    let now = folder.symlink_metadata(name)?;
    if now.ino() != look.inode || now.size() != look.size {
        let message = "it was replaced while it was read, and is looked at again";
        return Err(io::Error::new(io::ErrorKind::ResourceBusy, message));
    }
    let to = match why {
        // Providers send a corrected file under the same name, and that may be refused as well.
        Some(why) => {
            let free = free(&target, to);
            target.write(format!("{free}.txt"), why)?;
            free
        }
        None => to.to_owned(),
    };
    folder.rename(name, &target, to)?;
    match folder.remove_file(format!("{name}{MARKER}")) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    sync(&target)?;
    sync(folder)
}

/// A name that no file has there.
fn free(folder: &Dir, name: &str) -> String {
    let taken = |name: &str| folder.symlink_metadata(name).is_ok();
    let (mut free, mut number) = (name.to_owned(), 1);
    while taken(&free) {
        number += 1;
        free = format!("{number}-{name}");
    }
    free
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_refused_before_under_the_same_name_stays() {
        let temp = tempfile::tempdir().expect("a folder");
        let folder = Dir::open_ambient_dir(temp.path(), cap_std::ambient_authority());
        let folder = folder.expect("a folder");
        for text in ["first", "second", "third"] {
            folder.write("a.csv", text).expect("left");
            let (_, look) = open(&folder, "a.csv").expect("opened");
            aside(&folder, "a.csv", look, "refused", "a.csv", Some(text)).expect("moved");
        }
        for (name, text) in [
            ("a.csv", "first"),
            ("2-a.csv", "second"),
            ("3-a.csv", "third"),
        ] {
            let path = temp.path().join("refused").join(name);
            assert_eq!(std::fs::read_to_string(&path).expect("read"), text);
            let why = path.with_file_name(format!("{name}.txt"));
            assert_eq!(std::fs::read_to_string(why).expect("read"), text);
        }
    }
}
