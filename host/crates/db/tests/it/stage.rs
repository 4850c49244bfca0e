//! A new, migrated database for one test, and macros for transactions on it.

use galleria_db::{Db, DbConfig};
use galleria_ports::records::Records;
use galleria_test_database::{TestDatabase, integer};
use std::sync::Arc;
use tempfile::TempDir;
use tokio::sync::OnceCell;

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
                #[cfg_attr(not(postgres_installed), ignore = "PostgreSQL is not installed")]
                async fn $name() {
                    super::$name(&crate::stage::Stage::postgres().await).await;
                }
            )*
        }
    };
}

/// Runs one transaction. The list names the variables to clone:
/// `write_tx!(stage, [order], |tx| tx.order_insert(&order).await)`.
macro_rules! write_tx {
    ($stage:expr, [$($uses:ident),*], |$tx:ident| $work:expr $(,)?) => {
        one_tx!($stage, write, [$($uses),*], |$tx| $work)
    };
}

/// Runs one transaction on a snapshot.
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
            .$how(galleria_ports::in_tx!(|$tx $(, $uses)*| $work))
            .await
    }};
}

/// An open database. Clones share it.
#[derive(Clone)]
pub struct Stage {
    pub db: Db,
    pub config: DbConfig,
    /// The folder of the SQLite file. Deleted with the last clone.
    _folder: Option<Arc<TempDir>>,
}

impl Stage {
    pub async fn sqlite() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let config = file(&folder);
        Db::migrate(&config).await.expect("migrated");
        Self::open(config, Some(folder)).await
    }

    pub async fn postgres() -> Self {
        // Migrates one database and copies it for each test.
        static MIGRATED: OnceCell<String> = OnceCell::const_new();
        let migrate = async || {
            let url = galleria_test_postgres::database();
            let config = DbConfig::new(url.clone());
            Db::migrate(&config).await.expect("migrated");
            url
        };
        let migrated = MIGRATED.get_or_init(migrate).await;
        let url = galleria_test_postgres::copy_of(migrated);
        Self::open(DbConfig::new(url), None).await
    }

    pub async fn open(config: DbConfig, folder: Option<TempDir>) -> Self {
        Self {
            db: Db::open(&config).await.expect("open"),
            config,
            _folder: folder.map(Arc::new),
        }
    }

    /// Runs a query without the ports and returns its text and integer columns.
    pub async fn rows(&self, sql: &str) -> Vec<(String, i64)> {
        let mut database = TestDatabase::connect(&self.config.url).await;
        let rows = database.rows(sql).await.into_iter().map(|row| {
            let [text, number] = <[_; 2]>::try_from(row).expect("two columns");
            (text.expect("a text"), integer(number))
        });
        rows.collect()
    }

    /// Runs a command without the ports.
    pub async fn run(&self, sql: &str) {
        TestDatabase::connect(&self.config.url).await.run(sql).await;
    }

    pub fn records(&self) -> &dyn Records {
        &self.db
    }
}

/// The address of a database file that does not exist, in a folder that does not exist, with special
/// characters in its name.
pub fn file(folder: &TempDir) -> DbConfig {
    let path = folder.path().join("data of a shop/50% größer?.db");
    DbConfig::new(format!("sqlite://{}", path.display()))
}

#[test]
fn a_missing_postgres_is_an_error_if_strict() {
    galleria_test_postgres::require_if_strict();
}
