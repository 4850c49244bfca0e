//! Capabilities of answer points: keys, login tokens, and HTTP requests.

pub use crate::bindings::words::http::Refusal;
pub use crate::bindings::words::secrets::Sealed;
use crate::{Outgoing, Reply, host};

/// The operation failed. It has no details, because a reason would help an attacker.
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
    /// Opens a secret by its name in the grant.
    pub fn open(name: &str) -> Result<Self, Refused> {
        host::secrets::open(name).map(Self).map_err(|()| Refused)
    }

    /// Decrypts the result of [`Key::encrypt`].
    pub fn unseal(&self, sealed: &Sealed, associated: &[u8]) -> Result<Vec<u8>, Refused> {
        self.decrypt(
            Some(&sealed.key_id),
            &sealed.nonce,
            &sealed.body,
            associated,
        )
    }

    /// Decrypts with the version `key_id` of the key. Without `key_id`, the host tries every
    /// version. `nonce` is the IV of AES-CBC (empty if the secret has a fixed one) or the nonce of
    /// AES-GCM. `associated` is for AES-GCM, otherwise empty.
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

    /// Encrypts. The host chooses the nonce; every attempt gets the same one.
    pub fn encrypt(&self, body: &[u8], associated: &[u8]) -> Result<Sealed, Refused> {
        self.0.encrypt(body, associated).map_err(|()| Refused)
    }

    /// Computes a message authentication code.
    pub fn mac(&self, body: &[u8]) -> Result<Vec<u8>, Refused> {
        self.0.mac(body).map_err(|()| Refused)
    }
}

/// Returns the claims of a login token as JSON. An issuer that the grant names must have signed it.
pub fn verify_token(issuer: &str, token: &str) -> Result<String, Refused> {
    host::tokens::verify(issuer, token).map_err(|()| Refused)
}

/// Sends a request to a target that the grant names; for answer points only. A request with
/// consequences belongs in a decision.
pub fn send(request: &Outgoing) -> Result<Reply, Refusal> {
    host::http::send(request)
}
