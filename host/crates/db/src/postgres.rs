//! PostgreSQL connections: addresses, versions, settings and connection errors.

use crate::config::DbConfig;
use crate::error::DbError;
use crate::retry;
use galleria_files::SETTINGS_BYTES;
use sqlx::postgres::PgConnectOptions;
use sqlx::{AnyConnection, AssertSqlSafe, Executor as _};
use std::path::Path;
use std::str::FromStr as _;
use url::Url;

/// The oldest supported major version: the first with `pg_current_snapshot`.
const MIN_VERSION: u32 = 13;

/// Address parameters that the driver supports. It ignores others, and logs their values.
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

/// Returns the first address parameter that the driver would ignore.
pub(crate) fn unknown_parameter(url: &str) -> Option<String> {
    let (_, parameters) = url.split_once('?')?;
    let mut names = parameters
        .split('&')
        .map(|pair| pair.split('=').next().unwrap_or_default());
    let known = |name: &str| PARAMETERS.contains(&name) || name.starts_with("options[");
    names.find(|name| !known(name)).map(ToOwned::to_owned)
}

/// Files that the driver reads: the parameters that name each, and the variable that it reads without them.
const FILES: [(&[&str], &str); 4] = [
    (&["sslrootcert", "ssl-root-cert", "ssl-ca"], "PGSSLROOTCERT"),
    (&["sslcert", "ssl-cert"], "PGSSLCERT"),
    (&["sslkey", "ssl-key"], "PGSSLKEY"),
    (&[], "PGPASSFILE"),
];

/// Checks the files that the driver reads: a named pipe would block it. The driver itself reports a missing file.
pub(crate) fn check_files(url: &str) -> Result<(), DbError> {
    let Ok(url) = Url::parse(url) else {
        return Ok(());
    };
    for (parameters, variable) in FILES {
        let parameter = url.query_pairs().find_map(|(name, value)| {
            let parameter = parameters.iter().find(|one| **one == name)?;
            Some((*parameter, value.into_owned()))
        });
        let variable = || Some((variable, std::env::var(variable).ok()?));
        let Some((name, file)) = parameter.or_else(variable) else {
            continue;
        };
        // The text of a certificate may take the place of its path.
        if file.trim_start().starts_with("-----BEGIN") {
            continue;
        }
        match galleria_files::check(Path::new(&file), SETTINGS_BYTES) {
            Err(reason) if !reason.is_not_found() => {
                return Err(DbError::File { name, file, reason });
            }
            _ => {}
        }
    }
    Ok(())
}

/// The parts of an address that error messages may show.
#[derive(Clone, Debug)]
pub(crate) struct Server {
    host: String,
    user: String,
    database: String,
}

impl Server {
    /// Returns `None` for an invalid address: the parser's own error could quote the password.
    pub(crate) fn parse(url: &str) -> Option<Self> {
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

    /// Explains why a connection failed.
    pub(crate) fn connect_error(&self, source: sqlx::Error) -> DbError {
        let code = retry::code(&source);
        let Self {
            host,
            user,
            database,
        } = self.clone();
        match code.as_deref() {
            // Wrong password, unknown user or forbidden host; unknown or forbidden database.
            Some("28P01" | "28000" | "3D000" | "42501") => DbError::Rejected {
                host,
                user,
                database,
                source,
            },
            Some("53300" | "57P03") => DbError::Unreachable { host, source },
            None if retry::is_connection_lost(&source)
                || matches!(source, sqlx::Error::PoolTimedOut) =>
            {
                DbError::Unreachable { host, source }
            }
            _ => DbError::operation("connect", source),
        }
    }

    /// The server did not answer in time.
    pub(crate) fn timeout_error(&self) -> DbError {
        DbError::Unreachable {
            host: self.host.clone(),
            source: sqlx::Error::PoolTimedOut,
        }
    }
}

/// Rejects a server that is too old.
pub(crate) async fn check_version(connection: &mut AnyConnection) -> Result<(), DbError> {
    let number: String = sqlx::query_scalar("SHOW server_version_num")
        .fetch_one(connection)
        .await
        .map_err(|source| DbError::operation("read server version", source))?;
    match number.parse::<u32>() {
        Ok(number) if number / 10_000 >= MIN_VERSION => Ok(()),
        _ => Err(DbError::ServerVersion {
            version: number.parse().map_or(0, |number: u32| number / 10_000),
            minimum: MIN_VERSION,
        }),
    }
}

/// The SQL text that applies the settings of a connection.
pub(crate) fn settings(config: &DbConfig) -> String {
    let (statement, lock) = (
        config.statement_timeout.as_millis(),
        config.lock_timeout.as_millis(),
    );
    // A host that stops inside a transaction would lock the end of the log for all hosts: hence the
    // timeout of idle transactions. With synchronous_commit off, an acknowledged commit could be
    // lost in a crash.
    format!(
        "SET statement_timeout = {statement};
         SET lock_timeout = {lock};
         SET idle_in_transaction_session_timeout = {statement};
         SELECT set_config('synchronous_commit', 'on', false)
         WHERE current_setting('synchronous_commit') = 'off'"
    )
}

/// Applies the settings of a connection.
pub(crate) async fn set_up(
    connection: &mut AnyConnection,
    settings: &str,
) -> Result<(), sqlx::Error> {
    let settings = sqlx::raw_sql(AssertSqlSafe(settings.to_owned()));
    connection.execute(settings).await.map(drop)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_regular_files_reach_the_driver() {
        let checked = |address: &str| check_files(address).map_err(|error| error.to_string());
        for right in [
            "",
            "?sslrootcert=%2Fetc%2Fpasswd",
            "?sslcert=/absent",
            "?sslkey=-----BEGIN+K",
        ] {
            assert_eq!(checked(&format!("postgres://db/shop{right}")), Ok(()));
        }
        for (parameter, name) in [
            ("sslmode=require&sslrootcert=%2Fdev%2Fzero", "sslrootcert"),
            ("ssl-ca=/dev/zero", "ssl-ca"),
            ("ssl-cert=/dev/zero", "ssl-cert"),
            ("sslkey=/dev/zero", "sslkey"),
        ] {
            let error = checked(&format!("postgres://db/shop?{parameter}"));
            let wanted =
                format!("{name}: /dev/zero must be a regular file or a link to one, not a device");
            assert_eq!(error, Err(wanted));
        }
    }

    #[test]
    fn an_address_is_shown_without_its_password() {
        let server = Server::parse("postgres://till:tiger-secret@db.example:5433/shop");
        let server = server.expect("an address");
        assert_eq!(server.host, "db.example:5433");
        assert!(!format!("{server:?}").contains("tiger"), "{server:?}");
        assert!(Server::parse("postgres://till:tiger-secret@db.example:port/shop").is_none());
        let known = "postgres://db/shop?sslmode=disable&options[search_path]=a";
        assert_eq!(unknown_parameter(known), None);
        let typo = unknown_parameter("postgres://db/shop?user=till&passwort=tiger-secret");
        assert_eq!(typo.as_deref(), Some("passwort"));
    }
}
