//! A server as a child process: it has a log file, and it stops when this process ends for any reason.

use anyhow::{Context, Result, bail};
use std::ffi::OsStr;
use std::fs::{self, File};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

/// Returns the exit status of the server, and stops the server at the end of its standard input: that is
/// when this process closes the pipe or ends.
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

/// The drain of a host takes longest: one second of notice, up to 30 seconds for open requests, and the
/// events in progress.
const STOPS_WITHIN: Duration = Duration::from_secs(60);

/// Time for the child processes of a server to end after it.
const GONE_WITHIN: Duration = Duration::from_secs(5);

/// Environment variable that marks the server and its child processes.
const MARK: &str = "XTASK_UP";

/// A running server.
pub struct Service {
    pub name: &'static str,
    pub version: String,
    /// Empty until the caller sets it.
    pub address: String,
    pub data: PathBuf,
    pub log: PathBuf,
    guard: Child,
    /// Closing it stops the server.
    stdin: Option<ChildStdin>,
}

/// The parameters of a server.
pub struct Start<'a> {
    pub name: &'static str,
    pub version: String,
    /// The folder of the server and its log.
    pub folder: &'a Path,
    /// The signal that stops it.
    pub signal: &'static str,
    pub command: Command,
}

impl Service {
    /// Starts the server. It is not ready yet.
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
        // In its own process group, Ctrl-C on the terminal does not reach it, so that we can stop the servers in
        // order.
        guard
            .env(MARK, start.folder)
            .process_group(0)
            .stdin(Stdio::piped())
            .stdout(out.try_clone()?)
            .stderr(out);
        let mut guard = guard.spawn().with_context(|| start.name.to_owned())?;
        let stdin = guard.stdin.take();
        Ok(Self {
            name: start.name,
            version: start.version,
            address: String::new(),
            data: start.folder.to_owned(),
            log,
            guard,
            stdin,
        })
    }

    /// Returns an error if the server has ended.
    pub fn check_running(&mut self) -> Result<()> {
        match self.guard.try_wait()? {
            None => Ok(()),
            Some(status) => bail!("{} ended with {status}:\n{}", self.name, self.log_tail()),
        }
    }

    /// Waits until `is_ready` returns true.
    pub async fn ready(
        &mut self,
        within: Duration,
        is_ready: impl AsyncFn() -> bool,
    ) -> Result<()> {
        let begun = Instant::now();
        while !is_ready().await {
            self.check_running()?;
            if begun.elapsed() > within {
                bail!(
                    "{} is not ready after {within:?}:\n{}",
                    self.name,
                    self.log_tail()
                );
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        Ok(())
    }

    /// Returns the last lines of the log that are warnings or errors, or of unknown level.
    pub fn log_tail(&self) -> String {
        const LINES: usize = 20;
        let text = fs::read(&self.log).unwrap_or_default();
        let text = String::from_utf8_lossy(&text);
        let routine = |line: &&str| line.contains("\"INFO\"") || line.contains("\"DEBUG\"");
        let lines: Vec<&str> = text.lines().filter(|line| !routine(line)).collect();
        let last = lines[lines.len().saturating_sub(LINES)..].join("\n");
        format!("{last}\n(full log: {})", self.log.display())
    }

    /// Stops the server, and kills it if it does not stop in time.
    pub fn stop(&mut self) -> Result<()> {
        self.stdin = None;
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
        if status.is_some_and(is_success) {
            return Ok(());
        }
        let group = format!("-{}", self.guard.id());
        let mut kill = Command::new("kill");
        kill.args(["-KILL", "--", &group]).stderr(Stdio::null());
        let _ = kill.status();
        let _ = self.guard.wait();
        match status {
            Some(status) => bail!("{} ended with {status}:\n{}", self.name, self.log_tail()),
            None => bail!(
                "{} still ran after {STOPS_WITHIN:?} and was killed",
                self.name
            ),
        }
    }
}

/// A Java runtime that a signal stops exits with 128 plus the number of the signal.
fn is_success(status: ExitStatus) -> bool {
    status.success() || status.code() == Some(128 + 15)
}

impl Drop for Service {
    fn drop(&mut self) {
        if let Ok(None) = self.guard.try_wait() {
            let _ = self.stop();
        }
    }
}

/// Lists the running processes of servers below the folder. They have the mark in their environment, or,
/// because PostgreSQL overwrites its environment, their working directory is below the folder.
pub fn running(folder: &Path) -> Vec<String> {
    let mark = format!("{MARK}={}", folder.display()).into_bytes();
    let mut processes = Vec::new();
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
        let inside = fs::read_link(process.join("cwd")).is_ok_and(|cwd| cwd.starts_with(folder));
        if marked || inside {
            let name = fs::read_to_string(process.join("comm")).unwrap_or_default();
            processes.push(format!(
                "{} {}",
                entry.file_name().to_string_lossy(),
                name.trim()
            ));
        }
    }
    processes
}

/// Lists the processes that still run after some time to end.
pub fn leftover(folder: &Path) -> Vec<String> {
    let begun = Instant::now();
    loop {
        let running = running(folder);
        if running.is_empty() || begun.elapsed() > GONE_WITHIN {
            return running;
        }
        std::thread::sleep(Duration::from_millis(20));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn start(folder: &Path, signal: &'static str, script: &str) -> Service {
        let mut command = Command::new("sh");
        command.args(["-c", script]);
        let parameters = Start {
            name: "server",
            version: String::new(),
            folder,
            signal,
            command,
        };
        Service::start(parameters).expect("a process")
    }

    fn wait_for(text: &str, log: &Path) {
        for _ in 0..500 {
            if fs::read_to_string(log).is_ok_and(|is| is.contains(text)) {
                return;
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        panic!("no {text} in {}", log.display());
    }

    #[test]
    fn stopping_a_server_ends_its_children() {
        let folder = tempfile::tempdir().expect("a folder");
        let script = "trap 'echo stopped; kill $!; exit 0' TERM; sleep 100 & echo up; wait";
        let mut server = start(folder.path(), "TERM", script);
        wait_for("up", &server.log);
        server.check_running().expect("running");
        assert!(!running(folder.path()).is_empty());
        server.stop().expect("stopped");
        wait_for("stopped", &server.log);
        assert_eq!(leftover(folder.path()), Vec::<String>::new());
    }

    #[test]
    fn a_server_that_ends_is_an_error_with_its_log() {
        let folder = tempfile::tempdir().expect("a folder");
        let mut server = start(folder.path(), "TERM", "echo no such port; exit 3");
        let error = loop {
            match server.check_running() {
                Ok(()) => std::thread::sleep(Duration::from_millis(10)),
                Err(error) => break error.to_string(),
            }
        };
        assert!(error.contains("no such port"), "{error}");
        assert!(error.contains("exit status: 3"), "{error}");
    }

    #[test]
    fn a_server_ends_with_this_process() {
        let folder = tempfile::tempdir().expect("a folder");
        let mut server = start(folder.path(), "TERM", "echo up; exec sleep 100");
        wait_for("up", &server.log);
        // The kernel does the same when this process is killed.
        server.stdin = None;
        for _ in 0..500 {
            if running(folder.path()).is_empty() {
                return;
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        panic!("{:?}", running(folder.path()));
    }
}
