//! Compiled components as files: made once, loaded in a blink at the next start.
//!
//! The directory is the host's own, because what is loaded from it runs as machine code.

use crate::Error;
use crate::thaw::thaw;
use galleria_domain::Digest;
use std::fs::{DirBuilder, File, OpenOptions, Permissions};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use wasmtime::component::Component;

/// A directory of compiled components.
pub(crate) struct Artifacts {
    directory: PathBuf,
    /// What two engines share when each can load what the other compiled. A hash that a new release
    /// of Rust computes differently costs one more compilation, nothing else.
    compatibility: u64,
}

impl Artifacts {
    /// Creates the directory where it is not there, and takes it for the host alone. Fails where it
    /// belongs to someone else.
    pub fn open(directory: &Path, engine: &wasmtime::Engine) -> Result<Self, Error> {
        let failed = |source| Error::Artifacts {
            directory: directory.to_owned(),
            source,
        };
        DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(directory)
            .map_err(failed)?;
        std::fs::set_permissions(directory, Permissions::from_mode(0o700)).map_err(failed)?;
        let mut hasher = DefaultHasher::new();
        engine.precompile_compatibility_hash().hash(&mut hasher);
        Ok(Self {
            directory: directory.to_owned(),
            compatibility: hasher.finish(),
        })
    }

    /// The component of these bytes: from its artifact, which is made where it is missing or useless.
    pub fn component(
        &self,
        engine: &wasmtime::Engine,
        digest: &Digest,
        bytes: &[u8],
    ) -> wasmtime::Result<Component> {
        let path = self
            .directory
            .join(format!("{digest}-{:016x}.cwasm", self.compatibility));
        if path.exists() {
            match thaw(engine, &path) {
                Ok(component) => return Ok(component),
                Err(error) => {
                    tracing::warn!(
                        artifact = %path.display(),
                        error = format!("{error:#}"),
                        "a compiled component does not load and is made again"
                    );
                }
            }
        }
        let compiled = engine.precompile_component(bytes)?;
        self.keep(&path, &compiled)?;
        thaw(engine, &path)
    }

    /// Whole under its name or not at all, also when the machine stops half-way.
    fn keep(&self, path: &Path, compiled: &[u8]) -> io::Result<()> {
        static COUNT: AtomicU64 = AtomicU64::new(0);
        let temporary = self.directory.join(format!(
            ".{}-{}.tmp",
            std::process::id(),
            COUNT.fetch_add(1, Ordering::Relaxed)
        ));
        // What an earlier process with this number left behind.
        if let Err(error) = std::fs::remove_file(&temporary)
            && error.kind() != io::ErrorKind::NotFound
        {
            return Err(error);
        }
        let mut file = OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(&temporary)?;
        file.write_all(compiled)?;
        file.sync_all()?;
        std::fs::rename(&temporary, path)?;
        File::open(&self.directory)?.sync_all()
    }
}
