//! The configuration of a tax service.

use super::fault::chain;
use galleria_files::SETTINGS_BYTES;
use reqwest::dns::Resolve;
use std::error::Error;
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

/// The time after which connections are replaced, so that a new address of the service's name is noticed while the
/// previous one still answers.
const LIFETIME: Duration = Duration::from_secs(60);

/// A tax service that this host calls.
#[derive(Clone)]
pub struct UpstreamConfig {
    /// `http://` or `https://`, host, port and, for HTTP, a path.
    pub address: String,
    /// PEM file of the authorities that sign its certificate; `None` means those of the system.
    pub ca_file: Option<PathBuf>,
    /// The certificate of this host, for services that require one.
    pub identity: Option<IdentityFiles>,
    /// Time for one call.
    pub timeout: Duration,
    /// Time for all calls of an evaluation.
    pub deadline: Duration,
    /// Repetitions of a failed call.
    pub retries: u32,
    /// Failed calls in a row after which the service is not called for a while.
    pub breaker_failures: u32,
    /// The time for which it is not called.
    pub breaker_pause: Duration,
    /// The time after which connections are replaced.
    pub lifetime: Duration,
    /// Resolves the host; `None` means the system.
    pub resolver: Option<Arc<dyn Resolve>>,
}

impl UpstreamConfig {
    /// The service at an address, with the default times.
    pub fn new(address: impl Into<String>) -> Self {
        Self {
            address: address.into(),
            ca_file: None,
            identity: None,
            timeout: Duration::from_secs(2),
            deadline: Duration::from_secs(5),
            retries: 2,
            breaker_failures: 5,
            breaker_pause: Duration::from_secs(10),
            lifetime: LIFETIME,
            resolver: None,
        }
    }

    /// Whether the service identifies itself with a certificate.
    pub(crate) fn is_secure(&self) -> bool {
        self.address.starts_with("https://")
    }

    /// The certificates of the authorities, if a file names them.
    pub(crate) fn ca_certificates(&self) -> Result<Option<Vec<u8>>, ConfigError> {
        let Some(file) = &self.ca_file else {
            return Ok(None);
        };
        let error = |reason: String| ConfigError(format!("{}: {reason}", file.display()));
        let pem = read(file)?;
        match reqwest::Certificate::from_pem_bundle(&pem) {
            Ok(certificates) if !certificates.is_empty() => Ok(Some(pem)),
            Ok(_) => Err(error("must contain at least one certificate in PEM".into())),
            Err(reason) => Err(error(format!("must contain certificates in PEM: {reason}"))),
        }
    }

    /// The certificate of this host and its private key, if files name them.
    pub(crate) fn identity_pem(&self) -> Result<Option<[Vec<u8>; 2]>, ConfigError> {
        let Some(files) = &self.identity else {
            return Ok(None);
        };
        let [certificate, key] = [&files.certificate, &files.key].map(|file| read(file));
        let pem = [certificate?, key?];
        match reqwest::Identity::from_pem(&pem.join(&b'\n')) {
            Ok(_) => Ok(Some(pem)),
            Err(reason) => Err(files.error(&reason)),
        }
    }
}

/// PEM files of a certificate with its chain, and of its private key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IdentityFiles {
    /// The certificate.
    pub certificate: PathBuf,
    /// The key.
    pub key: PathBuf,
}

impl IdentityFiles {
    pub(crate) fn error(&self, reason: &(dyn Error + 'static)) -> ConfigError {
        ConfigError(format!(
            "{} and {}: must contain a certificate and its private key in PEM: {}",
            self.certificate.display(),
            self.key.display(),
            chain(reason)
        ))
    }
}

fn read(file: &Path) -> Result<Vec<u8>, ConfigError> {
    galleria_files::read(file, SETTINGS_BYTES)
        .map_err(|reason| ConfigError(format!("{} {reason}", file.display())))
}

impl fmt::Debug for UpstreamConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("UpstreamConfig")
            .field("address", &self.address)
            .finish_non_exhaustive()
    }
}

/// Why a client of a tax service could not be created.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct ConfigError(pub(crate) String);

#[cfg(test)]
impl ConfigError {
    pub(crate) fn test() -> Self {
        Self("a test".into())
    }
}
