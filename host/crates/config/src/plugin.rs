//! `plugin.toml`: a plugin's identity, the rights that it requests, and its counters.

use crate::checks::Checks;
use crate::layers::{Layer, Layers};
use crate::raw::RawPlugin;
use crate::{rights, suggest};
use galleria_domain::contract;
use galleria_domain::names::{ID_RULE, is_id};
use galleria_domain::plugin::{ConfigError, CounterScope, Point, Rights};
use std::collections::BTreeMap;
use std::path::{Component, Path, PathBuf};

/// A plugin's folder, as its `plugin.toml` describes it.
#[derive(Clone, Debug)]
pub(crate) struct Manifest {
    pub(crate) name: String,
    pub(crate) component: PathBuf,
    pub(crate) asks: Rights,
    pub(crate) counters: BTreeMap<String, CounterScope>,
}

/// The plugins of one directory. Each `plugin.toml` is read once, for all retailers.
pub(crate) struct PluginFolder {
    folder: PathBuf,
    names: Vec<String>,
    /// The error of an empty or missing folder.
    empty: Option<ConfigError>,
    read: BTreeMap<String, (Option<Manifest>, Vec<ConfigError>)>,
}

impl PluginFolder {
    /// The plugins in `folder`, which `host_file` names. A missing folder contains none.
    pub(crate) fn new(folder: &Path, host_file: &Path) -> Self {
        let names = crate::folders(folder).unwrap_or_default();
        let empty = names.is_empty().then(|| {
            let place = crate::place(folder);
            let message =
                format!("no plugins in {place}: build and stage them with `cargo xtask plugins`");
            ConfigError::new(host_file, "plugins", message)
        });
        Self {
            folder: folder.into(),
            names,
            empty,
            read: BTreeMap::new(),
        }
    }

    /// The error of a folder without any plugin.
    pub(crate) fn empty(&self) -> Option<&ConfigError> {
        self.empty.as_ref()
    }

    /// Returns a plugin by the name of its folder, unless its component is unknown. Errors in its `plugin.toml`, and a
    /// folder without any plugin, are reported to each retailer that uses it. If there is no such plugin, the message
    /// lists the existing ones.
    pub(crate) fn find(
        &mut self,
        name: &str,
        errors: &mut Vec<ConfigError>,
    ) -> Result<Option<Manifest>, String> {
        if !self.names.iter().any(|other| other == name) {
            let folder = self.folder.display();
            let known: Vec<&str> = self.names.iter().map(String::as_str).collect();
            if known.is_empty() {
                errors.extend(self.empty.clone());
                return Ok(None);
            }
            return Err(format!(
                "unknown plugin \"{name}\"; {folder} has {}",
                suggest::list(name, &known)
            ));
        }
        let folder = self.folder.join(name);
        let read = self.read.entry(name.to_owned());
        let (manifest, wrong) = read.or_insert_with(|| manifest(&folder, name));
        errors.extend(wrong.iter().cloned());
        Ok(manifest.clone())
    }
}

/// Reads `plugin.toml`. Errors do not exclude a result: so the component is checked as well.
fn manifest(folder: &Path, folder_name: &str) -> (Option<Manifest>, Vec<ConfigError>) {
    let file = folder.join("plugin.toml");
    let layer = match Layer::of_file(&file) {
        Ok(layer) => layer,
        Err(error) => return (None, vec![error]),
    };
    let mut errors = Vec::new();
    let raw: RawPlugin = Layers(vec![layer]).read(&mut errors).unwrap_or_default();
    let mut checks = Checks::default();
    let manifest = convert(raw, folder, folder_name, &mut checks);
    checks.into_errors(&file, &mut errors);
    (manifest, errors)
}

fn convert(
    raw: RawPlugin,
    folder: &Path,
    folder_name: &str,
    checks: &mut Checks,
) -> Option<Manifest> {
    let RawPlugin {
        name,
        version,
        contract,
        component,
        points,
        asks,
        counters,
    } = raw;
    if !is_id(folder_name) {
        checks.wrong("name", format!("{ID_RULE}: rename the folder"));
    }
    if name.is_none_or(|name| name != folder_name) {
        checks.wrong(
            "name",
            format!("must be \"{folder_name}\", like its folder"),
        );
    }
    checks.check(
        version.is_some_and(|version| !version.is_empty()),
        "version",
        "must be the plugin's version, such as \"0.1.0\"",
    );
    checks.check(
        contract.is_some_and(|version| contract::is_supported(&version)),
        "contract",
        &format!(
            "must be the version of the contract that the plugin was built for; this host supports \"{}\"",
            contract::VERSION
        ),
    );
    let words: Vec<_> = Point::ALL.iter().map(|p| (p.name(), *p)).collect();
    for (n, point) in points.iter().enumerate() {
        // The component itself shows which points it exports; this only finds wrong names.
        checks.served_word(&format!("points.{n}"), point, &words, Point::is_served);
    }
    let component = self::component(folder, component.as_deref(), checks);
    let asks = rights::rights("asks", asks, checks);
    let counters = self::counters(counters, checks);
    Some(Manifest {
        name: folder_name.to_owned(),
        component: component?,
        asks,
        counters,
    })
}

/// The path of the component, if there is such a file.
fn component(folder: &Path, named: Option<&str>, checks: &mut Checks) -> Option<PathBuf> {
    let inside = |path: &Path| {
        path.components().next().is_some()
            && path
                .components()
                .all(|part| matches!(part, Component::Normal(_)))
    };
    let Some(path) = named.map(Path::new).filter(|path| inside(path)) else {
        checks.wrong(
            "component",
            "must be the file of the compiled component in this folder, such as \"plugin.wasm\"",
        );
        return None;
    };
    let path = folder.join(path);
    // The compiler has its own limit.
    let checked = galleria_files::check(&path, u64::MAX);
    let file = path.display();
    let rule = match &checked {
        Ok(()) => return Some(path),
        Err(error) if error.is_not_found() => {
            format!("no file {file}: build and stage it with `cargo xtask plugins`")
        }
        Err(error) => format!("{file} {error}"),
    };
    checks.wrong("component", rule);
    None
}

fn counters(raw: BTreeMap<String, String>, checks: &mut Checks) -> BTreeMap<String, CounterScope> {
    let words: Vec<_> = CounterScope::ALL.iter().map(|s| (s.name(), *s)).collect();
    raw.into_iter()
        .filter_map(|(name, scope)| {
            let scope = checks.word(&format!("counters.{name}"), &scope, &words)?;
            Some((name, scope))
        })
        .collect()
}
