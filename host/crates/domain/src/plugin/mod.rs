//! Plugins: extension points, capabilities, rights, limits, and slots.

mod contract;
mod limits;

pub use contract::{Capability, Point, PointKind};
pub use limits::Limits;

use crate::fault::Problem;
use crate::schedule::Schedule;
use contract::named_enum;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;

named_enum! {
    /// An operation with a secret key.
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
    /// What happens to the lane of an event that became a dead letter.
    OnDeadLetter {
        /// The lane stays closed until the dead letter is replayed or discarded.
        Hold = "hold",
        /// The next events of the lane are handled.
        Continue = "continue",
    }
}

named_enum! {
    /// The scope of a counter.
    CounterScope {
        /// One counter for each store.
        Store = "store",
        /// One counter for each workstation of a store.
        Workstation = "workstation",
        /// One counter for the retailer.
        Retailer = "retailer",
    }
}

/// The rights that a plugin requests or is granted. Everything else is denied.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Rights {
    /// The capabilities in addition to `log`.
    pub capabilities: BTreeSet<Capability>,
    /// The directories for documents and output.
    pub directories: BTreeSet<String>,
    /// The topics for publications.
    pub topics: BTreeSet<String>,
    /// The targets for requests.
    pub targets: BTreeSet<String>,
    /// The secrets, with the allowed operations.
    pub secrets: BTreeMap<String, BTreeSet<Operation>>,
    /// Whether receipts may be queued.
    pub receipts: bool,
}

impl Rights {
    /// Describes each of these rights that is not in `granted`.
    pub fn missing_from(&self, granted: &Rights) -> Vec<String> {
        let Rights {
            capabilities,
            directories,
            topics,
            targets,
            secrets,
            receipts,
        } = self;
        let mut missing = Vec::new();
        let difference = |asks: &BTreeSet<String>, grants: &BTreeSet<String>, what: &str| {
            asks.difference(grants)
                .map(|name| format!("{what} \"{name}\""))
                .collect::<Vec<_>>()
        };
        missing.extend(
            capabilities
                .difference(&granted.capabilities)
                .filter(|c| **c != Capability::Log)
                .map(|c| format!("capability \"{c}\"")),
        );
        missing.extend(difference(directories, &granted.directories, "directory"));
        missing.extend(difference(topics, &granted.topics, "topic"));
        missing.extend(difference(targets, &granted.targets, "target"));
        for (name, operations) in secrets {
            let allowed = granted.secrets.get(name);
            for operation in operations {
                if !allowed.is_some_and(|allowed| allowed.contains(operation)) {
                    missing.push(format!("secret \"{name}\" to {operation}"));
                }
            }
        }
        if *receipts && !granted.receipts {
            missing.push("receipts".into());
        }
        missing
    }

    /// The rights that are in both.
    pub fn intersection(&self, granted: &Rights) -> Rights {
        let both = |a: &BTreeSet<String>, b: &BTreeSet<String>| a & b;
        Rights {
            capabilities: &self.capabilities & &granted.capabilities,
            directories: both(&self.directories, &granted.directories),
            topics: both(&self.topics, &granted.topics),
            targets: both(&self.targets, &granted.targets),
            secrets: self
                .secrets
                .iter()
                .filter_map(|(name, asks)| Some((name.clone(), asks & granted.secrets.get(name)?)))
                .collect(),
            receipts: self.receipts && granted.receipts,
        }
    }
}

/// Selects stores for a plugin or settings; an empty filter selects all.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct StoreFilter {
    /// The retailer's ids of the stores.
    pub stores: BTreeSet<String>,
    /// The countries, ISO 3166-1 alpha-2.
    pub countries: BTreeSet<String>,
    /// The types of store.
    pub store_types: BTreeSet<String>,
}

impl StoreFilter {
    /// Whether the filter selects the store.
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

/// Settings for some stores, which override the general ones key by key.
#[derive(Clone, Debug, PartialEq)]
pub struct SettingsFor {
    /// The stores they apply to.
    pub filter: StoreFilter,
    /// The complete settings after merging, as JSON text.
    pub settings: String,
}

/// A plugin as configured for one retailer. Its name is the subscriber in effects, journal and dead letters.
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
    /// The file with the retailer's grants, for messages.
    pub file: PathBuf,
    /// The rights that `plugin.toml` requests.
    pub asks: Rights,
    /// The rights that `retailer.toml` grants.
    pub grants: Rights,
    /// The stores it serves.
    pub filter: StoreFilter,
    /// The settings of stores without special settings, as JSON text.
    pub settings: String,
    /// Special settings; the first entry that covers a store applies.
    pub settings_for: Vec<SettingsFor>,
    /// The limits for react and answer points.
    pub call_limits: Limits,
    /// The limits for stream points.
    pub run_limits: Limits,
    /// The secret keys that its grants name.
    pub keys: BTreeMap<String, Arc<crate::SecretKey>>,
    /// The counters that the host increments for each event.
    pub counters: BTreeMap<String, CounterScope>,
    /// What happens to the lane of a dead letter.
    pub on_dead_letter: OnDeadLetter,
    /// The age in seconds at which an event that the plugin postpones becomes a dead letter.
    pub retry_for_s: u64,
    /// The schedules that run it.
    pub schedules: Vec<Schedule>,
    /// The directories in which all stores of the retailer write to one folder.
    pub shared_directories: BTreeSet<String>,
}

impl Slot {
    /// The settings of a store, as JSON text.
    pub fn settings_of(&self, store: &crate::Store) -> &str {
        self.settings_for
            .iter()
            .find(|entry| entry.filter.covers(store))
            .map_or(&self.settings, |entry| &entry.settings)
    }

    /// The folder for the files of a store, or of all stores (`""`), in the retailer's folder of a directory.
    /// Empty for the retailer's folder itself.
    pub fn folder<'s>(&self, directory: &str, store_id: &'s str) -> &'s str {
        match self.shared_directories.contains(directory) {
            true => "",
            false => store_id,
        }
    }

    /// Every settings text that the plugin can receive.
    pub fn all_settings(&self) -> impl Iterator<Item = &str> {
        std::iter::once(self.settings.as_str())
            .chain(self.settings_for.iter().map(|s| s.settings.as_str()))
    }

    /// The effective rights: requested and granted.
    pub fn rights(&self) -> Rights {
        self.asks.intersection(&self.grants)
    }
}

/// The properties of a component, found when it was loaded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Inspection {
    /// SHA-256 of the file.
    pub digest: crate::Digest,
    /// The size of the file in bytes.
    pub size: u64,
    /// The extension points it exports.
    pub exports: BTreeSet<Point>,
    /// The capabilities it imports.
    pub imports: BTreeSet<Capability>,
    /// The WASI interfaces it imports; the host implements them without any function that has an effect.
    pub wasi: Vec<String>,
    /// Name, version, contract and SDK, which the SDK embeds in the component.
    pub stamp: Option<crate::JsonText>,
}

/// An error in the configuration or a plugin, found at load time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConfigError {
    /// The file to correct.
    pub file: PathBuf,
    /// The dotted configuration key in the file; empty for the whole file.
    pub key: String,
    /// The rule that is violated, and the fix.
    pub message: String,
}

impl ConfigError {
    /// Creates an error at a configuration key of a file.
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

    /// Creates an error from a problem that a plugin reported about its settings.
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
    fn missing_rights_are_named() {
        let asks = rights(Capability::Output, "a");
        assert_eq!(asks.missing_from(&asks), Vec::<String>::new());
        assert_eq!(
            asks.missing_from(&Rights::default()),
            ["capability \"output\"", "topic \"a\""]
        );
    }

    #[test]
    fn the_intersection_has_only_common_rights() {
        let met = rights(Capability::Output, "a").intersection(&rights(Capability::Output, "b"));
        assert_eq!(met.capabilities, [Capability::Output].into());
        assert!(met.topics.is_empty());
    }
}
