//! A retailer of the demo: its sample data, and what of its configuration says what must come of them.

use anyhow::{Context, Result};
use galleria_domain::Store;
use galleria_simulator::assortment::Assortment;
use serde::Deserialize;
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

/// Where POSLOGs go; a retailer that may write there wants one of every event.
const POSLOG: &str = "poslog";

/// A retailer.
pub struct Retailer {
    pub name: String,
    pub folder: PathBuf,
    pub assortment: Assortment,
    pub stores: Vec<Store>,
    pub slots: BTreeMap<String, Slot>,
}

#[derive(Deserialize)]
struct Configuration {
    plugins: BTreeMap<String, Slot>,
}

/// A plugin it uses, as far as the demo has to know.
#[derive(Deserialize)]
pub struct Slot {
    #[serde(default)]
    grants: Grants,
    #[serde(default)]
    settings: Settings,
    pub pickup: Option<Pickup>,
}

#[derive(Default, Deserialize)]
struct Grants {
    #[serde(default)]
    capabilities: Vec<String>,
    #[serde(default)]
    directories: Vec<String>,
}

#[derive(Default, Deserialize)]
struct Settings {
    report: Option<String>,
    #[serde(default)]
    csv: Csv,
}

/// How a CSV is written.
#[derive(Clone, Default, Deserialize)]
pub struct Csv {
    pub delimiter: Option<char>,
    pub decimal_mark: Option<char>,
}

/// Where it picks statements up.
#[derive(Clone, Deserialize)]
pub struct Pickup {
    pub directory: String,
}

/// What the runs of a slot write.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Writes {
    /// Which report; the sale lines themselves where none is named.
    Report(Option<String>),
    Settlement,
    Catalogue,
}

impl Retailer {
    /// Reads its folder.
    pub fn read(folder: &Path) -> Result<Self> {
        let (assortment, stores) = Assortment::read(folder)?;
        let file = folder.join("retailer.toml");
        let text = fs::read_to_string(&file).with_context(|| file.display().to_string())?;
        let configuration: Configuration =
            toml::from_str(&text).with_context(|| file.display().to_string())?;
        Ok(Self {
            name: folder
                .file_name()
                .unwrap_or_default()
                .to_string_lossy()
                .into_owned(),
            folder: folder.to_owned(),
            assortment,
            stores,
            slots: configuration.plugins,
        })
    }

    /// The day as it is kept, one request a line.
    pub fn day(&self) -> Result<String> {
        self.kept("days", &format!("{}.jsonl", self.assortment.day.date))
    }

    /// Something that is kept in its folder.
    pub fn kept(&self, folder: &str, name: &str) -> Result<String> {
        let file = self.folder.join(folder).join(name);
        fs::read_to_string(&file).with_context(|| file.display().to_string())
    }

    /// Whether every event of its stores is to become a POSLOG.
    pub fn wants_poslogs(&self) -> bool {
        let may = |slot: &Slot| slot.grants.directories.iter().any(|name| name == POSLOG);
        self.slots.values().any(may)
    }
}

impl Slot {
    /// What its runs write; none where it has no runs.
    pub fn writes(&self) -> Option<Writes> {
        let granted = |name: &str| self.grants.capabilities.iter().any(|other| other == name);
        if !granted("output") {
            return None;
        }
        Some(if granted("settlement") {
            Writes::Settlement
        } else if granted("products") {
            Writes::Catalogue
        } else {
            Writes::Report(self.settings.report.clone())
        })
    }

    /// How it writes CSV.
    pub fn csv(&self) -> Csv {
        self.settings.csv.clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_sample_retailer_can_be_read() {
        for folder in crate::retailers(None).expect("retailers") {
            let retailer = Retailer::read(&folder).expect("a retailer");
            assert!(!retailer.slots.is_empty(), "{}", retailer.name);
            let terms = retailer.assortment.statement.as_ref().expect("a statement");
            assert!(
                retailer.slots.contains_key(&terms.plugin),
                "{}: [plugins.{}] reads its statement",
                retailer.name,
                terms.plugin
            );
        }
    }
}
