//! Documents reach their directories: whole, once, and never over another file.
//!
//! Owns: every write below the configured directories, through `cap-std` handles. Never knows SQL
//! or what a document is about.
//!
//! A document is written as a draft of its writer, synced, moved to a temporary name that derives
//! from its id, and recorded as *prepared*; then renamed without replacing, the directory synced,
//! and recorded as *delivered*. Each step may be repeated after a crash: a prepared document whose
//! temporary file is gone was renamed. A lease keeps two hosts from working on the same document;
//! where one runs out too early, the drafts keep the hosts out of each other's files.

#![forbid(unsafe_code)]

mod deliverer;
mod directories;
mod runs;

pub use deliverer::Deliverer;
pub use directories::Directories;
