//! What surrounds a call. Each field is documented in `wit/v0.2.0/types.wit`.

use crate::basket::Attribute;
use crate::store::Store;
use serde::{Deserialize, Serialize};

/// What a call is about.
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
    /// The retailer, either way.
    pub fn retailer(&self) -> &str {
        match self {
            Self::Store(store) => &store.retailer,
            Self::Retailer(name) => name,
        }
    }
}

/// A number taken for an event.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct Counter {
    pub name: String,
    pub value: u64,
}

/// A document of an earlier decision about the same order.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct Written {
    pub event_id: String,
    pub directory: String,
    pub name: String,
}

/// What surrounds a call.
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
    pub prior: Vec<Written>,
}

/// What a run covers.
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

/// What a run counted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct Totals {
    pub rows: u64,
    #[serde(default)]
    pub sums: Vec<Attribute>,
}
