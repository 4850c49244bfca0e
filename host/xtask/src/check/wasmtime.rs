//! Reports a newer patch of wasmtime, the sandbox of all plugins.

use crate::process::cargo;
use crate::show;

/// Warns if the registry has a newer patch of the pinned release, or if it cannot be reached.
pub fn check() {
    show::step("newest patch of wasmtime");
    let update = cargo()
        .args(["update", "--dry-run", "--package", "wasmtime"])
        .env("CARGO_TERM_COLOR", "never")
        .output();
    match update {
        Ok(update) if update.status.success() => {
            match newer(&String::from_utf8_lossy(&update.stderr)) {
                Some(newer) => show::warn(&format!(
                    "wasmtime {newer} is available: update the version in Cargo.toml and run `cargo update --package wasmtime`"
                )),
                None => show::line("    wasmtime is at its newest patch"),
            }
        }
        _ => show::warn("the newest patch of wasmtime is unknown: the registry cannot be reached"),
    }
}

/// Reads the newer version from the output of `cargo update`.
fn newer(output: &str) -> Option<&str> {
    let mut lines = output.lines().map(str::trim);
    let line = lines.find_map(|line| line.strip_prefix("Updating wasmtime v"))?;
    let (_, newer) = line.split_once(" -> v")?;
    newer.split_whitespace().next()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_version_after_the_arrow_is_newer() {
        let output = "    Updating registry index\n     Locking 2 packages to latest compatible versions\n    \
                      Updating wasmtime v48.0.8 -> v48.0.9\n    Updating wasmtime-environ v48.0.8 -> v48.0.9\n";
        assert_eq!(newer(output), Some("48.0.9"));
        assert_eq!(
            newer("     Locking 0 packages to latest compatible versions\n"),
            None
        );
        assert_eq!(
            newer("    Updating wasmtime-wasi v48.0.8 -> v48.0.9\n"),
            None
        );
    }
}
