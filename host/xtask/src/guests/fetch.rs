//! The tools, pinned, in the target folder: once, and again when a pin changes.

use super::Language;
use crate::process::{run, target, works};
use crate::show;
use anyhow::{Context, Result, bail};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

const COMPONENTIZE_JS: &str = include_str!("componentize.mjs");

/// The tool and its version, as pip and npm write them.
pub(super) fn version(language: Language) -> &'static str {
    match language {
        Language::Python => "componentize-py==0.25.1",
        Language::JavaScript => "@bytecodealliance/componentize-js@0.23.0",
    }
}

/// Whether the machine has what runs the tool; the error names the one command that installs it.
pub(super) fn runtime(language: Language) -> Result<()> {
    let (there, install) = match language {
        Language::Python => (
            works("python3", &["-c", "import venv, ensurepip"]),
            "Python 3 with venv is missing; `apt-get install -y python3-venv` installs it",
        ),
        Language::JavaScript => (
            works("node", &["--version"]) && works("npm", &["--version"]),
            "Node.js with npm is missing; `apt-get install -y nodejs npm` installs it",
        ),
    };
    match there {
        true => Ok(()),
        false => bail!(install),
    }
}

/// The folder of the tools, fetched where they are not there yet.
pub(super) fn tools(language: Language) -> Result<PathBuf> {
    let (folder, version) = (folder(language), version(language));
    let fetched = folder.join("fetched");
    if !fs::read_to_string(&fetched).is_ok_and(|is| is == version) {
        show::line(&format!("    fetching {version}"));
        if folder.exists() {
            fs::remove_dir_all(&folder).with_context(|| folder.display().to_string())?;
        }
        fs::create_dir_all(&folder)?;
        fetch(language, &folder).with_context(|| format!("{version} could not be fetched"))?;
        fs::write(fetched, version)?;
    }
    if language == Language::JavaScript {
        // It finds the package beside itself.
        fs::write(folder.join("componentize.mjs"), COMPONENTIZE_JS)?;
    }
    Ok(folder)
}

fn folder(language: Language) -> PathBuf {
    target().join("tools").join(match language {
        Language::Python => "python",
        Language::JavaScript => "javascript",
    })
}

fn fetch(language: Language, folder: &Path) -> Result<()> {
    match language {
        Language::Python => {
            run(Command::new("python3").args(["-m", "venv"]).arg(folder))?;
            let quiet = ["install", "-q", "--disable-pip-version-check"];
            run(Command::new(folder.join("bin/pip"))
                .args(quiet)
                .arg(version(language)))
        }
        Language::JavaScript => {
            // Without one of its own, npm would look for a package.json further up.
            fs::write(folder.join("package.json"), "{ \"private\": true }\n")?;
            let quiet = [
                "install",
                "--no-audit",
                "--no-fund",
                "--loglevel=error",
                "--save-exact",
            ];
            run(Command::new("npm")
                .args(quiet)
                .arg(version(language))
                .current_dir(folder))
        }
    }
}
