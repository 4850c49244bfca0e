//! API keys and reach: what a caller may do, and to which retailers and stores.
//!
//! Never knows routes, headers, or how the token of an identity provider is checked.

mod credentials;
mod keys;
mod reach;
mod stores;

pub use credentials::{CredentialFault, bearer};
pub use keys::{ApiKeyCheck, ApiKeyRejection, ApiKeyRequest, KeyView, NewKey};
pub use reach::{Subject, may_reach};

pub(crate) use stores::may_put;

use crate::core::Core;
use crate::read_cache::ReadCache;
use galleria_domain::Store;
use galleria_ports::records::ApiKeyRow;
use std::sync::Arc;

/// Manages API keys and checks reach. Cheap to clone.
#[derive(Clone)]
pub struct Access {
    core: Core,
    keys: Arc<ReadCache<ApiKeyRow>>,
    stores: Arc<ReadCache<Store>>,
}

impl Access {
    pub(crate) fn new(core: Core) -> Self {
        Self {
            core,
            keys: Arc::default(),
            stores: Arc::default(),
        }
    }
}
