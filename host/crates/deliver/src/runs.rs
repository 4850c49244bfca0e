//! The files of a run, streamed to disk as drafts until the run succeeds.
//!
//! The drafts of a run have the same names in every attempt, so crashes do not accumulate files. The writer
//! locks its drafts: of two concurrent attempts the second fails, and a file that the first has finished is
//! never changed.

use crate::directories::{self, Directories, draft_name, temporary_name};
use cap_std::fs::{Dir, File, MetadataExt as _, OpenOptions};
use galleria_domain::Digest;
use galleria_domain::digest::Hasher;
use galleria_ports::Error;
use galleria_ports::files::{Files, RunOutput, StagedFile};
use galleria_ports::plugins::Sink;
use rustix::fs::FlockOperation;
use rustix::io::Errno;
use std::io::{self, Write as _};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// The maximum number of files of one run; more indicate a bug in the plugin.
const MAX_FILES: usize = 1_000;

impl Files for Directories {
    fn begin(&self, run_id: &str, retailer: &str) -> Result<Box<dyn RunOutput>, Error> {
        Ok(Box::new(RunFiles(Shared(Arc::new(Mutex::new(State {
            directories: self.clone(),
            run_id: run_id.to_owned(),
            retailer: retailer.to_owned(),
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
    files: Vec<Open>,
    stage: Stage,
}

struct Open {
    written: StagedFile,
    digest: Hasher,
    folder: Dir,
    /// Locked until it is closed.
    file: File,
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

/// Opens an empty draft; fails if another attempt is writing it.
fn open_draft(folder: &Dir, document_id: &str) -> io::Result<File> {
    let name = draft(document_id);
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(false);
    let file = folder.open_with(&name, &options)?;
    lock(&file)?;
    // The previous holder of the lock may have renamed or removed the file before we locked it.
    let (ours, named) = (file.metadata()?, folder.metadata(&name));
    let same =
        |named: &cap_std::fs::Metadata| (named.dev(), named.ino()) == (ours.dev(), ours.ino());
    if !named.as_ref().is_ok_and(same) {
        return Err(busy());
    }
    // Another attempt may have finished the file: it holds the lock until the run's end is recorded.
    let finished = match folder.open(temporary_name(document_id)) {
        Ok(finished) => lock(&finished),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(error),
    };
    if let Err(error) = finished.and_then(|()| file.set_len(0)) {
        let _ = folder.remove_file(&name);
        return Err(error);
    }
    Ok(file)
}

impl Sink for Shared {
    fn open(&mut self, directory: &str, name: &str, media_type: &str) -> Result<u32, Error> {
        let mut state = self.state();
        if state.stage != Stage::Writing {
            return Err(Error::Internal("a run opened a file after its end".into()));
        }
        let is_open =
            |open: &Open| open.written.directory == directory && open.written.name == name;
        if state.files.iter().any(is_open) {
            return Err(Error::NameTaken {
                directory: directory.to_owned(),
                name: name.to_owned(),
            });
        }
        if state.files.len() == MAX_FILES {
            return Err(Error::Internal(format!(
                "a run opened more than {MAX_FILES} files"
            )));
        }
        let id = Digest::of(format!("{}/{directory}/{name}", state.run_id).as_bytes());
        let id = id.as_str()[..32].to_owned();
        let folder = state
            .directories
            .folder(directory, &state.retailer)
            .map_err(|error| failed("opening", directory, error))?;
        let file = open_draft(&folder, &id).map_err(|error| failed("creating", name, error))?;
        let written = StagedFile {
            id,
            directory: directory.to_owned(),
            name: name.to_owned(),
            media_type: media_type.to_owned(),
            size: 0,
            digest: Digest::of(b""),
        };
        state.files.push(Open {
            written,
            digest: Hasher::default(),
            folder,
            file,
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
        open.digest.update(chunk);
        open.written.size += chunk.len() as u64;
        let name = open.written.name.clone();
        open.file
            .write_all(chunk)
            .map_err(|error| failed("writing", &name, error))
    }
}

impl State {
    fn sync(&mut self) -> Result<Vec<StagedFile>, Error> {
        let mut written = Vec::new();
        for open in &mut self.files {
            let id = open.written.id.clone();
            let synced = open
                .file
                .sync_all()
                .and_then(|()| directories::finish_draft(&open.folder, &id, &draft(&id)));
            synced.map_err(|error| failed("syncing", &open.written.name, error))?;
            open.finished = true;
            let mut done = open.written.clone();
            done.digest = std::mem::take(&mut open.digest).finish();
            written.push(done);
        }
        for open in &self.files {
            directories::sync(&open.folder)
                .map_err(|error| failed("syncing", &open.written.name, error))?;
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
            if let Err(error) = open.folder.remove_file(&name) {
                tracing::warn!(file = name, document = open.written.name, %error, "run file not removed");
            }
        }
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
            Stage::Synced => state.files.clear(),
            Stage::Discarded => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn directories() -> (tempfile::TempDir, Directories) {
        let temp = tempfile::tempdir().expect("a folder");
        let paths = [("reports".to_owned(), temp.path().join("reports"))].into();
        let directories = Directories::open(&paths).expect("directories");
        (temp, directories)
    }

    fn files(temp: &tempfile::TempDir) -> Vec<String> {
        let folder = temp.path().join("reports/r1");
        let entries = std::fs::read_dir(folder).expect("a folder");
        let name = |entry: io::Result<std::fs::DirEntry>| {
            entry
                .expect("an entry")
                .file_name()
                .to_string_lossy()
                .into_owned()
        };
        entries.map(name).collect()
    }

    fn begin(directories: &Directories) -> (Box<dyn RunOutput>, Result<(), Error>) {
        let begun = directories.begin("run1", "r1").expect("begun");
        let mut sink = begun.sink();
        let opened = sink.open("reports", "day.csv", "text/csv");
        let wrote = opened.and_then(|file| sink.write(file, b"a,b\r\n"));
        (begun, wrote)
    }

    #[test]
    fn a_failed_run_leaves_no_file() {
        let (temp, directories) = directories();
        let (begun, wrote) = begin(&directories);
        wrote.expect("written");
        let mut sink = begun.sink();
        drop(begun);
        assert!(files(&temp).is_empty());
        assert!(sink.write(0, b"late").is_err());
        assert!(sink.open("reports", "late.csv", "text/csv").is_err());
        let (mut begun, wrote) = begin(&directories);
        wrote.expect("written");
        begun.sync().expect("synced");
        begun.discard();
        assert!(files(&temp).is_empty());
    }

    #[test]
    fn synced_files_stay_for_the_deliverer() {
        let (temp, directories) = directories();
        let (mut begun, wrote) = begin(&directories);
        wrote.expect("written");
        let written = begun.sync().expect("synced");
        assert_eq!(written[0].digest, Digest::of(b"a,b\r\n"));
        drop(begun);
        assert_eq!(files(&temp), [temporary_name(&written[0].id)]);
    }

    #[test]
    fn concurrent_attempts_do_not_write_to_each_others_files() {
        let (temp, directories) = directories();
        let (mut first, wrote) = begin(&directories);
        wrote.expect("written");
        let (second, wrote) = begin(&directories);
        assert!(wrote.is_err());
        drop(second);
        let written = first.sync().expect("synced");
        let (third, wrote) = begin(&directories);
        assert!(wrote.is_err(), "the first is not recorded yet");
        drop(third);
        assert_eq!(files(&temp).len(), 1);
        drop(first);
        let (late, wrote) = begin(&directories);
        wrote.expect("a draft of its own");
        drop(late);
        let temporary = temporary_name(&written[0].id);
        assert_eq!(files(&temp), std::slice::from_ref(&temporary));
        let body = std::fs::read(temp.path().join("reports/r1").join(&temporary));
        assert_eq!(body.expect("read"), b"a,b\r\n");
    }
}
