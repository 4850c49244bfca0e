//! The files of runs, delivered documents, and pickup directories; implemented by `galleria-deliver`.

use crate::Error;
use crate::plugins::Sink;
use crate::records::DocumentRow;
use serde::{Deserialize, Serialize};
use std::fs::File;

/// A complete file of a run, synced under its temporary name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StagedFile {
    /// The document's id; the temporary name derives from it.
    pub id: String,
    /// The directory's name.
    pub directory: String,
    /// The folder in the retailer's folder; empty for that folder itself.
    pub folder: String,
    /// The file's final name.
    pub name: String,
    /// The media type.
    pub media_type: String,
    /// The size in bytes.
    pub size: u64,
    /// The SHA-256 digest.
    pub digest: galleria_domain::Digest,
}

/// The files of a run until they are recorded. If this is dropped before [`RunOutput::sync`], the files are removed.
/// Afterwards they stay, because it may be unknown whether they were recorded.
pub trait RunOutput: Send {
    /// The sink that the plugin writes to.
    fn sink(&self) -> Box<dyn Sink>;
    /// Syncs files and directories. Afterwards the files survive a crash under their temporary names. No other
    /// attempt can change them until this is dropped.
    fn sync(&mut self) -> Result<Vec<StagedFile>, Error>;
    /// Removes the files of a failed run.
    fn discard(self: Box<Self>);
}

/// Returns the folder of a run's files in the retailer's folder of a directory; empty for that folder itself.
pub type FolderOf = Box<dyn Fn(&str) -> String + Send>;

/// The directories for the files of runs.
pub trait Files: Send + Sync {
    /// Begins the files of a run. Every attempt of a run uses the same temporary names, so that it overwrites what
    /// a crash left. Concurrent attempts exclude each other.
    fn begin(
        &self,
        run_id: &str,
        retailer: &str,
        folder_of: FolderOf,
    ) -> Result<Box<dyn RunOutput>, Error>;
}

/// Opens documents in their directories for downloads.
pub trait DocumentReader: Send + Sync {
    /// The candidate files of a document: the file with its name, and before the delivery the file with its
    /// temporary name. The caller must verify their digests.
    fn find(&self, document: &DocumentRow) -> Result<Vec<File>, Error>;
}

/// A file in a pickup directory that no pickup takes.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct UntakenFile {
    /// The retailer. Empty for a file or a folder that is in no retailer's folder.
    pub retailer: String,
    /// The directory's name in `host.toml`; the file is in the retailer's folder in it.
    pub directory: String,
    /// The name of the file, or of a folder in the directory that has files and belongs to no pickup.
    pub file: String,
    /// Why no pickup takes it.
    pub reason: String,
}

/// The directories from which the host picks up statements.
pub trait PickupFiles: Send + Sync {
    /// The files that no pickup takes, and that are not being uploaded. A directory that cannot be listed is one of
    /// them, with the name `.`.
    fn untaken(&self) -> Vec<UntakenFile>;
}
