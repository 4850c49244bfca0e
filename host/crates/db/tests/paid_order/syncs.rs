//! Synchronisations of files, counted by `strace`.

use std::io::{BufRead as _, BufReader};
use std::process::{Child, Command, Stdio};

const CALLS: &str = "fsync,fdatasync,syncfs,sync_file_range,msync";

/// Traces until its input ends. This process cannot stop the tracer itself: its children are traced, too.
const SCRIPT: &str = r#"strace "$@" & read -r line; kill -TERM $!; wait $!; exit 0"#;

pub struct Syncs {
    tracer: Child,
    file: tempfile::NamedTempFile,
}

impl Syncs {
    /// Counts those of the processes, of their threads, and of their later children.
    pub fn count(processes: &[u32]) -> Self {
        let file = tempfile::NamedTempFile::new().expect("a file");
        let traced = processes
            .iter()
            .map(|process| format!("--attach={process}"));
        let mut tracer = Command::new("sh")
            .args([
                "-c",
                SCRIPT,
                "sh",
                "-f",
                "-e",
                &format!("trace={CALLS}"),
                "-o",
            ])
            .arg(file.path())
            .args(traced)
            .stdin(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("a shell");
        // It prints one line for each process once it is attached.
        let lines = BufReader::new(tracer.stderr.take().expect("its messages")).lines();
        for line in lines.take(processes.len()) {
            let line = line.expect("a line");
            let missing = "install strace (Debian: apt-get install strace), and allow it to attach";
            // A worker of the server may have ended.
            let attached = line.contains(" attached") || line.contains("No such process");
            assert!(attached, "{line}: {missing}");
        }
        Self { tracer, file }
    }

    /// The calls.
    pub fn finish(mut self) -> Vec<String> {
        drop(self.tracer.stdin.take());
        self.tracer.wait().expect("the end of strace");
        let text = std::fs::read_to_string(self.file.path()).expect("its output");
        // A call that another thread interrupts has a second line, which begins with `<...`.
        let calls = text.lines().filter(|line| {
            let mut names = CALLS.split(',');
            !line.contains("<... ") && names.any(|name| line.contains(&format!("{name}(")))
        });
        calls.map(ToOwned::to_owned).collect()
    }
}
