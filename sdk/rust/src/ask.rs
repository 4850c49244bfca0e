//! What a plugin may ask while it answers: keys it never sees, log-in tokens, questions over HTTP.

pub use crate::bindings::words::http::Refusal;
pub use crate::bindings::words::secrets::Sealed;
use crate::{Outgoing, Reply, host};

/// It did not work, and nobody says why: anything more would help the one who tries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Refused;

impl std::fmt::Display for Refused {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("refused")
    }
}

impl std::error::Error for Refused {}

/// A key that the grant names. Its bytes never enter the plugin.
pub struct Key(host::secrets::Key);

impl Key {
    /// The secret by the name the grant gives it.
    pub fn open(name: &str) -> Result<Self, Refused> {
        host::secrets::open(name).map(Self).map_err(|()| Refused)
    }

    /// Decrypts what [`Key::encrypt`] sealed.
    pub fn unseal(&self, sealed: &Sealed, associated: &[u8]) -> Result<Vec<u8>, Refused> {
        self.decrypt(
            Some(&sealed.key_id),
            &sealed.nonce,
            &sealed.body,
            associated,
        )
    }

    /// Decrypts with the version `key_id` of the key, or with whichever version fits. `nonce` is the
    /// IV of AES-CBC, empty where the secret has a fixed one, or the nonce of AES-GCM; `associated`
    /// is for AES-GCM, empty otherwise.
    pub fn decrypt(
        &self,
        key_id: Option<&str>,
        nonce: &[u8],
        body: &[u8],
        associated: &[u8],
    ) -> Result<Vec<u8>, Refused> {
        let opened = self.0.decrypt(key_id, nonce, body, associated);
        opened.map_err(|()| Refused)
    }

    /// Encrypts. The nonce is the host's, and the same on every attempt.
    pub fn encrypt(&self, body: &[u8], associated: &[u8]) -> Result<Sealed, Refused> {
        self.0.encrypt(body, associated).map_err(|()| Refused)
    }

    /// A message authentication code.
    pub fn mac(&self, body: &[u8]) -> Result<Vec<u8>, Refused> {
        self.0.mac(body).map_err(|()| Refused)
    }
}

/// The claims of a log-in token, as JSON, where an issuer that the grant names signed it.
pub fn verify_token(issuer: &str, token: &str) -> Result<String, Refused> {
    host::tokens::verify(issuer, token).map_err(|()| Refused)
}

/// Asks a target that the grant names; for answer points only. What has consequences is a request of
/// a decision instead.
pub fn ask(request: &Outgoing) -> Result<Reply, Refusal> {
    host::http::ask(request)
}
