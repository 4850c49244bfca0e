//! The address of a database, and connections to it.

use crate::config::DbConfig;
use crate::dialect::Dialect;
use crate::error::DbError;
use crate::postgres::{self, Server};
use crate::sqlite::{self, READER_CACHE_KIB, WRITER_CACHE_KIB};
use sqlx::any::{AnyConnectOptions, AnyPoolOptions};
use sqlx::{AnyConnection, AnyPool, ConnectOptions as _};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

/// A parsed address.
#[derive(Clone)]
pub(crate) struct Address {
    /// The PostgreSQL server; `None` is SQLite.
    server: Option<Server>,
    options: AnyConnectOptions,
    connect_timeout: Duration,
}

impl Address {
    pub(crate) fn parse(config: &DbConfig) -> Result<Self, DbError> {
        sqlx::any::install_default_drivers();
        let url = &*config.url;
        let (options, server) = if let Some(path) = url.strip_prefix("sqlite://") {
            (sqlite::options(Path::new(path))?, None)
        } else if url.starts_with("postgres://") || url.starts_with("postgresql://") {
            if let Some(name) = postgres::unknown_parameter(url) {
                return Err(DbError::Parameter { name });
            }
            postgres::check_files(url)?;
            let server = Server::parse(url).ok_or(DbError::Address)?;
            (url.parse().map_err(|_| DbError::Address)?, Some(server))
        } else {
            return Err(DbError::Address);
        };
        Ok(Self {
            server,
            // The caller reports errors: sqlx must not log them again.
            options: options.disable_statement_logging(),
            connect_timeout: config.connect_timeout,
        })
    }

    pub(crate) fn dialect(&self) -> Dialect {
        match self.server {
            None => Dialect::Sqlite,
            Some(_) => Dialect::Postgres,
        }
    }

    /// Opens one connection. On PostgreSQL it has no time limits, because it runs migrations.
    pub(crate) async fn connect(&self) -> Result<AnyConnection, DbError> {
        let Some(server) = &self.server else {
            let failed = |source| DbError::operation("connect", source);
            let mut connection = self.options.connect().await.map_err(failed)?;
            sqlite::set_up(&mut connection, WRITER_CACHE_KIB)
                .await
                .map_err(failed)?;
            sqlite::verify(&mut connection).await?;
            return Ok(connection);
        };
        let connecting = tokio::time::timeout(self.connect_timeout, self.options.connect());
        let connected = connecting.await.map_err(|_| server.timeout_error())?;
        let mut connection = connected.map_err(|source| server.connect_error(source))?;
        postgres::check_version(&mut connection).await?;
        Ok(connection)
    }

    /// Opens a pool of at most `connections`.
    pub(crate) async fn pool(
        &self,
        config: &DbConfig,
        connections: u32,
    ) -> Result<AnyPool, DbError> {
        let dialect = self.dialect();
        let settings: Arc<str> = postgres::settings(config).into();
        AnyPoolOptions::new()
            .max_connections(connections.max(1))
            // A server may have restarted since the last use; a file cannot.
            .test_before_acquire(dialect == Dialect::Postgres)
            .acquire_timeout(config.connect_timeout)
            .after_connect(move |connection, _| {
                let settings = Arc::clone(&settings);
                Box::pin(async move {
                    match dialect {
                        Dialect::Sqlite => sqlite::set_up(connection, READER_CACHE_KIB).await,
                        Dialect::Postgres => postgres::set_up(connection, &settings).await,
                    }
                })
            })
            .connect_with(self.options.clone())
            .await
            .map_err(|source| match &self.server {
                Some(server) => server.connect_error(source),
                None => DbError::operation("connect", source),
            })
    }
}
