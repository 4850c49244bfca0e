//! The import of stores from files.
//!
//! Owns: the layout of the files, and that a file is imported completely or not at all.

mod import;
mod row;
mod single;

pub use crate::tabular::{NotImported, Problems, Step, Steps, Upload, Watch};
pub use import::{StoreImportRequest, StoresImported};
pub use single::NewStore;

use crate::core::Core;

/// Creates, replaces, imports and lists stores. Cheap to clone.
#[derive(Clone)]
pub struct Stores {
    core: Core,
}

impl Stores {
    pub(crate) fn new(core: Core) -> Self {
        Self { core }
    }
}
