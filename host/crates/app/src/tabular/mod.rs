//! Tabular files from spreadsheets: rows and columns, read within limits, with all problems reported together.
//!
//! Owns: rows and columns, the limits on files, and the list of problems. Never knows the rules for cells, or
//! what rows are used for.

mod columns;
mod import;
mod problems;
mod rows;
mod watch;

pub use import::ImportOptions;
pub use problems::{MAX_LISTED, NotImported, Problems};
pub use rows::{Format, Guards, Upload};
pub use watch::{Step, Steps, Watch};

pub(crate) use columns::{Cells, Layout};
pub(crate) use import::{BATCH, End, Importer, Job, Unique, import, imported};
pub(crate) use problems::{RowProblems, Wrong};
pub(crate) use rows::Rows;
