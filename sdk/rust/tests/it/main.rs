//! All integration tests of this package in one binary, which links faster than several.

mod dates;
mod doubles;
mod json;
mod plugin;
mod refusals;
