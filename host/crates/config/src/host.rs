//! `host.toml`: the keys of the host, section by section.
//!
//! Each section is a struct that names the check of each of its keys. The defaults and the documentation
//! of the keys are in `conf/host.toml`, which is part of the binary. A key without a default there, or an
//! entry there without a key here, fails the tests.

use crate::access::Access;
use crate::checks::Checks;
use crate::compilation::Compilation;
use crate::database::Database;
use crate::fields::{GIB, HOUR, KIB, MINUTE, Path, Rule, SECOND, UNBOUNDED};
use crate::fields::{bytes, duration, integer, map, optional_secret, rule, text};
use crate::http::Http;
use crate::kafka::Kafka;
use crate::tax::Tax;
use crate::telemetry::{Metrics, Traces};
use crate::{Secret, suggest};
use galleria_domain::names::is_id;
use galleria_domain::plugin::Limits;
use serde::Deserialize;
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

/// The host's configuration. Relative paths start at the working directory.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HostConfig {
    /// Folder for everything that the host writes.
    #[serde(deserialize_with = "text::<_, Path>")]
    pub data: PathBuf,
    /// Folder of compiled components.
    #[serde(deserialize_with = "text::<_, Path>")]
    pub artifacts: PathBuf,
    /// Folder of the plugins' folders.
    #[serde(deserialize_with = "text::<_, Path>")]
    pub plugins: PathBuf,
    /// Folder of the retailers' folders.
    #[serde(deserialize_with = "text::<_, Path>")]
    pub retailers: PathBuf,
    /// Threads that call components.
    #[serde(deserialize_with = "integer::<_, _, 1, 1024>")]
    pub workers: usize,
    /// Calls that one store may have in flight; less than `workers`.
    #[serde(deserialize_with = "integer::<_, _, 1, UNBOUNDED>")]
    pub calls_per_store: usize,
    /// Compilation of components.
    pub compilation: Compilation,
    /// The database.
    pub database: Database,
    /// The HTTP server.
    pub http: Http,
    /// Authentication, apart from API keys.
    pub access: Access,
    /// Metrics.
    pub metrics: Metrics,
    /// Traces.
    pub traces: Traces,
    /// The log.
    pub log: Log,
    /// Waits of failed and early events.
    pub retry: Retry,
    /// Runs of reports, settlements and catalogues.
    pub runs: Runs,
    /// Consumer groups.
    pub groups: Groups,
    /// The relay's broker.
    pub kafka: Kafka,
    /// Identification of members.
    pub members: Members,
    /// Evaluation of taxes.
    pub tax: Tax,
    /// The key of the journal's digests.
    pub sensitive: Sensitive,
    /// Storage of settlement statements.
    pub statements: Statements,
    /// Directories that grants can name.
    #[serde(deserialize_with = "map::<_, Path>")]
    pub directories: BTreeMap<String, PathBuf>,
    /// Highest limits of a react or answer call.
    #[serde(rename = "limits", with = "Ceiling")]
    pub call_ceiling: Limits,
    /// Highest limits of a run.
    #[serde(rename = "run_limits", with = "Ceiling")]
    pub run_ceiling: Limits,
}

/// Storage of settlement statements.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Statements {
    /// Folder of originals and of uploads in progress.
    #[serde(deserialize_with = "text::<_, Path>")]
    pub folder: PathBuf,
    /// Largest statement.
    #[serde(deserialize_with = "bytes::<_, _, KIB, {64 * GIB}>")]
    pub max_bytes: u64,
}

/// The log.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Log {
    /// The least important level that is written.
    #[serde(deserialize_with = "text::<_, LogLevel>")]
    pub level: LogLevel,
    /// The form of a line.
    #[serde(deserialize_with = "text::<_, LogFormat>")]
    pub format: LogFormat,
}

/// The importance of a log line.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum LogLevel {
    /// An operator must act.
    Error,
    /// An operator must act if it continues.
    Warn,
    /// Normal operation.
    #[default]
    Info,
    /// Details of normal operation.
    Debug,
    /// Every step.
    Trace,
}

impl LogLevel {
    const ALL: [Self; 5] = [
        Self::Error,
        Self::Warn,
        Self::Info,
        Self::Debug,
        Self::Trace,
    ];

    /// The word in files and filters.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Warn => "warn",
            Self::Info => "info",
            Self::Debug => "debug",
            Self::Trace => "trace",
        }
    }
}

impl Rule for LogLevel {
    type Value = Self;

    fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|one| one.name() == text)
    }

    fn expected(text: &str) -> String {
        suggest::one_of(text, &Self::ALL.map(Self::name))
    }
}

/// The form of a log line.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum LogFormat {
    /// `Pretty` on a terminal, `Json` otherwise.
    #[default]
    Auto,
    /// One JSON object a line.
    Json,
    /// For people.
    Pretty,
}

impl LogFormat {
    const ALL: [Self; 3] = [Self::Auto, Self::Json, Self::Pretty];

    const fn name(self) -> &'static str {
        match self {
            Self::Auto => "auto",
            Self::Json => "json",
            Self::Pretty => "pretty",
        }
    }
}

impl Rule for LogFormat {
    type Value = Self;

    fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|one| one.name() == text)
    }

    fn expected(text: &str) -> String {
        suggest::one_of(text, &Self::ALL.map(Self::name))
    }
}

/// Waits of failed and early events.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Retry {
    /// Wait before the second try.
    #[serde(deserialize_with = "duration::<_, 1, UNBOUNDED>")]
    pub first: Duration,
    /// Each further wait is this many times the previous one.
    #[serde(deserialize_with = "integer::<_, _, 1, 100>")]
    pub factor: u32,
    /// Longest wait.
    #[serde(deserialize_with = "duration::<_, 1, UNBOUNDED>")]
    pub longest: Duration,
    /// Time that an event waits for its cause, such as a refund for its payment.
    #[serde(deserialize_with = "duration::<_, 0, UNBOUNDED>")]
    pub wait_for_cause: Duration,
    /// Time that a fiscal mark waits for its sale or refund.
    #[serde(deserialize_with = "duration::<_, 0, UNBOUNDED>")]
    pub early_marks: Duration,
}

/// Runs of reports, settlements and catalogues.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Runs {
    /// Concurrent runs of this host.
    #[serde(deserialize_with = "integer::<_, _, 1, UNBOUNDED>")]
    pub at_once: usize,
    /// Lease of a run. The host renews it three times before it ends; a slow disk would lose a shorter
    /// one than 300 ms.
    #[serde(deserialize_with = "duration::<_, 300, UNBOUNDED>")]
    pub lease: Duration,
}

/// Consumer groups.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Groups {
    /// Lease of a group. The host renews it three times before it ends, on a database that may be busy.
    #[serde(deserialize_with = "duration::<_, SECOND, {5 * MINUTE}>")]
    pub lease: Duration,
    /// Payments.
    pub payment: Group,
    /// Refunds and verifications.
    pub common: Group,
    /// Galleria's own events, such as voids and shifts.
    pub events: Group,
}

rule!(
    /// The name of a consumer group.
    GroupName -> String,
    "1 to 64 letters, digits, '-', '_', '.' and ':'",
    |text| is_id(text).then(|| text.to_owned())
);

/// A consumer group.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Group {
    /// Its name in Kafka and in stored positions.
    #[serde(deserialize_with = "text::<_, GroupName>")]
    pub name: String,
    /// Tries before an event becomes a dead letter.
    #[serde(deserialize_with = "integer::<_, _, 1, 1000>")]
    pub tries: u32,
}

/// Identification of members.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Members {
    /// Shortest time of a response. Without it, the time would show what is wrong with a code.
    #[serde(deserialize_with = "duration::<_, 1, {5 * SECOND}>")]
    pub floor: Duration,
    /// Attempts at each store.
    pub per_store: Attempts,
    /// Attempts of each client, at any store.
    pub per_client: Attempts,
}

/// A limit of attempts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Attempts {
    /// Attempts at once.
    #[serde(deserialize_with = "integer::<_, _, 1, 1_000_000>")]
    pub burst: u32,
    /// Time after which one more is allowed.
    #[serde(deserialize_with = "duration::<_, 1, HOUR>")]
    pub every: Duration,
}

rule!(
    /// The text of a digest key.
    DigestKey -> (),
    "64 hexadecimal digits, such as `openssl rand -hex 32` prints",
    |text| (text.len() == 64 && text.bytes().all(|byte| byte.is_ascii_hexdigit())).then_some(())
);

/// The key of the digests that stand for codes, answers and clients in the journal.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Sensitive {
    /// File with the key. The host creates a missing one.
    #[serde(deserialize_with = "text::<_, Path>")]
    pub digest_key_file: PathBuf,
    /// The key: 64 hexadecimal digits. It overrides the file.
    #[serde(deserialize_with = "optional_secret::<_, DigestKey>")]
    pub digest_key: Option<Secret>,
}

macro_rules! ceiling {
    ($($(#[$doc:meta])* $name:ident: $call:expr, $run:expr;)*) => {
        /// Reads [`Limits`], each of which must be positive.
        #[derive(Deserialize)]
        #[serde(remote = "Limits", deny_unknown_fields)]
        struct Ceiling {
            $(#[serde(deserialize_with = "integer::<_, _, 1, UNBOUNDED>")] $name: u64,)*
        }
    };
}
galleria_domain::call_limits!(ceiling);

impl HostConfig {
    /// Checks what concerns several keys.
    pub(crate) fn validate(&self, checks: &mut Checks) {
        checks.check(
            self.calls_per_store < self.workers,
            "calls_per_store",
            "must be less than `workers`, so that one store cannot occupy all of them",
        );
        checks.check(
            self.retry.longest >= self.retry.first,
            "retry.longest",
            "must be at least `retry.first`",
        );
        self.database.validate(checks);
        self.access.validate(checks);
        self.groups.validate(checks);
        self.kafka.validate(checks);
        self.tax.validate(checks);
        let mut paths: BTreeMap<&PathBuf, &str> = BTreeMap::new();
        for (name, path) in &self.directories {
            let key = format!("directories.{name}");
            checks.check(
                is_id(name),
                &key,
                "must have a name of 1 to 64 letters, digits, '-' and '_'",
            );
            match paths.get(path) {
                Some(other) => {
                    checks.wrong(key, format!("must differ from directories.{other}"));
                }
                None => drop(paths.insert(path, name)),
            }
        }
    }
}

impl Groups {
    /// Members of one group share its topics: with different subscriptions, some topics have no reader.
    fn validate(&self, checks: &mut Checks) {
        let mut names = BTreeMap::new();
        for (key, group) in [
            ("payment", &self.payment),
            ("common", &self.common),
            ("events", &self.events),
        ] {
            if let Some(other) = names.insert(&group.name, key) {
                checks.wrong(
                    format!("groups.{key}.name"),
                    format!(
                        "must differ from groups.{other}.name, because each group reads other topics"
                    ),
                );
            }
        }
    }
}
