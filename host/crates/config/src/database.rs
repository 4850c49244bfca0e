//! `[database]`: address, connections and timeouts.

use crate::Secret;
use crate::checks::Checks;
use crate::fields::{SECOND, UNBOUNDED, duration, integer, rule, secret};
use crate::units;
use serde::Deserialize;
use std::collections::BTreeMap;
use std::time::Duration;

/// The previous platform's variables for the database. Together they form `database.url`.
const OLD_HOST: &str = "MPAY_DB_HOST";
const OLD_NAME: &str = "MPAY_DB_NAME";
const OLD_USER: &str = "MPAY_DB_USER";
const OLD_PASSWORD: &str = "MPAY_DB_PWD";
pub(crate) const OLD: [&str; 4] = [OLD_HOST, OLD_NAME, OLD_USER, OLD_PASSWORD];

/// The longest timeout: the host abandons a transaction that finishes no query for 30 seconds.
const LONGEST: u64 = 30 * SECOND;

rule!(
    /// The address of a database.
    Url -> (),
    "sqlite:// and the path of a file, which may begin with {data}, or postgres://user:password@host/database",
    |text| {
        let schemes = ["sqlite://", "postgres://", "postgresql://"];
        let long_enough = |scheme: &&str| text.len() > scheme.len() && text.starts_with(*scheme);
        // A password may contain braces; the path of a file may not.
        let file = text.starts_with("sqlite:");
        let good = schemes.iter().any(long_enough);
        (good && !(file && text.contains(['{', '}']))).then_some(())
    }
);

/// The database of records.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Database {
    /// `sqlite://` and a path, or `postgres://`; may contain a password.
    #[serde(deserialize_with = "secret::<_, Url>")]
    pub url: Secret,
    /// Connections that only read.
    #[serde(deserialize_with = "integer::<_, _, 1, UNBOUNDED>")]
    pub read_connections: u32,
    /// Connections that write, on PostgreSQL.
    #[serde(deserialize_with = "integer::<_, _, 1, UNBOUNDED>")]
    pub write_connections: u32,
    /// Time for which `serve` and `migrate` wait for a server that does not answer yet.
    #[serde(deserialize_with = "duration::<_, 0, {600 * SECOND}>")]
    pub startup_timeout: Duration,
    /// Time to wait for a connection.
    #[serde(deserialize_with = "duration::<_, 1, LONGEST>")]
    pub connect_timeout: Duration,
    /// Time that PostgreSQL may spend on one query.
    #[serde(deserialize_with = "duration::<_, 1, LONGEST>")]
    pub statement_timeout: Duration,
    /// Time that a query may wait for a lock on PostgreSQL.
    #[serde(deserialize_with = "duration::<_, 1, LONGEST>")]
    pub lock_timeout: Duration,
}

impl Database {
    pub(crate) fn validate(&self, checks: &mut Checks) {
        if self.lock_timeout > self.statement_timeout {
            let limit = u64::try_from(self.statement_timeout.as_millis()).unwrap_or(u64::MAX);
            let limit = units::written(limit, units::DURATIONS);
            let message = format!("must be at most `database.statement_timeout`, which is {limit}");
            checks.wrong("database.lock_timeout", message);
        }
    }
}

/// Returns the URL that the previous platform's variables form, if they are set, and the name of the
/// variable to which it belongs. Reports missing variables by name.
pub(crate) fn old_url(
    env: &BTreeMap<String, String>,
    mut missing: impl FnMut(&'static str, String),
) -> Option<(&'static str, String)> {
    let get = |name: &str| {
        env.get(name)
            .map(String::as_str)
            .filter(|text| !text.is_empty())
    };
    let host = get(OLD_HOST)?;
    for name in [OLD_NAME, OLD_USER] {
        if get(name).is_none() {
            let message = format!("must be set with {OLD_HOST}: together they name the database");
            missing(name, message);
        }
    }
    let (name, user) = (get(OLD_NAME)?, get(OLD_USER)?);
    let password = get(OLD_PASSWORD).map_or(String::new(), |text| format!(":{}", escaped(text)));
    let (user, name) = (escaped(user), escaped(name));
    Some((
        OLD_HOST,
        format!("postgres://{user}{password}@{host}/{name}"),
    ))
}

/// Escapes a part of a URL: every byte except letters, digits, `-`, `_` and `.` becomes `%xx`.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-_.".contains(&byte) {
            out.push(char::from(byte));
        } else {
            out.push_str(&format!("%{byte:02X}"));
        }
    }
    out
}
