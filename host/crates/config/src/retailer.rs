//! `retailer.toml`: the plugins of a retailer, their grants and their settings.

use crate::checks::Checks;
use crate::host::HostConfig;
use crate::layers::{Layer, Layers};
use crate::plugin::{Manifest, PluginFolder};
use crate::raw::{RawFilter, RawFor, RawLimits, RawRetailer, RawRights, RawSlot};
use crate::secrets::{SecretSource, Vault};
use crate::{matching, rights, schedules, suggest};
use galleria_domain::event::topic;
use galleria_domain::names::{ID_RULE, is_id};
use galleria_domain::plugin::{ConfigError, Limits, OnDeadLetter, Rights, SettingsFor, Slot};
use galleria_domain::{MatchingRules, Pickup};
use serde_json::{Map, Value};
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

/// The default of `retry_for`, the age up to which an event is retried. A retailer's system that was
/// down for a night is back by then.
const RETRY_FOR: &str = "24h";

/// A retailer, checked.
#[derive(Clone, Debug, PartialEq)]
pub struct Retailer {
    /// Its name, which is also its folder's.
    pub name: String,
    /// Its `retailer.toml`.
    pub file: PathBuf,
    /// The plugins it uses, by name.
    pub slots: Vec<Slot>,
    /// How its settlement statements are matched; `None` if that could not be read.
    pub matching: Option<MatchingRules>,
    /// The directories from which the host picks up its statements.
    pub pickups: Vec<Pickup>,
    /// The source of the newest version of each secret, by name. The secret keys themselves are in the
    /// slots to which they are granted.
    pub secrets: BTreeMap<String, SecretSource>,
    /// The variables of all versions of its secrets.
    pub(crate) variables: BTreeSet<String>,
    /// The errors of its files and of the `plugin.toml` of its plugins.
    pub errors: Vec<ConfigError>,
}

/// Reads a retailer's folder, and its errors. If its file cannot be read, everything else is empty.
pub(crate) fn retailer(
    folder: &Path,
    host: &HostConfig,
    env: &BTreeMap<String, String>,
    plugin_folder: &mut PluginFolder,
) -> Retailer {
    let file = folder.join("retailer.toml");
    let mut errors = Vec::new();
    let layer = Layer::of_file(&file).map_err(|error| errors.push(error));
    let is_readable = layer.is_ok();
    let mut layers = Layers(layer.into_iter().collect());
    let raw: RawRetailer = layers.read(&mut errors).unwrap_or_default();
    let RawRetailer {
        name,
        plugins,
        secrets,
        schedules,
        matching,
        shared_directories: shared,
    } = raw;
    let mut checks = Checks::default();
    let folder_name = folder
        .file_name()
        .unwrap_or_default()
        .to_string_lossy()
        .into_owned();
    if !is_id(&folder_name) {
        checks.wrong("name", format!("{ID_RULE}: rename the folder"));
    }
    if is_readable && name.as_deref() != Some(&folder_name) {
        checks.wrong(
            "name",
            format!("must be \"{folder_name}\", like its folder"),
        );
    }
    let rules = matching::rules(matching, &mut checks);
    let pickups = plugins.iter().filter_map(|(slot, raw)| {
        matching::pickup(&folder_name, slot, raw.pickup.as_ref()?, host, &mut checks)
    });
    let pickups = pickups.collect();
    let mut vault = Vault::new(secrets, env, &mut checks);
    let mut reading = Reading {
        retailer: &folder_name,
        file: &file,
        host,
        vault: &mut vault,
        plugin_folder,
        checks: &mut checks,
        errors: &mut errors,
    };
    let names: Vec<String> = plugins.keys().cloned().collect();
    let granted = plugins.values().flat_map(|raw| &raw.grants.directories);
    let granted: BTreeSet<String> = granted.cloned().collect();
    let slots = plugins
        .into_iter()
        .filter_map(|(name, raw)| reading.slot(name, raw));
    let mut slots: Vec<Slot> = slots.collect();
    let schedules = schedules::schedules(schedules, &folder_name, &file, &names, &mut checks);
    let shared = shared_directories(shared, &granted, host, &mut checks);
    for slot in &mut slots {
        slot.shared_directories = shared.clone();
        let of_slot = schedules
            .iter()
            .filter(|schedule| schedule.slot == slot.name);
        slot.schedules = of_slot.cloned().collect();
    }
    checks.into_errors(&file, &mut errors);
    let of_matching = |error: &ConfigError| {
        let rest = error.key.strip_prefix("matching");
        error.file == file && rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
    };
    let is_known = is_readable && !errors.iter().any(of_matching);
    Retailer {
        name: folder_name,
        file,
        slots,
        matching: is_known.then_some(rules),
        pickups,
        secrets: vault.sources(),
        variables: vault.variables(),
        errors,
    }
}

/// The context for reading a slot.
struct Reading<'a, 'e> {
    retailer: &'a str,
    file: &'a Path,
    host: &'a HostConfig,
    vault: &'a mut Vault<'e>,
    plugin_folder: &'a mut PluginFolder,
    checks: &'a mut Checks,
    errors: &'a mut Vec<ConfigError>,
}

impl Reading<'_, '_> {
    fn slot(&mut self, name: String, raw: RawSlot) -> Option<Slot> {
        let RawSlot {
            plugin,
            on_dead_letter,
            retry_for,
            grants,
            limits,
            run_limits,
            stores,
            settings,
            r#for,
            // Already read with the retailer.
            pickup: _,
        } = raw;
        let key = format!("plugins.{name}");
        let simple = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
        if name.is_empty() || name.len() > 64 || !name.bytes().all(simple) {
            // The name is the subscriber's in the database, and part of dotted keys in messages.
            self.checks.wrong(
                &key,
                "must have a name of lower-case letters, digits and '-'",
            );
        }
        let manifest = self.manifest(&key, plugin.as_deref());
        let words: Vec<_> = OnDeadLetter::ALL.iter().map(|w| (w.name(), *w)).collect();
        let on_dead_letter = on_dead_letter.and_then(|text| {
            self.checks
                .word(&format!("{key}.on_dead_letter"), &text, &words)
        });
        let retry_for = retry_for.as_deref().unwrap_or(RETRY_FOR);
        let retry_for = self.checks.duration(&format!("{key}.retry_for"), retry_for);
        let grants = self.grants(&format!("{key}.grants"), grants);
        let keys = self
            .vault
            .granted(&format!("{key}.grants"), &grants, self.checks);
        let settings_for = self.settings_for(&key, &settings, r#for);
        let filter = rights::filter(&format!("{key}.stores"), stores, self.checks);
        let (calls, runs) = (self.host.call_ceiling, self.host.run_ceiling);
        let call_limits = self.limits(&format!("{key}.limits"), limits, Limits::CALL, calls);
        let run_limits = self.limits(&format!("{key}.run_limits"), run_limits, Limits::RUN, runs);
        let Manifest {
            name: plugin,
            component,
            asks,
            counters,
        } = manifest?;
        Some(Slot {
            retailer: self.retailer.to_owned(),
            name,
            plugin,
            component,
            file: self.file.to_owned(),
            asks,
            grants,
            filter,
            settings: Value::Object(settings).to_string(),
            settings_for,
            call_limits,
            run_limits,
            keys,
            counters,
            // A slot with an error is not called, but its component and its settings are checked.
            on_dead_letter: on_dead_letter.unwrap_or(OnDeadLetter::Hold),
            retry_for_s: retry_for.as_secs(),
            schedules: Vec::new(),
            shared_directories: BTreeSet::new(),
        })
    }

    fn manifest(&mut self, key: &str, plugin: Option<&str>) -> Option<Manifest> {
        let key = format!("{key}.plugin");
        let Some(plugin) = plugin else {
            self.checks
                .wrong(key, "must be the name of a folder in the plugins directory");
            return None;
        };
        match self.plugin_folder.find(plugin, self.errors) {
            Ok(manifest) => manifest,
            Err(message) => {
                self.checks.wrong(key, message);
                None
            }
        }
    }

    /// Reads grants. A directory must exist in `host.toml`, and the host must not consume a topic.
    fn grants(&mut self, key: &str, raw: RawRights) -> Rights {
        for (n, name) in raw.directories.iter().enumerate() {
            if let Some(message) = unknown_directory(self.host, name) {
                self.checks.wrong(format!("{key}.directories.{n}"), message);
            }
        }
        for (n, name) in raw.topics.iter().enumerate() {
            if topic::CONSUMED.contains(&name.as_str()) {
                let message = "must be a topic that the host does not consume: otherwise a plugin \
                               could trigger itself without end";
                self.checks.wrong(format!("{key}.topics.{n}"), message);
            }
        }
        rights::rights(key, raw, self.checks)
    }

    fn settings_for(
        &mut self,
        key: &str,
        base: &Map<String, Value>,
        raw: Vec<RawFor>,
    ) -> Vec<SettingsFor> {
        let mut all = Vec::with_capacity(raw.len());
        for (index, raw) in raw.into_iter().enumerate() {
            let key = format!("{key}.for.{index}");
            let RawFor {
                stores,
                countries,
                store_types,
                settings,
            } = raw;
            self.checks.check(
                !(stores.is_empty() && countries.is_empty() && store_types.is_empty()),
                &key,
                "must select stores with at least one of `stores`, `countries`, `store_types`",
            );
            let raw = RawFilter {
                stores,
                countries,
                store_types,
            };
            let mut merged = base.clone();
            merge(&mut merged, settings);
            all.push(SettingsFor {
                filter: rights::filter(&key, raw, self.checks),
                settings: Value::Object(merged).to_string(),
            });
        }
        all
    }

    /// Reads limits up to the ceiling. A default above the ceiling is lowered to it.
    fn limits(&mut self, key: &str, raw: RawLimits, default: Limits, ceiling: Limits) -> Limits {
        let mut limit = |name: &str, set: Option<u64>, default: u64, ceiling: u64| {
            let good = set.is_none_or(|limit| (1..=ceiling).contains(&limit));
            if !good {
                let message = format!("must be an integer from 1 to {ceiling}, the host's ceiling");
                self.checks.wrong(format!("{key}.{name}"), message);
            }
            set.unwrap_or(default).min(ceiling)
        };
        macro_rules! limits {
            ($($(#[$doc:meta])* $name:ident: $call:expr, $run:expr;)*) => {
                Limits {
                    $($name: limit(stringify!($name), raw.$name, default.$name, ceiling.$name),)*
                }
            };
        }
        galleria_domain::call_limits!(limits)
    }
}

/// Returns the message for a directory that `host.toml` does not have.
fn unknown_directory(host: &HostConfig, name: &str) -> Option<String> {
    let known: Vec<&str> = host.directories.keys().map(String::as_str).collect();
    (!known.contains(&name)).then(|| {
        let known = suggest::list(name, &known);
        format!("unknown directory \"{name}\"; host.toml has {known}")
    })
}

/// Reads `shared_directories`. Each of them must be granted to a plugin, because the key has no effect otherwise.
fn shared_directories(
    raw: Vec<String>,
    granted: &BTreeSet<String>,
    host: &HostConfig,
    checks: &mut Checks,
) -> BTreeSet<String> {
    let mut shared = BTreeSet::new();
    for (n, name) in raw.into_iter().enumerate() {
        let key = format!("shared_directories.{n}");
        if let Some(message) = unknown_directory(host, &name) {
            checks.wrong(key, message);
        } else if !granted.contains(&name) {
            let message = format!(
                "must be a directory that a plugin may write to: add \"{name}\" to `directories` in the grants \
                 of a plugin, or remove it here"
            );
            checks.wrong(key, message);
        } else if shared.contains(&name) {
            checks.wrong(
                key,
                format!("must be listed once: \"{name}\" is already in the list"),
            );
        }
        shared.insert(name);
    }
    shared
}

/// Merges tables key by key and replaces everything else.
fn merge(under: &mut Map<String, Value>, over: Map<String, Value>) {
    for (key, value) in over {
        match (under.get_mut(&key), value) {
            (Some(Value::Object(inner)), Value::Object(more)) => merge(inner, more),
            (_, value) => {
                under.insert(key, value);
            }
        }
    }
}
