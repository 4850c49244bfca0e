//! The host as a process of its own, in a fresh folder.

use crate::process::target;
use crate::root::root;
use anyhow::{Context, Result, bail};
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::{Duration, Instant};
use tokio::process::{Child, Command};

/// Compiling all components for the first time takes seconds on a small machine; a minute is never.
const READY_WITHIN: Duration = Duration::from_secs(120);

/// The host finishes what it has in hand before it stops.
const STOPPED_WITHIN: Duration = Duration::from_secs(40);

/// A running host. Dropping it ends the process.
pub struct Host {
    child: Child,
    /// `http://127.0.0.1:port`.
    pub url: String,
    /// A key of it, for everything.
    pub key: String,
    pub log: PathBuf,
}

impl Host {
    /// Starts it on SQLite and the embedded log, with everything it writes under `folder`.
    ///
    /// `settings` are set over these.
    pub async fn start(
        folder: &Path,
        staged: &Path,
        env: &[(String, String)],
        settings: &[(&str, String)],
    ) -> Result<Self> {
        let data = folder.join("data");
        fs::create_dir_all(&data)?;
        let log = folder.join("host.log");
        let out = File::create(&log)?;
        let galleria = |word: &[&str]| {
            let mut command = Command::new(target().join("debug/galleria"));
            command.args(word).current_dir(root());
            set(&mut command, &data, staged, settings);
            command.envs(env.iter().map(|(name, value)| (name, value)));
            command.stdin(Stdio::null()).kill_on_drop(true);
            command
        };
        let mut command = galleria(&["serve"]);
        command.stdout(out.try_clone()?).stderr(out);
        let mut child = command.spawn().context("starting target/debug/galleria")?;
        let begun = Instant::now();
        let address = data.join("http.addr");
        loop {
            if let Ok(text) = fs::read_to_string(&address) {
                let url = format!("http://{}", text.trim());
                let key = key(galleria(&["key", "create"])).await?;
                return Ok(Self {
                    child,
                    url,
                    key,
                    log,
                });
            }
            if let Some(status) = child.try_wait()? {
                bail!("the host ended with {status}:\n{}", tail(&log));
            }
            if begun.elapsed() > READY_WITHIN {
                bail!(
                    "the host does not listen after {READY_WITHIN:?}:\n{}",
                    tail(&log)
                );
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    /// Tells it to stop, as an operator would, and waits for its drain.
    pub async fn stop(mut self) -> Result<()> {
        let id = self
            .child
            .id()
            .context("the host ended before it was told to")?;
        let told = Command::new("kill")
            .arg("-TERM")
            .arg(id.to_string())
            .status()
            .await?;
        if !told.success() {
            bail!("the host could not be told to stop");
        }
        self.ended().await
    }

    /// Waits until it has drained. Ctrl-C reaches it as well as us.
    pub async fn ended(&mut self) -> Result<()> {
        let ended = tokio::time::timeout(STOPPED_WITHIN, self.child.wait()).await;
        let status =
            ended.with_context(|| format!("the host still runs:\n{}", tail(&self.log)))??;
        if !status.success() {
            bail!("the host ended with {status}:\n{}", tail(&self.log));
        }
        Ok(())
    }
}

/// Where it keeps what it writes, where its plugins are, and what else is set; nothing of the person's
/// own host reaches it.
fn set(command: &mut Command, data: &Path, staged: &Path, settings: &[(&str, String)]) {
    for (key, value) in [
        ("data", data.to_string_lossy()),
        ("plugins", staged.to_string_lossy()),
        ("http.listen", "127.0.0.1:0".into()),
        // One client stands for every till, and they ring up a day in seconds.
        ("http.rate.burst", "0".into()),
        ("http.connections_per_client", "0".into()),
        ("database.url", "sqlite://{data}/galleria.db".into()),
    ] {
        command.arg("--set").arg(format!("{key}={value}"));
    }
    for (key, value) in settings {
        command.arg("--set").arg(format!("{key}={value}"));
    }
    for (name, _) in std::env::vars_os() {
        let text = name.to_string_lossy();
        if text.starts_with("GALLERIA_") || text.starts_with("MPAY_") {
            command.env_remove(&name);
        }
    }
}

/// The name of the key that we make.
pub const KEY: &str = "xtask";

/// A key for everything, as an operator makes the first one: beside the host that serves.
pub async fn key(mut create: Command) -> Result<String> {
    create.args(["--name", KEY, "--scope", "admin", "--everywhere"]);
    create.args(["--actor", "xtask", "--reason", "to look at everything"]);
    let made = create.output().await.context("galleria key create")?;
    if !made.status.success() {
        let said = String::from_utf8_lossy(&made.stderr);
        bail!("no key was made: {}\n{said}", made.status);
    }
    Ok(String::from_utf8(made.stdout)?.trim().to_owned())
}

/// What an operator would read first: the last lines of the log that are no routine.
pub fn tail(log: &Path) -> String {
    let text = fs::read_to_string(log).unwrap_or_default();
    let routine = |line: &&str| line.contains("\"INFO\"") || line.contains("\"DEBUG\"");
    let lines: Vec<&str> = text.lines().filter(|line| !routine(line)).collect();
    let last = lines[lines.len().saturating_sub(20)..].join("\n");
    format!("{last}\n(all of it: {})", log.display())
}
