//! `cargo xtask check`: formatting, names, import cycles, licences, advisories, the newest patch of wasmtime and
//! lints.

mod cycles;
mod graph;
mod licences;
mod names;
mod source;
mod wasmtime;

use crate::process::{cargo, read, run, target, works};
use crate::root::root;
use crate::show;
use anyhow::{Context as _, Result, bail};
use std::process::Command;

/// What to check.
#[derive(Debug, clap::Args)]
pub struct CheckArgs {
    /// List replaced names and import cycles, and succeed
    #[arg(long)]
    report: bool,
}

/// Import cycles that are not resolved yet: folder and files. The list must only shrink.
const KNOWN_CYCLES: &[(&str, &[&str])] = &[
    ("host/crates/config/src", &["encoding.rs", "secrets.rs"]),
    ("plugins/desigual-reports/src", &["facts.rs", "table.rs"]),
    (
        "plugins/flying-tiger/src",
        &["lines.rs", "retail.rs", "taxes.rs", "tenders.rs"],
    ),
    ("sdk/rust/src", &["context.rs", "points.rs", "settings.rs"]),
    ("sdk/rust/src", &["testkit/double.rs", "testkit/host.rs"]),
];

/// Runs all checks, the fast ones first.
pub fn check(args: &CheckArgs) -> Result<()> {
    show::step("names and import cycles");
    let names = names::find(&root())?;
    let cycles = new_cycles()?;
    for name in &names {
        show::line(&format!("    {name}"));
    }
    for cycle in &cycles {
        show::line(&format!(
            "    files that import each other:\n        {cycle}"
        ));
    }
    show::line(&format!(
        "    {} replaced names, {} new import cycles",
        names.len(),
        cycles.len()
    ));
    if args.report {
        return Ok(());
    }
    if !cycles.is_empty() || !names.is_empty() {
        bail!("replaced names or import cycles; see above");
    }
    show::step("formatting");
    run(cargo().args(["fmt", "--all", "--check"]))?;
    licences()?;
    wasmtime::check();
    show::step("lints");
    // One command for all packages, so that dependencies are compiled once, with one set of features.
    // The guests compile for WebAssembly only.
    run(cargo()
        .args(["clippy", "--quiet", "--workspace", "--exclude", GUESTS])
        .args(["--all-targets", "--", "-D", "warnings"]))
}

/// Builds the documentation of all packages. Warnings, such as broken links, are errors.
pub fn documentation() -> Result<()> {
    let flags = std::env::var("RUSTDOCFLAGS").unwrap_or_default();
    run(cargo()
        .args([
            "doc",
            "--quiet",
            "--no-deps",
            "--workspace",
            "--exclude",
            GUESTS,
        ])
        .env("RUSTDOCFLAGS", format!("{flags} -D warnings")))
}

/// The package with the test components.
pub const GUESTS: &str = "engine-guests";

/// Returns the files of each import cycle that is not known.
fn new_cycles() -> Result<Vec<String>> {
    let root = root();
    let mut new = Vec::new();
    for crate_root in crate_roots()? {
        for cycle in cycles::find(&crate_root)? {
            let files: Vec<String> = cycle
                .iter()
                .map(|file| {
                    file.strip_prefix(&root)
                        .unwrap_or(file)
                        .display()
                        .to_string()
                })
                .collect();
            if !is_known(&files) {
                new.push(files.join("\n        "));
            }
        }
    }
    Ok(new)
}

/// Returns whether all files of a cycle belong to one known cycle.
fn is_known(files: &[String]) -> bool {
    KNOWN_CYCLES.iter().any(|(folder, known)| {
        files.iter().all(|file| {
            let name = file
                .strip_prefix(folder)
                .and_then(|rest| rest.strip_prefix('/'));
            name.is_some_and(|name| known.contains(&name))
        })
    })
}

/// `lib.rs` and `main.rs` of all packages in the workspace.
fn crate_roots() -> Result<Vec<std::path::PathBuf>> {
    let metadata = read(cargo().args(["metadata", "--format-version", "1", "--no-deps"]))?;
    let metadata: serde_json::Value = serde_json::from_str(&metadata)?;
    let packages = metadata["packages"].as_array().context("packages")?;
    let targets = packages
        .iter()
        .filter_map(|package| package["targets"].as_array())
        .flatten();
    let sources = targets.filter_map(|target| target["src_path"].as_str());
    let roots =
        sources.filter(|path| path.ends_with("/src/lib.rs") || path.ends_with("/src/main.rs"));
    Ok(roots.map(Into::into).collect())
}

/// Checks licences, and advisories if their database can be fetched, with cargo-deny.
///
/// Without cargo-deny only the licences are checked, by [`mod@licences`]: compiling cargo-deny takes longer
/// than all tests.
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
            "advisories not checked: cargo-deny is missing; \
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
        show::warn("advisories not checked: their database could not be fetched");
        Ok(())
    }
}
