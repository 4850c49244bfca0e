//! Evaluates the taxes of a basket through the route of its store.

use super::Taxes;
use super::failure::TaxFailure;
use galleria_domain::Store;
use galleria_domain::tax::{TaxRequest, TaxResponse, TaxRoute, TaxSettings};
use galleria_ports::in_tx;
use galleria_ports::records::{ComparisonTerms, TaxStore, Tx};
use galleria_ports::tax::{TaxCall, TaxFault};
use galleria_ports::{Error, metrics, trace};
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use std::time::Instant;
use tracing::Instrument as _;

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
pub(crate) struct EvaluatedStore {
    pub store: Store,
    /// The defaults if the store has none.
    pub settings: TaxSettings,
    pub has_settings: bool,
    pub table_version: i64,
    pub settings_version: i64,
}

impl EvaluatedStore {
    pub fn new(store: Store, taxes: TaxStore) -> Self {
        Self {
            store,
            has_settings: taxes.settings.is_some(),
            settings: taxes.settings.unwrap_or_default(),
            table_version: taxes.table_version,
            settings_version: taxes.settings_version,
        }
    }

    /// What a comparison of two routes is valid for.
    pub(super) fn terms(&self, route: TaxRoute, shadow: TaxRoute) -> ComparisonTerms {
        ComparisonTerms {
            store_id: self.store.id.clone(),
            route,
            shadow,
            table_version: self.table_version,
            settings_version: self.settings_version,
        }
    }
}

impl Taxes {
    /// Evaluates the taxes of a basket: by the route of the store, or by its fallback if the service of the route
    /// fails. A rejection of the basket is no failure of the service.
    pub async fn evaluate(&self, request: TaxRequest) -> Result<TaxEvaluation, Error> {
        self.evaluate_call(&request, &own_call()).await
    }

    /// The same for a call from elsewhere. The shadow of the store evaluates later.
    pub(super) async fn evaluate_call(
        &self,
        request: &TaxRequest,
        call: &TaxCall,
    ) -> Result<TaxEvaluation, Error> {
        let store = self.evaluated_store(&request.store_data.store_id).await?;
        self.evaluate_compared(request, call, &store).await
    }

    /// The same for a request of this host whose store has been read just now.
    pub(crate) async fn evaluate_of(
        &self,
        request: &TaxRequest,
        store: &EvaluatedStore,
    ) -> Result<TaxEvaluation, Error> {
        self.evaluate_compared(request, &own_call(), store).await
    }

    async fn evaluate_compared(
        &self,
        request: &TaxRequest,
        call: &TaxCall,
        store: &EvaluatedStore,
    ) -> Result<TaxEvaluation, Error> {
        let evaluation = self.evaluate_store(request, call, store).await?;
        self.compare_later(store, request, call, &evaluation);
        Ok(evaluation)
    }

    async fn evaluate_store(
        &self,
        request: &TaxRequest,
        call: &TaxCall,
        store: &EvaluatedStore,
    ) -> Result<TaxEvaluation, Error> {
        let TaxSettings {
            route, fallback, ..
        } = store.settings;
        let failure = match self.run(request, call, route, store).await {
            Ok(response) => {
                return Ok(TaxEvaluation {
                    response,
                    route,
                    fallback: false,
                });
            }
            Err(failure) => failure,
        };
        let (Some(fallback), true) = (fallback, failure.is_of_service()) else {
            return Err(failure.into());
        };
        let evaluated = self.run(request, call, fallback, store).await;
        metrics::tax_fallback(route, evaluated.is_ok());
        match evaluated {
            Ok(response) => {
                log(&failure, fallback);
                Ok(TaxEvaluation {
                    response,
                    route: fallback,
                    fallback: true,
                })
            }
            Err(second) => Err(failure.with_fallback(fallback, second).into()),
        }
    }

    /// Evaluates the taxes of a basket by one route, whatever the settings of its store say.
    pub async fn evaluate_by(
        &self,
        request: &TaxRequest,
        route: TaxRoute,
    ) -> Result<TaxResponse, TaxFailure> {
        self.evaluate_call_by(request, &own_call(), route).await
    }

    /// The same for a call from elsewhere.
    pub(super) async fn evaluate_call_by(
        &self,
        request: &TaxRequest,
        call: &TaxCall,
        route: TaxRoute,
    ) -> Result<TaxResponse, TaxFailure> {
        let store = self.evaluated_store(&request.store_data.store_id).await?;
        self.run(request, call, route, &store).await
    }

    async fn run(
        &self,
        request: &TaxRequest,
        call: &TaxCall,
        route: TaxRoute,
        store: &EvaluatedStore,
    ) -> Result<TaxResponse, TaxFailure> {
        let begun = Instant::now();
        let span = tracing::info_span!(
            target: trace::TARGET, "evaluate taxes", route = route.name(), outcome = tracing::field::Empty
        );
        let evaluated = self.run_unmeasured(request, call, route, store);
        let evaluated = evaluated.instrument(span.clone()).await;
        let outcome = match &evaluated {
            Ok(_) => "evaluated",
            Err(failure) => failure.name(),
        };
        span.record("outcome", outcome);
        metrics::tax_evaluation(route, outcome, begun.elapsed());
        evaluated
    }

    async fn run_unmeasured(
        &self,
        request: &TaxRequest,
        call: &TaxCall,
        route: TaxRoute,
        store: &EvaluatedStore,
    ) -> Result<TaxResponse, TaxFailure> {
        if route == TaxRoute::Embedded {
            return Ok(self.evaluate_embedded(request, store).await?);
        }
        let called = match &self.upstreams {
            Some(upstreams) => {
                let request = self.completed(request, store);
                upstreams.evaluate(route, &request, call).await
            }
            None => Err(TaxFault::NotConfigured),
        };
        called.map_err(|fault| TaxFailure::Service { route, fault })
    }

    /// The request with the settings of the store, so that every route evaluates the same basket.
    fn completed(&self, request: &TaxRequest, store: &EvaluatedStore) -> TaxRequest {
        let mut request = request.clone();
        let EvaluatedStore {
            store, settings, ..
        } = store;
        let data = &mut request.store_data;
        data.tax_included_in_price
            .get_or_insert(settings.tax_included_in_price);
        if data.tax_calculator.as_deref().is_none_or(str::is_empty) {
            data.tax_calculator.clone_from(&settings.calculator);
        }
        let now = self.core.clock.now();
        request
            .business_date
            .get_or_insert_with(|| store.business_date(now));
        request
    }

    /// Whether a store evaluates the taxes of its orders: it has settings, or a table with rows.
    pub(crate) async fn is_in_use(&self, of: &EvaluatedStore) -> Result<bool, Error> {
        if of.has_settings || of.table_version == 0 {
            return Ok(of.has_settings);
        }
        let (id, version) = (&of.store.id, of.table_version);
        let table = self.tables.get(&self.core, id, version).await?;
        Ok(!table.is_empty())
    }

    pub(super) async fn evaluated_store(&self, id: &str) -> Result<Arc<EvaluatedStore>, Error> {
        let read = async {
            let id = id.to_owned();
            let records = &self.core.records;
            let read = records.read(in_tx!(|tx, id| tx.taxed_store_get(&id).await));
            let found = read.await?;
            Ok(found.map(|(store, taxes)| EvaluatedStore::new(store, taxes)))
        };
        let found = self.stores.get(&self.core, id, read).await?;
        found.ok_or_else(|| unknown_store(id))
    }
}

/// The store with its tax settings, or `NotFound`.
pub(crate) async fn taxed_store_of(tx: &mut dyn Tx, id: &str) -> Result<(Store, TaxStore), Error> {
    let found = tx.taxed_store_get(id).await?;
    found.ok_or_else(|| unknown_store(id))
}

fn unknown_store(id: &str) -> Error {
    Error::NotFound {
        what: "store",
        id: id.to_owned(),
    }
}

/// The call of a request that begins at this host.
pub(super) fn own_call() -> TaxCall {
    TaxCall {
        idempotency_key: None,
        hops: 1,
    }
}

/// Logs the failure that a fallback hides from the caller. The failure that opens a breaker is logged; the evaluations
/// after it, of which there may be thousands, are only counted.
fn log(failure: &TaxFailure, fallback: TaxRoute) {
    let error = failure.chain();
    let fallback = fallback.name();
    match failure.name() {
        "breaker_open" => tracing::debug!(error, fallback, "taxes evaluated by the fallback"),
        _ => tracing::warn!(error, fallback, "taxes evaluated by the fallback"),
    }
}
