//! A fresh, migrated database for one test, and hosts over it.

use crate::doubles::OneMember;
use crate::host::{Host, test_config};
use galleria_api::HttpConfig;
use galleria_app::Policy;
use galleria_db::{Db, DbConfig};
use galleria_ports::clock::DrivenClock;
use galleria_test_database::TestDatabase;
use std::sync::Arc;
use tempfile::TempDir;
use tokio::sync::OnceCell;

/// Runs each named `async fn(&Stage)` on both databases.
macro_rules! on_both {
    ($($name:ident),* $(,)?) => {
        mod sqlite {
            $(
                #[tokio::test]
                async fn $name() {
                    super::$name(&crate::stage::Stage::sqlite().await).await;
                }
            )*
        }
        mod postgres {
            $(
                #[tokio::test]
                #[cfg_attr(not(postgres_installed), ignore = "PostgreSQL is not installed")]
                async fn $name() {
                    super::$name(&crate::stage::Stage::postgres().await).await;
                }
            )*
        }
    };
}

pub struct Stage {
    config: DbConfig,
    /// Only for SQLite.
    folder: Option<TempDir>,
}

impl Stage {
    pub async fn sqlite() -> Self {
        let folder = TempDir::new().expect("a folder");
        let url = format!("sqlite://{}/galleria.db", folder.path().display());
        Self::migrated(url, Some(folder)).await
    }

    pub async fn postgres() -> Self {
        // Migrates one database and copies it for each test.
        static MIGRATED: OnceCell<String> = OnceCell::const_new();
        let migrate = async || {
            let url = galleria_test_postgres::database();
            Self::migrated(url.clone(), None).await;
            url
        };
        let migrated = MIGRATED.get_or_init(migrate).await;
        Self {
            config: DbConfig::new(galleria_test_postgres::copy_of(migrated)),
            folder: None,
        }
    }

    async fn migrated(url: String, folder: Option<TempDir>) -> Self {
        let config = DbConfig::new(url);
        Db::migrate(&config).await.expect("migrations");
        Self { config, folder }
    }

    pub async fn records(&self) -> Arc<Db> {
        Arc::new(Db::open(&self.config).await.expect("a database"))
    }

    /// A host over this database. A later host sees the data of the first.
    pub async fn host(&self) -> Host {
        self.host_with(test_config()).await
    }

    pub async fn host_with(&self, config: HttpConfig) -> Host {
        Host::start(self.records().await, config).await
    }

    /// A host with a clock that the test drives.
    pub async fn driven(&self, policy: Policy) -> (Host, Arc<DrivenClock>) {
        let plugins = Arc::new(OneMember::default());
        Host::with(self.records().await, plugins, policy, test_config()).await
    }

    /// An id that is unique in the log, which both databases share.
    pub fn id(&self, id: &str) -> String {
        let suffix = if self.is_sqlite() { "lite" } else { "pg" };
        format!("{id}-{suffix}")
    }

    pub fn is_sqlite(&self) -> bool {
        self.folder.is_some()
    }

    pub async fn connect(&self) -> TestDatabase {
        TestDatabase::connect(&self.config.url).await
    }

    /// The whole content: the bytes of SQLite's files, or of PostgreSQL's rows.
    pub async fn bytes(&self) -> Vec<u8> {
        if let Some(folder) = &self.folder {
            let files = std::fs::read_dir(folder.path()).expect("a folder");
            let mut files: Vec<_> = files.map(|entry| entry.expect("an entry").path()).collect();
            // The write-ahead log before the database file, into which SQLite moves it.
            files.sort_by(|one, other| other.cmp(one));
            let files = files.iter().map(std::fs::read);
            return files.flat_map(|bytes| bytes.expect("a file")).collect();
        }
        let mut database = self.connect().await;
        let tables = "SELECT tablename::text FROM pg_tables WHERE schemaname = 'public'";
        let mut text = String::new();
        for table in database.texts(tables).await {
            let rows = format!("SELECT row_to_json(r)::text FROM {table} r");
            text.extend(database.texts(&rows).await);
        }
        text.into_bytes()
    }
}

#[test]
fn a_missing_postgres_is_an_error_if_strict() {
    galleria_test_postgres::require_if_strict();
}
