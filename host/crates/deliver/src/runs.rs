//! The files of a run, streamed to disk as drafts until the run succeeds.
//!
//! The drafts of a run have the same names in every attempt, so crashes do not accumulate files. A run locks
//! each folder that it writes to with a lock file of its own until its end is recorded: of two concurrent
//! attempts the second fails, and a file that the first has finished is never changed.
//!
//! A run uses one descriptor for each open file, and two for each folder.

use crate::descriptors::Reservation;
use crate::directories::{self, Directories, draft_name, temporary_name};
use cap_std::fs::{Dir, File, MetadataExt as _, OpenOptions};
use galleria_domain::Digest;
use galleria_domain::digest::Hasher;
use galleria_ports::Error;
use galleria_ports::files::{Files, FolderOf, RunOutput, StagedFile};
use galleria_ports::plugins::Sink;
use rustix::fs::FlockOperation;
use rustix::io::Errno;
use std::collections::BTreeMap;
use std::io::{self, Write as _};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

impl Files for Directories {
    fn begin(
        &self,
        run_id: &str,
        retailer: &str,
        folder_of: FolderOf,
    ) -> Result<Box<dyn RunOutput>, Error> {
        Ok(Box::new(RunFiles(Shared(Arc::new(Mutex::new(State {
            directories: self.clone(),
            run_id: run_id.to_owned(),
            retailer: retailer.to_owned(),
            folder_of,
            folders: BTreeMap::new(),
            files: Vec::new(),
            stage: Stage::Writing,
        }))))))
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Stage {
    Writing,
    /// Complete and synced, under their temporary names.
    Synced,
    /// Removed.
    Discarded,
}

struct State {
    directories: Directories,
    run_id: String,
    retailer: String,
    folder_of: FolderOf,
    /// By the names of their directories.
    folders: BTreeMap<String, FolderLock>,
    files: Vec<Draft>,
    stage: Stage,
}

/// A folder, with the lock of the run. Dropping it removes the lock file.
struct FolderLock {
    folder: Dir,
    lock_name: String,
    /// The lock ends when this is closed.
    _lock: File,
    _reservation: Reservation,
}

struct Draft {
    written: StagedFile,
    digest: Hasher,
    /// Absent after the plugin has dropped the file, which is on disk then.
    file: Option<(File, Reservation)>,
    /// Whether it has its temporary name.
    finished: bool,
}

/// Shared by the plugin's sink and the handle that syncs at the end.
#[derive(Clone)]
struct Shared(Arc<Mutex<State>>);

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn failed(doing: &str, name: &str, error: io::Error) -> Error {
    Error::records(format!("{doing} {name}"), error)
}

fn draft(document_id: &str) -> String {
    draft_name(document_id, "run")
}

fn busy() -> io::Error {
    io::Error::new(
        io::ErrorKind::ResourceBusy,
        "another attempt of the run is in progress",
    )
}

fn lock(file: &File) -> io::Result<()> {
    match rustix::fs::flock(file, FlockOperation::NonBlockingLockExclusive) {
        Err(Errno::WOULDBLOCK) => Err(busy()),
        done => done.map_err(Into::into),
    }
}

impl FolderLock {
    /// The folder and its lock file.
    const DESCRIPTORS: u64 = 2;

    /// Fails if another attempt of the run has the lock.
    fn open(
        folder: Dir,
        run_id: &str,
        directory: &str,
        reservation: Reservation,
    ) -> io::Result<Self> {
        let id = Digest::of(format!("{run_id}/{directory}").as_bytes());
        let lock_name = draft_name(&id.as_str()[..32], "lock");
        let mut options = OpenOptions::new();
        options.write(true).create(true).truncate(false);
        let file = folder.open_with(&lock_name, &options)?;
        lock(&file)?;
        // The previous holder of the lock may have removed the file before we locked it.
        let (ours, named) = (file.metadata()?, folder.metadata(&lock_name));
        let same =
            |named: &cap_std::fs::Metadata| (named.dev(), named.ino()) == (ours.dev(), ours.ino());
        if !named.as_ref().is_ok_and(same) {
            return Err(busy());
        }
        Ok(Self {
            folder,
            lock_name,
            _lock: file,
            _reservation: reservation,
        })
    }

    /// Opens an empty draft.
    fn draft(&self, document_id: &str) -> io::Result<File> {
        let mut options = OpenOptions::new();
        options.write(true).create(true).truncate(true);
        self.folder.open_with(draft(document_id), &options)
    }
}

impl Drop for FolderLock {
    fn drop(&mut self) {
        if let Err(error) = self.folder.remove_file(&self.lock_name) {
            tracing::warn!(file = self.lock_name, %error, "lock file not removed");
        }
    }
}

impl Sink for Shared {
    fn open(&mut self, directory: &str, name: &str, media_type: &str) -> Result<u32, Error> {
        let mut state = self.state();
        if state.stage != Stage::Writing {
            return Err(Error::Internal("a run opened a file after its end".into()));
        }
        let is_taken =
            |open: &Draft| open.written.directory == directory && open.written.name == name;
        if state.files.iter().any(is_taken) {
            return Err(Error::NameTaken {
                directory: directory.to_owned(),
                name: name.to_owned(),
            });
        }
        let id = Digest::of(format!("{}/{directory}/{name}", state.run_id).as_bytes());
        let id = id.as_str()[..32].to_owned();
        let reservation = state.directories.descriptors.reserve(1);
        let reservation = reservation.map_err(|error| failed("creating", name, error))?;
        let file = state
            .folder(directory)
            .map_err(|error| failed("opening", directory, error))?
            .draft(&id)
            .map_err(|error| failed("creating", name, error))?;
        let folder = (state.folder_of)(directory);
        let written = StagedFile {
            id,
            directory: directory.to_owned(),
            folder,
            name: name.to_owned(),
            media_type: media_type.to_owned(),
            size: 0,
            digest: Digest::of(b""),
        };
        state.files.push(Draft {
            written,
            digest: Hasher::default(),
            file: Some((file, reservation)),
            finished: false,
        });
        Ok(u32::try_from(state.files.len() - 1).unwrap_or(u32::MAX))
    }

    fn write(&mut self, file: u32, chunk: &[u8]) -> Result<(), Error> {
        let mut state = self.state();
        if state.stage != Stage::Writing {
            return Err(Error::Internal(
                "a run wrote to a file after its end".into(),
            ));
        }
        let Some(open) = state.files.get_mut(file as usize) else {
            return Err(Error::Internal(format!("a run has no file {file}")));
        };
        let name = &open.written.name;
        let Some((file, _)) = &mut open.file else {
            return Err(Error::Internal(format!("file {name} is closed")));
        };
        file.write_all(chunk)
            .map_err(|error| failed("writing", name, error))?;
        open.digest.update(chunk);
        open.written.size += chunk.len() as u64;
        Ok(())
    }

    fn close(&mut self, file: u32) -> Result<(), Error> {
        match self.state().files.get_mut(file as usize) {
            Some(open) => open.close(),
            None => Err(Error::Internal(format!("a run has no file {file}"))),
        }
    }
}

impl Draft {
    /// Syncs and closes the file, if it is open.
    fn close(&mut self) -> Result<(), Error> {
        match self.file.take() {
            Some((file, _reservation)) => file
                .sync_all()
                .map_err(|error| failed("syncing", &self.written.name, error)),
            None => Ok(()),
        }
    }
}

impl State {
    /// The folder of a directory, which is locked at the first use.
    fn folder(&mut self, directory: &str) -> io::Result<&FolderLock> {
        if !self.folders.contains_key(directory) {
            let descriptors = &self.directories.descriptors;
            let reservation = descriptors.reserve(FolderLock::DESCRIPTORS)?;
            let store = (self.folder_of)(directory);
            let folder = self.directories.folder(directory, &self.retailer, &store)?;
            let lock = FolderLock::open(folder, &self.run_id, directory, reservation)?;
            self.folders.insert(directory.to_owned(), lock);
        }
        Ok(&self.folders[directory])
    }

    fn sync(&mut self) -> Result<Vec<StagedFile>, Error> {
        let mut written = Vec::new();
        for open in &mut self.files {
            open.close()?;
            let (id, folder) = (
                &open.written.id,
                &self.folders[&open.written.directory].folder,
            );
            directories::finish_draft(folder, id, &draft(id))
                .map_err(|error| failed("syncing", &open.written.name, error))?;
            open.finished = true;
            let mut done = open.written.clone();
            done.digest = std::mem::take(&mut open.digest).finish();
            written.push(done);
        }
        for (directory, lock) in &self.folders {
            directories::sync(&lock.folder).map_err(|error| failed("syncing", directory, error))?;
        }
        self.stage = Stage::Synced;
        Ok(written)
    }

    fn discard(&mut self) {
        self.stage = Stage::Discarded;
        for open in std::mem::take(&mut self.files) {
            // Remove only this attempt's files: another attempt's temporary file may wait for its delivery.
            let id = &open.written.id;
            let name = if open.finished {
                temporary_name(id)
            } else {
                draft(id)
            };
            let folder = &self.folders[&open.written.directory].folder;
            if let Err(error) = folder.remove_file(&name) {
                tracing::warn!(file = name, document = open.written.name, %error, "run file not removed");
            }
        }
        self.folders.clear();
    }
}

/// The handle of the worker that began the run.
struct RunFiles(Shared);

impl RunOutput for RunFiles {
    fn sink(&self) -> Box<dyn Sink> {
        Box::new(self.0.clone())
    }

    fn sync(&mut self) -> Result<Vec<StagedFile>, Error> {
        self.0.state().sync()
    }

    fn discard(self: Box<Self>) {
        self.0.state().discard();
    }
}

impl Drop for RunFiles {
    fn drop(&mut self) {
        let mut state = self.0.state();
        match state.stage {
            Stage::Writing => state.discard(),
            Stage::Synced => {
                state.files.clear();
                state.folders.clear();
            }
            Stage::Discarded => {}
        }
    }
}

#[cfg(test)]
mod tests;
