//! The host, on what was started before it, with the sample retailers and their stores.

use super::postgres::Database;
use super::service::{Service, Start};
use super::{Place, port};
use crate::demo::client::Client;
use crate::demo::{host as demo, samples};
use crate::process::{read, target};
use crate::root::root;
use crate::{retailers, show};
use anyhow::{Context, Result};
use galleria_domain::Store;
use reqwest::Method;
use serde_json::json;
use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

/// Compiling all components for the first time takes seconds on a small machine; a minute is never.
const READY_WITHIN: Duration = Duration::from_secs(120);

const PORT: u16 = 8080;

/// Starts it, its records on the database, or in SQLite where there is none, and its events told to the broker,
/// where there is one; answers with its URL and a key.
pub async fn start(
    place: &Place<'_>,
    staged: &Path,
    database: Option<&Database>,
    kafka: Option<&str>,
) -> Result<(Service, String, String)> {
    let folder = place.folder("host")?;
    if database.is_some() {
        let mut migrate = galleria("migrate", database)?;
        set(&mut migrate, "data", &folder.join("data").to_string_lossy());
        let done = read(&mut migrate)?;
        show::line(&format!("    {} migrations applied", done.lines().count()));
    }
    let port = port(PORT, place.ask.free)?;
    let mut serve = galleria("serve", database)?;
    for (key, value) in [
        ("data", folder.join("data").to_string_lossy()),
        ("plugins", staged.to_string_lossy()),
        ("http.listen", format!("127.0.0.1:{port}").into()),
    ] {
        set(&mut serve, key, &value);
    }
    if let Some(address) = kafka {
        set(&mut serve, "kafka.bootstrap", address);
    }
    let url = format!("http://127.0.0.1:{port}");
    let mut service = Service::start(Start {
        name: "host",
        version: env!("CARGO_PKG_VERSION").to_owned(),
        address: url.clone(),
        folder: &folder,
        signal: "TERM",
        command: serve,
    })?;
    // Nothing between us and a host on this machine.
    let http = reqwest::Client::builder().no_proxy().build()?;
    let readyz = format!("{url}/readyz");
    let ready = async || {
        let asked = http
            .get(&readyz)
            .timeout(Duration::from_secs(5))
            .send()
            .await;
        asked.is_ok_and(|answer| answer.status().is_success())
    };
    service.ready(READY_WITHIN, ready).await?;
    let key = key(database, &folder.join("data"), staged).await?;
    show::line(&format!(
        "    a key for everything, until the next start: {key}"
    ));
    Ok((service, url, key))
}

/// A key, in place of the one that a kept host has from its last start.
async fn key(database: Option<&Database>, data: &Path, staged: &Path) -> Result<String> {
    let command = |words: &[&str]| -> Result<Command> {
        let mut command = galleria("key", database)?;
        command.args(words);
        set(&mut command, "data", &data.to_string_lossy());
        set(&mut command, "plugins", &staged.to_string_lossy());
        Ok(command)
    };
    // There is none the first time.
    command(&["revoke", demo::KEY, "--actor", "xtask"])?.output()?;
    demo::key(command(&["create"])?.into()).await
}

/// The program, with nothing of the person's own host in its environment.
fn galleria(what: &str, database: Option<&Database>) -> Result<Command> {
    let mut command = Command::new(target().join("debug/galleria"));
    command.arg(what).current_dir(root());
    for (name, _) in std::env::vars_os() {
        let text = name.to_string_lossy();
        if ["GALLERIA_", "MPAY_", "CONF_KAFKA_"]
            .iter()
            .any(|own| text.starts_with(own))
        {
            command.env_remove(&name);
        }
    }
    command.envs(samples()?);
    if let Some(database) = database {
        // Everybody on this machine reads the arguments of a process.
        command.env("GALLERIA_DATABASE__URL", database.url());
    }
    Ok(command)
}

fn set(command: &mut Command, key: &str, value: &str) {
    command.arg("--set").arg(format!("{key}={value}"));
}

/// Puts the sample retailers' stores; answers with the first one's id.
pub async fn stores(client: &Client) -> Result<String> {
    let mut first = None;
    let mut count = 0;
    for folder in retailers(None)? {
        let text = fs::read_to_string(folder.join("stores.json"))?;
        let all: Vec<Store> = serde_json::from_str(&text)?;
        for store in all {
            let mut body = json!(store);
            body.as_object_mut().context("a store")?.remove("id");
            let path = format!("/v1/stores/{}", store.id);
            // The same again each time: a kept host has them already.
            let key = format!("store:{}", store.id);
            client.write(Method::PUT, &path, &key, &body).await?;
            first.get_or_insert(store.id);
            count += 1;
        }
    }
    show::line(&format!("    {count} sample stores"));
    first.context("a sample store")
}
