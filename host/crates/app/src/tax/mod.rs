//! Taxes of stores: their tables, their settings, and the evaluation of baskets.
//!
//! Each evaluation reads the settings of its store, so that a change is effective at once on every host.

mod embedded;
mod evaluate;

pub use evaluate::TaxEvaluation;

use crate::core::Core;
use embedded::Tables;
use galleria_domain::tax::Calculator;
use std::collections::BTreeMap;
use std::sync::Arc;

/// The configuration of tax evaluation.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TaxPolicy {
    /// The calculators that stores select, by name.
    pub calculators: BTreeMap<String, Calculator>,
}

/// Evaluates taxes. Cheap to clone.
#[derive(Clone)]
pub struct Taxes {
    core: Core,
    policy: Arc<TaxPolicy>,
    tables: Arc<Tables>,
}

impl Taxes {
    pub(crate) fn new(core: Core, policy: TaxPolicy) -> Self {
        Self {
            core,
            policy: Arc::new(policy),
            tables: Arc::new(Tables::default()),
        }
    }
}
