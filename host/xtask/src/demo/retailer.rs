//! A retailer of the demo: its sample data, and the parts of its configuration that determine the results.

use anyhow::{Context, Result};
use galleria_domain::Store;
use galleria_simulator::assortment::Assortment;
use serde::Deserialize;
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

/// The directory of POSLOGs. A retailer with a grant for it writes one per event.
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

/// A plugin slot, as far as the demo needs it.
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

/// The CSV format of a slot.
#[derive(Clone, Default, Deserialize)]
pub struct Csv {
    pub delimiter: Option<char>,
    pub decimal_mark: Option<char>,
}

/// The directory that the host reads statements from.
#[derive(Clone, Deserialize)]
pub struct Pickup {
    pub directory: String,
}

/// The output of the runs of a slot.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Output {
    /// The report; none for the plain list of sale lines.
    Report(Option<String>),
    Settlement,
    Catalogue,
}

impl Retailer {
    /// Reads a retailer folder.
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

    /// Reads the sample day: one request per line.
    pub fn day(&self) -> Result<String> {
        self.sample("days", &format!("{}.jsonl", self.assortment.day.date))
    }

    /// Reads a sample file in the retailer folder.
    pub fn sample(&self, folder: &str, name: &str) -> Result<String> {
        let file = self.folder.join(folder).join(name);
        fs::read_to_string(&file).with_context(|| file.display().to_string())
    }

    /// Returns whether every event of its stores becomes a POSLOG.
    pub fn has_poslogs(&self) -> bool {
        let granted = |slot: &Slot| slot.grants.directories.iter().any(|name| name == POSLOG);
        self.slots.values().any(granted)
    }
}

impl Slot {
    /// Returns the output of its runs; none if it has no runs.
    pub fn output(&self) -> Option<Output> {
        let granted = |name: &str| self.grants.capabilities.iter().any(|other| other == name);
        if !granted("output") {
            return None;
        }
        Some(if granted("settlement") {
            Output::Settlement
        } else if granted("products") {
            Output::Catalogue
        } else {
            Output::Report(self.settings.report.clone())
        })
    }

    /// Returns its CSV format.
    pub fn csv(&self) -> Csv {
        self.settings.csv.clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sample_retailers_can_be_read() {
        for folder in crate::samples::retailers(None).expect("retailers") {
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
