//! The plugins of the repository, and the folder that the host loads them from.

use crate::root::root;
use crate::show;
use anyhow::{Context, Result, bail};
use serde::Deserialize;
use std::fs;
use std::path::{Path, PathBuf};

/// A plugin.
pub struct Plugin {
    /// The name of the plugin and its folder.
    pub name: String,
    pub folder: PathBuf,
    /// The file name of the component.
    pub component: PathBuf,
    /// The package, if the plugin is written in Rust.
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

/// Lists all plugins, sorted by name.
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

/// Copies the manifest and the component of a plugin to its folder under `staged`.
pub fn put(plugin: &Plugin, component: &Path, staged: &Path) -> Result<()> {
    let folder = staged.join(&plugin.name);
    fs::create_dir_all(&folder)?;
    if !component.is_file() {
        bail!(
            "{}: plugin.toml: component: the build did not create {}",
            plugin.name,
            plugin.component.display()
        );
    }
    // A rename does not disturb a host that is reading the old file.
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
