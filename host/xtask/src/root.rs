//! The folder of the repository.

use std::path::{Path, PathBuf};

/// Returns the root folder of the repository.
pub fn root() -> PathBuf {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    // This package is in host/xtask.
    here.ancestors().nth(2).unwrap_or(here).to_owned()
}
