//! Checks the names in the filters of a list that found nothing: an unknown name is an error, not an empty list.

use anyhow::{anyhow, bail};
use galleria_app::App;
use galleria_app::events::HOST;
use galleria_config::{Config, closest};
use galleria_domain::Store;
use galleria_domain::event::topic;
use galleria_ports::Error;
use galleria_ports::access::Reach;
use galleria_ports::records::Subject;
use std::collections::BTreeSet;
use std::fs::File;
use std::io;
use std::path::Path;

/// Stores in one page.
const PAGE: u32 = 1000;

/// The names in a filter. A missing name matches everything.
#[derive(Clone, Copy, Debug, Default)]
pub struct Names<'a> {
    pub retailer: Option<&'a str>,
    /// By the host's id.
    pub store: Option<&'a str>,
    /// By its name in `retailer.toml`.
    pub plugin: Option<&'a str>,
    pub order: Option<&'a str>,
    pub event: Option<&'a str>,
    pub directory: Option<&'a str>,
    /// The name of a file.
    pub file: Option<&'a str>,
    pub topic: Option<&'a str>,
}

impl Names<'_> {
    /// Returns an error for the first name that is unknown.
    pub async fn check(self, config: &Config, app: &App) -> anyhow::Result<()> {
        if let Some(name) = self.retailer {
            retailer(config, app, name).await?;
        }
        if let Some(id) = self.store {
            store(app, self.retailer, id).await?;
        }
        if let Some(name) = self.plugin {
            plugin(config, self.retailer, name)?;
        }
        if let Some(id) = self.order
            && !is_about(app, id, Subject::Order).await?
            && app.fiscal.order_records(id).await.is_err()
        {
            bail!("there is no order {id}");
        }
        if let Some(id) = self.event
            && !is_event(app, id).await?
        {
            bail!("there is no event {id}: `galleria timeline` finds events by order");
        }
        if let Some(name) = self.directory {
            let known = config.host.directories.keys().map(String::as_str);
            one_of("directory", name, known)?;
        }
        if let Some(name) = self.file
            && !is_about(app, name, Subject::Document).await?
        {
            bail!("there is no document with the name {name}");
        }
        match self.topic {
            Some(name) => one_of("topic", name, topic::CONSUMED),
            None => Ok(()),
        }
    }
}

/// Returns an error unless the retailer is configured, or has stores or products.
pub async fn retailer(config: &Config, app: &App, name: &str) -> anyhow::Result<()> {
    match app.core.check_retailer(name).await {
        Err(Error::NotFound { .. }) => {}
        known => return Ok(known?),
    }
    let mut known: BTreeSet<String> = stores(app, None)
        .await?
        .into_iter()
        .map(|s| s.retailer)
        .collect();
    known.extend(config.retailers.iter().map(|one| one.name.clone()));
    one_of("retailer", name, known.iter().map(String::as_str))
}

/// Returns an error unless the store exists and is one of the retailer, if one is named.
pub async fn store(app: &App, retailer: Option<&str>, id: &str) -> anyhow::Result<()> {
    match (app.stores.store(id).await, retailer) {
        (Ok(store), Some(name)) if store.retailer != name => {
            bail!(
                "store {id} is not a store of {name}: its retailer is {}",
                store.retailer
            )
        }
        (Err(Error::NotFound { .. }), _) => {}
        (found, _) => return Ok(found.map(drop)?),
    }
    let stores = stores(app, retailer).await?;
    let ids = stores.iter().map(|store| store.id.as_str());
    let suggestion = match similar(id, ids) {
        suggestion if suggestion.is_empty() => ":".to_owned(),
        suggestion => suggestion,
    };
    bail!("there is no store {id}{suggestion} `galleria stores list` lists them")
}

/// All stores, or those of a retailer.
async fn stores(app: &App, retailer: Option<&str>) -> anyhow::Result<Vec<Store>> {
    let mut stores: Vec<Store> = Vec::new();
    loop {
        let after = stores
            .last()
            .map(|store| store.id.clone())
            .unwrap_or_default();
        let retailer = retailer.map(str::to_owned);
        let mut page = app.stores.list(retailer, &after, PAGE).await?;
        if page.is_empty() {
            return Ok(stores);
        }
        stores.append(&mut page);
    }
}

/// Returns an error unless `retailer.toml` has a plugin with this name.
pub fn plugin(config: &Config, retailer: Option<&str>, name: &str) -> anyhow::Result<()> {
    let slots = config.slots();
    let of_retailer = slots
        .iter()
        .filter(|slot| retailer.is_none_or(|name| slot.retailer == name));
    let known: BTreeSet<&str> = of_retailer.map(|slot| slot.name.as_str()).collect();
    // The host is the subscriber of events that no plugin can decide about.
    match name {
        HOST => Ok(()),
        name => one_of("plugin", name, known),
    }
}

/// Opens a file of data that a command received. It may be a pipe.
pub fn open(path: &Path) -> anyhow::Result<File> {
    File::open(path).map_err(|error| unopened(path, &error))
}

/// The error of a file that cannot be opened. It suggests a file with a similar name.
pub fn unopened(path: &Path, error: &io::Error) -> anyhow::Error {
    let folder = path
        .parent()
        .filter(|folder| !folder.as_os_str().is_empty());
    let entries = std::fs::read_dir(folder.unwrap_or(Path::new(".")))
        .into_iter()
        .flatten();
    let names = entries
        .flatten()
        .map(|entry| entry.file_name().to_string_lossy().into_owned());
    let names: Vec<String> = names.collect();
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let suggestion = match error.kind() {
        io::ErrorKind::NotFound => similar(&name, names.iter().map(String::as_str)),
        _ => String::new(),
    };
    anyhow!("opening {}: {error}{suggestion}", path.display())
}

/// Returns an error that lists the known names, or suggests one of them, unless the name is one of them.
pub fn one_of<'a>(
    what: &str,
    name: &str,
    known: impl IntoIterator<Item = &'a str>,
) -> anyhow::Result<()> {
    let known: Vec<&str> = known.into_iter().collect();
    if known.contains(&name) {
        return Ok(());
    }
    match (similar(name, known.iter().copied()), known.as_slice()) {
        (suggestion, _) if !suggestion.is_empty() => bail!("there is no {what} {name}{suggestion}"),
        (_, []) => bail!("there is no {what} {name}: no {what} exists"),
        (_, known) => bail!(
            "there is no {what} {name}: must be one of {}",
            known.join(", ")
        ),
    }
}

/// Formats a suggestion for a misspelt name, or nothing.
fn similar<'a>(name: &str, known: impl IntoIterator<Item = &'a str>) -> String {
    let known: Vec<&str> = known.into_iter().collect();
    closest(name, &known).map_or(String::new(), |one| format!("; did you mean {one}?"))
}

/// Whether an id or a file name belongs to a recorded object of this kind.
async fn is_about(app: &App, id: &str, kind: Subject) -> anyhow::Result<bool> {
    let timeline = match app.operations.timeline(id, &Reach::Everything).await {
        Err(Error::NotFound { .. }) => return Ok(false),
        timeline => timeline?,
    };
    // The name of a file differs from the id of its document.
    let mut about = timeline.about.iter().filter(|one| one.kind == kind);
    Ok(about.any(|one| one.id == id || kind == Subject::Document))
}

async fn is_event(app: &App, id: &str) -> anyhow::Result<bool> {
    match id.strip_prefix("run:") {
        Some(run) => Ok(app.runs.run(run).await.is_ok()),
        None => is_about(app, id, Subject::Event).await,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unknown_name_gets_a_suggestion_or_the_known_names() {
        let check = |name: &str, known: &[&'static str]| {
            one_of("plugin", name, known.iter().copied()).map_err(|error| error.to_string())
        };
        assert_eq!(check("poslog", &["poslog", "sales"]), Ok(()));
        for (name, known, message) in [
            (
                "poslg",
                &["poslog", "sales"][..],
                "there is no plugin poslg; did you mean poslog?",
            ),
            (
                "x",
                &["poslog", "sales"],
                "there is no plugin x: must be one of poslog, sales",
            ),
            ("x", &[], "there is no plugin x: no plugin exists"),
        ] {
            assert_eq!(check(name, known), Err(message.to_owned()));
        }
    }
}
