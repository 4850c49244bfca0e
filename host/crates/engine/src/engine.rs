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
use galleria_domain::plugin::{ConfigError, Inspection};
use std::collections::HashMap;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError, Weak};
use wasmtime::component::Linker;

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
    /// only once. A component is dropped with the last plugin that uses it.
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
    /// newly compiled. The log names the plugin.
    pub fn compiled(&self, plugin: &str, file: &ComponentFile) -> wasmtime::Result<Arc<Compiled>> {
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
        let mut entry = entry.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(compiled) = entry.upgrade() {
            return Ok(compiled);
        }
        let component = self
            .artifacts
            .component(&self.wasmtime, plugin, digest, &file.bytes)?;
        let compiled = Arc::new(Compiled::link(&self.linker, &component, file)?);
        *entry = Arc::downgrade(&compiled);
        Ok(compiled)
    }
}
