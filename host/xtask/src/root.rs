//! The folder of the repository.

use std::path::{Path, PathBuf};

/// This package, in the repository.
const PACKAGE: &str = "host/xtask/Cargo.toml";

/// Returns the root folder of the repository. A folder that is compiled in would be that of the original in a copy of the
/// checkout: Cargo names the package's folder when it runs this program; otherwise, the program itself or the working
/// directory is in the repository.
pub fn root() -> PathBuf {
    let package = std::env::var_os("CARGO_MANIFEST_DIR").map(PathBuf::from);
    let places = [std::env::current_exe(), std::env::current_dir()];
    let places: Vec<PathBuf> = places.into_iter().flatten().collect();
    repository(package.iter().chain(&places)).unwrap_or_else(|| ".".into())
}

/// The repository that contains the first of the places that are in one.
fn repository<'a>(mut places: impl Iterator<Item = &'a PathBuf>) -> Option<PathBuf> {
    places.find_map(|place| {
        let mut folders = place.ancestors();
        let root = folders.find(|folder| folder.join(PACKAGE).is_file());
        root.map(Path::to_owned)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::process::Command;

    /// Creates a folder that looks like a checkout.
    fn copied() -> tempfile::TempDir {
        let copy = tempfile::tempdir().expect("a folder");
        for file in [PACKAGE, "target/debug/xtask", "plugins/guest/src/lib.rs"] {
            let file = copy.path().join(file);
            std::fs::create_dir_all(file.parent().expect("a folder")).expect("a folder");
            std::fs::write(file, "").expect("written");
        }
        copy
    }

    #[test]
    fn the_first_place_in_a_repository_counts() {
        let (copy, other) = (copied(), copied());
        let at = |place: &str| copy.path().join(place);
        let outside = tempfile::tempdir().expect("a folder").path().to_owned();
        for place in ["host/xtask", "target/debug/xtask", "plugins/guest/src", ""] {
            let places = [outside.clone(), at(place), other.path().to_owned()];
            let found = repository(places.iter());
            assert_eq!(found.as_deref(), Some(copy.path()), "{place}");
        }
        assert_eq!(repository([outside].iter()), None);
    }

    /// Runs this test again as a program of the copy, as a copied checkout does.
    #[test]
    fn a_program_acts_on_the_checkout_that_contains_it() {
        const PRINT: &str = "XTASK_TEST_PRINT_ROOT";
        if std::env::var_os(PRINT).is_some() {
            std::fs::write(root().join("is-root"), "").expect("written");
            return;
        }
        assert!(root().join("Cargo.lock").is_file());
        let run = |program: &Path, change: &dyn Fn(&mut Command) -> &mut Command| {
            let mut command = Command::new(program);
            command.args([
                "--exact",
                "root::tests::a_program_acts_on_the_checkout_that_contains_it",
            ]);
            command.env(PRINT, "1").env_remove("CARGO_MANIFEST_DIR");
            let ran = change(&mut command).output().expect("the program");
            assert!(ran.status.success(), "{ran:?}");
        };
        let copy = copied();
        let result = copy.path().join("is-root");
        let this = std::env::current_exe().expect("this program");
        // Cargo runs it.
        run(&this, &|command| {
            command.env("CARGO_MANIFEST_DIR", copy.path().join("host/xtask"))
        });
        std::fs::remove_file(&result).expect("the copy is the root");
        // The copied program runs without Cargo, in another checkout.
        let program = copy.path().join("target/debug/xtask");
        std::fs::copy(this, &program).expect("copied");
        let other = copied();
        run(&program, &|command| command.current_dir(other.path()));
        std::fs::remove_file(&result).expect("the copy is the root");
    }
}
