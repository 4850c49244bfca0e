//! The Python tools, pinned with their digests, in a virtual environment in the target folder; and the
//! client that one of them generates from the document.

use crate::process::{run, target, works};
use crate::root::root;
use crate::show;
use anyhow::{Context, Result, bail};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

const REQUIREMENTS: &str = include_str!("requirements.txt");

/// Checks that Python can run the tools.
pub fn runtime() -> Result<()> {
    if works("python3", &["-c", "import venv, ensurepip"]) {
        return Ok(());
    }
    bail!("Python 3 with venv is missing; run `apt-get install -y python3-venv`")
}

/// Returns the virtual environment. Installs it if it is missing or a pin has changed.
pub fn install() -> Result<PathBuf> {
    let folder = target().join("tools/api");
    let stamp = folder.join("fetched");
    if fs::read_to_string(&stamp).is_ok_and(|text| text == REQUIREMENTS) {
        return Ok(folder);
    }
    show::step("installing schemathesis and openapi-python-client");
    if folder.exists() {
        fs::remove_dir_all(&folder).with_context(|| folder.display().to_string())?;
    }
    run(Command::new("python3").args(["-m", "venv"]).arg(&folder))?;
    let mut pip = Command::new(folder.join("bin/pip"));
    pip.args(["install", "-q", "--disable-pip-version-check"])
        .args(["--require-hashes", "-r"])
        .arg(root().join("host/xtask/src/api/requirements.txt"));
    run(&mut pip)?;
    fs::write(stamp, REQUIREMENTS)?;
    Ok(folder)
}

/// Generates a client from the document, and places and pays an order with it.
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
    check(&mut generate).await?;
    let mut example = tokio::process::Command::new(tools.join("bin/python"));
    example
        .arg("-B")
        .arg(here.join("client.py"))
        .arg(url)
        .args(headers);
    example.env("PYTHONPATH", folder.join("client"));
    check(&mut example).await
}

/// Runs a command. The error contains its output.
async fn check(command: &mut tokio::process::Command) -> Result<()> {
    let output = command
        .stdin(Stdio::null())
        .kill_on_drop(true)
        .output()
        .await?;
    if !output.status.success() {
        let text = [output.stdout, output.stderr].concat();
        let text = String::from_utf8_lossy(&text).into_owned();
        bail!("generated client: {}:\n{text}", output.status);
    }
    Ok(())
}
