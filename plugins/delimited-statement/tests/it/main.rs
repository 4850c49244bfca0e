//! All integration tests of this package in one binary, which links faster than several.

mod amounts;
mod fixtures;
mod forms;
mod mutations;
mod refusals;
