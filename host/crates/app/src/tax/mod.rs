//! Taxes of stores: their tables, their settings, and the evaluation of baskets.
//!
//! Each evaluation reads the settings of its store, so that a change is effective at once on every host.

mod comparisons;
mod embedded;
mod evaluate;
mod failure;
mod moves;
mod replay;
mod serve;
mod settings;
mod shadow;
mod tables;

pub use comparisons::{
    ComparedBaskets, ComparisonPage, ComparisonQuery, ComparisonSummary, ComparisonView,
    MoveReadiness, RouteComparison,
};
pub use evaluate::TaxEvaluation;
pub use failure::TaxFailure;
pub use moves::{NewTaxMove, TaxMoved};
pub use replay::{ComparisonReport, Replay};
pub use serve::{EvaluationCall, MAX_HOPS, RecordedEvaluation, ServedEvaluation};
pub use shadow::{ShadowPolicy, ShadowResult};
pub use tables::{
    TaxRowChange, TaxTableDeleted, TaxTableImport, TaxTableImported, TaxTablePage, tax_table_csv,
};

use crate::core::Core;
use embedded::Tables;
use galleria_domain::tax::Calculator;
use galleria_ports::tax::TaxUpstreams;
use shadow::Shadow;
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
    /// Evaluations in the background.
    pub shadow: ShadowPolicy,
    /// The number of compared baskets that a move of a store requires.
    pub move_baskets: u64,
}

impl Default for TaxPolicy {
    fn default() -> Self {
        Self {
            calculators: [(Calculator::DEFAULT.to_owned(), Calculator::default())].into(),
            evaluations_kept: Duration::from_secs(90 * 24 * 60 * 60),
            shadow: ShadowPolicy::default(),
            move_baskets: 500,
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
    shadow: Arc<Shadow>,
}

impl Taxes {
    pub(crate) fn new(core: Core, policy: TaxPolicy) -> Self {
        Self {
            core,
            shadow: Arc::new(Shadow::new(policy.shadow)),
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
