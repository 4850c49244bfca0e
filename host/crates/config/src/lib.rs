//! Configuration: raw text becomes checked values, and every error is told at once.
//!
//! Owns: `host.toml`, `retailer.toml`, `plugin.toml`, the names in the environment, and secrets that
//! cannot be printed. Never knows: who uses a setting, or what a component contains.
//!
//! ```
//! use std::collections::BTreeMap;
//!
//! let none = BTreeMap::new();
//! let overrides = BTreeMap::from([
//!     ("htp.listen".to_owned(), "127.0.0.1:0".to_owned()),
//!     ("retailers".to_owned(), "/nowhere".to_owned()),
//! ]);
//! let errors = galleria_config::load(None, &none, &overrides).expect_err("misspelt");
//! assert_eq!(
//!     errors[0].to_string(),
//!     "command line: htp.listen: there is no such key; did you mean `http`?"
//! );
//! ```

#![forbid(unsafe_code)]

mod access;
mod checks;
mod defaults;
mod encoding;
mod environment;
mod host;
mod http;
mod kafka;
mod layers;
mod matching;
mod plugin;
mod raw;
mod retailer;
mod rights;
mod schedules;
mod secret;
mod secrets;
mod suggest;
mod telemetry;
mod units;

pub use access::{Access, TokenIssuer};
pub use host::{
    Attempts, Database, DigestKeySource, Group, Groups, HostConfig, Log, LogFormat, LogLevel,
    Members, Retry, Runs, Sensitive, Statements,
};
pub use http::{Http, Rate};
pub use kafka::Kafka;
pub use retailer::Retailer;
pub use secret::Secret;
pub use secrets::SecretSource;
pub use telemetry::{Statsd, Traces};

use checks::Checks;
use galleria_domain::Pickup;
use galleria_domain::plugin::{ConfigError, Slot};
use galleria_domain::schedule::Schedule;
use layers::{Layer, Layers};
use plugin::PluginFolder;
use raw::RawHost;
use std::collections::BTreeMap;
use std::io;
use std::path::Path;

/// Everything that files and environment say, checked.
#[derive(Clone, Debug, PartialEq)]
pub struct Config {
    /// How the host runs.
    pub host: HostConfig,
    /// The retailers it serves, by name.
    pub retailers: Vec<Retailer>,
}

impl Config {
    /// The slots of all retailers.
    pub fn slots(&self) -> Vec<Slot> {
        self.retailers
            .iter()
            .flat_map(|retailer| retailer.slots.clone())
            .collect()
    }

    /// Where the providers of all retailers leave their statements.
    pub fn pickups(&self) -> Vec<Pickup> {
        self.retailers
            .iter()
            .flat_map(|retailer| retailer.pickups.clone())
            .collect()
    }

    /// The schedules of all retailers. Which point each of them runs is known once the slots are loaded.
    pub fn schedules(&self) -> Vec<Schedule> {
        self.retailers
            .iter()
            .flat_map(|retailer| retailer.schedules.clone())
            .collect()
    }
}

/// Reads everything, or tells every error.
///
/// The later wins: the defaults, `host_file`, the old platform's names in `env`, `GALLERIA_...` in
/// `env` (`GALLERIA_HTTP__LISTEN` is `http.listen`), then `overrides`, which the command line gives
/// by dotted keys. Relative paths start at the working directory, wherever the file is.
pub fn load(
    host_file: Option<&Path>,
    env: &BTreeMap<String, String>,
    overrides: &BTreeMap<String, String>,
) -> Result<Config, Vec<ConfigError>> {
    let (config, errors) = load_lenient(host_file, env, overrides);
    if errors.is_empty() {
        Ok(config)
    } else {
        Err(errors)
    }
}

/// The same, with what could be read beside the errors: for who needs a part of it only, and looks
/// whether an error is in that part.
pub fn load_lenient(
    host_file: Option<&Path>,
    env: &BTreeMap<String, String>,
    overrides: &BTreeMap<String, String>,
) -> (Config, Vec<ConfigError>) {
    let mut errors = Vec::new();
    let host = host_config(host_file, env, overrides, &mut errors);
    let retailers = retailers(host_file, &host, env, &mut errors);
    (Config { host, retailers }, errors)
}

/// Every key of `host.toml` with its default, as TOML without comments.
pub fn defaults_as_toml() -> String {
    // Text, numbers and tables serialise; an empty answer would fail the test over conf/host.toml.
    toml::to_string(&RawHost::default()).unwrap_or_default()
}

/// What cannot be right is noted and left out, so that the rest can be checked as well.
fn host_config(
    file: Option<&Path>,
    env: &BTreeMap<String, String>,
    overrides: &BTreeMap<String, String>,
    errors: &mut Vec<ConfigError>,
) -> HostConfig {
    let mut layers = Layers(vec![Layer::of_defaults(&RawHost::default())]);
    match file.map(Layer::of_file) {
        Some(Ok(layer)) => layers.0.push(layer),
        Some(Err(error)) => errors.push(error),
        None => {}
    }
    environment::overlay(&mut layers, env, overrides, errors);
    loop {
        let raw: RawHost = layers.read(errors);
        match HostConfig::try_from(raw.clone()) {
            Ok(config) => return config,
            Err(problems) if layers.refuse(&problems, errors) => {}
            Err(_) => return host::convert(raw, &mut Checks::default()),
        }
    }
}

fn retailers(
    host_file: Option<&Path>,
    host: &HostConfig,
    env: &BTreeMap<String, String>,
    errors: &mut Vec<ConfigError>,
) -> Vec<Retailer> {
    let names = folders(&host.retailers).unwrap_or_else(|error| {
        let file = host_file.unwrap_or(Path::new("host.toml"));
        let message = format!(
            "the folder {} cannot be read: {error}; each retailer has a folder there",
            host.retailers.display()
        );
        errors.push(ConfigError::new(file, "retailers", message));
        Vec::new()
    });
    let mut plugin_folder = PluginFolder::new(&host.plugins);
    names
        .iter()
        .filter_map(|name| {
            retailer::retailer(
                &host.retailers.join(name),
                host,
                env,
                &mut plugin_folder,
                errors,
            )
        })
        .collect()
}

/// The names of the folders in a folder, sorted, without hidden ones.
fn folders(folder: &Path) -> io::Result<Vec<String>> {
    let mut names = Vec::new();
    for entry in std::fs::read_dir(folder)? {
        let entry = entry?;
        let name = entry.file_name().to_string_lossy().into_owned();
        if entry.path().is_dir() && !name.starts_with('.') {
            names.push(name);
        }
    }
    names.sort();
    Ok(names)
}
