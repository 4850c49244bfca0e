//! Stores that an earlier version accepted and this version would reject.
//!
//! They keep working, with an unknown time zone as UTC. The next change of such a store must correct it.

use crate::stores::Stores;
use galleria_domain::Store;
use galleria_ports::Error;
use galleria_ports::in_tx;
use serde::{Deserialize, Serialize};

/// A field of a recorded store that this version would reject.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct InvalidStore {
    /// The retailer.
    pub retailer: String,
    /// The store's id.
    pub store: String,
    /// The field.
    pub field: String,
    /// The rule that the field violates.
    pub message: String,
}

/// The problems of recorded stores.
pub(crate) fn invalid(stores: &[Store]) -> Vec<InvalidStore> {
    let problems = stores.iter().flat_map(|store| {
        let of = |problem: galleria_domain::Problem| InvalidStore {
            retailer: store.retailer.clone(),
            store: store.id.clone(),
            field: problem.field,
            message: problem.message,
        };
        store.problems().into_iter().map(of)
    });
    problems.collect()
}

impl Stores {
    /// The problems of all recorded stores.
    pub async fn invalid(&self) -> Result<Vec<InvalidStore>, Error> {
        let stores = self
            .core
            .records
            .read(in_tx!(|tx| super::all(tx, None).await));
        Ok(invalid(&stores.await?))
    }
}
