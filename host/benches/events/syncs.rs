//! Synchronisations of files, counted by `strace`.

use anyhow::{Context as _, Result};
use std::collections::HashMap;
use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};

const CALLS: [&str; 5] = ["fsync", "fdatasync", "syncfs", "sync_file_range", "msync"];

/// What is synchronised.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub enum Target {
    /// The write-ahead log of the database.
    Log,
    /// A delivered file.
    File,
    /// The folder of delivered files.
    Folder,
    /// The database itself, by a checkpoint.
    Database,
}

impl Target {
    pub const ALL: [Self; 4] = [Self::Log, Self::File, Self::Folder, Self::Database];

    fn of(path: &str) -> Self {
        if path.contains("pg_wal") || path.ends_with("-wal") {
            Self::Log
        } else if !path.contains("/files") {
            Self::Database
        } else if Path::new(path).is_dir() {
            Self::Folder
        } else {
            Self::File
        }
    }
}

pub struct Syncs {
    tracer: Child,
    file: tempfile::NamedTempFile,
}

impl Syncs {
    /// Counts those of the processes, of their threads, and of their later children.
    pub fn count(processes: &[u32]) -> Result<Self> {
        let file = tempfile::NamedTempFile::new()?;
        let mut strace = Command::new("strace");
        let calls = format!("trace={}", CALLS.join(","));
        strace.args(["-f", "-y", "-e", &calls, "-o"]);
        strace.arg(file.path());
        for process in processes {
            strace.args(["-p", &process.to_string()]);
        }
        let mut tracer = strace
            .stdin(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .context("counting synchronisations with strace (Debian: apt-get install strace)")?;
        // It prints one line for each process once it is attached.
        let lines = BufReader::new(tracer.stderr.take().context("the messages of strace")?).lines();
        for line in lines.take(processes.len()) {
            line?;
        }
        Ok(Self { tracer, file })
    }

    /// Ends counting.
    pub fn finish(mut self) -> Result<HashMap<Target, u64>> {
        let id = self.tracer.id().to_string();
        Command::new("kill").args(["-INT", &id]).status()?;
        self.tracer.wait()?;
        let mut counts = HashMap::new();
        // The second line of a call that another thread interrupts has `<... ` instead of the parenthesis:
        // `17 fsync(5</folder/file>) = 0`.
        for line in std::fs::read_to_string(self.file.path())?.lines() {
            let Some((before, after)) = line.split_once('(') else {
                continue;
            };
            if CALLS.iter().any(|call| before.ends_with(call)) {
                let path = after
                    .split_once('<')
                    .and_then(|(_, path)| path.split_once('>'));
                let target = Target::of(path.map_or("", |(path, _)| path));
                *counts.entry(target).or_default() += 1;
            }
        }
        Ok(counts)
    }
}
