//! Configuration: reads files, environment and command line into checked values, and reports all errors
//! at once.
//!
//! Owns `host.toml`, `retailer.toml`, `plugin.toml`, the names of environment variables, and secrets that
//! cannot be printed. Does not know who uses a setting, or what a component contains.
//!
//! To add a key to `host.toml`: add a field with its check to the struct of its section, and an entry
//! with its documentation and its default to `conf/host.toml`.
//!
//! ```
//! use std::collections::BTreeMap;
//!
//! let env = BTreeMap::new();
//! let overrides = BTreeMap::from([
//!     ("htp.listen".to_owned(), "127.0.0.1:0".to_owned()),
//!     ("retailers".to_owned(), "/nowhere".to_owned()),
//! ]);
//! let errors = galleria_config::load(None, &env, &overrides).expect_err("misspelt");
//! assert_eq!(
//!     errors[0].to_string(),
//!     "command line: htp.listen: unknown key; did you mean `http`?"
//! );
//! ```

#![forbid(unsafe_code)]

mod access;
mod checks;
mod compilation;
mod database;
mod encoding;
mod environment;
mod fields;
mod host;
mod http;
mod kafka;
mod layers;
mod matching;
mod messages;
mod plugin;
mod raw;
mod retailer;
mod rights;
mod schedules;
mod secret;
mod secrets;
mod suggest;
mod tax;
mod tax_environment;
mod tax_server;
mod telemetry;
mod units;

pub use access::{Access, TokenIssuer};
pub use database::Database;
pub use host::{
    Attempts, Group, Groups, HostConfig, Log, LogFormat, LogLevel, Members, Retry, Runs, Sensitive,
    Statements,
};
pub use http::{Http, Rate};
pub use kafka::Kafka;
pub use retailer::Retailer;
pub use secret::Secret;
pub use secrets::SecretSource;
pub use suggest::closest;
pub use tax::{Tax, TaxCalculator, TaxMove, TaxService, TaxShadow};
pub use tax_server::{TaxIdentity, TaxServer, TaxTls};
pub use telemetry::{Metrics, Traces};

use checks::Checks;
use galleria_domain::plugin::{ConfigError, Slot};
use layers::{Layer, Layers};
use plugin::PluginFolder;
use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};

/// Every key of `host.toml` with its default and its documentation.
pub const DEFAULTS: &str = include_str!("../../../../conf/host.toml");

/// The checked configuration.
#[derive(Clone, Debug, PartialEq)]
pub struct Config {
    /// The host's keys.
    pub host: HostConfig,
    /// The file that set them.
    file: PathBuf,
    /// The retailers, by name.
    pub retailers: Vec<Retailer>,
    /// Variables of the previous platform that are set and that no setting reads.
    pub ignored_variables: Vec<String>,
}

impl Config {
    /// The errors of all retailers. Retailers that share a plugin share its errors.
    pub fn retailer_errors(&self) -> Vec<ConfigError> {
        let mut errors: Vec<ConfigError> = Vec::new();
        for error in self.retailers.iter().flat_map(|one| &one.errors) {
            if !errors.contains(error) {
                errors.push(error.clone());
            }
        }
        errors
    }

    /// Whether a retailer has a folder now.
    pub fn has_folder(&self, retailer: &str) -> io::Result<bool> {
        let names = folders(&self.host.retailers)?;
        Ok(names.iter().any(|name| name == retailer))
    }

    /// Reads the files of one retailer again, with its errors. The keys of the host and the variables of the
    /// environment are those of the start. Returns an error if the retailer has no folder.
    pub fn read_again(
        &self,
        retailer: &str,
        env: &BTreeMap<String, String>,
    ) -> Result<Retailer, ConfigError> {
        let folder = self.host.retailers.join(retailer);
        match self.has_folder(retailer) {
            Ok(true) => {
                let mut plugins = PluginFolder::new(&self.host.plugins, &self.file);
                Ok(retailer::retailer(&folder, &self.host, env, &mut plugins))
            }
            Ok(false) => {
                let message = "the retailer's folder is missing: restore it; a process that starts without it does \
                               not know the retailer";
                Err(ConfigError::new(&folder, "", message))
            }
            Err(error) => Err(ConfigError::new(
                &self.file,
                "retailers",
                unreadable(&self.host.retailers, &error),
            )),
        }
    }

    /// The slots of all retailers.
    pub fn slots(&self) -> Vec<Slot> {
        self.retailers
            .iter()
            .flat_map(|retailer| retailer.slots.clone())
            .collect()
    }
}

/// Reads the configuration, or returns all errors.
///
/// A later source overrides an earlier one: the defaults, `host_file`, the previous platform's variables
/// in `env`, `GALLERIA_...` in `env` (`GALLERIA_HTTP__LISTEN` is `http.listen`), then `overrides` from the
/// command line, by dotted keys. Relative paths start at the working directory, not at the file.
pub fn load(
    host_file: Option<&Path>,
    env: &BTreeMap<String, String>,
    overrides: &BTreeMap<String, String>,
) -> Result<Config, Vec<ConfigError>> {
    let (config, mut errors) = load_lenient(host_file, env, overrides)?;
    errors.extend(config.retailer_errors());
    if errors.is_empty() {
        Ok(config)
    } else {
        Err(errors)
    }
}

/// Reads the configuration and returns it together with the errors of the host's own keys; each retailer has
/// its own errors. A rejected value is replaced by its default.
pub fn load_lenient(
    host_file: Option<&Path>,
    env: &BTreeMap<String, String>,
    overrides: &BTreeMap<String, String>,
) -> Result<(Config, Vec<ConfigError>), Vec<ConfigError>> {
    let mut errors = Vec::new();
    let Some(host) = host_config(host_file, env, overrides, &mut errors) else {
        return Err(errors);
    };
    let retailers = retailers(host_file, &host, env, &mut errors);
    let variables = retailers.iter().map(|one| (&*one.name, &one.variables));
    let config = Config {
        ignored_variables: environment::ignored(env, variables),
        host,
        file: host_file.unwrap_or(Path::new("host.toml")).to_owned(),
        retailers,
    };
    Ok((config, errors))
}

fn defaults() -> Result<Layer, ConfigError> {
    let file = Path::new("conf/host.toml (built in)");
    Layer::of_toml(file, DEFAULTS).map(Layer::into_defaults)
}

/// Removes rejected values until the rest is valid, so that all errors are found. Returns nothing if the
/// defaults are invalid, which a test excludes.
fn host_config(
    file: Option<&Path>,
    env: &BTreeMap<String, String>,
    overrides: &BTreeMap<String, String>,
    errors: &mut Vec<ConfigError>,
) -> Option<HostConfig> {
    let mut layers = Layers(Vec::new());
    let files = [Some(defaults()), file.map(Layer::of_file)];
    for layer in files.into_iter().flatten() {
        match layer {
            Ok(layer) => layers.0.push(layer),
            Err(error) => errors.push(error),
        }
    }
    environment::overlay(&mut layers, env, overrides, errors);
    loop {
        let config: HostConfig = layers.read(errors)?;
        let mut checks = Checks::default();
        config.validate(&mut checks);
        if !layers.reject_all(&checks.problems, errors) {
            return Some(config);
        }
    }
}

fn retailers(
    host_file: Option<&Path>,
    host: &HostConfig,
    env: &BTreeMap<String, String>,
    errors: &mut Vec<ConfigError>,
) -> Vec<Retailer> {
    let file = host_file.unwrap_or(Path::new("host.toml"));
    let names = folders(&host.retailers).unwrap_or_else(|error| {
        let message = unreadable(&host.retailers, &error);
        errors.push(ConfigError::new(file, "retailers", message));
        Vec::new()
    });
    let mut plugin_folder = PluginFolder::new(&host.plugins, file);
    let retailers = names.iter().map(|name| {
        let folder = host.retailers.join(name);
        retailer::retailer(&folder, host, env, &mut plugin_folder)
    });
    let mut retailers: Vec<Retailer> = retailers.collect();
    // Without any plugin, the mistake is the host's, such as a wrong working directory.
    if let Some(empty) = plugin_folder.empty()
        && retailers.iter().any(|one| one.errors.contains(empty))
    {
        errors.push(empty.clone());
        for retailer in &mut retailers {
            retailer.errors.retain(|error| error != empty);
        }
    }
    retailers
}

fn unreadable(retailers: &Path, error: &io::Error) -> String {
    format!(
        "cannot read the folder {}: {error}; each retailer needs a folder in it",
        place(retailers)
    )
}

/// A folder with the directory at which its relative path starts, because that may be the wrong one.
fn place(folder: &Path) -> String {
    match std::env::current_dir() {
        Ok(start) if folder.is_relative() => {
            format!(
                "{} in the working directory {}",
                folder.display(),
                start.display()
            )
        }
        _ => folder.display().to_string(),
    }
}

/// The names of the folders in a folder, sorted, without hidden ones. A link whose target is missing counts, so that
/// reading it reports the error.
fn folders(folder: &Path) -> io::Result<Vec<String>> {
    let mut names = Vec::new();
    for entry in std::fs::read_dir(folder)? {
        let entry = entry?;
        let name = entry.file_name().to_string_lossy().into_owned();
        let is_folder = std::fs::metadata(entry.path()).map_or(true, |target| target.is_dir());
        if is_folder && !name.starts_with('.') {
            names.push(name);
        }
    }
    names.sort();
    Ok(names)
}
