//! Who may do what, and to what.
//!
//! Owns: scopes and reach, and how a key becomes a caller. Never knows: routes, headers, or how a
//! token of an identity provider is checked; that is behind [`Tokens`].

mod keys;
mod reach;
mod stores;

pub use keys::{ApiKeyCheck, ApiKeyRejection, ApiKeyRequest, KeyView, NewKey};
pub use reach::{Subject, may_reach};

pub(crate) use stores::may_put;

use crate::core::Core;

/// Manages API keys and checks reach. Cheap to clone.
#[derive(Clone)]
pub struct Access {
    core: Core,
}

impl Access {
    pub(crate) fn new(core: Core) -> Self {
        Self { core }
    }
}
