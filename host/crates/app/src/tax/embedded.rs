//! The route `embedded`: the engine of this host, with the table of the store.
//!
//! Tables are cached. The version of a table is read with the settings for each evaluation, so that a cached table is
//! never older than the recorded one.

use super::Taxes;
use super::evaluate::EvaluatedStore;
use super::tables::rows_of;
use crate::core::Core;
use galleria_domain::tax::{
    Calculator, Rounding, TableTerms, TaxRequest, TaxResponse, TaxTable, evaluate_request,
};
use galleria_ports::Error;
use galleria_ports::in_tx;
use quick_cache::Weighter;
use quick_cache::sync::Cache;
use std::sync::Arc;

/// The maximum number of rows of all cached tables: about 60 MiB.
const CACHED_ROWS: u64 = 200_000;

/// A table, and its version.
#[derive(Clone)]
struct CachedTable {
    version: i64,
    rows: u64,
    table: Arc<TaxTable>,
}

#[derive(Clone)]
struct ByRows;

impl Weighter<String, CachedTable> for ByRows {
    fn weight(&self, _: &String, table: &CachedTable) -> u64 {
        table.rows + 1
    }
}

/// The tables of stores, by store.
pub(super) struct Tables(Cache<String, CachedTable, ByRows>);

impl Default for Tables {
    fn default() -> Self {
        Self(Cache::with_weighter(1_000, CACHED_ROWS, ByRows))
    }
}

impl Tables {
    /// The table of a store, at least in this version.
    pub(super) async fn get(
        &self,
        core: &Core,
        store: &str,
        version: i64,
    ) -> Result<Arc<TaxTable>, Error> {
        if let Some(cached) = self.0.get(store)
            && cached.version >= version
        {
            return Ok(cached.table);
        }
        let id = store.to_owned();
        let read = core.records.read(in_tx!(|tx, id| {
            let version = tx.tax_store_get(&id).await?.table_version;
            Ok((version, rows_of(tx, &id).await?))
        }));
        let (version, rows) = read.await?;
        let cached = CachedTable {
            version,
            rows: rows.len() as u64,
            table: Arc::new(TaxTable::new(rows)),
        };
        self.0.insert(store.to_owned(), cached.clone());
        Ok(cached.table)
    }
}

impl Taxes {
    /// Evaluates with the engine of this host.
    pub(super) async fn evaluate_embedded(
        &self,
        request: &TaxRequest,
        store: &EvaluatedStore,
    ) -> Result<TaxResponse, Error> {
        let settings = &store.settings;
        let data = &request.store_data;
        let requested = data
            .tax_calculator
            .as_deref()
            .filter(|name| !name.is_empty());
        let name = requested.or(settings.calculator.as_deref());
        let rounding = self.rounding(name, store.store.minor_digits)?;
        let table = self
            .tables
            .get(&self.core, &store.store.id, store.table_version)
            .await?;
        let now = self.core.clock.now();
        let terms = TableTerms {
            table: &table,
            default_taxes: &TaxTable::any(&settings.default_taxes),
            rounding,
            date: request
                .business_date
                .unwrap_or_else(|| store.store.business_date(now)),
            included: data
                .tax_included_in_price
                .unwrap_or(settings.tax_included_in_price),
        };
        evaluate_request(request, terms).map_err(Error::Invalid)
    }

    /// The rounding of a calculator.
    fn rounding(&self, name: Option<&str>, minor_digits: u8) -> Result<Rounding, Error> {
        let name = name.unwrap_or(Calculator::DEFAULT);
        let calculator = self.policy.calculators.get(name).ok_or_else(|| {
            Error::invalid("store_data.tax_calculator", self.calculator_rule(name))
        })?;
        Ok(calculator.rounding(minor_digits))
    }
}
