//! A PostgreSQL server for tests, found on the machine and started on a free port.
//!
//! Owns: that it can be killed at any moment and started again, and that nothing of it stays behind.
//! Of the standard library alone.

#![forbid(unsafe_code)]

use std::io::{self, BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

/// It makes its files first, and reads its log again after it was killed.
const ANSWERS_WITHIN: Duration = Duration::from_secs(60);

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

/// A startup message of protocol 3.0.
const STARTUP: &[u8] = b"\0\0\0\x29\0\x03\0\0user\0galleria\0database\0postgres\0\0";

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

/// Whether there is a server on this machine. Where there is none, it says `SKIPPED`, and with
/// `GALLERIA_STRICT=1` fails the test that asks.
pub fn is_there() -> bool {
    if bin().is_some() {
        return true;
    }
    let strict = std::env::var_os("GALLERIA_STRICT").is_some_and(|value| value == "1");
    assert!(!strict, "no PostgreSQL server was found");
    // Not captured, as print would be: a test that passes by not running must say so.
    let words = b"SKIPPED: no PostgreSQL server was found (Debian: apt-get install postgresql)\n";
    io::stderr().write_all(words).expect("stderr");
    false
}

/// A server of one test's own, with further settings. None, and said so, where there is none.
pub fn server(settings: &[&str]) -> Option<Server> {
    let bin = is_there().then(bin).flatten()?;
    Some(Server::start(&bin, settings).expect("a shell"))
}

/// The address of an empty database of one test's own, on the server that all tests of a process
/// share. None, and said so, where there is none.
pub fn database() -> Option<String> {
    static SHARED: OnceLock<Option<Server>> = OnceLock::new();
    let shared = SHARED.get_or_init(|| server(&[])).as_ref()?;
    Some(shared.database().expect("a database"))
}

/// Whether the server at a port of this machine lets clients in: a startup message is answered with
/// `R`, and with an error while it starts.
pub fn answers(port: u16) -> bool {
    let first = || -> io::Result<u8> {
        let mut stream = TcpStream::connect(("127.0.0.1", port))?;
        stream.set_read_timeout(Some(Duration::from_secs(5)))?;
        stream.write_all(STARTUP)?;
        let mut first = [0];
        stream.read_exact(&mut first)?;
        Ok(first[0])
    };
    first().is_ok_and(|byte| byte == b'R')
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

    /// Waits until it answers.
    pub fn wait(&self) -> io::Result<()> {
        let begun = Instant::now();
        while !answers(self.port) {
            if begun.elapsed() > ANSWERS_WITHIN {
                return Err(io::Error::other("PostgreSQL does not answer"));
            }
            std::thread::sleep(Duration::from_millis(50));
        }
        Ok(())
    }

    /// The address of the database that every server has.
    pub fn url(&self) -> String {
        self.url_of("postgres")
    }

    fn url_of(&self, database: &str) -> String {
        format!("postgres://galleria@127.0.0.1:{}/{database}", self.port)
    }

    /// The address of a new database on it, once it answers.
    pub fn database(&self) -> io::Result<String> {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        self.wait()?;
        let name = format!("test_{}", NEXT.fetch_add(1, Ordering::Relaxed));
        self.execute(&format!("CREATE DATABASE {name} TEMPLATE template0"))?;
        Ok(self.url_of(&name))
    }

    /// Runs one statement, as a simple query.
    fn execute(&self, sql: &str) -> io::Result<()> {
        let mut stream = TcpStream::connect(("127.0.0.1", self.port))?;
        stream.write_all(STARTUP)?;
        until_ready(&mut stream)?;
        let length = u32::try_from(sql.len() + 5).map_err(io::Error::other)?;
        stream.write_all(&[b"Q", &length.to_be_bytes()[..], sql.as_bytes(), b"\0"].concat())?;
        until_ready(&mut stream)
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

/// Reads what a server says until it is ready for a statement; an error is one.
fn until_ready(stream: &mut TcpStream) -> io::Result<()> {
    loop {
        let mut head = [0; 5];
        stream.read_exact(&mut head)?;
        let [kind, length @ ..] = head;
        let mut told = Vec::new();
        let rest = u64::from(u32::from_be_bytes(length)).saturating_sub(4);
        stream.take(rest).read_to_end(&mut told)?;
        match kind {
            b'Z' => return Ok(()),
            b'E' => {
                return Err(io::Error::other(
                    String::from_utf8_lossy(&told).into_owned(),
                ));
            }
            _ => {}
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
