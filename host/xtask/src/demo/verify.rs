//! Whether everything the host did is right: each event once, each file there, each POSLOG true.

use super::client::Client;
use crate::process::{strict, works};
use crate::root::root;
use crate::show;
use anyhow::{Context, Result, bail};
use galleria_simulator::ledger::Told;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The standard's schema, which is not ours to keep.
const SCHEMA: &str = "../shared/standards/poslog/POSLogV6.0.0.xsd";

/// A file that the host delivered.
pub struct Delivered {
    /// Which of the told events.
    pub event: usize,
    pub path: PathBuf,
}

/// The host's figures agree with the days, of which `documents` events are to become a document each.
pub fn figures(status: &Value, told: usize, documents: usize) -> Result<()> {
    let number = |path: &str| status.pointer(path).and_then(Value::as_u64);
    for (path, wanted) in [
        ("/events", told as u64),
        ("/documents/delivered", documents as u64),
        ("/documents/pending", 0),
        ("/documents/blocked", 0),
        ("/parked", 0),
        ("/held", 0),
        ("/dead_letters", 0),
    ] {
        if number(path) != Some(wanted) {
            bail!("{path} of the status is {:?}, not {wanted}", number(path));
        }
    }
    Ok(())
}

/// Every event was applied once and has one document, which is a file of that size.
pub async fn effects(client: &Client, status: &Value, told: &[&Told]) -> Result<Vec<Delivered>> {
    let progress = show::Progress::new("orders looked up", told.len() as u64);
    let by_event: BTreeMap<&str, usize> = told
        .iter()
        .enumerate()
        .map(|(at, one)| (one.event.as_str(), at))
        .collect();
    let orders: BTreeSet<&str> = told.iter().filter_map(|one| one.order.as_deref()).collect();
    let mut found: BTreeMap<usize, PathBuf> = BTreeMap::new();
    for order in orders {
        let documents = client.get(&format!("/v1/orders/{order}/documents")).await?;
        for document in documents.as_array().context("a list of documents")? {
            let event = document["event_id"].as_str().context("no event_id")?;
            let at = *by_event
                .get(event)
                .with_context(|| format!("{event} was never sent"))?;
            let path = delivered(status, document, &told[at].retailer)?;
            if found.insert(at, path).is_some() {
                bail!("{event} has two documents");
            }
        }
        let journal = client.get(&format!("/v1/orders/{order}/journal")).await?;
        let applied: Vec<&str> = journal
            .as_array()
            .context("a journal")?
            .iter()
            .filter(|attempt| attempt["outcome"] == "applied")
            .filter_map(|attempt| attempt["event_id"].as_str())
            .collect();
        let of_order = told
            .iter()
            .filter(|one| one.order.as_deref() == Some(order));
        for one in of_order {
            if applied.iter().filter(|event| **event == one.event).count() != 1 {
                bail!("{} was not applied exactly once", one.event);
            }
            progress.add(1);
        }
    }
    shifts(status, told, &mut found)?;
    progress.done();
    if let Some(missing) = (0..told.len()).find(|at| !found.contains_key(at)) {
        bail!("{} has no document", told[missing].event);
    }
    Ok(found
        .into_iter()
        .map(|(event, path)| Delivered { event, path })
        .collect())
}

/// Where a document's file is: each retailer has its own folder in a directory.
fn delivered(status: &Value, document: &Value, retailer: &str) -> Result<PathBuf> {
    let text = |name: &str| {
        document[name]
            .as_str()
            .with_context(|| format!("no {name}"))
    };
    let folder = status["directories"][text("directory")?]
        .as_str()
        .context("a directory")?;
    let path = root().join(folder).join(retailer).join(text("name")?);
    if text("state")? != "delivered" {
        bail!("{} is {}", text("name")?, text("state")?);
    }
    let size = fs::metadata(&path)
        .with_context(|| path.display().to_string())?
        .len();
    if document["size"].as_u64() != Some(size) {
        bail!(
            "{} has {size} bytes, not {}",
            path.display(),
            document["size"]
        );
    }
    Ok(path)
}

/// A shift's document belongs to no order: it is the file that names its store, workstation and number.
fn shifts(status: &Value, told: &[&Told], found: &mut BTreeMap<usize, PathBuf>) -> Result<()> {
    let folders: BTreeSet<PathBuf> = found
        .values()
        .filter_map(|path| path.parent().map(Path::to_owned))
        .collect();
    let known: BTreeSet<PathBuf> = found.values().cloned().collect();
    let mut others = Vec::new();
    for folder in &folders {
        for entry in fs::read_dir(folder)? {
            let path = entry?.path();
            if !known.contains(&path) {
                others.push(path);
            }
        }
    }
    for (at, one) in told
        .iter()
        .enumerate()
        .filter(|(_, one)| one.order.is_none())
    {
        let entry = &one.argument["entry"];
        let workstation = entry["workstation"].as_str().context("a workstation")?;
        let sequence = entry["sequence"].as_u64().context("a sequence number")?;
        let stores = status["stores"].as_array().context("stores")?;
        let store = stores
            .iter()
            .find(|store| store["store"] == one.store.as_str());
        let unit = store
            .and_then(|store| store["external_id"].as_str())
            .context("its store")?;
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
            found.insert(at, others.remove(index));
        }
    }
    if let Some(other) = others.first() {
        bail!("nothing that was sent explains {}", other.display());
    }
    Ok(())
}

/// Every POSLOG is valid and says what the day's own books say. False where that cannot be checked here.
pub fn poslogs(folder: &Path, told: &[&Told], delivered: &[Delivered]) -> Result<bool> {
    let checker = root().join("host/xtask/poslog/check.py");
    let schema = std::env::var_os("POSLOG_XSD").map_or_else(|| root().join(SCHEMA), PathBuf::from);
    let lxml = works("python3", &["-c", "import lxml"]);
    let lacks = [
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
                "the schema {} is missing; POSLOG_XSD says where it is",
                schema.display()
            ),
        ),
        (
            !lxml && !works("xmllint", &["--version"]),
            "xmllint and lxml are missing".to_owned(),
        ),
    ];
    if let Some((_, what)) = lacks.iter().find(|(missing, _)| *missing) {
        if strict() {
            bail!("the POSLOGs cannot be checked: {what}");
        }
        show::warn(&format!("SKIPPED: schema and sums of the POSLOGs: {what}"));
        return Ok(false);
    }
    let list = folder.join("orders.jsonl");
    let mut text = String::new();
    let first = delivered
        .first()
        .and_then(|one| one.path.parent())
        .context("a POSLOG")?;
    for one in delivered {
        let Told {
            kind,
            argument,
            minor_digits,
            ..
        } = told[one.event];
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
    fn a_figure_that_is_wrong_or_missing_is_told() {
        assert!(figures(&status(3, 0), 3, 1).is_ok());
        assert!(figures(&status(2, 0), 3, 1).is_err());
        assert!(figures(&status(3, 0), 3, 3).is_err());
        let dead = figures(&status(3, 1), 3, 1).expect_err("a dead letter");
        assert!(dead.to_string().contains("/dead_letters"), "{dead}");
        assert!(figures(&json!({}), 3, 1).is_err());
    }

    #[test]
    fn a_document_that_is_not_its_file_is_told() {
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
