//! Documents reach their directories: whole, once, and never over another file.
//!
//! Owns: every write below the configured directories, through `cap-std` handles. Never knows SQL
//! or what a document is about.
//!
//! A document is written without a name, synced, and named by its id once it is whole; recorded as
//! *prepared*; then renamed without replacing, the directory synced, and recorded as *delivered*.
//! Each step may be repeated after a crash: a prepared document whose temporary file is gone was
//! renamed. A lease keeps two hosts from working on the same document; where one runs out too early,
//! each host still writes only into what is its own. Where every file must have a name, and for what
//! a run streams, a draft of the writer's own takes the nameless file's place.

#![forbid(unsafe_code)]

mod deliverer;
mod directories;
mod matcher;
mod pickup;
mod runs;
mod shelf;
mod told;
mod vault;

pub use deliverer::Deliverer;
pub use directories::Directories;
pub use matcher::keep_matching;
pub use pickup::Pickups;
pub use vault::StatementVault;
