//! Builds and stages the components in Python and JavaScript.
//!
//! Their tools are pinned and downloaded to the target folder when such a plugin is built. A component is
//! built again only if one of its inputs has changed.

mod fetch;
mod generate;
mod sources;

use crate::process::{run, strict, target};
use crate::root::root;
use crate::show;
use crate::staging::{Plugin, put};
use anyhow::{Context, Result, bail};
use sources::Sources;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// A language whose components are built by its own tool.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Language {
    Python,
    JavaScript,
}

impl Language {
    /// Returns the language of the source file.
    fn of(folder: &Path) -> Result<Self> {
        match (
            folder.join("plugin.py").is_file(),
            folder.join("plugin.js").is_file(),
        ) {
            (true, false) => Ok(Self::Python),
            (false, true) => Ok(Self::JavaScript),
            _ => bail!(
                "{}: must have exactly one of Cargo.toml, plugin.py and plugin.js",
                folder.display()
            ),
        }
    }

    /// Returns the extension of source files and the folder of the SDK.
    fn sources(self) -> (&'static str, &'static str) {
        match self {
            Self::Python => ("py", "sdk/python/galleria_sdk"),
            Self::JavaScript => ("js", "sdk/javascript"),
        }
    }
}

/// Builds and stages the plugins that are not packages of cargo. If Python or Node.js is missing, prints what
/// to install and skips them, or fails in strict mode.
pub fn stage(plugins: &[Plugin], staged: &Path) -> Result<()> {
    for plugin in plugins {
        let language = Language::of(&plugin.folder)?;
        if let Err(missing) = fetch::runtime(language) {
            if strict() {
                return Err(missing);
            }
            show::warn(&format!("{} not built: {missing}", plugin.name));
            continue;
        }
        let component =
            build(plugin, language).with_context(|| format!("building {}", plugin.name))?;
        put(plugin, &component, staged)?;
    }
    Ok(())
}

/// Runs the tests of the SDKs for Python and JavaScript.
pub fn test() -> Result<()> {
    for language in [Language::Python, Language::JavaScript] {
        if let Err(missing) = fetch::runtime(language) {
            if strict() {
                return Err(missing);
            }
            show::warn(&format!("SKIPPED: {missing}"));
            continue;
        }
        let mut tests = match language {
            Language::Python => Command::new("python3"),
            Language::JavaScript => Command::new("node"),
        };
        match language {
            Language::Python => tests.args(["-B", "-m", "unittest", "discover", "-q", "tests"]),
            Language::JavaScript => tests.args(["--test", "--test-reporter=dot"]),
        };
        let sdk = match language {
            Language::Python => "sdk/python",
            Language::JavaScript => "sdk/javascript",
        };
        run(tests.current_dir(root().join(sdk)))?;
    }
    Ok(())
}

/// Builds a plugin if one of its inputs has changed. Returns the path of its component.
fn build(plugin: &Plugin, language: Language) -> Result<PathBuf> {
    let manifest = generate::Manifest::read(&plugin.folder)?;
    let (extension, sdk) = language.sources();
    let mut sources = Sources::default();
    sources.folder(
        &root().join(format!("wit/v{}", manifest.contract)),
        "wit/deps/retail",
        "wit",
    )?;
    sources.text("wit/world.wit", manifest.world(language));
    if language == Language::JavaScript {
        sources.text("wit/deps/cli/exit.wit", generate::exit());
    }
    sources.folder(&root().join(sdk), sdk, extension)?;
    sources.folder(
        &plugin.folder,
        &format!("plugins/{}", plugin.name),
        extension,
    )?;
    let main = match language {
        Language::Python => sources.text("component.py", manifest.python()?),
        Language::JavaScript => sources.text("component.js", manifest.javascript(&plugin.name)?),
    };
    sources.text("tools", fetch::version(language).to_owned());
    sources.text("stamp", manifest.stamp(language));

    let folder = target().join("guests").join(&plugin.name);
    let (component, built_from) = (folder.join("component.wasm"), folder.join("built-from"));
    let digest = sources.digest();
    if component.is_file() && fs::read_to_string(&built_from).is_ok_and(|text| text == digest) {
        return Ok(component);
    }
    show::step(&format!("building {} ({language:?})", plugin.name));
    let _ = fs::remove_file(&built_from);
    let build_folder = folder.join("sources");
    sources.write(&build_folder)?;
    let unstamped = folder.join("unstamped.wasm");
    let tools = fetch::tools(language)?;
    match language {
        Language::Python => run(Command::new(tools.join("bin/componentize-py"))
            .args([
                "-q",
                "-d",
                "wit",
                "-w",
                generate::WORLD,
                "componentize",
                &main,
            ])
            .args(["-p", ".", "-p", "sdk/python"])
            .args(["-p", &format!("plugins/{}", plugin.name), "-o"])
            .arg(&unstamped)
            // Only the modules in this folder, whatever virtual environment is active.
            .env("VIRTUAL_ENV", &tools)
            .current_dir(&build_folder))?,
        Language::JavaScript => run(Command::new("node")
            .arg(tools.join("componentize.mjs"))
            .args([main.as_str(), "wit", generate::WORLD])
            .arg(&unstamped)
            .current_dir(&build_folder))?,
    }
    let mut bytes = fs::read(&unstamped)?;
    generate::push_section(
        &mut bytes,
        "galleria:plugin",
        manifest.stamp(language).as_bytes(),
    );
    fs::write(&component, bytes)?;
    fs::remove_file(&unstamped)?;
    fs::write(&built_from, digest)?;
    Ok(component)
}
