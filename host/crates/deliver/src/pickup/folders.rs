//! The pickup directories of all retailers, and the files in them that no pickup takes.

use super::survey::{Survey, survey};
use crate::directories::Directories;
use cap_std::fs::Dir;
use galleria_domain::Pickup;
use galleria_ports::Error;
use galleria_ports::files::{PickupFiles, UntakenFile};
use std::collections::BTreeSet;
use std::io;
use std::sync::Arc;
use std::time::SystemTime;

/// The pickup directories. Cheap to clone.
#[derive(Clone)]
pub struct PickupFolders {
    directories: Directories,
    pickups: Arc<[Pickup]>,
}

impl PickupFolders {
    /// The directories of these pickups.
    pub fn new(directories: Directories, pickups: Vec<Pickup>) -> Self {
        Self {
            directories,
            pickups: pickups.into(),
        }
    }

    /// The pickups.
    pub(super) fn pickups(&self) -> Arc<[Pickup]> {
        Arc::clone(&self.pickups)
    }

    /// Opens a retailer's folder in a directory, and sorts its files.
    pub(super) fn survey(&self, retailer: &str, directory: &str) -> Result<(Dir, Survey), Error> {
        let failed = |doing: &str, error: io::Error| {
            Error::records(format!("{doing} {directory} of {retailer}"), error)
        };
        let folder = self.directories.folder(directory, retailer);
        let folder = folder.map_err(|error| failed("opening", error))?;
        let here = |one: &&Pickup| one.retailer == retailer && one.directory == directory;
        let pickups: Vec<&Pickup> = self.pickups.iter().filter(here).collect();
        #[expect(
            clippy::disallowed_methods,
            reason = "times of files come from the system; tests give `survey` an instant"
        )]
        let now = SystemTime::now();
        let survey = survey(&folder, &pickups, now);
        let survey = survey.map_err(|error| failed("listing", error))?;
        Ok((folder, survey))
    }
}

impl PickupFiles for PickupFolders {
    fn untaken(&self) -> Result<Vec<UntakenFile>, Error> {
        let folders = self
            .pickups
            .iter()
            .map(|one| (&one.retailer, &one.directory));
        let folders: BTreeSet<_> = folders.collect();
        let mut untaken = Vec::new();
        for (retailer, directory) in folders {
            let (_, survey) = self.survey(retailer, directory)?;
            let files = survey.untaken.into_iter();
            untaken.extend(files.map(|(file, reason)| UntakenFile {
                retailer: retailer.clone(),
                directory: directory.clone(),
                file,
                reason,
            }));
        }
        Ok(untaken)
    }
}
