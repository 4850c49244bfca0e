//! `cargo xtask check`: formatting, lints, licences and advisories.

use crate::process::{cargo, read, run, target, works};
use crate::root::root;
use crate::{licences, plugins, show};
use anyhow::Result;
use std::process::Command;

/// All of them, the cheap ones first.
pub fn check() -> Result<()> {
    show::step("formatting");
    run(cargo().args(["fmt", "--all", "--check"]))?;
    licences()?;
    show::step("lints");
    let lints = ["--all-targets", "--", "-D", "warnings"];
    run(cargo().args(["clippy", "--quiet"]).args(lints))?;
    // Natively as well: that is how their authors test them.
    let mut clippy = cargo();
    clippy.args(["clippy", "--quiet"]);
    for package in plugins::packages()? {
        clippy.args(["-p", &package]);
    }
    run(clippy.args(lints))
}

/// cargo-deny where there is one: licences, and advisories where their database can be had.
/// Otherwise our own reading of the licences: building cargo-deny takes longer than all our tests.
fn licences() -> Result<()> {
    show::step("licences and advisories");
    let tools = target().join("tools/bin/cargo-deny");
    let tools = tools.to_string_lossy().into_owned();
    let deny = ["cargo-deny", &tools]
        .into_iter()
        .find(|program| works(program, &["--version"]));
    let Some(deny) = deny else {
        let metadata = read(cargo().args(["metadata", "--format-version", "1", "--locked"]))?;
        let count = licences::check(&metadata, &root().join(".cargo/deny.toml"))?;
        show::line(&format!(
            "    licences: {count} crates, all allowed by .cargo/deny.toml"
        ));
        show::warn(
            "advisories: not checked, cargo-deny is missing; \
             `cargo install --locked --root target/tools cargo-deny` installs it",
        );
        return Ok(());
    };
    let check = |what: &[&str]| {
        let mut command = Command::new(deny);
        command.current_dir(root()).arg("check").args(what);
        command
    };
    run(&mut check(&["licenses", "bans", "sources"]))?;
    if works(deny, &["fetch", "db"]) {
        run(&mut check(&["--disable-fetch", "advisories"]))
    } else {
        show::warn("advisories: not checked, their database could not be had");
        Ok(())
    }
}
