//! All integration tests of this package in one binary, which links faster than several.

mod config_errors;
mod host_file;
mod limits;
mod slots;
