//! The folder of the repository.

use std::path::{Path, PathBuf};

/// Returns the root folder of the repository. Cargo states the package's folder when it runs this program;
/// the compiled-in folder is wrong in a copy of the checkout.
pub fn root() -> PathBuf {
    let here = std::env::var_os("CARGO_MANIFEST_DIR").map(PathBuf::from);
    let here = here.unwrap_or_else(|| env!("CARGO_MANIFEST_DIR").into());
    repository_of(&here)
}

/// This package is in host/xtask.
fn repository_of(package: &Path) -> PathBuf {
    package.ancestors().nth(2).unwrap_or(package).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_package_is_two_folders_below_the_repository() {
        let copy = Path::new("/tmp/copy/host/xtask");
        assert_eq!(repository_of(copy), Path::new("/tmp/copy"));
        assert!(root().join("Cargo.lock").is_file());
    }
}
