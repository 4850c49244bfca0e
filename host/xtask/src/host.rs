//! A host as a process of its own, on its own data folder, with the sample retailers.

use crate::client::Client;
use crate::process::{cargo, read, run, target};
use crate::root::root;
use crate::service::{Service, Start};
use crate::{samples, show};
use anyhow::{Context, Result, bail};
use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

/// The first start compiles all components, which takes some seconds on a small machine.
const READY_WITHIN: Duration = Duration::from_secs(120);

/// Name of the API key that xtask creates.
const KEY_NAME: &str = "xtask";

/// Environment variables with these prefixes configure a host.
const PREFIXES: [&str; 3] = ["GALLERIA_", "MPAY_", "CONF_KAFKA_"];

/// A running host. It stops when this is dropped.
pub struct Host {
    pub service: Service,
    /// `http://127.0.0.1:port`.
    pub url: String,
    /// An API key with all rights.
    pub key: String,
}

/// The settings of a host.
#[derive(Clone, Default)]
pub struct Settings {
    /// `--set` arguments. Of two for the same key, the later one applies.
    set: Vec<(String, String)>,
    env: Vec<(String, String)>,
}

/// Whether the host can publish to Kafka.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kafka {
    With,
    /// Saves compiling librdkafka.
    Without,
}

/// Builds the host.
pub fn build(kafka: Kafka) -> Result<()> {
    show::step("building the host");
    let mut build = cargo();
    build.args(["build", "-p", "galleria"]);
    if kafka == Kafka::Without {
        build.arg("--no-default-features");
    }
    run(&mut build)
}

impl Settings {
    /// Returns settings with the data in `folder`, the staged plugins, and the sample secrets.
    pub fn new(folder: &Path, staged: &Path) -> Result<Self> {
        let mut settings = Self {
            set: vec![],
            env: samples::secrets()?,
        };
        settings.set("data", folder.join("data").display());
        settings.set("plugins", staged.display());
        // Compiled components, shared with the tests: compiling all of them takes longer than a demo.
        let artifacts = target().join("tmp/engine-artifacts");
        settings.set("artifacts", artifacts.display());
        settings.set("http.listen", "127.0.0.1:0");
        Ok(settings)
    }

    /// Sets a key of `host.toml`.
    pub fn set(&mut self, key: &str, value: impl ToString) {
        self.set.push((key.to_owned(), value.to_string()));
    }

    /// Sets an environment variable, for values that other users must not see in the process list.
    pub fn env(&mut self, name: &str, value: &str) {
        self.env.push((name.to_owned(), value.to_owned()));
    }

    /// Returns a command of `galleria`. The configuration in our own environment does not apply to it.
    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(target().join("debug/galleria"));
        command.args(arguments).current_dir(root());
        for (key, value) in &self.set {
            command.arg("--set").arg(format!("{key}={value}"));
        }
        for (name, _) in std::env::vars_os() {
            let text = name.to_string_lossy();
            if PREFIXES.iter().any(|prefix| text.starts_with(prefix)) {
                command.env_remove(&name);
            }
        }
        command.envs(self.env.iter().map(|(name, value)| (name, value)));
        command
    }

    /// Runs a command of `galleria` and returns its standard output.
    pub fn run(&self, arguments: &[&str]) -> Result<String> {
        read(&mut self.command(arguments))
    }

    /// Applies the migrations of the database. Returns their number.
    pub fn migrate(&self) -> Result<usize> {
        Ok(self.run(&["migrate"])?.lines().count())
    }
}

impl Host {
    /// Starts a host with its log in `folder`.
    pub async fn start(folder: &Path, settings: &Settings) -> Result<Self> {
        fs::create_dir_all(folder)?;
        let address = folder.join("data/http.addr");
        // A host that was killed leaves it behind.
        let _ = fs::remove_file(&address);
        let mut service = Service::start(Start {
            name: "host",
            version: env!("CARGO_PKG_VERSION").to_owned(),
            folder,
            signal: "TERM",
            command: settings.command(&["serve", "--strict"]),
        })?;
        let listens = async || address.is_file();
        service.ready(READY_WITHIN, listens).await?;
        let url = format!("http://{}", fs::read_to_string(&address)?.trim());
        let ready = async || Client::ready(&url).await;
        service.ready(READY_WITHIN, ready).await?;
        service.address.clone_from(&url);
        let key = create_key(settings)?;
        Ok(Self { service, url, key })
    }

    /// Returns a client with the API key.
    pub fn client(&self) -> Result<Client> {
        Client::new(&self.url, &self.key)
    }

    /// Stops the host and waits until it has drained.
    pub fn stop(mut self) -> Result<()> {
        self.service.stop()
    }
}

/// Creates an API key with all rights. A key of an earlier start with the same data is revoked.
fn create_key(settings: &Settings) -> Result<String> {
    // Fails if there is no such key.
    settings
        .command(&["key", "revoke", KEY_NAME, "--actor", "xtask"])
        .output()?;
    let mut create = settings.command(&["key", "create", "--name", KEY_NAME]);
    create.args(["--scope", "admin", "--everywhere"]);
    create.args(["--actor", "xtask", "--reason", "sample data"]);
    let output = create.output().context("galleria key create")?;
    if !output.status.success() {
        let stderr = String::from_utf8_lossy(&output.stderr);
        bail!("galleria key create: {}\n{stderr}", output.status);
    }
    Ok(String::from_utf8(output.stdout)?.trim().to_owned())
}
