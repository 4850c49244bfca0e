//! A PostgreSQL server of our own, found on the machine and started on a free port.
//!
//! Of the standard library alone: `cargo xtask api` starts its server with it too.

use std::io;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

/// Starts a server, and stops it when its standard input ends: so it goes with who started it,
/// however that one ends, and takes its folder along. Ordering by ICU where it can, so that a text
/// column which must sort by bytes and does not is noticed.
const SCRIPT: &str = r#"
    trap '' INT
    bin=$1 port=$2
    dir=$(mktemp -d -t galleria-postgres-XXXXXX) || exit 1
    trap 'rm -rf "$dir"' EXIT
    cd "$dir"
    init() { "$bin/initdb" -D data -U galleria -A trust -E UTF8 --no-sync "$@" >>log 2>&1; }
    init --locale-provider=icu --icu-locale=en-US || { rm -rf data; init; } || { cat log >&2; exit 1; }
    "$bin/postgres" -D data -p "$port" -c listen_addresses=127.0.0.1 -c unix_socket_directories= \
        -c fsync=off -c max_connections=400 >>log 2>&1 &
    server=$!
    read -r _
    kill -INT "$server"
    wait "$server"
"#;

/// A running server.
pub struct Server {
    /// On 127.0.0.1.
    pub port: u16,
    /// Its standard input is what keeps the server up.
    _shell: Child,
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
    let free = TcpListener::bind("127.0.0.1:0")?;
    let port = free.local_addr()?.port();
    drop(free);
    let mut command = unprivileged()?;
    command
        .args(["sh", "-c", SCRIPT, "sh"])
        .arg(bin)
        .arg(port.to_string());
    command
        .current_dir("/")
        .stdin(Stdio::piped())
        .stdout(Stdio::null());
    Ok(Server {
        port,
        _shell: command.spawn()?,
    })
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
