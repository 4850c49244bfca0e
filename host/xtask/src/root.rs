//! Where things are in the repository.

use std::path::{Path, PathBuf};

/// The repository's root.
pub fn root() -> PathBuf {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    // host/xtask stands two below it.
    here.ancestors().nth(2).unwrap_or(here).to_owned()
}
