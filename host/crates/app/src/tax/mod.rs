//! Taxes of stores: their tables, their settings, and the evaluation of baskets.
//!
//! Each evaluation reads the settings of its store, so that a change is effective at once on every host.

mod embedded;
mod evaluate;
mod failure;
mod serve;
mod settings;
mod tables;

pub use evaluate::TaxEvaluation;
pub use failure::TaxFailure;
pub use serve::{EvaluationCall, MAX_HOPS, RecordedEvaluation, ServedEvaluation};
pub use tables::{
    TaxRowChange, TaxTableDeleted, TaxTableImport, TaxTableImported, TaxTablePage, tax_table_csv,
};

use crate::core::Core;
use embedded::Tables;
use galleria_domain::tax::Calculator;
use galleria_ports::tax::TaxUpstreams;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

/// The configuration of tax evaluation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TaxPolicy {
    /// The calculators that stores select, by name.
    pub calculators: BTreeMap<String, Calculator>,
    /// How long recorded evaluations are kept.
    pub evaluations_kept: Duration,
}

impl Default for TaxPolicy {
    fn default() -> Self {
        Self {
            calculators: [(Calculator::DEFAULT.to_owned(), Calculator::default())].into(),
            evaluations_kept: Duration::from_secs(90 * 24 * 60 * 60),
        }
    }
}

/// Evaluates taxes. Cheap to clone.
#[derive(Clone)]
pub struct Taxes {
    core: Core,
    policy: Arc<TaxPolicy>,
    tables: Arc<Tables>,
    /// The tax services that this host can call.
    upstreams: Option<Arc<dyn TaxUpstreams>>,
}

impl Taxes {
    pub(crate) fn new(core: Core, policy: TaxPolicy) -> Self {
        Self {
            core,
            policy: Arc::new(policy),
            tables: Arc::new(Tables::default()),
            upstreams: None,
        }
    }

    pub(crate) fn with_upstreams(self, upstreams: Arc<dyn TaxUpstreams>) -> Self {
        Self {
            upstreams: Some(upstreams),
            ..self
        }
    }
}
