//! Taxes of stores: their tables, their settings, and the evaluation of baskets.
//!
//! Each evaluation reads the settings of its store, or finds that nothing was committed since, so that a change is
//! effective at once on every host.

mod comparisons;
mod embedded;
mod evaluate;
mod evaluations;
mod failure;
mod moves;
mod recorded;
mod replay;
mod serve;
mod settings;
mod shadow;
mod shadow_batch;
mod shadow_queue;
#[cfg(test)]
mod shadow_queue_tests;
mod tables;

pub use comparisons::{
    ComparedBaskets, ComparisonPage, ComparisonQuery, ComparisonSummary, ComparisonView,
    MoveReadiness, RouteComparison,
};
pub use evaluate::TaxEvaluation;
pub(crate) use evaluate::{EvaluatedStore, taxed_store_of};
pub use evaluations::{EvaluationPage, EvaluationQuery, RecordedEvaluation};
pub use failure::TaxFailure;
pub use moves::{NewTaxMove, TaxMoved};
pub use replay::{ComparisonReport, RecordedBaskets, Replay};
pub use serve::{EvaluationCall, MAX_HOPS, ServedEvaluation};
pub use settings::TaxSettingsDeleted;
pub use shadow::ShadowResult;
pub use tables::{
    TaxRowChange, TaxTableDeleted, TaxTableImport, TaxTableImported, TaxTablePage, tax_table_csv,
};

use crate::core::Core;
use crate::read_cache::ReadCache;
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

/// How baskets are evaluated in the background, and what of it is recorded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ShadowPolicy {
    /// The most items of all baskets that wait for one route or are being evaluated by it.
    pub queue: u32,
    /// Concurrent evaluations by one route.
    pub at_once: usize,
    /// Longest time of an evaluation.
    pub timeout: Duration,
    /// Time for which comparisons and their counts are kept.
    pub keep: Duration,
    /// One of this many equal baskets is recorded; 0 for none.
    pub sample: u64,
    /// The most baskets of a store with one outcome that are recorded on a day.
    pub per_day: u64,
}

impl Default for ShadowPolicy {
    fn default() -> Self {
        Self {
            queue: 20_000,
            at_once: 4,
            timeout: Duration::from_secs(5),
            keep: Duration::from_hours(30 * 24),
            sample: 100,
            per_day: 1_000,
        }
    }
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
    stores: Arc<ReadCache<EvaluatedStore>>,
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
            stores: Arc::default(),
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
