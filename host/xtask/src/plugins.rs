//! `cargo xtask plugins`: compiles the plugins and puts each where the host looks for it.

use crate::prepare::WASM_TARGET;
use crate::process::{cargo, run, target};
use crate::root::root;
use crate::show;
use anyhow::{Context, Result, bail};
use serde::Deserialize;
use std::fs;
use std::path::{Path, PathBuf};

/// The profile of components, in the root's Cargo.toml.
const PROFILE: &str = "plugin";

/// A plugin's folder.
pub struct Plugin {
    /// The folder's name, and the plugin's.
    pub name: String,
    pub folder: PathBuf,
    /// The component's file name.
    pub component: PathBuf,
    /// The crate, where it is one.
    pub package: Option<String>,
}

#[derive(Deserialize)]
struct Manifest {
    component: PathBuf,
}

#[derive(Deserialize)]
struct CargoManifest {
    package: Package,
}

#[derive(Deserialize)]
struct Package {
    name: String,
}

/// All plugins, by name.
pub fn all() -> Result<Vec<Plugin>> {
    let folder = root().join("plugins");
    let mut plugins = Vec::new();
    for entry in fs::read_dir(&folder).with_context(|| folder.display().to_string())? {
        let entry = entry?;
        let folder = entry.path();
        if !folder.join("plugin.toml").is_file() {
            continue;
        }
        let Manifest { component } = read(&folder.join("plugin.toml"))?;
        let cargo = folder.join("Cargo.toml");
        let package = match cargo.is_file() {
            true => Some(read::<CargoManifest>(&cargo)?.package.name),
            false => None,
        };
        plugins.push(Plugin {
            name: entry.file_name().to_string_lossy().into_owned(),
            folder,
            component,
            package,
        });
    }
    plugins.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(plugins)
}

/// The crates among them.
pub fn packages() -> Result<Vec<String>> {
    Ok(all()?
        .into_iter()
        .filter_map(|plugin| plugin.package)
        .collect())
}

/// Compiles and stages all of them; answers where.
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
    crate::guests::stage(&others, &staged)?;
    Ok(staged)
}

/// Puts a plugin's manifest and component into its folder under `staged`.
pub fn put(plugin: &Plugin, component: &Path, staged: &Path) -> Result<()> {
    let folder = staged.join(&plugin.name);
    fs::create_dir_all(&folder)?;
    if !component.is_file() {
        bail!(
            "{}: plugin.toml names the component {}, which the build did not make",
            plugin.name,
            plugin.component.display()
        );
    }
    // A host may be reading the old one: it keeps what it opened.
    let temporary = folder.join(".component");
    let size = fs::copy(component, &temporary).with_context(|| component.display().to_string())?;
    fs::rename(&temporary, folder.join(&plugin.component))?;
    fs::copy(
        plugin.folder.join("plugin.toml"),
        folder.join("plugin.toml"),
    )?;
    show::line(&format!("    {}: {} KiB", plugin.name, size.div_ceil(1024)));
    Ok(())
}

fn read<T: serde::de::DeserializeOwned>(file: &Path) -> Result<T> {
    let text = fs::read_to_string(file).with_context(|| file.display().to_string())?;
    toml::from_str(&text).with_context(|| file.display().to_string())
}
