//! Delivers documents to their directories: whole, once, and never over another file. Picks up statements.
//!
//! Owns: every write below the configured directories, through `cap-std` handles. Never knows SQL or what a
//! document is about.
//!
//! A document is written to a file without a name, synced, named by its id and recorded as *prepared*. Then
//! it is renamed without replacing, its directory is synced, and it is recorded as *delivered*. Each step can
//! be repeated after a crash: a prepared document whose temporary file is gone was renamed.
//!
//! A lease keeps two hosts from working on the same document. If a lease expires too early, each host still
//! writes only to its own files. On a file system without nameless files, and for the files of a run, a
//! draft of the writer takes the place of the nameless file.

#![forbid(unsafe_code)]

mod deliverer;
mod delivery_spans;
mod descriptors;
mod directories;
mod document_reader;
mod matcher;
mod pickup;
mod runs;
mod vault;

pub use deliverer::Deliverer;
pub use descriptors::raise_limit;
pub use directories::Directories;
pub use matcher::keep_matching;
pub use pickup::{PickupFolders, Pickups};
pub use vault::StatementVault;
