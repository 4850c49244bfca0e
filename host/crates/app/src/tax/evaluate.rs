//! Evaluates the taxes of a basket through the route of its store.

use super::Taxes;
use crate::core::store_of;
use galleria_domain::Store;
use galleria_domain::tax::{TaxRequest, TaxResponse, TaxRoute, TaxSettings};
use galleria_ports::Error;
use galleria_ports::in_tx;
use galleria_ports::records::TaxStore;
use serde::{Deserialize, Serialize};

/// An evaluation, and the service that performed it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct TaxEvaluation {
    /// The taxes.
    #[serde(flatten)]
    pub response: TaxResponse,
    /// The service that evaluated.
    pub route: TaxRoute,
    /// Whether it is the store's fallback, because the service of the store's route failed.
    pub fallback: bool,
}

/// What an evaluation needs to know of its store.
pub(super) struct EvaluatedStore {
    pub store: Store,
    pub settings: TaxSettings,
    pub table_version: i64,
}

impl Taxes {
    /// Evaluates the taxes of a basket.
    pub async fn evaluate(&self, request: TaxRequest) -> Result<TaxEvaluation, Error> {
        let store = self.evaluated_store(&request.store_data.store_id).await?;
        let route = store.settings.route;
        let response = match route {
            TaxRoute::Embedded => self.evaluate_embedded(&request, &store).await?,
            TaxRoute::Grpc | TaxRoute::Http => {
                return Err(Error::Conflict {
                    code: "tax_route_not_configured",
                    message: format!("this host has no address of the tax service {route}"),
                });
            }
        };
        Ok(TaxEvaluation {
            response,
            route,
            fallback: false,
        })
    }

    /// Whether a store evaluates the taxes of its orders: it has settings, or a table with rows.
    pub(crate) async fn is_in_use(&self, id: &str, store: &TaxStore) -> Result<bool, Error> {
        if store.settings.is_some() || store.table_version == 0 {
            return Ok(store.settings.is_some());
        }
        let table = self.tables.get(&self.core, id, store.table_version).await?;
        Ok(!table.is_empty())
    }

    pub(super) async fn evaluated_store(&self, id: &str) -> Result<EvaluatedStore, Error> {
        let id = id.to_owned();
        let read = self.core.records.read(in_tx!(|tx, id| {
            let store = store_of(tx, &id).await?;
            Ok((store, tx.tax_store_get(&id).await?))
        }));
        let (store, taxes) = read.await?;
        Ok(EvaluatedStore {
            store,
            settings: taxes.settings.unwrap_or_default(),
            table_version: taxes.table_version,
        })
    }
}
