//! Downloads the pinned tools to the target folder.

use super::Language;
use crate::process::{run, target, works};
use crate::show;
use anyhow::{Context, Result, bail};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

const COMPONENTIZE_JS: &str = include_str!("componentize.mjs");

/// Returns the tool with its version, in the notation of pip or npm.
pub(super) fn version(language: Language) -> &'static str {
    match language {
        Language::Python => "componentize-py==0.25.1",
        Language::JavaScript => "@bytecodealliance/componentize-js@0.23.0",
    }
}

/// Checks that the machine can run the tool.
pub(super) fn runtime(language: Language) -> Result<()> {
    let (installed, message) = match language {
        Language::Python => (
            works("python3", &["-c", "import venv, ensurepip"]),
            "Python 3 with venv is missing; run `apt-get install -y python3-venv`",
        ),
        Language::JavaScript => (
            works("node", &["--version"]) && works("npm", &["--version"]),
            "Node.js with npm is missing; run `apt-get install -y nodejs npm`",
        ),
    };
    match installed {
        true => Ok(()),
        false => bail!(message),
    }
}

/// Returns the folder of the tools. Downloads them if they are missing or a pin has changed.
pub(super) fn tools(language: Language) -> Result<PathBuf> {
    let (folder, version) = (folder(language), version(language));
    let stamp = folder.join("fetched");
    if !fs::read_to_string(&stamp).is_ok_and(|text| text == version) {
        show::line(&format!("    downloading {version}"));
        if folder.exists() {
            fs::remove_dir_all(&folder).with_context(|| folder.display().to_string())?;
        }
        fs::create_dir_all(&folder)?;
        fetch(language, &folder).with_context(|| format!("downloading {version}"))?;
        fs::write(stamp, version)?;
    }
    if language == Language::JavaScript {
        // The script imports the package from its own folder.
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
            // Without this file, npm would look for one in the parent folders.
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
