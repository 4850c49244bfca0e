//! A serving host in a temporary folder, and the measurement of processes, for the benchmarks.
#![expect(dead_code, reason = "each benchmark uses a part of it")]

use anyhow::{Context as _, Result, bail, ensure};
use reqwest::header::AUTHORIZATION;
use serde_json::Value;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// A process that is killed on drop.
pub struct Process(Child);

impl Process {
    /// Starts a process without input and output.
    pub fn start(command: &mut Command) -> Result<Self> {
        let command = command.stdin(Stdio::null()).stdout(Stdio::null());
        let child = command.spawn().with_context(|| format!("{command:?}"))?;
        Ok(Self(child))
    }

    /// The process id.
    pub fn id(&self) -> u32 {
        self.0.id()
    }

    /// The CPU time of the process with its threads.
    pub fn cpu(&self) -> Result<Duration> {
        Ok(cpu_of(self.id())?.own)
    }
}

/// The CPU time of a process, user and system.
pub struct Cpu {
    /// Of its threads.
    pub own: Duration,
    /// Of the children that have ended.
    pub ended_children: Duration,
}

/// Reads the CPU time of a process (`man 5 proc_pid_stat`).
pub fn cpu_of(process: u32) -> Result<Cpu> {
    let stat = std::fs::read_to_string(format!("/proc/{process}/stat"))?;
    let after = stat.rsplit_once(')').context("a name in stat")?.1;
    let fields: Vec<&str> = after.split_whitespace().collect();
    let time = |first: usize| -> Result<Duration> {
        let two = fields.get(first..first + 2).context("fields of stat")?;
        let ticks = two[0].parse::<u64>()? + two[1].parse::<u64>()?;
        let hertz = rustix::param::clock_ticks_per_second();
        Ok(Duration::from_secs_f64(ticks as f64 / hertz as f64))
    };
    Ok(Cpu {
        own: time(11)?,
        ended_children: time(13)?,
    })
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// A serving host. Its client authenticates as an administrator.
pub struct Host {
    pub process: Process,
    pub url: String,
    pub client: reqwest::Client,
    pub folder: tempfile::TempDir,
    settings: Vec<String>,
}

/// The repository.
pub fn root() -> &'static Path {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.parent().unwrap_or(here)
}

/// A command of the host with these settings.
pub fn galleria(data: &Path, settings: &[String], words: &[&str]) -> Result<Command> {
    let mut command = Command::new(env!("CARGO_BIN_EXE_galleria"));
    command.args(words).current_dir(root());
    let own = [
        format!("data={}", data.display()),
        "http.listen=127.0.0.1:0".into(),
        "http.rate.burst=0".into(),
        "http.connections_per_client=0".into(),
        "log.level=warn".into(),
    ];
    for pair in own.iter().chain(settings) {
        command.args(["--set", pair]);
    }
    for retailer in std::fs::read_dir(root().join("retailers"))? {
        let sample = retailer?.path().join("sample.env");
        let text = std::fs::read_to_string(sample).unwrap_or_default();
        let pairs = text.lines().filter(|line| !line.starts_with('#'));
        command.envs(pairs.filter_map(|line| line.split_once('=')));
    }
    command.stdin(Stdio::null());
    Ok(command)
}

/// Runs a command, and returns its output.
pub fn output_of(command: &mut Command) -> Result<String> {
    let output = command.output().with_context(|| format!("{command:?}"))?;
    let why = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "{command:?}: {why}");
    Ok(String::from_utf8(output.stdout)?)
}

impl Host {
    /// Starts a host with an empty database and these settings.
    pub async fn start(settings: &[String]) -> Result<Self> {
        // Use the target folder: a temporary folder may be in memory, where a sync costs nothing.
        let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR"))?;
        let command = |words: &[&str]| galleria(folder.path(), settings, words);
        output_of(&mut command(&["migrate"])?)?;
        let words = "key create --name bench --scope admin --everywhere";
        let words: Vec<&str> = words.split(' ').collect();
        let bearer = format!("Bearer {}", output_of(&mut command(&words)?)?.trim()).parse()?;
        let headers = [(AUTHORIZATION, bearer)].into_iter().collect();
        let client = reqwest::Client::builder()
            .default_headers(headers)
            .build()?;
        let process = Process::start(&mut command(&["serve"])?)?;
        let mut host = Self {
            process,
            url: String::new(),
            client,
            folder,
            settings: settings.to_vec(),
        };
        host.ready().await?;
        Ok(host)
    }

    /// Runs an import by command, whose file has this text: `words` with `FILE`.
    pub fn import(&self, words: &[&str], text: &str) -> Result<()> {
        let file = self.folder.path().join("import.csv");
        std::fs::write(&file, text)?;
        let file = file.to_str().context("a path in UTF-8")?;
        let words = words.iter().map(|word| word.replace("FILE", file));
        let words: Vec<String> = words.collect();
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        output_of(&mut galleria(self.folder.path(), &self.settings, &words)?).map(drop)
    }

    async fn ready(&mut self) -> Result<()> {
        let begun = Instant::now();
        let file = self.folder.path().join("http.addr");
        loop {
            if let Ok(address) = std::fs::read_to_string(&file) {
                self.url = format!("http://{address}");
                let ready = self.client.get(format!("{}/readyz", self.url)).send().await;
                if ready.is_ok_and(|answer| answer.status().is_success()) {
                    return Ok(());
                }
            }
            if begun.elapsed() > Duration::from_secs(120) {
                bail!(
                    "the host does not serve: were the plugins built with `cargo xtask plugins`?"
                );
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    /// Creates the first sample store, and returns its id.
    pub async fn add_sample_store(&self) -> Result<String> {
        let folders = std::fs::read_dir(root().join("retailers"))?;
        let mut texts = folders.filter_map(|folder| {
            std::fs::read_to_string(folder.ok()?.path().join("stores.json")).ok()
        });
        let text = texts.next().context("a sample retailer with stores")?;
        let mut store = serde_json::from_str::<Value>(&text)?[0].take();
        let id = store["id"].take();
        let id = id.as_str().context("a store's id")?;
        store.as_object_mut().context("a store")?.remove("id");
        let request = self.client.put(format!("{}/v1/stores/{id}", self.url));
        let request = request.header("idempotency-key", "store").json(&store);
        request.send().await?.error_for_status()?;
        Ok(id.to_owned())
    }
}

/// The middle of the measurements.
pub fn median(mut measurements: Vec<f64>) -> f64 {
    measurements.sort_by(f64::total_cmp);
    measurements[measurements.len() / 2]
}
