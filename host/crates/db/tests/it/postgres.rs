//! A PostgreSQL server for this run of the tests, found on the machine and started on a free port.

use galleria_db::DbConfig;
use sqlx::{AnyConnection, AssertSqlSafe, Connection as _};
use std::io::Write as _;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

/// Starts a server, and stops it when its standard input ends: so it goes with the tests, however
/// these end, and takes its folder along. Ordering by ICU where it can, so that a text column which
/// must sort by bytes and does not is noticed.
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

struct Server {
    port: u16,
    /// Its standard input is what keeps the server up.
    _shell: Child,
}

static SERVER: OnceLock<Option<Server>> = OnceLock::new();
static DATABASES: AtomicU32 = AtomicU32::new(0);

/// An empty database of one test's own. None, and said so, where there is no server.
pub async fn database() -> Option<DbConfig> {
    let server = SERVER.get_or_init(|| bin().map(|bin| start(&bin))).as_ref();
    let Some(server) = server else {
        let strict = std::env::var_os("GALLERIA_STRICT").is_some_and(|value| value == "1");
        assert!(!strict, "no PostgreSQL server was found");
        // Not captured, as print would be: a test that passes by not running must say so.
        let words =
            b"SKIPPED: no PostgreSQL server was found (Debian: apt-get install postgresql)\n";
        std::io::stderr().write_all(words).expect("stderr");
        return None;
    };
    sqlx::any::install_default_drivers();
    let mut connection = connect(server.port).await;
    let name = format!("test_{}", DATABASES.fetch_add(1, Ordering::Relaxed));
    let create = format!("CREATE DATABASE {name} TEMPLATE template0");
    sqlx::query(AssertSqlSafe(create))
        .execute(&mut connection)
        .await
        .expect("a database");
    connection.close().await.expect("close");
    Some(DbConfig {
        url: url(server.port, &name),
        read_connections: 8,
    })
}

fn url(port: u16, database: &str) -> String {
    format!("postgres://galleria@127.0.0.1:{port}/{database}")
}

/// Waits until the server answers.
async fn connect(port: u16) -> AnyConnection {
    let begun = Instant::now();
    loop {
        match AnyConnection::connect(&url(port, "postgres")).await {
            Ok(connection) => return connection,
            Err(error) if begun.elapsed() > Duration::from_secs(60) => {
                panic!("PostgreSQL did not start: {error}")
            }
            Err(_) => tokio::time::sleep(Duration::from_millis(50)).await,
        }
    }
}

/// The folder of `initdb` and `postgres`: on the path, or where Debian puts the newest.
fn bin() -> Option<PathBuf> {
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

fn start(bin: &Path) -> Server {
    let free = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let port = free.local_addr().expect("its number").port();
    drop(free);
    let mut command = unprivileged();
    command
        .args(["sh", "-c", SCRIPT, "sh"])
        .arg(bin)
        .arg(port.to_string());
    command
        .current_dir("/")
        .stdin(Stdio::piped())
        .stdout(Stdio::null());
    Server {
        port,
        _shell: command.spawn().expect("a shell"),
    }
}

/// PostgreSQL refuses to run as root: then it runs as the user that its package made.
fn unprivileged() -> Command {
    let id = Command::new("id").arg("-u").output().expect("id");
    if id.stdout.trim_ascii() != b"0" {
        return Command::new("env");
    }
    let mut command = Command::new("setpriv");
    command.args(["--reuid=postgres", "--regid=postgres", "--clear-groups"]);
    command
}
