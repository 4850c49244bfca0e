//! Compiled components as files: compiled once, loaded within milliseconds at the next start.
//!
//! The directory belongs to the host alone, because its files run as machine code.

use crate::compiler::{ChildProcesses, Permit};
use crate::config::Compiler;
use crate::deserialize::deserialize;
use crate::error::Error;
use galleria_domain::Digest;
use std::fs::{DirBuilder, File, Permissions};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::time::Instant;
use tempfile::NamedTempFile;
use wasmtime::component::Component;

/// A directory of compiled components.
pub(crate) struct Artifacts {
    directory: PathBuf,
    /// Without children, this process compiles.
    children: Option<ChildProcesses>,
    /// Equal for two engines that can load each other's artifacts. If a new release of Rust computes
    /// the hash differently, components are compiled once more; nothing else happens.
    compatibility: u64,
}

impl Artifacts {
    /// Creates the directory if it is missing, and sets its mode to 0700. Fails if it belongs to
    /// another user.
    pub fn open(
        directory: &Path,
        compiler: Compiler,
        engine: &wasmtime::Engine,
    ) -> Result<Self, Error> {
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
            children: match compiler {
                Compiler::InProcess => None,
                Compiler::Child(child) => Some(ChildProcesses::new(child)),
            },
            compatibility: hasher.finish(),
        })
    }

    fn path(&self, digest: &Digest) -> PathBuf {
        let name = format!("{digest}-{:016x}.cwasm", self.compatibility);
        self.directory.join(name)
    }

    /// Loads the component from its artifact, if that exists and is usable.
    pub fn load(&self, engine: &wasmtime::Engine, digest: &Digest) -> Option<Component> {
        let path = self.path(digest);
        if !path.is_file() {
            return None;
        }
        deserialize(engine, &path)
            .inspect_err(|error| {
                tracing::warn!(
                    artifact = %path.display(),
                    error = format!("{error:#}"),
                    "artifact unusable, compiling again"
                );
            })
            .ok()
    }

    /// Waits until a component of the retailer may be compiled. This process itself compiles without limits.
    pub fn permit(&self, retailer: &str) -> Option<Permit<'_>> {
        let children = self.children.as_ref()?;
        Some(children.permit(retailer))
    }

    /// Compiles the component and writes its artifact. The caller has a permit.
    pub fn compile(
        &self,
        engine: &wasmtime::Engine,
        plugin: &str,
        digest: &Digest,
        bytes: &[u8],
    ) -> wasmtime::Result<Component> {
        let start = Instant::now();
        let compiled = match &self.children {
            None => engine.precompile_component(bytes)?,
            Some(children) => children.compile(bytes, &self.directory)?,
        };
        let component = self.write(engine, &self.path(digest), &compiled)?;
        tracing::info!(
            plugin,
            component = digest.short(),
            bytes = bytes.len(),
            duration_ms = u64::try_from(start.elapsed().as_millis()).unwrap_or(u64::MAX),
            "component compiled; the next start loads it"
        );
        Ok(component)
    }

    /// Creates a file with a random name: containers that share the directory have equal process ids.
    fn temporary(&self) -> io::Result<NamedTempFile> {
        tempfile::Builder::new()
            .prefix(".")
            .suffix(".tmp")
            .permissions(Permissions::from_mode(0o600))
            .tempfile_in(&self.directory)
    }

    /// Loads the component and writes the complete file or none, even if the machine stops in between.
    fn write(
        &self,
        engine: &wasmtime::Engine,
        path: &Path,
        compiled: &[u8],
    ) -> wasmtime::Result<Component> {
        let mut file = self.temporary()?;
        file.write_all(compiled)?;
        let component = deserialize(engine, file.path())?;
        file.as_file().sync_all()?;
        file.persist(path)?;
        File::open(&self.directory)?.sync_all()?;
        Ok(component)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    /// Two processes with the same id, each in its own container, write the same component at the same time.
    #[test]
    fn temporary_files_of_equal_process_ids_differ() {
        let folder = tempfile::tempdir().expect("a folder");
        let engine = wasmtime::Engine::default();
        let open = || Artifacts::open(folder.path(), Compiler::InProcess, &engine);
        let processes = [open().expect("opened"), open().expect("opened")];
        let files = processes
            .iter()
            .flat_map(|one| [one.temporary(), one.temporary()]);
        let files: Vec<NamedTempFile> = files.map(|file| file.expect("a file")).collect();
        let names: BTreeSet<&Path> = files.iter().map(NamedTempFile::path).collect();
        assert_eq!(names.len(), 4);
        let id = std::process::id().to_string();
        for file in &files {
            let name = file.path().file_name().expect("a name").to_string_lossy();
            assert!(!name.contains(&id) || id.len() < 4, "{name}");
            let mode = file.path().metadata().expect("a file").permissions().mode();
            assert_eq!(mode & 0o777, 0o600);
        }
    }

    #[test]
    fn a_component_replaces_the_unusable_artifact_of_another_process() {
        let folder = tempfile::tempdir().expect("a folder");
        let engine = wasmtime::Engine::default();
        let artifacts = Artifacts::open(folder.path(), Compiler::InProcess, &engine);
        let artifacts = artifacts.expect("opened");
        let bytes = wat::parse_str("(component)").expect("a component");
        let digest = Digest::of(&bytes);
        std::fs::write(artifacts.path(&digest), "half").expect("written");
        assert!(artifacts.load(&engine, &digest).is_none());
        let compiled = artifacts.compile(&engine, "empty", &digest, &bytes);
        compiled.expect("compiled");
        assert!(artifacts.load(&engine, &digest).is_some());
        let left = std::fs::read_dir(folder.path()).expect("a folder");
        assert_eq!(left.count(), 1, "no temporary file is left");
    }
}
