//! Stores of a file.
//!
//! Owns: what a row of one says, and that a file is taken in as a whole. Never knows: who sells there.

mod import;
mod row;

pub use crate::sheet::{NotImported, Problems, Step, Steps, Upload, Watch};
pub use import::{StoresAsk, StoresImported};
