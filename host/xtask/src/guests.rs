//! Plugins that are no crates: how components in other languages are built and staged.
//!
//! Each language fetches its tools into the target folder and ends with [`crate::plugins::put`].

use crate::plugins::Plugin;
use crate::show;
use anyhow::Result;
use std::path::Path;

/// Builds and stages the plugins that are no crates.
pub fn stage(plugins: &[Plugin], _staged: &Path) -> Result<()> {
    for plugin in plugins {
        show::warn(&format!(
            "{} was not built: no language here builds it",
            plugin.name
        ));
    }
    Ok(())
}
