//! A PostgreSQL server for tests, found on the machine and started on a free port.
//!
//! Owns: that it can be killed at any moment and started again, and that nothing of it stays behind.
//! Of the standard library alone; waiting until it answers is for whoever has a client.

#![forbid(unsafe_code)]

use std::io::{self, BufRead as _, BufReader, Write as _};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

/// Starts a server, kills it and starts it again as it is told, and stops it when its standard input
/// ends: so it goes with who started it, however that one ends, and takes its folder along. Ordering by
/// ICU where it can, so that a text column which must sort by bytes and does not is noticed.
///
/// `kill` ends all processes of the server at once: the next start recovers from the log, as after a
/// loss of power. `stop` is PostgreSQL's own immediate way, which tells clients.
const SCRIPT: &str = r#"
    trap '' INT
    bin=$1 port=$2
    shift 2
    dir=$(mktemp -d -t galleria-postgres-XXXXXX) || exit 1
    trap 'rm -rf "$dir"' EXIT
    cd "$dir"
    init() { "$bin/initdb" -D data -U galleria -A trust -E UTF8 --no-sync "$@" >>log 2>&1; }
    init --locale-provider=icu --icu-locale=en-US || { rm -rf data; init; } || { cat log >&2; exit 1; }
    up() {
        "$bin/postgres" -D data -p "$port" -c listen_addresses=127.0.0.1 \
            -c unix_socket_directories= -c fsync=off -c max_connections=400 "$@" >>log 2>&1 &
        server=$!
    }
    up "$@"
    while read -r told; do
        case $told in
            kill)
                children=$(cat "/proc/$server/task/$server/children")
                kill -STOP "$server"
                kill -KILL "$server" $children
                wait "$server" 2>>log ;;
            stop) kill -QUIT "$server"; wait "$server" 2>>log ;;
            start) up "$@" ;;
        esac
        echo done
    done
    kill -INT "$server"
    wait "$server"
"#;

/// A running server.
pub struct Server {
    /// On 127.0.0.1.
    pub port: u16,
    /// Its standard input is what keeps the server up.
    shell: Child,
}

/// The folder of `initdb` and `postgres`: on the path, or where Debian puts the newest.
pub fn bin() -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let mut folders: Vec<PathBuf> = std::env::split_paths(&path).collect();
    let mut versions: Vec<_> = std::fs::read_dir("/usr/lib/postgresql")
        .into_iter()
        .flatten()
        .flatten()
        .map(|entry| entry.path())
        .collect();
    versions.sort_by_key(|path| {
        let name = path
            .file_name()
            .map(|name| name.to_string_lossy().into_owned());
        std::cmp::Reverse(name.and_then(|name| name.parse::<u32>().ok()))
    });
    folders.extend(versions.into_iter().map(|version| version.join("bin")));
    let whole =
        |folder: &PathBuf| folder.join("initdb").exists() && folder.join("postgres").exists();
    folders.into_iter().find(whole)
}

/// Starts it; it answers a little later.
pub fn start(bin: &Path) -> io::Result<Server> {
    Server::start(bin, &[])
}

impl Server {
    /// Starts it with further settings, each as `name=value`; it answers a little later.
    pub fn start(bin: &Path, settings: &[&str]) -> io::Result<Self> {
        let free = TcpListener::bind("127.0.0.1:0")?;
        let port = free.local_addr()?.port();
        drop(free);
        let mut command = unprivileged()?;
        command
            .args(["sh", "-c", SCRIPT, "sh"])
            .arg(bin)
            .arg(port.to_string())
            .args(settings.iter().flat_map(|setting| ["-c", setting]));
        command
            .current_dir("/")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped());
        Ok(Self {
            port,
            shell: command.spawn()?,
        })
    }

    /// Kills all of it without a word.
    pub fn kill(&mut self) -> io::Result<()> {
        self.tell("kill")
    }

    /// Stops it at once: transactions end where they are, and clients are told so.
    pub fn stop(&mut self) -> io::Result<()> {
        self.tell("stop")
    }

    /// Starts it again, on the same port and the same data; it answers a little later.
    pub fn start_again(&mut self) -> io::Result<()> {
        self.tell("start")
    }

    fn tell(&mut self, what: &str) -> io::Result<()> {
        let gone = || io::Error::other("the shell of the server has ended");
        let stdin: &mut ChildStdin = self.shell.stdin.as_mut().ok_or_else(gone)?;
        writeln!(stdin, "{what}")?;
        let stdout: &mut ChildStdout = self.shell.stdout.as_mut().ok_or_else(gone)?;
        // One line is all that there is to read: nothing stays behind in the buffer.
        match BufReader::new(stdout).read_line(&mut String::new())? {
            0 => Err(gone()),
            _ => Ok(()),
        }
    }
}

/// PostgreSQL refuses to run as root: then it runs as the user that its package made.
fn unprivileged() -> io::Result<Command> {
    let id = Command::new("id").arg("-u").output()?;
    if id.stdout.trim_ascii() != b"0" {
        return Ok(Command::new("env"));
    }
    let mut command = Command::new("setpriv");
    command.args(["--reuid=postgres", "--regid=postgres", "--clear-groups"]);
    Ok(command)
}
