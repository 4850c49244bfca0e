//! The engine: wasmtime as configured, its clock, its artifacts, and what is compiled by now.

use crate::artifacts::Artifacts;
use crate::call::Call;
use crate::compiled::Compiled;
use crate::config::EngineConfig;
use crate::inspect::{self, Inspected};
use crate::ticker::Ticker;
use crate::wasi;
use galleria_domain::Digest;
use galleria_domain::plugin::{Inspection, Mistake};
use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use wasmtime::component::Linker;

/// Why there is no engine.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The pool does not fit this machine, or wasmtime refuses the rest.
    #[error("setting up wasmtime")]
    Setup(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// There is no thread for the clock.
    #[error("starting the engine's ticker")]
    Ticker(#[source] std::io::Error),
    /// The directory for compiled components cannot be used.
    #[error("taking {} for compiled components", directory.display())]
    Artifacts {
        /// Which.
        directory: PathBuf,
        /// Why not.
        #[source]
        source: std::io::Error,
    },
}

/// Loads, checks, compiles and calls components. Cheap to clone.
#[derive(Clone)]
pub struct Engine(pub(crate) Arc<Inner>);

pub(crate) struct Inner {
    pub wasmtime: wasmtime::Engine,
    pub ticker: Ticker,
    pub config: EngineConfig,
    artifacts: Artifacts,
    linker: Linker<Call>,
    /// By digest. The inner lock is held while a component is compiled, so that it is compiled once;
    /// it is forgotten with the last generation that uses it.
    known: Mutex<HashMap<Digest, Arc<Mutex<Weak<Compiled>>>>>,
}

impl Engine {
    /// Sets up wasmtime, its clock and the directory for compiled components.
    pub fn new(config: EngineConfig) -> Result<Self, Error> {
        let setup = |error: wasmtime::Error| Error::Setup(error.into());
        let wasmtime = wasmtime::Engine::new(&config.wasmtime()).map_err(setup)?;
        let mut linker = Linker::new(&wasmtime);
        wasi::link(&mut linker).map_err(setup)?;
        Ok(Self(Arc::new(Inner {
            ticker: Ticker::start(wasmtime.clone()).map_err(Error::Ticker)?,
            artifacts: Artifacts::open(&config.artifacts, &wasmtime)?,
            config,
            wasmtime,
            linker,
            known: Mutex::default(),
        })))
    }

    /// What a component is, without running anything of it. The mistake names the file and what
    /// would be right.
    pub fn inspect(&self, path: &Path) -> Result<Inspection, Mistake> {
        Ok(inspect::inspect(path)?.inspection)
    }
}

impl Inner {
    /// The component, compiled and linked: as another slot or generation has it, or from its
    /// artifact, or made now.
    pub fn compiled(&self, inspected: &Inspected) -> wasmtime::Result<Arc<Compiled>> {
        let digest = &inspected.inspection.digest;
        let place = {
            let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
            known.retain(|_, place| {
                Arc::strong_count(place) > 1
                    || place
                        .lock()
                        .unwrap_or_else(PoisonError::into_inner)
                        .strong_count()
                        > 0
            });
            Arc::clone(known.entry(digest.clone()).or_default())
        };
        let mut place = place.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(compiled) = place.upgrade() {
            return Ok(compiled);
        }
        let component = self
            .artifacts
            .component(&self.wasmtime, digest, &inspected.bytes)?;
        let compiled = Arc::new(Compiled::link(&self.linker, &component, inspected)?);
        *place = Arc::downgrade(&compiled);
        Ok(compiled)
    }
}
