//! Files that people make in spreadsheets: rows and columns, read within bounds, and everything that is
//! wrong with one told together.
//!
//! Owns: where a row begins and ends and which cell belongs to which column; how much of a file there
//! may be; how its problems are kept. Never knows: what a cell may hold, and what becomes of a row.

mod problems;
mod rows;
mod watch;

pub use problems::{NotImported, Problems, TOLD};
pub use rows::{Format, Upload};
pub use watch::{Step, Steps, Watch};

pub(crate) use problems::{Told, Wrong};
pub(crate) use rows::{Cells, Layout, Rows};
