//! A server as a process of ours: started with a log of its own, and stopped whatever becomes of us.

use anyhow::{Context, Result, bail};
use std::ffi::OsStr;
use std::fs::{self, File};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

/// Passes on how the server ended, and stops it when its own standard input ends: that is when we let
/// go of the other end, or are no more.
const GUARD: &str = r#"
    signal=$1
    shift
    exec 3<&0
    "$@" 3<&- </dev/null &
    server=$!
    { read -r _ <&3; kill -s "$signal" "$server"; } 2>/dev/null &
    watch=$!
    exec 3<&- </dev/null
    wait "$server"
    status=$?
    kill "$watch" 2>/dev/null
    exit "$status"
"#;

/// The drain of a host is the longest: a second of notice, thirty for requests, and what is in hand.
const STOPS_WITHIN: Duration = Duration::from_secs(60);

/// And how long its children may take to follow it.
const GONE_WITHIN: Duration = Duration::from_secs(5);

/// Of the environment: tells processes of ours from others, those they started too.
const MARK: &str = "XTASK_UP";

/// A running server.
pub struct Service {
    pub name: &'static str,
    pub version: String,
    pub address: String,
    pub data: PathBuf,
    pub log: PathBuf,
    guard: Child,
    /// What keeps it up.
    line: Option<ChildStdin>,
}

/// How a server is started.
pub struct Start<'a> {
    pub name: &'static str,
    pub version: String,
    pub address: String,
    /// Its own folder; the log is put here, too.
    pub folder: &'a Path,
    /// What makes it end by itself.
    pub signal: &'static str,
    pub command: Command,
}

impl Service {
    /// Starts it; it answers a little later.
    pub fn start(start: Start<'_>) -> Result<Self> {
        let log = start.folder.join("log.txt");
        let out = File::options().create(true).append(true).open(&log)?;
        let mut guard = Command::new("sh");
        guard
            .args(["-c", GUARD, "sh", start.signal])
            .arg(start.command.get_program())
            .args(start.command.get_args());
        for (name, value) in start.command.get_envs() {
            match value {
                Some(value) => guard.env(name, value),
                None => guard.env_remove(name),
            };
        }
        if let Some(folder) = start.command.get_current_dir() {
            guard.current_dir(folder);
        }
        // A group of its own: Ctrl-C on the terminal reaches us alone, and we keep the order.
        guard
            .env(MARK, start.folder)
            .process_group(0)
            .stdin(Stdio::piped())
            .stdout(out.try_clone()?)
            .stderr(out);
        let mut guard = guard.spawn().with_context(|| start.name.to_owned())?;
        let line = guard.stdin.take();
        Ok(Self {
            name: start.name,
            version: start.version,
            address: start.address,
            data: start.folder.to_owned(),
            log,
            guard,
            line,
        })
    }

    /// An error where it has ended.
    pub fn runs(&mut self) -> Result<()> {
        match self.guard.try_wait()? {
            None => Ok(()),
            Some(status) => bail!("{} ended with {status}:\n{}", self.name, tail(&self.log)),
        }
    }

    /// Waits until `answers` says so.
    pub async fn ready(&mut self, within: Duration, answers: impl AsyncFn() -> bool) -> Result<()> {
        let begun = Instant::now();
        while !answers().await {
            self.runs()?;
            if begun.elapsed() > within {
                bail!(
                    "{} does not answer after {within:?}:\n{}",
                    self.name,
                    tail(&self.log)
                );
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        Ok(())
    }

    /// Makes it end, and ends it where it does not.
    pub fn stop(&mut self) -> Result<()> {
        self.line = None;
        let begun = Instant::now();
        let status = loop {
            if let Some(status) = self.guard.try_wait()? {
                break Some(status);
            }
            if begun.elapsed() > STOPS_WITHIN {
                break None;
            }
            std::thread::sleep(Duration::from_millis(20));
        };
        if status.is_some_and(well) {
            return Ok(());
        }
        let group = format!("-{}", self.guard.id());
        let mut kill = Command::new("kill");
        kill.args(["-KILL", "--", &group]).stderr(Stdio::null());
        let _ = kill.status();
        let _ = self.guard.wait();
        match status {
            Some(status) => bail!("{} ended with {status}:\n{}", self.name, tail(&self.log)),
            None => bail!(
                "{} still ran after {STOPS_WITHIN:?} and was killed",
                self.name
            ),
        }
    }
}

/// A Java runtime that is told to end says so: 128 and the signal's number.
fn well(status: ExitStatus) -> bool {
    status.success() || status.code() == Some(128 + 15)
}

impl Drop for Service {
    fn drop(&mut self) {
        if let Ok(None) = self.guard.try_wait() {
            let _ = self.stop();
        }
    }
}

/// Processes that were started for servers below the folder and still run: by what they inherited, or,
/// since PostgreSQL's write over that, by where they stand. Zombies have neither.
pub fn left(folder: &Path) -> Vec<String> {
    let mark = format!("{MARK}={}", folder.display()).into_bytes();
    let mut found = Vec::new();
    for entry in fs::read_dir("/proc").into_iter().flatten().flatten() {
        let process = entry.path();
        let number = |name: &OsStr| name.to_string_lossy().bytes().all(|b| b.is_ascii_digit());
        if !number(&entry.file_name()) {
            continue;
        }
        let environment = fs::read(process.join("environ")).unwrap_or_default();
        let marked = environment
            .split(|byte| *byte == 0)
            .any(|one| one.starts_with(&mark));
        let there = fs::read_link(process.join("cwd")).is_ok_and(|cwd| cwd.starts_with(folder));
        if marked || there {
            let name = fs::read_to_string(process.join("comm")).unwrap_or_default();
            found.push(format!(
                "{} {}",
                entry.file_name().to_string_lossy(),
                name.trim()
            ));
        }
    }
    found
}

/// Those that are left for good: what was told to end may take a moment to be gone.
pub fn left_at_last(folder: &Path) -> Vec<String> {
    let begun = Instant::now();
    loop {
        let left = left(folder);
        if left.is_empty() || begun.elapsed() > GONE_WITHIN {
            return left;
        }
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// The last lines of a log.
fn tail(log: &Path) -> String {
    let text = fs::read(log).unwrap_or_default();
    let text = String::from_utf8_lossy(&text);
    let lines: Vec<&str> = text.lines().collect();
    let last = lines[lines.len().saturating_sub(20)..].join("\n");
    format!("{last}\n(all of it: {})", log.display())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn started(folder: &Path, signal: &'static str, script: &str) -> Service {
        let mut command = Command::new("sh");
        command.args(["-c", script]);
        let start = Start {
            name: "server",
            version: String::new(),
            address: String::new(),
            folder,
            signal,
            command,
        };
        Service::start(start).expect("a process")
    }

    fn within(text: &str, log: &Path) {
        for _ in 0..500 {
            if fs::read_to_string(log).is_ok_and(|is| is.contains(text)) {
                return;
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        panic!("no {text} in {}", log.display());
    }

    #[test]
    fn a_server_ends_by_its_signal_and_its_children_with_it() {
        let folder = tempfile::tempdir().expect("a folder");
        let script = "trap 'echo told; kill $!; exit 0' TERM; sleep 100 & echo up; wait";
        let mut server = started(folder.path(), "TERM", script);
        within("up", &server.log);
        server.runs().expect("it runs");
        assert!(!left(folder.path()).is_empty());
        server.stop().expect("a good end");
        within("told", &server.log);
        assert_eq!(left_at_last(folder.path()), Vec::<String>::new());
    }

    #[test]
    fn a_server_that_ends_by_itself_is_told_with_its_log() {
        let folder = tempfile::tempdir().expect("a folder");
        let mut server = started(folder.path(), "TERM", "echo no such port; exit 3");
        let refused = loop {
            match server.runs() {
                Ok(()) => std::thread::sleep(Duration::from_millis(10)),
                Err(refused) => break refused.to_string(),
            }
        };
        assert!(refused.contains("no such port"), "{refused}");
        assert!(refused.contains("exit status: 3"), "{refused}");
    }

    #[test]
    fn a_server_ends_when_we_are_no_more() {
        let folder = tempfile::tempdir().expect("a folder");
        let mut server = started(folder.path(), "TERM", "echo up; exec sleep 100");
        within("up", &server.log);
        // All that a killed process does: its end of the pipe is closed.
        server.line = None;
        for _ in 0..500 {
            if left(folder.path()).is_empty() {
                return;
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        panic!("{:?}", left(folder.path()));
    }
}
