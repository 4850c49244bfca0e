//! PostgreSQL servers for tests: one that all share, and those that a test may kill.

use galleria_test_postgres::{Server, bin};
use sqlx::{AnyConnection, AssertSqlSafe, Connection as _};
use std::io::Write as _;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

static SERVER: OnceLock<Option<Server>> = OnceLock::new();
static DATABASES: AtomicU32 = AtomicU32::new(0);

/// The address of an empty database of one test's own. None, and said so, where there is no server.
pub async fn database() -> Option<String> {
    match SERVER.get_or_init(|| server(&[])) {
        Some(server) => Some(database_of(server).await),
        None => None,
    }
}

/// A server of one test's own, with further settings. None, and said so, where there is none.
pub fn server(settings: &[&str]) -> Option<Server> {
    if let Some(bin) = bin() {
        return Some(Server::start(&bin, settings).expect("a shell"));
    }
    let strict = std::env::var_os("GALLERIA_STRICT").is_some_and(|value| value == "1");
    assert!(!strict, "no PostgreSQL server was found");
    // Not captured, as print would be: a test that passes by not running must say so.
    let words = b"SKIPPED: no PostgreSQL server was found (Debian: apt-get install postgresql)\n";
    std::io::stderr().write_all(words).expect("stderr");
    None
}

/// The address of a new database on a server.
pub async fn database_of(server: &Server) -> String {
    let mut connection = answering(server).await;
    let name = format!("test_{}", DATABASES.fetch_add(1, Ordering::Relaxed));
    let create = format!("CREATE DATABASE {name} TEMPLATE template0");
    sqlx::query(AssertSqlSafe(create))
        .execute(&mut connection)
        .await
        .expect("a database");
    connection.close().await.expect("close");
    url(server.port, &name)
}

/// Waits until a server answers.
pub async fn answering(server: &Server) -> AnyConnection {
    sqlx::any::install_default_drivers();
    let begun = Instant::now();
    loop {
        match AnyConnection::connect(&url(server.port, "postgres")).await {
            Ok(connection) => return connection,
            Err(error) if begun.elapsed() > Duration::from_secs(60) => {
                panic!("PostgreSQL did not start: {error}")
            }
            Err(_) => tokio::time::sleep(Duration::from_millis(50)).await,
        }
    }
}

fn url(port: u16, database: &str) -> String {
    format!("postgres://galleria@127.0.0.1:{port}/{database}")
}
