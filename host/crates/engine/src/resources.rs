//! Resources that a guest can open. The generated bindings refer to these types.

use galleria_domain::SecretKey;
use galleria_domain::plugin::Operation;
use std::collections::BTreeSet;
use std::sync::Arc;

/// A file that a guest opened.
#[derive(Debug)]
pub struct File {
    pub(crate) number: u32,
}

/// A key that a guest opened.
#[derive(Clone, Debug)]
pub struct Key {
    pub(crate) name: String,
    pub(crate) key: Arc<SecretKey>,
    pub(crate) operations: BTreeSet<Operation>,
}
