//! Stores of a file.
//!
//! Owns: what a row of one says, and that a file is taken in as a whole. Never knows: who sells there.

mod import;
mod row;

pub use crate::tabular::{NotImported, Problems, Step, Steps, Upload, Watch};
pub use import::{StoreImportRequest, StoresImported};
