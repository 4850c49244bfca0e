//! The raw form of `retailer.toml` and `plugin.toml`.
//!
//! Only the shape is checked here, and nothing here leaves the crate. Every key has a default, so that
//! reading does not stop at a missing one; other modules check afterwards what must be there.

use serde::Deserialize;
use std::collections::{BTreeMap, BTreeSet};

macro_rules! raw_limits {
    ($($(#[$doc:meta])* $name:ident: $call:expr, $run:expr;)*) => {
        /// Limits. The reader of each table checks which ones are set.
        #[derive(Clone, Debug, Default, Deserialize)]
        #[serde(deny_unknown_fields, default)]
        pub(crate) struct RawLimits {
            $(pub $name: Option<u64>,)*
        }
    };
}
galleria_domain::call_limits!(raw_limits);

/// `retailer.toml`.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct RawRetailer {
    pub name: Option<String>,
    pub plugins: BTreeMap<String, RawSlot>,
    pub secrets: BTreeMap<String, RawSecret>,
    pub schedules: BTreeMap<String, RawSchedule>,
    pub matching: RawMatching,
    pub shared_directories: Vec<String>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct RawMatching {
    pub amount_tolerance: Option<i64>,
    pub fee_tolerance: Option<i64>,
    pub uncovered_after_days: Option<u32>,
    pub settled_kinds: Vec<String>,
    pub fees: Vec<RawFee>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct RawFee {
    pub provider: Option<String>,
    pub scheme: Option<String>,
    pub refunds: bool,
    pub rate: Option<String>,
    pub fixed: Option<i64>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct RawPickup {
    pub directory: Option<String>,
    pub suffix: Option<String>,
    pub complete: Option<String>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct RawSchedule {
    pub plugin: Option<String>,
    pub point: Option<String>,
    pub at: Option<String>,
    pub zone: Option<String>,
    pub per: Option<String>,
    pub window: Option<String>,
    pub catch_up: Option<String>,
    pub tries: Option<u32>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct RawSlot {
    pub plugin: Option<String>,
    pub on_dead_letter: Option<String>,
    pub retry_for: Option<String>,
    pub grants: RawRights,
    pub limits: RawLimits,
    pub run_limits: RawLimits,
    pub stores: RawFilter,
    pub settings: serde_json::Map<String, serde_json::Value>,
    pub r#for: Vec<RawFor>,
    pub pickup: Option<RawPickup>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct RawRights {
    pub capabilities: Vec<String>,
    pub directories: Vec<String>,
    pub topics: Vec<String>,
    pub targets: Vec<String>,
    pub secrets: BTreeMap<String, Vec<String>>,
    pub receipts: bool,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct RawFilter {
    pub stores: BTreeSet<String>,
    pub countries: BTreeSet<String>,
    pub store_types: BTreeSet<String>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct RawFor {
    pub stores: BTreeSet<String>,
    pub countries: BTreeSet<String>,
    pub store_types: BTreeSet<String>,
    pub settings: serde_json::Map<String, serde_json::Value>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct RawSecret {
    pub env: Option<String>,
    pub file: Option<String>,
    pub cipher: Option<String>,
    pub encoding: Option<String>,
    pub iv: Option<RawSource>,
    pub id: Option<String>,
    pub older: Vec<RawVersion>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct RawSource {
    pub env: Option<String>,
    pub file: Option<String>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct RawVersion {
    pub id: Option<String>,
    pub env: Option<String>,
    pub file: Option<String>,
    pub iv: Option<RawSource>,
}

/// `plugin.toml`.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct RawPlugin {
    pub name: Option<String>,
    pub version: Option<String>,
    pub contract: Option<String>,
    pub component: Option<String>,
    /// For languages whose build needs the list; a Rust component contains it.
    pub points: Vec<String>,
    pub asks: RawRights,
    pub counters: BTreeMap<String, String>,
}
