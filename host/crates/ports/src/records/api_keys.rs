//! API keys.

use crate::Error;
use crate::access::{Reach, Scope};
use async_trait::async_trait;
use jiff::Timestamp;

/// An API key, without its secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ApiKeyRow {
    /// The id. It is part of the key and not secret.
    pub id: String,
    /// The name. Unique among the keys that are not revoked.
    pub name: String,
    /// SHA-256 of the secret. The secret has 256 random bits and cannot be guessed.
    pub digest: String,
    /// The permitted actions.
    pub scope: Scope,
    /// The permitted retailers and stores.
    pub reach: Reach,
    /// When it was created.
    pub created_at: Timestamp,
    /// When it was revoked.
    pub revoked_at: Option<Timestamp>,
}

/// Records of API keys.
#[async_trait]
pub trait ApiKeys {
    /// Adds a key. Returns `Error::Exists` if an active key has this name.
    async fn api_key_insert(&mut self, key: &ApiKeyRow) -> Result<(), Error>;
    /// A key by id, active or revoked.
    async fn api_key_get(&mut self, id: &str) -> Result<Option<ApiKeyRow>, Error>;
    /// The active key of a name.
    async fn api_key_get_by_name(&mut self, name: &str) -> Result<Option<ApiKeyRow>, Error>;
    /// Keys in the order of name and id, after `after`. Includes revoked keys if `revoked` is true.
    async fn api_key_list(
        &mut self,
        revoked: bool,
        after: (&str, &str),
        limit: u32,
    ) -> Result<Vec<ApiKeyRow>, Error>;
    /// Revokes a key. Returns false if it was revoked before.
    async fn api_key_revoke(&mut self, id: &str, at: Timestamp) -> Result<bool, Error>;
}
