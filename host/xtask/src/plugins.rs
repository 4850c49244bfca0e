//! `cargo xtask plugins`: builds the plugins and copies them to the folder that the host loads.

use crate::prepare::WASM_TARGET;
use crate::process::{cargo, run, target};
use crate::staging::{Plugin, all, put};
use crate::{guests, show};
use anyhow::Result;
use std::path::PathBuf;

/// The profile of components in the Cargo.toml of the workspace.
const PROFILE: &str = "plugin";

/// Builds and stages all plugins. Returns the folder.
pub fn stage() -> Result<PathBuf> {
    let (crates, others): (Vec<Plugin>, Vec<Plugin>) = all()?
        .into_iter()
        .partition(|plugin| plugin.package.is_some());
    show::step("building the plugins");
    let mut build = cargo();
    build.args(["build", "--profile", PROFILE, "--target", WASM_TARGET]);
    for package in crates.iter().filter_map(|plugin| plugin.package.as_deref()) {
        build.args(["-p", package]);
    }
    run(&mut build)?;
    let staged = target().join("plugins");
    let built = target().join(WASM_TARGET).join(PROFILE);
    for plugin in &crates {
        put(plugin, &built.join(&plugin.component), &staged)?;
    }
    guests::stage(&others, &staged)?;
    Ok(staged)
}
