//! The PostgreSQL server of this run of the tests.

use crate::server::{self, Server};
use galleria_db::DbConfig;
use sqlx::{AnyConnection, AssertSqlSafe, Connection as _};
use std::io::Write as _;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

static SERVER: OnceLock<Option<Server>> = OnceLock::new();
static DATABASES: AtomicU32 = AtomicU32::new(0);

/// An empty database of one test's own. None, and said so, where there is no server.
pub async fn database() -> Option<DbConfig> {
    let server = SERVER
        .get_or_init(|| server::bin().map(|bin| server::start(&bin).expect("a shell")))
        .as_ref();
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
