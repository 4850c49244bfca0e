//! Keys of callers.

use crate::Error;
use crate::access::{Reach, Scope};
use async_trait::async_trait;
use jiff::Timestamp;

/// A key, without its secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyRow {
    /// Stands in the key itself and is no secret.
    pub id: String,
    /// Whose it is; of keys that are not revoked, each has a name of its own.
    pub name: String,
    /// SHA-256 of the secret, which has 256 bits of randomness: there is nothing to guess.
    pub digest: String,
    /// What its bearer may do.
    pub scope: Scope,
    /// What its bearer may do it to.
    pub reach: Reach,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was taken back.
    pub revoked_at: Option<Timestamp>,
}

/// Records of keys.
#[async_trait]
pub trait Keys {
    /// Adds a key; `Error::Exists` where one of this name is in use.
    async fn key_insert(&mut self, key: &KeyRow) -> Result<(), Error>;
    /// The key of an id, in use or revoked.
    async fn key_get(&mut self, id: &str) -> Result<Option<KeyRow>, Error>;
    /// The key of a name that is in use.
    async fn key_named(&mut self, name: &str) -> Result<Option<KeyRow>, Error>;
    /// Keys in the order of name and id, behind `after`; with `revoked`, also those.
    async fn key_page(
        &mut self,
        revoked: bool,
        after: (&str, &str),
        limit: u32,
    ) -> Result<Vec<KeyRow>, Error>;
    /// Takes a key back; false where that was done before.
    async fn key_revoke(&mut self, id: &str, at: Timestamp) -> Result<bool, Error>;
}
