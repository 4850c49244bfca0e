//! What taking statements in needs of the disk. Fulfilled by `galleria-deliver`.

use crate::Error;
use crate::plugins::Source;
use galleria_domain::Digest;

/// Where files are spooled and originals kept.
pub trait Vault: Send + Sync {
    /// Begins to take a file in. It is gone when dropped, unless it was kept.
    fn spool(&self, file: &str) -> Result<Box<dyn Spool>, Error>;
    /// A file without a name, gone when closed.
    fn scratch(&self) -> Result<std::fs::File, Error>;
    /// The digests of a retailer's originals.
    fn kept(&self, retailer: &str) -> Result<Vec<String>, Error>;
    /// Takes an original away.
    fn forget(&self, retailer: &str, digest: &str) -> Result<(), Error>;
    /// The size of the largest statement there may be.
    fn max_bytes(&self) -> u64;
}

/// A file that is being taken in.
pub trait Spool: Send + Sync {
    /// Its name, without the folder.
    fn file(&self) -> String;
    /// Appends; `Error::Invalid` beyond the largest size there may be.
    fn write(&mut self, chunk: &[u8]) -> Result<(), Error>;
    /// SHA-256 of what was written, and how many bytes that are.
    fn digest(&self) -> (Digest, u64);
    /// Reads it from the beginning.
    fn source(&self) -> Result<Box<dyn Source>, Error>;
    /// Keeps it as an original of a retailer under its digest, durable when this returns.
    fn keep(&mut self, retailer: &str) -> Result<(), Error>;
}
