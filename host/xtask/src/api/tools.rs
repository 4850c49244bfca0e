//! The tools, pinned with their digests, in a virtual environment under the target folder; and the
//! client that one of them makes from the document.

use crate::process::{run, target, works};
use crate::root::root;
use crate::show;
use anyhow::{Context, Result, bail};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

const REQUIREMENTS: &str = include_str!("requirements.txt");

/// Whether the machine has what runs them; the error names the one command that installs it.
pub fn runtime() -> Result<()> {
    if works("python3", &["-c", "import venv, ensurepip"]) {
        return Ok(());
    }
    bail!("Python 3 with venv is missing; `apt-get install -y python3-venv` installs it")
}

/// The virtual environment, made where it is not there, and again when a pin changes.
pub fn fetched() -> Result<PathBuf> {
    let folder = target().join("tools/api");
    let fetched = folder.join("fetched");
    if fs::read_to_string(&fetched).is_ok_and(|is| is == REQUIREMENTS) {
        return Ok(folder);
    }
    show::step("fetching schemathesis and openapi-python-client");
    if folder.exists() {
        fs::remove_dir_all(&folder).with_context(|| folder.display().to_string())?;
    }
    run(Command::new("python3").args(["-m", "venv"]).arg(&folder))?;
    let mut pip = Command::new(folder.join("bin/pip"));
    pip.args(["install", "-q", "--disable-pip-version-check"])
        .args(["--require-hashes", "-r"])
        .arg(root().join("host/xtask/src/api/requirements.txt"));
    run(&mut pip)?;
    fs::write(fetched, REQUIREMENTS)?;
    Ok(folder)
}

/// Makes a client from the document that a host serves, and does with it what a till does.
pub async fn client(tools: &Path, folder: &Path, url: &str, headers: &[String]) -> Result<()> {
    let here = root().join("host/xtask/src/api");
    let package = folder.join("client/galleria_client");
    let mut generate = tokio::process::Command::new(tools.join("bin/openapi-python-client"));
    generate
        .args(["generate", "--meta", "none", "--overwrite", "--path"])
        .arg(folder.join("openapi.json"))
        .arg("--config")
        .arg(here.join("client.yml"))
        .arg("--output-path")
        .arg(&package);
    fs::create_dir_all(folder.join("client"))?;
    told(&mut generate).await?;
    let mut used = tokio::process::Command::new(tools.join("bin/python"));
    used.arg("-B")
        .arg(here.join("client.py"))
        .arg(url)
        .args(headers);
    used.env("PYTHONPATH", folder.join("client"));
    told(&mut used).await
}

/// Runs it; what it said is told where it failed.
async fn told(command: &mut tokio::process::Command) -> Result<()> {
    let output = command
        .stdin(Stdio::null())
        .kill_on_drop(true)
        .output()
        .await?;
    if !output.status.success() {
        let said = [output.stdout, output.stderr].concat();
        let said = String::from_utf8_lossy(&said).into_owned();
        bail!("the generated client: {}:\n{said}", output.status);
    }
    Ok(())
}
