//! Rights by name.

use galleria_domain::plugin::Rights;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Rights that a plugin requests or was granted, by name. Secrets appear with name and permitted use.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct RightsView {
    /// Capabilities that it may call.
    pub capabilities: Vec<String>,
    /// Directories for its files.
    pub directories: Vec<String>,
    /// Topics of its events.
    pub topics: Vec<String>,
    /// Targets of its requests.
    pub targets: Vec<String>,
    /// Names of secrets, each with `decrypt`, `encrypt` or `mac`.
    pub secrets: BTreeMap<String, Vec<String>>,
    /// Whether it may queue receipts.
    pub receipts: bool,
}

pub(crate) fn rights(rights: Rights) -> RightsView {
    let Rights {
        capabilities,
        directories,
        topics,
        targets,
        secrets,
        receipts,
    } = rights;
    RightsView {
        capabilities: capabilities.iter().map(ToString::to_string).collect(),
        directories: directories.into_iter().collect(),
        topics: topics.into_iter().collect(),
        targets: targets.into_iter().collect(),
        secrets: secrets
            .into_iter()
            .map(|(name, may)| (name, may.iter().map(ToString::to_string).collect()))
            .collect(),
        receipts,
    }
}
