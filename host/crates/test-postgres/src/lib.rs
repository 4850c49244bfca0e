//! A PostgreSQL server for tests: uses the installed binaries, on a free port.
//!
//! A test can kill and restart the server at any time. The server and its files disappear with the
//! process that started it. Depends on the standard library only.
//!
//! The server runs with `fsync=off`. It keeps committed data when its processes are killed, because
//! the operating system keeps the written pages. It does not keep them after a power failure, so no
//! test here covers one.

#![forbid(unsafe_code)]

use std::io::{self, BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

/// The folder of Debian's packages, with a folder for each version.
const DEBIAN_PACKAGES: &str = "/usr/lib/postgresql";

const MISSING: &str = "no PostgreSQL server found (Debian: apt-get install postgresql)";

/// Longest start: the server creates its files, or recovers from its log after a kill.
const START_TIMEOUT: Duration = Duration::from_secs(60);

/// Runs a server and the commands of its standard input. Stops the server and deletes its folder when
/// the input ends, that is when the parent process ends for any reason.
///
/// Sorts text by ICU rules if available, so that tests detect a column that must sort by bytes and does
/// not.
///
/// `kill` kills all processes of the server at once: the next start recovers from the log, as after a
/// crash of the server. `stop` is PostgreSQL's immediate shutdown, which notifies clients.
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
            -c unix_socket_directories= -c fsync=off -c max_connections=400 -c deadlock_timeout=100ms "$@" >>log 2>&1 &
        server=$!
    }
    up "$@"
    while read -r command; do
        case $command in
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
    /// The port on 127.0.0.1.
    pub port: u16,
    /// Runs the server until its standard input closes.
    shell: Child,
}

/// Returns the folder of `initdb` and `postgres`: in `PATH`, or the newest of Debian's packages.
pub fn bin() -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let mut folders: Vec<PathBuf> = std::env::split_paths(&path).collect();
    let mut versions: Vec<_> = std::fs::read_dir(DEBIAN_PACKAGES)
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
    let complete =
        |folder: &PathBuf| folder.join("initdb").exists() && folder.join("postgres").exists();
    folders.into_iter().find(complete)
}

/// For build scripts: sets `postgres_installed` if this machine has PostgreSQL. Without it, the result of a test
/// run lists the tests that need it as ignored.
#[expect(clippy::print_stdout, reason = "cargo reads it")]
pub fn set_cfg() {
    println!("cargo::rustc-check-cfg=cfg(postgres_installed)");
    let packages = Path::new(DEBIAN_PACKAGES);
    let watched = packages.ancestors().find(|folder| folder.exists());
    if let Some(folder) = watched {
        println!("cargo::rerun-if-changed={}", folder.display());
    }
    if bin().is_some() {
        println!("cargo::rustc-cfg=postgres_installed");
    }
}

/// With `GALLERIA_STRICT=1`, fails if PostgreSQL is missing: its tests are ignored then.
pub fn require_if_strict() {
    let strict = std::env::var_os("GALLERIA_STRICT").is_some_and(|value| value == "1");
    assert!(!strict || bin().is_some(), "{MISSING}");
}

/// Starts a server for one test, with further settings.
pub fn server(settings: &[&str]) -> Server {
    Server::start(&bin().expect(MISSING), settings).expect("a shell")
}

/// Creates an empty database for one test, on a server that all tests of the process share, and returns
/// its address.
pub fn database() -> String {
    shared().database().expect("a database")
}

/// Creates a copy of a database of [`database`] for one test and returns its address. Copying a migrated
/// database is faster than migrating an empty one. Nothing may be connected to the original.
pub fn copy_of(url: &str) -> String {
    let template = url.rsplit('/').next().unwrap_or_default();
    shared().copy_of(template).expect("a database")
}

/// The server that all tests of the process share.
fn shared() -> &'static Server {
    static SHARED: OnceLock<Server> = OnceLock::new();
    SHARED.get_or_init(|| server(&[]))
}

/// Whether the server at a local port accepts clients: it answers a startup message with `R`, or with an
/// error while it starts.
pub fn answers(port: u16) -> bool {
    let first_byte = || -> io::Result<u8> {
        let mut stream = TcpStream::connect(("127.0.0.1", port))?;
        stream.set_read_timeout(Some(Duration::from_secs(5)))?;
        stream.write_all(STARTUP)?;
        let mut first = [0];
        stream.read_exact(&mut first)?;
        Ok(first[0])
    };
    first_byte().is_ok_and(|byte| byte == b'R')
}

impl Server {
    /// Starts a server with further settings, each as `name=value`. Returns before it accepts clients.
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

    /// Waits until the server accepts clients.
    pub fn wait(&self) -> io::Result<()> {
        let start = Instant::now();
        while !answers(self.port) {
            if start.elapsed() > START_TIMEOUT {
                return Err(io::Error::other("PostgreSQL did not start in time"));
            }
            std::thread::sleep(Duration::from_millis(50));
        }
        Ok(())
    }

    /// The address of the default database.
    pub fn url(&self) -> String {
        self.url_of("postgres")
    }

    fn url_of(&self, database: &str) -> String {
        format!("postgres://galleria@127.0.0.1:{}/{database}", self.port)
    }

    /// Waits for the server, creates a database and returns its address.
    pub fn database(&self) -> io::Result<String> {
        self.copy_of("template0")
    }

    fn copy_of(&self, template: &str) -> io::Result<String> {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        self.wait()?;
        let name = format!("test_{}", NEXT.fetch_add(1, Ordering::Relaxed));
        let create = format!("CREATE DATABASE {name} TEMPLATE {template}");
        // Copying files is faster than copying through the log. Before version 15 it is the only
        // strategy, and the option is unknown.
        self.execute(&format!("{create} STRATEGY FILE_COPY"))
            .or_else(|_| self.execute(&create))?;
        Ok(self.url_of(&name))
    }

    /// Runs one command, as a simple query.
    fn execute(&self, sql: &str) -> io::Result<()> {
        let mut stream = TcpStream::connect(("127.0.0.1", self.port))?;
        stream.write_all(STARTUP)?;
        until_ready(&mut stream)?;
        let length = u32::try_from(sql.len() + 5).map_err(io::Error::other)?;
        stream.write_all(&[b"Q", &length.to_be_bytes()[..], sql.as_bytes(), b"\0"].concat())?;
        until_ready(&mut stream)
    }

    /// Kills all processes of the server without notice.
    pub fn kill(&mut self) -> io::Result<()> {
        self.send("kill")
    }

    /// Shuts the server down immediately: it aborts transactions and notifies clients.
    pub fn stop(&mut self) -> io::Result<()> {
        self.send("stop")
    }

    /// Restarts the server on the same port and data. Returns before it accepts clients.
    pub fn restart(&mut self) -> io::Result<()> {
        self.send("start")
    }

    fn send(&mut self, command: &str) -> io::Result<()> {
        let ended = || io::Error::other("the shell of the server has ended");
        let stdin: &mut ChildStdin = self.shell.stdin.as_mut().ok_or_else(ended)?;
        writeln!(stdin, "{command}")?;
        let stdout: &mut ChildStdout = self.shell.stdout.as_mut().ok_or_else(ended)?;
        // The shell answers with one line, so the buffer keeps nothing else.
        match BufReader::new(stdout).read_line(&mut String::new())? {
            0 => Err(ended()),
            _ => Ok(()),
        }
    }
}

/// Reads messages until the server is ready for a query. Returns an error message as an error.
fn until_ready(stream: &mut TcpStream) -> io::Result<()> {
    loop {
        let mut head = [0; 5];
        stream.read_exact(&mut head)?;
        let [kind, length @ ..] = head;
        let mut body = Vec::new();
        let rest = u64::from(u32::from_be_bytes(length)).saturating_sub(4);
        stream.take(rest).read_to_end(&mut body)?;
        match kind {
            b'Z' => return Ok(()),
            b'E' => {
                return Err(io::Error::other(
                    String::from_utf8_lossy(&body).into_owned(),
                ));
            }
            _ => {}
        }
    }
}

/// PostgreSQL does not run as root: if this process does, run it as the user of its package.
fn unprivileged() -> io::Result<Command> {
    let id = Command::new("id").arg("-u").output()?;
    if id.stdout.trim_ascii() != b"0" {
        return Ok(Command::new("env"));
    }
    let mut command = Command::new("setpriv");
    command.args(["--reuid=postgres", "--regid=postgres", "--clear-groups"]);
    Ok(command)
}
