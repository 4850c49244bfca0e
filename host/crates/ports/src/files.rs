//! What the use cases need of the disk when a run streams its files there, and when somebody asks for
//! one that was delivered.
//!
//! Fulfilled by `galleria-deliver`, which also brings decided documents to their directories.

use crate::Error;
use crate::plugins::Sink;
use crate::records::DocumentRow;
use std::fs::File;

/// A file that a run has written whole and synced under its temporary name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Written {
    /// The document's id; the temporary name derives from it.
    pub id: String,
    /// The directory's name.
    pub directory: String,
    /// The name it will get.
    pub name: String,
    /// Media type.
    pub media_type: String,
    /// Bytes.
    pub size: u64,
    /// SHA-256.
    pub digest: galleria_domain::Digest,
}

/// A run's files, until they are recorded. Dropped before [`Begun::sync`], they are taken away;
/// afterwards nobody may know whether they were recorded, and they stay until told otherwise.
pub trait Begun: Send {
    /// What the plugin writes into.
    fn sink(&self) -> Box<dyn Sink>;
    /// Syncs files and directories. From here on they survive a crash, under their temporary
    /// names. They stay this run's alone until this is dropped.
    fn sync(&mut self) -> Result<Vec<Written>, Error>;
    /// Takes the files away: the run ended badly.
    fn discard(self: Box<Self>);
}

/// The directories that runs write into.
pub trait Files: Send + Sync {
    /// Begins the files of a run. The same run writes the same temporary names, so that what a
    /// crash left is overwritten by the next attempt; two attempts at a time are kept apart.
    fn begin(&self, run_id: &str, retailer: &str) -> Result<Box<dyn Begun>, Error>;
}

/// The directories that documents are delivered to, for who asks to see one.
pub trait DocumentReader: Send + Sync {
    /// Files that may be a document's: the one under its name, and before it is delivered the one under
    /// its temporary name. Whether they are what was decided, nobody has looked.
    fn find(&self, document: &DocumentRow) -> Result<Vec<File>, Error>;
}
