//! The pickup directories of all retailers, and the files in them that no pickup takes.

use super::survey::{Survey, elsewhere, survey};
use crate::directories::Directories;
use cap_std::fs::Dir;
use galleria_domain::Pickup;
use galleria_ports::Error;
use galleria_ports::files::{PickupFiles, UntakenFile};
use galleria_ports::plugins::{Plugins, RetailerFolders};
use std::collections::BTreeSet;
use std::io;
use std::sync::Arc;
use std::time::SystemTime;

/// The pickup directories. Cheap to clone.
#[derive(Clone)]
pub struct PickupFolders {
    directories: Directories,
    plugins: Arc<dyn Plugins>,
}

impl PickupFolders {
    /// The folders of the active configuration.
    pub fn new(directories: Directories, plugins: Arc<dyn Plugins>) -> Self {
        Self {
            directories,
            plugins,
        }
    }

    /// The pickups of the active configuration.
    pub(super) fn pickups(&self) -> Vec<Pickup> {
        self.plugins.folders().pickups
    }

    /// Opens a retailer's folder in a directory, and sorts its files.
    pub(super) fn survey(
        &self,
        retailer: &str,
        directory: &str,
        pickups: &[Pickup],
    ) -> Result<(Dir, Survey), Error> {
        let failed = |doing: &str, error: io::Error| {
            Error::records(format!("{doing} {directory} of {retailer}"), error)
        };
        let folder = self.directories.folder(directory, retailer, "");
        let folder = folder.map_err(|error| failed("opening", error))?;
        let here = |one: &&Pickup| one.retailer == retailer && one.directory == directory;
        let pickups: Vec<&Pickup> = pickups.iter().filter(here).collect();
        let survey = survey(&folder, &pickups, now());
        let survey = survey.map_err(|error| failed("listing", error))?;
        Ok((folder, survey))
    }

    /// The files of a directory that are in no folder of a retailer with a pickup there.
    fn elsewhere(
        &self,
        directory: &str,
        folders: &RetailerFolders,
    ) -> Result<Vec<UntakenFile>, Error> {
        let here = folders
            .pickups
            .iter()
            .filter(|one| one.directory == directory);
        let retailers: BTreeSet<&str> = here.map(|one| one.retailer.as_str()).collect();
        let written = |retailer: &str| {
            let folder = (retailer.to_owned(), directory.to_owned());
            folders.outputs.contains(&folder)
        };
        let root = self.directories.parent(directory);
        let files = root.and_then(|root| elsewhere(root, &retailers, written, now()));
        let files = files.map_err(|error| Error::records(format!("listing {directory}"), error))?;
        let file = |(file, reason)| UntakenFile {
            retailer: String::new(),
            directory: directory.to_owned(),
            file,
            reason,
        };
        Ok(files.into_iter().map(file).collect())
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "times of files come from the system; tests give `survey` an instant"
)]
fn now() -> SystemTime {
    SystemTime::now()
}

impl PickupFiles for PickupFolders {
    fn untaken(&self) -> Vec<UntakenFile> {
        let folders = self.plugins.folders();
        let pickups = &folders.pickups;
        let surveyed = pickups.iter().map(|one| (&one.retailer, &one.directory));
        let surveyed: BTreeSet<_> = surveyed.collect();
        let mut untaken = Vec::new();
        for (retailer, directory) in surveyed {
            let file = |(file, reason)| UntakenFile {
                retailer: retailer.clone(),
                directory: directory.clone(),
                file,
                reason,
            };
            match self.survey(retailer, directory, pickups) {
                Ok((_, survey)) => untaken.extend(survey.untaken.into_iter().map(file)),
                Err(error) => untaken.push(file((".".to_owned(), error.chain()))),
            }
        }
        let directories: BTreeSet<&str> =
            pickups.iter().map(|one| one.directory.as_str()).collect();
        for directory in directories {
            match self.elsewhere(directory, &folders) {
                Ok(files) => untaken.extend(files),
                Err(error) => untaken.push(UntakenFile {
                    retailer: String::new(),
                    directory: directory.to_owned(),
                    file: ".".to_owned(),
                    reason: error.chain(),
                }),
            }
        }
        untaken
    }
}
