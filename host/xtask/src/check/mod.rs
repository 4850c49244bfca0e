//! `cargo xtask check`: formatting, names, import cycles, licences, advisories and lints.

mod cycles;
mod licences;
mod names;
mod source;

use crate::process::{cargo, read, run, target, works};
use crate::root::root;
use crate::show;
use anyhow::{Context as _, Result, bail};
use std::process::Command;

/// What to check.
#[derive(Debug, clap::Args)]
pub struct CheckArgs {
    /// List replaced names and import cycles, and succeed.
    #[arg(long)]
    report: bool,
}

/// Import cycles that are not resolved yet: folder and files. The list must only shrink.
const KNOWN_CYCLES: &[(&str, &[&str])] = &[];

/// Whether replaced names and import cycles fail the check.
const ENFORCED: bool = false;

/// Runs all checks, the fast ones first.
pub fn check(args: &CheckArgs) -> Result<()> {
    show::step("names and import cycles");
    let problems = problems()?;
    if args.report || ENFORCED {
        for problem in &problems {
            show::line(&format!("    {problem}"));
        }
    }
    show::line(&format!("    {} problems", problems.len()));
    if args.report {
        return Ok(());
    }
    if ENFORCED && !problems.is_empty() {
        bail!("{} problems with names and imports", problems.len());
    }
    show::step("formatting");
    run(cargo().args(["fmt", "--all", "--check"]))?;
    licences()?;
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

/// Returns the replaced names and the new import cycles.
fn problems() -> Result<Vec<String>> {
    let root = root();
    let mut problems: Vec<String> = names::find(&root)?
        .iter()
        .map(ToString::to_string)
        .collect();
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
                let files = files.join("\n        ");
                problems.push(format!("files that import each other:\n        {files}"));
            }
        }
    }
    Ok(problems)
}

/// Returns whether all files of a cycle belong to one known cycle.
fn is_known(files: &[String]) -> bool {
    KNOWN_CYCLES.iter().any(|(folder, known)| {
        files.iter().all(|file| {
            let name = file.strip_prefix(folder).unwrap_or_default();
            known.contains(&name.trim_start_matches('/'))
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
/// Without cargo-deny only the licences are checked, by [`licences`]: compiling cargo-deny takes longer
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
