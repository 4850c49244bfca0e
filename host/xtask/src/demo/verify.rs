//! Checks of the host's results: each event applied once, each file delivered, each POSLOG correct.

use crate::client::Client;
use crate::process::{strict, works};
use crate::root::root;
use crate::show;
use anyhow::{Context, Result, bail};
use galleria_simulator::ledger::RecordedEvent;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The schema of the POSLOG standard. Its licence does not allow a copy in this repository.
const SCHEMA: &str = "../shared/standards/poslog/POSLogV6.0.0.xsd";

/// A delivered document.
pub struct Delivered {
    /// Index of its event.
    pub event: usize,
    pub path: PathBuf,
}

/// Checks the counts in the status: `events` events, of which `documents` became a document each.
pub fn counts(status: &Value, events: usize, documents: usize) -> Result<()> {
    let number = |path: &str| status.pointer(path).and_then(Value::as_u64);
    for (path, expected) in [
        ("/events", events as u64),
        ("/documents/delivered", documents as u64),
        ("/documents/pending", 0),
        ("/documents/blocked", 0),
        ("/parked", 0),
        ("/held", 0),
        ("/dead_letters", 0),
    ] {
        if number(path) != Some(expected) {
            bail!("status {path}: got {:?}, expected {expected}", number(path));
        }
    }
    Ok(())
}

/// Checks that every event was applied once and has one document, delivered as a file of its size.
pub async fn effects(
    client: &Client,
    status: &Value,
    events: &[&RecordedEvent],
) -> Result<Vec<Delivered>> {
    let progress = show::Progress::new("orders checked", events.len() as u64);
    let by_event: BTreeMap<&str, usize> = events
        .iter()
        .enumerate()
        .map(|(at, one)| (one.event.as_str(), at))
        .collect();
    let orders: BTreeSet<&str> = events
        .iter()
        .filter_map(|one| one.order.as_deref())
        .collect();
    let mut paths: BTreeMap<usize, PathBuf> = BTreeMap::new();
    for order in orders {
        let documents = client.get(&format!("/v1/orders/{order}/documents")).await?;
        for document in documents.as_array().context("list of documents")? {
            let event = document["event_id"].as_str().context("event_id")?;
            let at = *by_event
                .get(event)
                .with_context(|| format!("unexpected event {event}"))?;
            let path = delivered(status, document, &events[at].retailer)?;
            if paths.insert(at, path).is_some() {
                bail!("event {event} has two documents");
            }
        }
        let journal = client.get(&format!("/v1/orders/{order}/journal")).await?;
        let applied: Vec<&str> = journal
            .as_array()
            .context("journal")?
            .iter()
            .filter(|attempt| attempt["outcome"] == "applied")
            .filter_map(|attempt| attempt["event_id"].as_str())
            .collect();
        let of_order = events
            .iter()
            .filter(|one| one.order.as_deref() == Some(order));
        for one in of_order {
            if applied.iter().filter(|event| **event == one.event).count() != 1 {
                bail!("event {} was not applied exactly once", one.event);
            }
            progress.add(1);
        }
    }
    shifts(status, events, &mut paths)?;
    progress.done();
    if let Some(missing) = (0..events.len()).find(|at| !paths.contains_key(at)) {
        bail!("event {} has no document", events[missing].event);
    }
    Ok(paths
        .into_iter()
        .map(|(event, path)| Delivered { event, path })
        .collect())
}

/// Returns the path of a document: each retailer has its own folder in a directory, and each store in it, unless the
/// stores share the directory.
fn delivered(status: &Value, document: &Value, retailer: &str) -> Result<PathBuf> {
    let text = |name: &str| {
        document[name]
            .as_str()
            .with_context(|| format!("{name} of a document"))
    };
    let folder = status["directories"][text("directory")?]
        .as_str()
        .context("directory")?;
    let store = document["folder"].as_str().unwrap_or_default();
    let path = root().join(folder).join(retailer).join(store);
    let path = path.join(text("name")?);
    if text("state")? != "delivered" {
        bail!("document {}: state {}", text("name")?, text("state")?);
    }
    let size = fs::metadata(&path)
        .with_context(|| path.display().to_string())?
        .len();
    if document["size"].as_u64() != Some(size) {
        bail!(
            "{}: {size} bytes, expected {}",
            path.display(),
            document["size"]
        );
    }
    Ok(path)
}

/// Finds the documents of shifts. They belong to no order, so their file names identify them by store,
/// workstation and sequence number.
fn shifts(
    status: &Value,
    events: &[&RecordedEvent],
    paths: &mut BTreeMap<usize, PathBuf>,
) -> Result<()> {
    let folders: BTreeSet<PathBuf> = paths
        .values()
        .filter_map(|path| path.parent().map(Path::to_owned))
        .collect();
    let known: BTreeSet<PathBuf> = paths.values().cloned().collect();
    let mut others = Vec::new();
    for folder in &folders {
        for entry in fs::read_dir(folder)? {
            let path = entry?.path();
            if !known.contains(&path) {
                others.push(path);
            }
        }
    }
    for (at, one) in events
        .iter()
        .enumerate()
        .filter(|(_, one)| one.order.is_none())
    {
        let entry = &one.argument["entry"];
        let workstation = entry["workstation"].as_str().context("workstation")?;
        let sequence = entry["sequence"].as_u64().context("sequence number")?;
        let stores = status["stores"].as_array().context("stores")?;
        let store = stores
            .iter()
            .find(|store| store["store"] == one.store.as_str());
        let unit = store
            .and_then(|store| store["external_id"].as_str())
            .context("no such store")?;
        let named = others.iter().position(|path| {
            let name = path
                .file_stem()
                .unwrap_or_default()
                .to_string_lossy()
                .into_owned();
            let mut numbers = name.split(|c: char| !c.is_ascii_digit());
            name.contains(unit)
                && name.contains(workstation)
                && numbers.next_back().and_then(|digits| digits.parse().ok()) == Some(sequence)
        });
        if let Some(index) = named {
            paths.insert(at, others.remove(index));
        }
    }
    if let Some(other) = others.first() {
        bail!("unexpected file {}", other.display());
    }
    Ok(())
}

/// Checks that every POSLOG is valid and agrees with the ledger. Returns false if this machine lacks a tool
/// for it.
pub fn poslogs(folder: &Path, events: &[&RecordedEvent], delivered: &[Delivered]) -> Result<bool> {
    let checker = root().join("host/xtask/poslog/check.py");
    let schema = std::env::var_os("POSLOG_XSD").map_or_else(|| root().join(SCHEMA), PathBuf::from);
    let lxml = works("python3", &["-c", "import lxml"]);
    let requirements = [
        (
            !works("python3", &["--version"]),
            "python3 is missing".to_owned(),
        ),
        (
            !checker.is_file(),
            "host/xtask/poslog/check.py is missing".to_owned(),
        ),
        (
            !schema.is_file(),
            format!(
                "the schema {} is missing; set POSLOG_XSD to its path",
                schema.display()
            ),
        ),
        (
            !lxml && !works("xmllint", &["--version"]),
            "xmllint and lxml are missing".to_owned(),
        ),
    ];
    if let Some((_, what)) = requirements.iter().find(|(missing, _)| *missing) {
        if strict() {
            bail!("cannot check the POSLOGs: {what}");
        }
        show::warn(&format!("SKIPPED: checking the POSLOGs: {what}"));
        return Ok(false);
    }
    let list = folder.join("orders.jsonl");
    let mut text = String::new();
    let first = delivered
        .first()
        .and_then(|one| one.path.parent())
        .context("no POSLOG")?;
    for one in delivered {
        let RecordedEvent {
            kind,
            argument,
            minor_digits,
            ..
        } = events[one.event];
        let file = one.path.file_name().unwrap_or_default().to_string_lossy();
        let line = json!({
            "kind": kind, "file": file, "argument": argument, "minor_digits": minor_digits,
        });
        text.push_str(&line.to_string());
        text.push('\n');
    }
    fs::write(&list, text)?;
    let mut command = Command::new("python3");
    command
        .arg(checker)
        .arg("--schema")
        .arg(schema)
        .arg("--orders")
        .arg(&list)
        .arg(first);
    crate::process::run(&mut command)?;
    Ok(true)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn status(events: u64, dead: u64) -> Value {
        json!({
            "events": events, "parked": 0, "held": 0, "dead_letters": dead,
            "documents": { "pending": 0, "delivered": 1, "blocked": 0 },
        })
    }

    #[test]
    fn wrong_or_missing_counts_are_an_error() {
        assert!(counts(&status(3, 0), 3, 1).is_ok());
        assert!(counts(&status(2, 0), 3, 1).is_err());
        assert!(counts(&status(3, 0), 3, 3).is_err());
        let dead = counts(&status(3, 1), 3, 1).expect_err("a dead letter");
        assert!(dead.to_string().contains("/dead_letters"), "{dead}");
        assert!(counts(&json!({}), 3, 1).is_err());
    }

    #[test]
    fn a_document_must_agree_with_its_file() {
        let place = tempfile::tempdir().expect("a folder");
        fs::create_dir(place.path().join("example")).expect("a folder");
        fs::write(place.path().join("example/a.xml"), "12345").expect("a file");
        let status = json!({ "directories": { "poslog": place.path() } });
        let document = |size: u64, state: &str| json!({ "directory": "poslog", "name": "a.xml", "size": size, "state": state });
        assert!(delivered(&status, &document(5, "delivered"), "example").is_ok());
        assert!(delivered(&status, &document(6, "delivered"), "example").is_err());
        assert!(delivered(&status, &document(5, "pending"), "example").is_err());
        assert!(delivered(&status, &document(5, "delivered"), "other").is_err());
    }
}
