//! All integration tests of this package in one binary, which links faster than several.

mod checker;
mod fixtures;
mod schema;
mod settings;
mod standard;
