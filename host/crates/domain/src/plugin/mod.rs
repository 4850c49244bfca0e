//! What a plugin may do: extension points, capabilities, what is asked, what is granted, limits.

mod contract;

pub use contract::{Capability, Point, PointKind};

use crate::fault::Problem;
use contract::named_enum;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;

named_enum! {
    /// What may be done with a secret.
    Operation {
        /// Decrypt.
        Decrypt = "decrypt",
        /// Encrypt.
        Encrypt = "encrypt",
        /// Authenticate.
        Mac = "mac",
    }
}

named_enum! {
    /// What happens to a key after a dead letter.
    OnDeadLetter {
        /// The key stays closed until the letter is replayed or discarded.
        Hold = "hold",
        /// The next events of the key pass.
        Continue = "continue",
    }
}

named_enum! {
    /// Over what a counter counts.
    CounterScope {
        /// One number line for each store.
        Store = "store",
        /// One for each workstation of a store.
        Workstation = "workstation",
        /// One for the retailer.
        Retailer = "retailer",
    }
}

/// What a plugin asks for, or what it is given. Nothing listed means nothing allowed.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Rights {
    /// Imports beside `log`.
    pub capabilities: BTreeSet<Capability>,
    /// Where documents and output may be written.
    pub directories: BTreeSet<String>,
    /// Where events may be published.
    pub topics: BTreeSet<String>,
    /// Where requests may be sent.
    pub targets: BTreeSet<String>,
    /// Secrets and what may be done with them.
    pub secrets: BTreeMap<String, BTreeSet<Operation>>,
    /// Whether receipts may be queued.
    pub receipts: bool,
}

impl Rights {
    /// What is asked for and was not given, one sentence each.
    pub fn missing_from(&self, given: &Rights) -> Vec<String> {
        let Rights {
            capabilities,
            directories,
            topics,
            targets,
            secrets,
            receipts,
        } = self;
        let mut missing = Vec::new();
        let lacks = |asked: &BTreeSet<String>, given: &BTreeSet<String>, what: &str| {
            asked
                .difference(given)
                .map(|name| format!("{what} \"{name}\""))
                .collect::<Vec<_>>()
        };
        missing.extend(
            capabilities
                .difference(&given.capabilities)
                .filter(|c| **c != Capability::Log)
                .map(|c| format!("capability \"{c}\"")),
        );
        missing.extend(lacks(directories, &given.directories, "directory"));
        missing.extend(lacks(topics, &given.topics, "topic"));
        missing.extend(lacks(targets, &given.targets, "target"));
        for (name, operations) in secrets {
            let granted = given.secrets.get(name);
            for operation in operations {
                if !granted.is_some_and(|granted| granted.contains(operation)) {
                    missing.push(format!("secret \"{name}\" to {operation}"));
                }
            }
        }
        if *receipts && !given.receipts {
            missing.push("receipts".into());
        }
        missing
    }

    /// What is both asked for and given.
    pub fn meet(&self, given: &Rights) -> Rights {
        let both = |a: &BTreeSet<String>, b: &BTreeSet<String>| a & b;
        Rights {
            capabilities: &self.capabilities & &given.capabilities,
            directories: both(&self.directories, &given.directories),
            topics: both(&self.topics, &given.topics),
            targets: both(&self.targets, &given.targets),
            secrets: self
                .secrets
                .iter()
                .filter_map(|(name, asked)| Some((name.clone(), asked & given.secrets.get(name)?)))
                .collect(),
            receipts: self.receipts && given.receipts,
        }
    }
}

/// What one call may use, each as a total.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Limits {
    /// CPU time of the thread. A POSLOG of 50 lines takes 0.05 ms from Rust and 1.5 ms from Python:
    /// half a second is three hundred times the slower one.
    pub cpu_ms: u64,
    /// Wall time, waiting for the host included. A busy machine may stretch an innocent call tenfold.
    pub wall_ms: u64,
    /// All linear memories together. Python's interpreter alone takes 24 MiB.
    pub memory_bytes: u64,
    /// Elements of all tables together: functions a guest can call through a pointer. Python has some 5,000.
    pub table_elements: u64,
    /// Everything a decision carries, or a run writes.
    pub output_bytes: u64,
    /// Log lines with their fields; what goes beyond is dropped and counted.
    pub log_bytes: u64,
    /// Calls of capabilities.
    pub host_calls: u64,
}

impl Limits {
    /// For react and answer points.
    pub const CALL: Self = Self {
        cpu_ms: 500,
        wall_ms: 5_000,
        memory_bytes: 64 << 20,
        table_elements: 20_000,
        output_bytes: 4 << 20,
        log_bytes: 64 << 10,
        host_calls: 10_000,
    };

    /// For stream points: a million rows at Python's pace, and their file.
    pub const RUN: Self = Self {
        cpu_ms: 600_000,
        wall_ms: 3_600_000,
        memory_bytes: 64 << 20,
        table_elements: 20_000,
        output_bytes: 4 << 30,
        log_bytes: 1 << 20,
        host_calls: 10_000_000,
    };
}

/// Which stores a plugin or some settings are for; nothing named means all.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct StoreFilter {
    /// The retailer's ids.
    pub stores: BTreeSet<String>,
    /// ISO 3166-1 alpha-2.
    pub countries: BTreeSet<String>,
    /// Kinds of store.
    pub store_types: BTreeSet<String>,
}

impl StoreFilter {
    /// Whether the store is meant.
    pub fn covers(&self, store: &crate::Store) -> bool {
        let Self {
            stores,
            countries,
            store_types,
        } = self;
        (stores.is_empty() || stores.contains(&store.external_id))
            && (countries.is_empty() || countries.contains(&store.country))
            && (store_types.is_empty() || store_types.contains(&store.store_type))
    }
}

/// Settings that replace others, key by key, for some stores.
#[derive(Clone, Debug, PartialEq)]
pub struct SettingsFor {
    /// For whom.
    pub filter: StoreFilter,
    /// The whole settings after merging, as JSON text.
    pub settings: String,
}

/// A plugin as one retailer uses it. Its name is the subscriber in effects, journal and dead letters.
#[derive(Clone, Debug, PartialEq)]
pub struct Slot {
    /// The retailer's name.
    pub retailer: String,
    /// The name in `retailer.toml`, such as `poslog`.
    pub name: String,
    /// The name in `plugin.toml`.
    pub plugin: String,
    /// The compiled component.
    pub component: PathBuf,
    /// Where the retailer's grants stand, for messages.
    pub file: PathBuf,
    /// What `plugin.toml` asks for.
    pub asks: Rights,
    /// What `retailer.toml` gives.
    pub grants: Rights,
    /// Which stores it serves.
    pub filter: StoreFilter,
    /// The settings where no other apply, as JSON text.
    pub settings: String,
    /// The first that covers the store applies.
    pub settings_for: Vec<SettingsFor>,
    /// For react and answer points.
    pub call_limits: Limits,
    /// For stream points.
    pub run_limits: Limits,
    /// The keys that its grants name.
    pub keys: BTreeMap<String, Arc<crate::SecretKey>>,
    /// Numbers the host takes for each event.
    pub counters: BTreeMap<String, CounterScope>,
    /// What happens to a key after a dead letter.
    pub on_dead_letter: OnDeadLetter,
    /// How old an event may grow in `retry` before it becomes a dead letter, in seconds.
    pub retry_for_s: u64,
}

impl Slot {
    /// The settings of a store, as JSON text.
    pub fn settings_of(&self, store: &crate::Store) -> &str {
        self.settings_for
            .iter()
            .find(|special| special.filter.covers(store))
            .map_or(&self.settings, |special| &special.settings)
    }

    /// Every settings text that can reach the plugin.
    pub fn all_settings(&self) -> impl Iterator<Item = &str> {
        std::iter::once(self.settings.as_str())
            .chain(self.settings_for.iter().map(|s| s.settings.as_str()))
    }

    /// Asked and given.
    pub fn rights(&self) -> Rights {
        self.asks.meet(&self.grants)
    }
}

/// What a component turned out to be when it was read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Inspection {
    /// SHA-256 of the file.
    pub digest: crate::Digest,
    /// Bytes of the file.
    pub size: u64,
    /// Points it serves.
    pub exports: BTreeSet<Point>,
    /// Capabilities it imports.
    pub imports: BTreeSet<Capability>,
    /// WASI interfaces it carries, none of which offers anything.
    pub wasi: Vec<String>,
    /// Name, version, contract and SDK, as the SDK stamped them; JSON text.
    pub stamp: Option<String>,
}

/// A mistake found while configuration and plugins are checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConfigError {
    /// The file to change.
    pub file: PathBuf,
    /// The key in it, dotted; empty for the file as a whole.
    pub key: String,
    /// What is wrong and what would be right.
    pub message: String,
}

impl ConfigError {
    /// A mistake at a key of a file.
    pub fn new(
        file: impl Into<PathBuf>,
        key: impl Into<String>,
        message: impl Into<String>,
    ) -> Self {
        Self {
            file: file.into(),
            key: key.into(),
            message: message.into(),
        }
    }

    /// A plugin's problem with its settings.
    pub fn in_settings(slot: &Slot, problem: &Problem) -> Self {
        Self::new(
            &slot.file,
            format!("plugins.{}.settings.{}", slot.name, problem.field),
            problem.message.clone(),
        )
    }
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.file.display())?;
        if !self.key.is_empty() {
            write!(f, ": {}", self.key)?;
        }
        write!(f, ": {}", self.message)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rights(capability: Capability, topic: &str) -> Rights {
        Rights {
            capabilities: [capability].into(),
            topics: [topic.to_owned()].into(),
            ..Rights::default()
        }
    }

    #[test]
    fn what_is_not_given_is_named() {
        let asked = rights(Capability::Output, "a");
        assert_eq!(asked.missing_from(&asked), Vec::<String>::new());
        assert_eq!(
            asked.missing_from(&Rights::default()),
            ["capability \"output\"", "topic \"a\""]
        );
    }

    #[test]
    fn only_what_both_name_is_allowed() {
        let met = rights(Capability::Output, "a").meet(&rights(Capability::Output, "b"));
        assert_eq!(met.capabilities, [Capability::Output].into());
        assert!(met.topics.is_empty());
    }
}
