//! PostgreSQL's side of a connection: whether the server will do, how long it may take, and what it
//! means when it breaks off.
//!
//! Owns: which failures work is done again after. A commit that was not answered is none of them:
//! nobody knows whether it is done, so the caller hears of it and asks again under its key.

use crate::open::{DbConfig, DbError};
use sqlx::postgres::{PgConnectOptions, PgDatabaseError};
use sqlx::{AnyConnection, AssertSqlSafe, Executor};
use std::str::FromStr as _;

/// The oldest server that will do: `pg_current_snapshot`, and removing what is old without locks.
const OLDEST: u32 = 13;

/// Parameters of an address that the driver knows. It passes over others, and logs their values.
const PARAMETERS: &[&str] = &[
    "sslmode",
    "ssl-mode",
    "sslrootcert",
    "ssl-root-cert",
    "ssl-ca",
    "sslcert",
    "ssl-cert",
    "sslkey",
    "ssl-key",
    "statement-cache-capacity",
    "host",
    "hostaddr",
    "port",
    "dbname",
    "user",
    "password",
    "application_name",
    "options",
];

/// The first parameter of an address that the driver would pass over.
pub(crate) fn unknown_parameter(url: &str) -> Option<String> {
    let (_, query) = url.split_once('?')?;
    let mut names = query
        .split('&')
        .map(|pair| pair.split('=').next().unwrap_or_default());
    let known = |name: &str| PARAMETERS.contains(&name) || name.starts_with("options[");
    names.find(|name| !known(name)).map(ToOwned::to_owned)
}

/// What of an address may be shown.
#[derive(Clone, Debug)]
pub(crate) struct Server {
    host: String,
    user: String,
    database: String,
}

impl Server {
    /// None where it is no address. The parser's own error could quote the password.
    pub(crate) fn of(url: &str) -> Option<Self> {
        let options = PgConnectOptions::from_str(url).ok()?;
        let host = match options.get_socket() {
            Some(socket) => socket.display().to_string(),
            None => format!("{}:{}", options.get_host(), options.get_port()),
        };
        let user = options.get_username().to_owned();
        Some(Self {
            host,
            database: options.get_database().unwrap_or(&user).to_owned(),
            user,
        })
    }

    /// Why a connection was not made, in the operator's words.
    pub(crate) fn refused(&self, source: sqlx::Error) -> DbError {
        let code = code(&source);
        let Self {
            host,
            user,
            database,
        } = self.clone();
        match code.as_deref() {
            // Wrong password, no such user, not from here; no such database, not for this user.
            Some("28P01" | "28000" | "3D000" | "42501") => DbError::Refused {
                host,
                user,
                database,
                source,
            },
            Some("53300" | "57P03") => DbError::Away { host, source },
            None if is_lost(&source) || matches!(source, sqlx::Error::PoolTimedOut) => {
                DbError::Away { host, source }
            }
            _ => DbError::statement("connect", source),
        }
    }

    /// Nothing was heard in time.
    pub(crate) fn silent(&self) -> DbError {
        DbError::Away {
            host: self.host.clone(),
            source: sqlx::Error::PoolTimedOut,
        }
    }
}

/// Refuses a server that is too old.
pub(crate) async fn check(connection: &mut AnyConnection) -> Result<(), DbError> {
    let number: String = sqlx::query_scalar("SHOW server_version_num")
        .fetch_one(connection)
        .await
        .map_err(|source| DbError::statement("tell its version", source))?;
    match number.parse::<u32>() {
        Ok(number) if number / 10_000 >= OLDEST => Ok(()),
        _ => Err(DbError::Server {
            found: number.parse().map_or(0, |number: u32| number / 10_000),
            needed: OLDEST,
        }),
    }
}

/// The statements that set a connection up.
pub(crate) fn settings(config: &DbConfig) -> String {
    let (statement, lock) = (
        config.statement_timeout.as_millis(),
        config.lock_timeout.as_millis(),
    );
    // A host that stands still in a transaction would hold the head of the log for all others. Where
    // the server was told not to wait for the disk, what was answered would not outlive it.
    format!(
        "SET statement_timeout = {statement};
         SET lock_timeout = {lock};
         SET idle_in_transaction_session_timeout = {statement};
         SELECT set_config('synchronous_commit', 'on', false)
         WHERE current_setting('synchronous_commit') = 'off'"
    )
}

/// Sets a connection up.
pub(crate) async fn set_up(
    connection: &mut AnyConnection,
    settings: &str,
) -> Result<(), sqlx::Error> {
    let settings = sqlx::raw_sql(AssertSqlSafe(settings.to_owned()));
    connection.execute(settings).await.map(drop)
}

/// What may help after a failure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Cure {
    /// Nothing that the database could do by itself.
    None,
    /// Doing the work again: transactions were in each other's way, or the server went away before
    /// it was asked to commit.
    Again,
    /// Doing it again on another connection: this one prepared its statements for tables that have
    /// changed since, as they do while a newer host migrates.
    Elsewhere,
}

impl Cure {
    /// After a statement failed.
    pub(crate) fn of(error: &sqlx::Error) -> Self {
        match code(error).as_deref() {
            // PostgreSQL: serialization failure, deadlock. SQLite: busy, and a snapshot grown old.
            Some("40001" | "40P01" | "5" | "517") => Self::Again,
            Some("0A000") if is_outdated(error) => Self::Elsewhere,
            _ if is_lost(error) => Self::Again,
            _ => Self::None,
        }
    }

    /// After a commit failed: done again only where the server said that nothing was kept.
    pub(crate) fn of_commit(error: &sqlx::Error) -> Self {
        match code(error).as_deref() {
            Some("40001" | "40P01") => Self::Again,
            _ => Self::None,
        }
    }
}

/// Whether the connection is gone, or about to go. SQLite's errors are never such.
pub(crate) fn is_lost(error: &sqlx::Error) -> bool {
    match error {
        sqlx::Error::Io(_) => true,
        sqlx::Error::Database(_) => {
            let code = code(error);
            let code = code.as_deref().unwrap_or_default();
            // An administrator's command, a crash, starting up or shutting down, idle for too long; not
            // idle in a transaction, which is the work's own doing.
            matches!(code, "57P01" | "57P02" | "57P03" | "57P05")
                || (code.len() == 5 && code.starts_with("08"))
        }
        _ => false,
    }
}

/// `cached plan must not change result type`, whatever the server's language.
fn is_outdated(error: &sqlx::Error) -> bool {
    let error = error.as_database_error();
    let error = error.and_then(|error| error.try_downcast_ref::<PgDatabaseError>());
    error.and_then(PgDatabaseError::routine) == Some("RevalidateCachedQuery")
}

fn code(error: &sqlx::Error) -> Option<String> {
    let error = error.as_database_error()?;
    error.code().map(|code| code.into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_shown_without_its_password() {
        let server = Server::of("postgres://till:tiger-secret@db.example:5433/shop");
        let server = server.expect("an address");
        assert_eq!(server.host, "db.example:5433");
        assert!(!format!("{server:?}").contains("tiger"), "{server:?}");
        assert!(Server::of("postgres://till:tiger-secret@db.example:port/shop").is_none());
        let known = "postgres://db/shop?sslmode=disable&options[search_path]=a";
        assert_eq!(unknown_parameter(known), None);
        let typo = unknown_parameter("postgres://db/shop?user=till&passwort=tiger-secret");
        assert_eq!(typo.as_deref(), Some("passwort"));
    }

    #[test]
    fn a_lost_connection_is_a_reason_to_try_again_and_a_lost_commit_is_none() {
        let lost = sqlx::Error::Io(std::io::ErrorKind::ConnectionReset.into());
        assert_eq!(Cure::of(&lost), Cure::Again);
        assert_eq!(Cure::of_commit(&lost), Cure::None);
        assert_eq!(Cure::of(&sqlx::Error::PoolTimedOut), Cure::None);
        assert_eq!(Cure::of(&sqlx::Error::RowNotFound), Cure::None);
    }
}
