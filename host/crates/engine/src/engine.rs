//! The engine: wasmtime with its configuration, ticker, artifacts and compiled components.

use crate::artifacts::Artifacts;
use crate::call::Call;
use crate::compiled::Compiled;
use crate::config::EngineConfig;
use crate::error::Error;
use crate::inspect::{self, ComponentFile};
use crate::ticker::Ticker;
use crate::wasi;
use galleria_domain::Digest;
use galleria_domain::plugin::{ConfigError, Inspection, Slot};
use std::collections::HashMap;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError, TryLockError, Weak};
use wasmtime::component::{Component, Linker};

/// Loads, checks, compiles and calls components. Cheap to clone.
#[derive(Clone)]
pub struct Engine(pub(crate) Arc<Inner>);

pub(crate) struct Inner {
    pub wasmtime: wasmtime::Engine,
    pub ticker: Ticker,
    pub config: EngineConfig,
    artifacts: Artifacts,
    linker: Linker<Call>,
    /// By digest. The inner lock stays locked while a component is compiled, so that it is compiled
    /// only once, and not while a thread waits for its turn to compile it: another retailer may have an earlier turn.
    /// A component is dropped with the last plugin that uses it.
    compiled: Mutex<HashMap<Digest, Arc<Mutex<Weak<Compiled>>>>>,
}

impl Engine {
    /// Sets up wasmtime, the ticker and the directory of compiled components.
    pub fn new(config: EngineConfig) -> Result<Self, Error> {
        let setup = |error: wasmtime::Error| Error::Setup(error.into());
        let wasmtime = wasmtime::Engine::new(&config.wasmtime()).map_err(setup)?;
        let mut linker = Linker::new(&wasmtime);
        wasi::link(&mut linker).map_err(setup)?;
        Ok(Self(Arc::new(Inner {
            ticker: Ticker::start(wasmtime.clone()).map_err(Error::Ticker)?,
            artifacts: Artifacts::open(&config.artifacts, config.compiler.clone(), &wasmtime)?,
            config,
            wasmtime,
            linker,
            compiled: Mutex::default(),
        })))
    }

    /// Reads a component's digest, exports, imports and stamp, without running it. The error names the
    /// file and the expected content.
    pub fn inspect(&self, path: &Path) -> Result<Inspection, ConfigError> {
        Ok(inspect::inspect(path)?.inspection)
    }
}

impl Inner {
    /// Returns the compiled component: the one of another slot or generation, or from its artifact, or
    /// newly compiled in the turn of the slot's retailer.
    pub fn compiled(&self, slot: &Slot, file: &ComponentFile) -> wasmtime::Result<Arc<Compiled>> {
        let digest = &file.inspection.digest;
        let entry = {
            let mut compiled = self.compiled.lock().unwrap_or_else(PoisonError::into_inner);
            compiled.retain(|_, entry| {
                Arc::strong_count(entry) > 1
                    || entry
                        .lock()
                        .unwrap_or_else(PoisonError::into_inner)
                        .strong_count()
                        > 0
            });
            Arc::clone(compiled.entry(digest.clone()).or_default())
        };
        loop {
            let mut current = entry.lock().unwrap_or_else(PoisonError::into_inner);
            if let Some(compiled) = self.existing(&mut current, file)? {
                return Ok(compiled);
            }
            drop(current);
            let _permit = self.artifacts.permit(&slot.retailer);
            let mut current = match entry.try_lock() {
                Ok(current) => current,
                Err(TryLockError::Poisoned(current)) => current.into_inner(),
                // Another thread compiles it: wait for that without a permit.
                Err(TryLockError::WouldBlock) => continue,
            };
            if let Some(compiled) = self.existing(&mut current, file)? {
                return Ok(compiled);
            }
            let (plugin, bytes) = (&slot.plugin, &file.bytes);
            let component = self
                .artifacts
                .compile(&self.wasmtime, plugin, digest, bytes)?;
            return self.link(&mut current, &component, file);
        }
    }

    /// The compiled component of another slot, or from its artifact.
    fn existing(
        &self,
        current: &mut Weak<Compiled>,
        file: &ComponentFile,
    ) -> wasmtime::Result<Option<Arc<Compiled>>> {
        if let Some(compiled) = current.upgrade() {
            return Ok(Some(compiled));
        }
        let component = self.artifacts.load(&self.wasmtime, &file.inspection.digest);
        let linked = component.map(|component| self.link(current, &component, file));
        linked.transpose()
    }

    fn link(
        &self,
        current: &mut Weak<Compiled>,
        component: &Component,
        file: &ComponentFile,
    ) -> wasmtime::Result<Arc<Compiled>> {
        let compiled = Arc::new(Compiled::link(&self.linker, component, file)?);
        *current = Arc::downgrade(&compiled);
        Ok(compiled)
    }
}
