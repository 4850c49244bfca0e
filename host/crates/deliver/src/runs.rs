//! The files of a run, streamed to the disk under temporary names until the run has ended well.

use crate::directories::{self, Directories, temporary_name};
use cap_std::fs::{Dir, File};
use galleria_app::Error;
use galleria_app::files::{Begun, Files, Written};
use galleria_app::plugins::Sink;
use galleria_domain::Digest;
use galleria_domain::digest::Running;
use std::io::Write as _;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Files of one run. More would be a mistake of the plugin.
const MAX_FILES: usize = 1_000;

impl Files for Directories {
    fn begin(&self, run_id: &str, retailer: &str) -> Result<Box<dyn Begun>, Error> {
        Ok(Box::new(RunFiles(Arc::new(Mutex::new(State {
            directories: self.clone(),
            run_id: run_id.to_owned(),
            retailer: retailer.to_owned(),
            files: Vec::new(),
        })))))
    }
}

struct State {
    directories: Directories,
    run_id: String,
    retailer: String,
    files: Vec<Open>,
}

struct Open {
    written: Written,
    digest: Running,
    folder: Dir,
    file: File,
}

/// Shared by the plugin's sink and the one who syncs at the end.
#[derive(Clone)]
struct RunFiles(Arc<Mutex<State>>);

impl RunFiles {
    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn failed(doing: &str, name: &str, error: std::io::Error) -> Error {
    Error::records(format!("{doing} {name}"), error)
}

impl Sink for RunFiles {
    fn open(&mut self, directory: &str, name: &str, media_type: &str) -> Result<u32, Error> {
        let mut state = self.state();
        let known = |open: &Open| open.written.directory == directory && open.written.name == name;
        if state.files.iter().any(known) {
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
        let file = directories::create_temporary(&folder, &id)
            .map_err(|error| failed("creating", name, error))?;
        let written = Written {
            id,
            directory: directory.to_owned(),
            name: name.to_owned(),
            media_type: media_type.to_owned(),
            size: 0,
            digest: Digest::of(b""),
        };
        state.files.push(Open {
            written,
            digest: Running::default(),
            folder,
            file,
        });
        Ok(u32::try_from(state.files.len() - 1).unwrap_or(u32::MAX))
    }

    fn write(&mut self, file: u32, chunk: &[u8]) -> Result<(), Error> {
        let mut state = self.state();
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

impl Begun for RunFiles {
    fn sink(&mut self) -> Box<dyn Sink> {
        Box::new(self.clone())
    }

    fn sync(self: Box<Self>) -> Result<Vec<Written>, Error> {
        let mut written = Vec::new();
        for open in std::mem::take(&mut self.state().files) {
            let mut done = open.written;
            let synced = open
                .file
                .sync_all()
                .and_then(|()| directories::sync(&open.folder));
            synced.map_err(|error| failed("syncing", &done.name, error))?;
            done.digest = open.digest.finish();
            written.push(done);
        }
        Ok(written)
    }

    fn discard(self: Box<Self>) {
        for open in std::mem::take(&mut self.state().files) {
            drop(open.file);
            if let Err(error) = open.folder.remove_file(temporary_name(&open.written.id)) {
                tracing::warn!("the temporary file of {} stays: {error}", open.written.name);
            }
        }
    }
}
