//! The import of stores from files.
//!
//! Owns: the layout of the files, and that a file is imported completely or not at all.

mod import;
mod row;

pub use crate::tabular::{NotImported, Problems, Step, Steps, Upload, Watch};
pub use import::{StoreImportRequest, StoresImported};
