//! The context of a call. Each field is documented in `wit/v0.2.0/types.wit`.

use crate::basket::Attribute;
use crate::store::Store;
use serde::{Deserialize, Serialize};

/// The subject of a call: a store or a retailer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum Scope {
    /// One store.
    Store(Store),
    /// All stores of a retailer.
    Retailer(String),
}

impl Scope {
    /// The retailer, in both cases.
    pub fn retailer(&self) -> &str {
        match self {
            Self::Store(store) => &store.retailer,
            Self::Retailer(name) => name,
        }
    }
}

/// A number that the host assigned to an event.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct Counter {
    pub name: String,
    pub value: u64,
}

/// A document that an earlier decision about the same order wrote.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct PriorDocument {
    pub event_id: String,
    pub directory: String,
    pub name: String,
}

/// The context of a call.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct Context {
    pub event_id: String,
    pub attempt: u32,
    pub occurred_at: String,
    pub business_date: String,
    pub scope: Scope,
    /// JSON text.
    pub settings: String,
    #[serde(default)]
    pub counters: Vec<Counter>,
    #[serde(default)]
    pub prior: Vec<PriorDocument>,
}

/// The window of a run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct Window {
    pub id: String,
    pub first: String,
    pub last: String,
    pub as_of: String,
    pub stores: u32,
}

/// A schedule of a slot, with examples of its runs, for a check of settings.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RunSchedule {
    pub name: String,
    /// The name of the extension point.
    pub point: String,
    /// The cron expression.
    pub at: String,
    pub zone: Option<String>,
    pub per_store: bool,
    pub windows: Vec<Window>,
}

/// The totals that a run reports.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct Totals {
    pub rows: u64,
    #[serde(default)]
    pub sums: Vec<Attribute>,
}
