//! Raw types: what may stand in `host.toml`, `retailer.toml` and `plugin.toml`, word for word.
//!
//! Nothing here is checked beyond its shape, and nothing here leaves the crate. Every key has a
//! default, so that reading never stops at a missing one; what must be there is checked afterwards.

use galleria_domain::plugin::Limits;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// `host.toml`. Its defaults are the host's.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct RawHost {
    pub data: String,
    pub artifacts: String,
    pub plugins: String,
    pub retailers: String,
    pub workers: u32,
    pub calls_per_store: u32,
    pub database: RawDatabase,
    pub http: RawHttp,
    pub access: RawAccess,
    pub metrics: RawMetrics,
    pub traces: RawTraces,
    pub log: RawLog,
    pub retry: RawRetry,
    pub runs: RawRuns,
    pub groups: RawGroups,
    pub kafka: RawKafka,
    pub members: RawMembers,
    pub sensitive: RawSensitive,
    pub statements: RawStatements,
    pub directories: BTreeMap<String, String>,
    pub limits: RawLimits,
    pub run_limits: RawLimits,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct RawStatements {
    pub folder: String,
    pub max_bytes: String,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct RawDatabase {
    pub url: String,
    pub read_connections: u32,
    pub write_connections: u32,
    pub connect_timeout: String,
    pub statement_timeout: String,
    pub lock_timeout: String,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct RawHttp {
    pub listen: String,
    pub body_limit: String,
    pub idle: String,
    pub timeout: String,
    pub upload_timeout: String,
    pub drain_notice: String,
    pub drain_within: String,
    pub trusted_proxies: Vec<String>,
    pub connections_per_client: u32,
    pub cors_origins: Vec<String>,
    pub rate: RawRate,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct RawAccess {
    pub anonymous: Vec<String>,
    pub issuers: BTreeMap<String, RawIssuer>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct RawIssuer {
    pub issuer: String,
    pub audience: String,
    pub jwks_url: String,
    pub skew: String,
    pub refetch: String,
    pub scopes: BTreeMap<String, String>,
    pub retailers_claim: String,
    pub stores_claim: String,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct RawRate {
    pub burst: u32,
    pub every: String,
    pub status: u16,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct RawMetrics {
    pub listen: String,
    pub statsd: String,
    pub statsd_prefix: String,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct RawTraces {
    pub endpoint: String,
    pub sample: f64,
    pub timeout: String,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct RawLog {
    pub level: String,
    pub format: String,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct RawRetry {
    pub first: String,
    pub factor: u32,
    pub longest: String,
    pub wait_for_cause: String,
    pub early_marks: String,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct RawRuns {
    pub at_once: u32,
    pub lease: String,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct RawGroups {
    pub lease: String,
    pub payment: RawGroup,
    pub common: RawGroup,
    pub events: RawGroup,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct RawKafka {
    pub bootstrap: String,
    pub api_key: String,
    pub api_secret: String,
    pub ca_file: String,
    pub relay: String,
    pub topics: Vec<String>,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct RawGroup {
    pub name: String,
    pub tries: u32,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct RawMembers {
    pub floor: String,
    pub per_store: RawAttempts,
    pub per_client: RawAttempts,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct RawAttempts {
    pub burst: u32,
    pub every: String,
}

/// Its text may be a key: nothing prints it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct RawSensitive {
    pub digest_key_file: String,
    pub digest_key: String,
}

/// Limits; which are named, is checked by who reads them.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct RawLimits {
    pub cpu_ms: Option<u64>,
    pub wall_ms: Option<u64>,
    pub memory_bytes: Option<u64>,
    pub table_elements: Option<u64>,
    pub output_bytes: Option<u64>,
    pub log_bytes: Option<u64>,
    pub host_calls: Option<u64>,
}

impl From<Limits> for RawLimits {
    fn from(limits: Limits) -> Self {
        let Limits {
            cpu_ms,
            wall_ms,
            memory_bytes,
            table_elements,
            output_bytes,
            log_bytes,
            host_calls,
        } = limits;
        Self {
            cpu_ms: Some(cpu_ms),
            wall_ms: Some(wall_ms),
            memory_bytes: Some(memory_bytes),
            table_elements: Some(table_elements),
            output_bytes: Some(output_bytes),
            log_bytes: Some(log_bytes),
            host_calls: Some(host_calls),
        }
    }
}

/// `retailer.toml`.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct RawRetailer {
    pub name: Option<String>,
    pub plugins: BTreeMap<String, RawSlot>,
    pub secrets: BTreeMap<String, RawSecret>,
    pub schedules: BTreeMap<String, RawSchedule>,
    pub matching: RawMatching,
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
    /// For languages whose build has to be told; a Rust component tells by itself.
    pub points: Vec<String>,
    pub asks: RawRights,
    pub counters: BTreeMap<String, String>,
}
