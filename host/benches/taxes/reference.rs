//! The FastAPI service, in a virtual environment in the target folder.

use super::Target;
use crate::serving::{Process, output_of};
use anyhow::{Result, bail};
use serde_json::Value;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

const REQUIREMENTS: &str = include_str!("requirements.txt");

/// The running service.
pub struct Reference {
    process: Process,
    client: reqwest::Client,
    url: String,
    request: Value,
    _folder: tempfile::TempDir,
}

/// Returns the virtual environment. Installs it if it is missing or a version has changed.
fn environment(sources: &Path) -> Result<PathBuf> {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("fastapi");
    let stamp = folder.join("installed");
    if std::fs::read_to_string(&stamp).is_ok_and(|text| text == REQUIREMENTS) {
        return Ok(folder);
    }
    let create = ["-m", "venv", "--clear"];
    output_of(Command::new("python3").args(create).arg(&folder))?;
    let mut pip = Command::new(folder.join("bin/pip"));
    pip.args(["install", "-q", "--disable-pip-version-check", "-r"]);
    output_of(pip.arg(sources.join("requirements.txt")))?;
    std::fs::write(stamp, REQUIREMENTS)?;
    Ok(folder)
}

impl Reference {
    /// Starts the service with a table, and waits until it evaluates the request.
    pub async fn start(table: &str, request: &Value) -> Result<Self> {
        let sources = Path::new(env!("CARGO_MANIFEST_DIR")).join("benches/taxes");
        let environment = environment(&sources)?;
        let folder = tempfile::tempdir()?;
        let file = folder.path().join("table.csv");
        std::fs::write(&file, table)?;
        let port = std::net::TcpListener::bind("127.0.0.1:0")?.local_addr()?;
        let port = port.port().to_string();
        let mut uvicorn = Command::new(environment.join("bin/uvicorn"));
        uvicorn
            .args(["service:app", "--no-access-log", "--log-level", "warning"])
            .args(["--port", &port, "--app-dir"])
            .arg(sources)
            .env("TAX_TABLE", &file)
            .env("PYTHONDONTWRITEBYTECODE", "1");
        let reference = Self {
            process: Process::start(&mut uvicorn)?,
            client: reqwest::Client::new(),
            url: format!("http://127.0.0.1:{port}/v1/taxes/evaluate"),
            request: request.clone(),
            _folder: folder,
        };
        for _ in 0..300 {
            if reference.evaluate().await.is_ok() {
                return Ok(reference);
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        bail!("the FastAPI service does not start")
    }
}

#[async_trait::async_trait]
impl Target for Reference {
    fn process(&self) -> &Process {
        &self.process
    }

    async fn evaluate(&self) -> Result<Vec<String>> {
        let request = self.client.post(&self.url).json(&self.request);
        super::taxes_of(&request.send().await?.error_for_status()?.bytes().await?)
    }
}
