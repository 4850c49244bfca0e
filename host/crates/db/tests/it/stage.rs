//! A fresh, migrated database for one test, and short words for transactions on it.

use galleria_app::Error;
use galleria_app::records::{InTx, Records};
use galleria_db::{Db, DbConfig};
use sqlx::any::AnyConnectOptions;
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{AnyConnection, ConnectOptions as _, Connection as _};
use std::sync::Arc;
use tempfile::TempDir;

/// Runs each named `async fn(&Stage)` on both databases.
macro_rules! on_both {
    ($($name:ident),* $(,)?) => {
        mod sqlite {
            $(
                #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
                async fn $name() {
                    super::$name(&crate::stage::Stage::sqlite().await).await;
                }
            )*
        }
        mod postgres {
            $(
                #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
                async fn $name() {
                    if let Some(stage) = crate::stage::Stage::postgres().await {
                        super::$name(&stage).await;
                    }
                }
            )*
        }
    };
}

/// One transaction: `write_tx!(stage, [what, it, uses], |tx| tx.order_insert(&what).await)`.
macro_rules! write_tx {
    ($stage:expr, [$($uses:ident),*], |$tx:ident| $work:expr $(,)?) => {
        one_tx!($stage, write, [$($uses),*], |$tx| $work)
    };
}

/// The same, on a snapshot.
macro_rules! read_tx {
    ($stage:expr, [$($uses:ident),*], |$tx:ident| $work:expr $(,)?) => {
        one_tx!($stage, read, [$($uses),*], |$tx| $work)
    };
}

macro_rules! one_tx {
    ($stage:expr, $how:ident, [$($uses:ident),*], |$tx:ident| $work:expr $(,)?) => {{
        $(let $uses = $uses.clone();)*
        $stage
            .records()
            .$how(move |$tx| {
                $(let $uses = $uses.clone();)*
                crate::stage::in_tx(async move { $work })
            })
            .await
    }};
}

/// Gives the work of a transaction its type.
pub fn in_tx<'t, T>(work: impl Future<Output = Result<T, Error>> + Send + 't) -> InTx<'t, T> {
    Box::pin(work)
}

/// A database. Clones share it.
#[derive(Clone)]
pub struct Stage {
    pub db: Db,
    pub config: DbConfig,
    /// SQLite's folder, gone with the last clone.
    _folder: Option<Arc<TempDir>>,
}

impl Stage {
    pub async fn sqlite() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let config = file(&folder);
        Db::migrate(&config).await.expect("migrated");
        Self::open(config, Some(folder)).await
    }

    /// None where there is no PostgreSQL.
    pub async fn postgres() -> Option<Self> {
        let config = DbConfig::new(galleria_test_postgres::database()?);
        Db::migrate(&config).await.expect("migrated");
        Some(Self::open(config, None).await)
    }

    pub async fn open(config: DbConfig, folder: Option<TempDir>) -> Self {
        Self {
            db: Db::open(&config).await.expect("open"),
            config,
            _folder: folder.map(Arc::new),
        }
    }

    /// Past the ports: what a statement finds, text and number.
    pub async fn rows(&self, sql: &'static str) -> Vec<(String, i64)> {
        let mut connection = self.connect().await;
        let rows = sqlx::query_as(sql).fetch_all(&mut connection).await;
        connection.close().await.expect("close");
        rows.expect("rows")
    }

    /// Past the ports: runs a statement.
    pub async fn run(&self, sql: &'static str) {
        let mut connection = self.connect().await;
        sqlx::query(sql)
            .execute(&mut connection)
            .await
            .expect("run");
        connection.close().await.expect("close");
    }

    async fn connect(&self) -> AnyConnection {
        sqlx::any::install_default_drivers();
        // The way `Db` itself understands the path of a file.
        let options = match self.config.url.strip_prefix("sqlite://") {
            Some(path) => {
                let url = SqliteConnectOptions::new().filename(path).to_url_lossy();
                AnyConnectOptions::from_url(&url)
            }
            None => self.config.url.parse(),
        };
        options
            .expect("an address")
            .connect()
            .await
            .expect("connect")
    }

    pub fn records(&self) -> &dyn Records {
        &self.db
    }
}

/// A database file that is not there yet, in a folder that is not there yet, with a name that an
/// address could stumble over.
pub fn file(folder: &TempDir) -> DbConfig {
    let path = folder.path().join("data of a shop/50% größer?.db");
    DbConfig::new(format!("sqlite://{}", path.display()))
}
