//! Errors of opening, migrating and closing a database.

use crate::driver_error::DriverError;

/// A database cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum DbError {
    /// The address names no supported database.
    #[error(
        "database.url: must be sqlite://path/to/file.db or postgres://user:password@host/database"
    )]
    Address,
    /// The address has an unknown parameter.
    #[error("database.url: unknown parameter {name}: remove it, or use one of {}", .accepted.join(", "))]
    Parameter {
        /// The parameter's name. Its value may be a secret.
        name: String,
        /// The known parameters.
        accepted: Vec<&'static str>,
    },
    /// A file of the address cannot be read, or is not a file of limited size.
    #[error("database.url: {name}: {file} {reason}")]
    File {
        /// What names the file: a parameter of the address, or `PGPASSFILE`.
        name: &'static str,
        /// The path.
        file: String,
        /// The rule.
        reason: galleria_files::ReadError,
    },
    /// A parameter of the address has an invalid value.
    #[error("database.url: parameter {name} {rule}")]
    ParameterValue {
        /// The parameter's name.
        name: &'static str,
        /// The rule, such as `must be an IP address`.
        rule: &'static str,
    },
    /// A certificate or a key of the address is not usable.
    #[error(
        "database.url: {parameter}: cannot use {file}: it must contain a certificate in PEM format, or for sslkey the \
         key of the certificate"
    )]
    Certificate {
        /// The parameter.
        parameter: &'static str,
        /// Its file.
        file: String,
    },
    /// `sslmode` verifies certificates and nothing is trusted.
    #[error(
        "database.url: sslmode verifies the certificate of the server, and the system trusts no \
         authority: add the parameter sslrootcert"
    )]
    NoRootCertificate,
    /// The server does not answer, or does not accept connections yet.
    #[error(
        "PostgreSQL does not answer at {host}: check that it runs and that database.url names its host and port"
    )]
    Unreachable {
        /// Host and port, or the folder of a socket.
        host: String,
        /// The failure.
        #[source]
        source: DriverError,
    },
    /// The server rejected the connection.
    #[error(
        "PostgreSQL at {host} rejected user {user} for database {database}: \
         check the user, password and database in database.url"
    )]
    Rejected {
        /// Host and port, or the folder of a socket.
        host: String,
        /// The user of the address.
        user: String,
        /// The database of the address.
        database: String,
        /// The server's answer.
        #[source]
        source: Box<DriverError>,
    },
    /// The server is too old.
    #[error("PostgreSQL {version} is too old: Galleria needs version {minimum} or later")]
    ServerVersion {
        /// The server's major version.
        version: u32,
        /// The oldest supported major version.
        minimum: u32,
    },
    /// The folder of the SQLite file could not be created.
    #[error("cannot create the folder of the database file {file}")]
    Folder {
        /// The database file.
        file: String,
        /// The failure.
        #[source]
        source: std::io::Error,
    },
    /// A thread for SQLite did not start or ended early.
    #[error("a thread for SQLite did not start or ended early")]
    Thread {
        /// The failure.
        #[source]
        source: std::io::Error,
    },
    /// A query failed, or connecting did.
    #[error("database operation failed: {operation}")]
    Operation {
        /// What was attempted, as a verb phrase such as `read schema version`.
        operation: String,
        /// The failure.
        #[source]
        source: DriverError,
    },
    /// The schema is older than this binary needs.
    #[error(
        "the database has schema version {found} and this version of Galleria needs {known}: \
         run galleria migrate"
    )]
    SchemaTooOld {
        /// The database's version.
        found: i64,
        /// This binary's version.
        known: i64,
    },
    /// The schema is newer than this binary supports.
    #[error(
        "the database has schema version {found} and this version of Galleria supports {known}: \
         run the Galleria version that migrated the database"
    )]
    SchemaTooNew {
        /// The database's version.
        found: i64,
        /// This binary's version.
        known: i64,
    },
    /// An applied migration differs from the one of the same number in this binary.
    #[error(
        "migration {version} of the database differs from the one of this version of Galleria: \
         an unreleased build applied it"
    )]
    MigrationChanged {
        /// The migration's number.
        version: i64,
    },
    /// SQLite did not apply a setting.
    #[error(
        "SQLite did not apply {setting}: check that the database file is not on a network drive"
    )]
    Setting {
        /// The setting and its required value.
        setting: &'static str,
    },
}

impl DbError {
    pub(crate) fn operation(operation: impl Into<String>, source: DriverError) -> Self {
        Self::Operation {
            operation: operation.into(),
            source,
        }
    }
}
