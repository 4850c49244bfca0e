//! Storage for the files of settlement statements, implemented by `galleria-deliver`.

use crate::Error;
use crate::plugins::Source;
use galleria_domain::Digest;

/// Spools files during their import and stores the originals.
pub trait Vault: Send + Sync {
    /// Creates a spool file. It is removed when it is dropped, unless it was committed.
    fn spool(&self, file: &str) -> Result<Box<dyn Spool>, Error>;
    /// Creates a temporary file without a name, which is removed when it is closed.
    fn scratch(&self) -> Result<std::fs::File, Error>;
    /// Opens a retailer's original by its digest. `file` is the name that the plugin sees.
    fn original(&self, retailer: &str, digest: &str, file: &str) -> Result<Box<dyn Source>, Error>;
    /// The digests of a retailer's originals.
    fn digests(&self, retailer: &str) -> Result<Vec<String>, Error>;
    /// Deletes an original.
    fn delete(&self, retailer: &str, digest: &str) -> Result<(), Error>;
    /// The size limit of a statement, in bytes.
    fn max_bytes(&self) -> u64;
}

/// A file during its import.
pub trait Spool: Send + Sync {
    /// The file's name without its folder.
    fn file(&self) -> String;
    /// Appends bytes; returns `Error::Invalid` beyond the size limit.
    fn write(&mut self, chunk: &[u8]) -> Result<(), Error>;
    /// The digest and the number of the bytes written so far.
    fn digest(&self) -> (Digest, u64);
    /// Opens a reader that starts at the beginning.
    fn source(&self) -> Result<Box<dyn Source>, Error>;
    /// Stores the file as an original of a retailer under its digest. It is durable when this returns.
    fn commit(&mut self, retailer: &str) -> Result<(), Error>;
}
