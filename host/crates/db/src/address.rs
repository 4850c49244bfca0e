//! The address of a database.

use crate::config::DbConfig;
use crate::error::DbError;
use crate::postgres::Server;
use crate::sqlite;
use std::path::{Path, PathBuf};

/// A parsed address.
pub(crate) enum Address {
    Sqlite(PathBuf),
    Postgres(Box<Server>),
}

impl Address {
    pub(crate) fn parse(config: &DbConfig) -> Result<Self, DbError> {
        let url = &*config.url;
        if let Some(path) = url.strip_prefix("sqlite://") {
            return sqlite::file(Path::new(path)).map(Self::Sqlite);
        }
        if url.starts_with("postgres://") || url.starts_with("postgresql://") {
            return Ok(Self::Postgres(Box::new(Server::new(config)?)));
        }
        Err(DbError::Address)
    }
}
