//! Stores the original files of settlement statements, and spools them during their import.
//!
//! An original is stored under its digest in the folder of its retailer. A file that is being imported is in
//! `.spool` and locked. A file there without a lock was left by a crash and is removed.

use crate::directories::sync;
use cap_std::ambient_authority;
use cap_std::fs::{Dir, File, MetadataExt as _, OpenOptions};
use galleria_domain::Digest;
use galleria_domain::digest::Hasher;
use galleria_ports::Error;
use galleria_ports::plugins::Source;
use galleria_ports::vault::{Spool, Vault};
use rustix::fs::FlockOperation;
use std::io::{self, Read as _, Write as _};
use std::path::Path;
use std::sync::Arc;

const SPOOL: &str = ".spool";

/// The folder of the statements. Clones share it.
#[derive(Clone, Debug)]
pub struct StatementVault(Arc<Folders>);

#[derive(Debug)]
struct Folders {
    all: Dir,
    spool: Dir,
    max_bytes: u64,
}

impl StatementVault {
    /// Opens the folder, creates it if it is missing, and removes the files that crashes left in the spool.
    /// Statements larger than `max_bytes` are rejected.
    pub fn open(path: &Path, max_bytes: u64) -> io::Result<Self> {
        let add_path =
            |error: io::Error| io::Error::new(error.kind(), format!("{}: {error}", path.display()));
        std::fs::create_dir_all(path.join(SPOOL)).map_err(add_path)?;
        let all = Dir::open_ambient_dir(path, ambient_authority()).map_err(add_path)?;
        let spool = all.open_dir(SPOOL).map_err(add_path)?;
        sync(&all).map_err(add_path)?;
        clear(&spool).map_err(add_path)?;
        Ok(Self(Arc::new(Folders {
            all,
            spool,
            max_bytes,
        })))
    }
}

/// Removes the files that no process has locked.
fn clear(spool: &Dir) -> io::Result<()> {
    for entry in spool.entries()? {
        let name = entry?.file_name();
        let Ok(file) = spool.open(&name) else {
            continue;
        };
        if rustix::fs::flock(&file, FlockOperation::NonBlockingLockExclusive).is_ok() {
            spool.remove_file(&name)?;
        }
    }
    Ok(())
}

/// Creates a locked file; returns it with its name.
fn create_locked(spool: &Dir) -> io::Result<(File, String)> {
    loop {
        let name = uuid::Uuid::new_v4().to_string();
        let mut options = OpenOptions::new();
        options.read(true).write(true).create_new(true);
        let file = spool.open_with(&name, &options)?;
        // A starting process may have removed it as left by a crash before it was locked.
        let is_locked = rustix::fs::flock(&file, FlockOperation::NonBlockingLockExclusive).is_ok();
        let (ours, named) = (file.metadata()?, spool.metadata(&name));
        if is_locked && named.is_ok_and(|named| named.ino() == ours.ino()) {
            return Ok((file, name));
        }
    }
}

fn failed(doing: &str, error: io::Error) -> Error {
    Error::records(format!("{doing} a statement file"), error)
}

impl Vault for StatementVault {
    fn spool(&self, file: &str) -> Result<Box<dyn Spool>, Error> {
        let (spooled, name) =
            create_locked(&self.0.spool).map_err(|error| failed("spooling", error))?;
        Ok(Box::new(Spooled {
            folders: Arc::clone(&self.0),
            file: file.to_owned(),
            spooled,
            name,
            digest: Hasher::default(),
            size: 0,
            committed: false,
        }))
    }

    fn scratch(&self) -> Result<std::fs::File, Error> {
        let created = create_locked(&self.0.spool).and_then(|(file, name)| {
            self.0.spool.remove_file(name)?;
            Ok(file.into_std())
        });
        created.map_err(|error| failed("spooling", error))
    }

    fn original(&self, retailer: &str, digest: &str, file: &str) -> Result<Box<dyn Source>, Error> {
        let folder = self.0.all.open_dir(retailer);
        match folder.and_then(|folder| folder.open(digest)) {
            Ok(spooled) => Ok(Box::new(Reader {
                file: file.to_owned(),
                spooled,
            })),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Err(Error::NotFound {
                what: "stored original",
                id: format!("{digest} of retailer {retailer}"),
            }),
            Err(error) => Err(failed("reading", error)),
        }
    }

    fn digests(&self, retailer: &str) -> Result<Vec<String>, Error> {
        let names = match self.0.all.read_dir(retailer) {
            Ok(entries) => entries
                .map(|entry| Ok(entry?.file_name().to_string_lossy().into_owned()))
                .collect(),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Vec::new()),
            Err(error) => Err(error),
        };
        names.map_err(|error| failed("listing", error))
    }

    fn delete(&self, retailer: &str, digest: &str) -> Result<(), Error> {
        let opened = self.0.all.open_dir(retailer);
        opened
            .and_then(|folder| folder.remove_file(digest))
            .map_err(|error| failed("removing", error))
    }

    fn max_bytes(&self) -> u64 {
        self.0.max_bytes
    }
}

struct Spooled {
    folders: Arc<Folders>,
    /// The file's name at its origin.
    file: String,
    spooled: File,
    /// The file's name in the spool.
    name: String,
    digest: Hasher,
    size: u64,
    committed: bool,
}

impl Spooled {
    fn store(&mut self, retailer: &str) -> io::Result<()> {
        self.spooled.sync_all()?;
        let all = &self.folders.all;
        match all.create_dir(retailer) {
            // A new folder survives a crash only after its parent was synced.
            Ok(()) => sync(all)?,
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            Err(error) => return Err(error),
        }
        let folder = all.open_dir(retailer)?;
        let digest = self.digest.clone().finish();
        // An existing file of this name has the same content.
        let spool = &self.folders.spool;
        spool.rename(&self.name, &folder, digest.as_str())?;
        self.committed = true;
        sync(&folder)
    }
}

impl Spool for Spooled {
    fn file(&self) -> String {
        self.file.clone()
    }

    fn write(&mut self, chunk: &[u8]) -> Result<(), Error> {
        self.size += chunk.len() as u64;
        let limit = self.folders.max_bytes;
        if self.size > limit {
            let message =
                format!("must have at most {limit} bytes (host.toml: statements.max_bytes)");
            return Err(Error::invalid("file", message));
        }
        self.digest.update(chunk);
        self.spooled
            .write_all(chunk)
            .map_err(|error| failed("spooling", error))
    }

    fn digest(&self) -> (Digest, u64) {
        (self.digest.clone().finish(), self.size)
    }

    fn source(&self) -> Result<Box<dyn Source>, Error> {
        let opened = self.folders.spool.open(&self.name);
        let spooled = opened.map_err(|error| failed("reading", error))?;
        Ok(Box::new(Reader {
            file: self.file.clone(),
            spooled,
        }))
    }

    fn commit(&mut self, retailer: &str) -> Result<(), Error> {
        self.store(retailer)
            .map_err(|error| failed("storing", error))
    }
}

impl Drop for Spooled {
    fn drop(&mut self) {
        if !self.committed {
            // If this fails, the next start removes the file.
            let _ = self.folders.spool.remove_file(&self.name);
        }
    }
}

struct Reader {
    file: String,
    spooled: File,
}

impl Source for Reader {
    fn name(&self) -> String {
        self.file.clone()
    }

    fn read(&mut self, max: u32) -> Result<Vec<u8>, Error> {
        let mut chunk = Vec::new();
        let read = (&mut self.spooled).take(max.into()).read_to_end(&mut chunk);
        read.map_err(|error| failed("reading", error))?;
        Ok(chunk)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn vault(max_bytes: u64) -> (tempfile::TempDir, StatementVault) {
        let temp = tempfile::tempdir().expect("a folder");
        let vault =
            StatementVault::open(&temp.path().join("statements"), max_bytes).expect("a vault");
        (temp, vault)
    }

    fn names(temp: &tempfile::TempDir) -> usize {
        let spool = temp.path().join("statements").join(SPOOL);
        std::fs::read_dir(spool).expect("a folder").count()
    }

    #[test]
    fn a_committed_file_is_stored_under_its_digest_and_the_others_are_removed() {
        let (temp, vault) = vault(100);
        let mut spool = vault.spool("a.csv").expect("a spool");
        spool.write(b"ab").expect("written");
        spool.write(b"c").expect("written");
        let (digest, size) = spool.digest();
        assert_eq!((digest.clone(), size), (Digest::of(b"abc"), 3));
        let mut source = spool.source().expect("a source");
        assert_eq!(source.read(2).expect("read"), b"ab");
        assert_eq!(source.read(2).expect("read"), b"c");
        assert_eq!(source.read(2).expect("read"), b"");
        spool.commit("r1").expect("committed");
        drop((spool, vault.spool("b.csv").expect("a spool")));
        drop(vault.scratch().expect("a scratch"));
        assert_eq!(names(&temp), 0);
        assert_eq!(vault.digests("r1").expect("a list"), [digest.to_string()]);
        let mut original = vault
            .original("r1", digest.as_str(), "a.csv")
            .expect("the original");
        assert_eq!(
            (&*original.name(), &*original.read(9).expect("read")),
            ("a.csv", &b"abc"[..])
        );
        for (retailer, digest) in [("r1", "missing"), ("nobody", digest.as_str())] {
            let missing = vault.original(retailer, digest, "a.csv").err();
            assert!(
                matches!(missing, Some(Error::NotFound { .. })),
                "{missing:?}"
            );
        }
        vault.delete("r1", digest.as_str()).expect("deleted");
        assert!(vault.digests("r1").expect("a list").is_empty());
        assert!(vault.digests("nobody").expect("a list").is_empty());
    }

    #[test]
    fn a_start_removes_only_files_that_a_crash_left() {
        let (temp, vault) = vault(100);
        let mut alive = vault.spool("a.csv").expect("a spool");
        let left = temp.path().join("statements").join(SPOOL).join("left");
        std::fs::write(&left, b"half").expect("left");
        StatementVault::open(&temp.path().join("statements"), 100).expect("a start");
        assert!(!left.exists());
        alive.write(b"x").expect("still there");
        alive.commit("r1").expect("committed");
    }

    #[test]
    fn a_file_beyond_the_limit_is_rejected() {
        let (_temp, vault) = vault(3);
        let mut spool = vault.spool("a.csv").expect("a spool");
        spool.write(b"abc").expect("written");
        assert!(matches!(spool.write(b"d"), Err(Error::Invalid(_))));
    }
}
