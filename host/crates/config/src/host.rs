//! The host's own configuration, checked.

use crate::access::{self, Access};
use crate::checks::Checks;
use crate::http::{self, Http};
use crate::kafka::{self, Kafka};
use crate::raw::{
    RawAttempts, RawDatabase, RawGroup, RawGroups, RawHost, RawLimits, RawLog, RawMembers,
    RawRetry, RawRuns, RawSensitive, RawStatements,
};
use crate::telemetry::{self, Statsd, Traces};
use crate::{Secret, units};
use galleria_domain::Problem;
use galleria_domain::names::is_id;
use galleria_domain::plugin::Limits;
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

/// How the host runs. Relative paths start at the working directory.
#[derive(Clone, Debug, PartialEq)]
pub struct HostConfig {
    /// Where the host keeps what it writes.
    pub data: PathBuf,
    /// Where compiled components are kept between starts.
    pub artifacts: PathBuf,
    /// Where plugin folders are.
    pub plugins: PathBuf,
    /// Where retailer folders are.
    pub retailers: PathBuf,
    /// Threads that call components.
    pub workers: usize,
    /// Calls one store may have in flight; fewer than `workers`.
    pub calls_per_store: usize,
    /// Where records are.
    pub database: Database,
    /// The HTTP face.
    pub http: Http,
    /// Who is let in beside those with a key.
    pub access: Access,
    /// Where scrapes are answered; none is at `/metrics` of the HTTP face.
    pub metrics_listen: Option<SocketAddr>,
    /// Where metrics are sent; nowhere where none.
    pub statsd: Option<Statsd>,
    /// Where traces are sent; nowhere where none.
    pub traces: Option<Traces>,
    /// What is logged, and how.
    pub log: Log,
    /// When a failed event is tried again.
    pub retry: Retry,
    /// Runs of reports, settlements and catalogues.
    pub runs: Runs,
    /// Who reads which topics.
    pub groups: Groups,
    /// The broker that events are told to; none where the log is the host's alone.
    pub kafka: Option<Kafka>,
    /// How members are identified.
    pub members: Members,
    /// What sensitive points share.
    pub sensitive: Sensitive,
    /// Where statements are kept, and how large one may be.
    pub statements: Statements,
    /// Directories that grants can name.
    pub directories: BTreeMap<String, PathBuf>,
    /// The most a retailer can allow a react or answer call.
    pub call_ceiling: Limits,
    /// The most a retailer can allow a run.
    pub run_ceiling: Limits,
}

/// Where statements are kept, and how large one may be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Statements {
    /// Originals, and what is being taken in.
    pub folder: PathBuf,
    /// Bytes of a statement.
    pub max_bytes: u64,
}

/// A transaction is given up after so long, whatever it waits for.
const LONGEST_WORK: Duration = Duration::from_secs(30);

/// Where records are.
#[derive(Clone, Debug, PartialEq)]
pub struct Database {
    /// `sqlite://` and a path, or `postgres://`; may hold a password.
    pub url: Secret,
    /// Connections that only read.
    pub read_connections: usize,
    /// Connections that write, on PostgreSQL.
    pub write_connections: usize,
    /// How long a connection is waited for.
    pub connect_timeout: Duration,
    /// How long PostgreSQL may work at one statement.
    pub statement_timeout: Duration,
    /// How long a statement waits for a lock there.
    pub lock_timeout: Duration,
}

/// What is logged, and how.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Log {
    /// The least important line that is written.
    pub level: LogLevel,
    /// How a line looks.
    pub format: LogFormat,
}

/// How important a line is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum LogLevel {
    /// Something needs an operator.
    Error,
    /// Something will, if it goes on.
    Warn,
    /// What happens.
    #[default]
    Info,
    /// How it happens.
    Debug,
    /// Each step.
    Trace,
}

impl LogLevel {
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

/// How a line of the log looks.
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

/// When a failed event is tried again, and how long an early one waits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Retry {
    /// Before the second try.
    pub first: Duration,
    /// Each wait is the one before times this.
    pub factor: u32,
    /// No wait is longer.
    pub longest: Duration,
    /// How long an event waits for its cause, such as a refund for its payment.
    pub wait_for_cause: Duration,
    /// How long a fiscal mark that came before its sale or refund is kept to be applied.
    pub early_marks: Duration,
}

/// Runs of reports, settlements and catalogues.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Runs {
    /// Runs that this host does at a time.
    pub at_once: usize,
    /// How long a run belongs to a host that is not heard of.
    pub lease: Duration,
}

/// Who reads which topics.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Groups {
    /// How long a group belongs to a host that is not heard of.
    pub lease: Duration,
    /// Payments.
    pub payment: Group,
    /// Refunds and verifications.
    pub common: Group,
    /// Galleria's own events, such as voids and shifts.
    pub events: Group,
}

/// A consumer group.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Group {
    /// Its name in Kafka and in stored positions.
    pub name: String,
    /// Tries before an event becomes a dead letter.
    pub tries: u32,
}

/// How members are identified.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Members {
    /// No answer is given before.
    pub floor: Duration,
    /// At each store, by whomever.
    pub per_store: Attempts,
    /// By each client, at whatever stores.
    pub per_client: Attempts,
}

/// How often may be tried.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Attempts {
    /// So many at once.
    pub burst: u32,
    /// One more each time this has passed.
    pub every: Duration,
}

/// What sensitive points share.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sensitive {
    /// Where the key of the digests is that stand for codes, answers and clients.
    pub digest_key: DigestKeySource,
}

/// Where the digest key is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DigestKeySource {
    /// Here: 64 hex digits.
    Given(Secret),
    /// In a file, which is made where there is none.
    File(PathBuf),
}

impl Default for HostConfig {
    fn default() -> Self {
        // A test proves that the defaults are valid; `convert` answers with what it could make of them.
        convert(RawHost::default(), &mut Checks::default())
    }
}

impl TryFrom<RawHost> for HostConfig {
    type Error = Vec<Problem>;

    fn try_from(raw: RawHost) -> Result<Self, Vec<Problem>> {
        let mut checks = Checks::default();
        let config = convert(raw, &mut checks);
        if checks.problems.is_empty() {
            Ok(config)
        } else {
            Err(checks.problems)
        }
    }
}

/// What can be made of it; problems are noted, and plain values stand where they are.
pub(crate) fn convert(raw: RawHost, checks: &mut Checks) -> HostConfig {
    let RawHost {
        data,
        artifacts,
        plugins,
        retailers,
        workers,
        calls_per_store,
        database,
        http,
        access,
        metrics,
        traces,
        log,
        retry,
        runs,
        groups,
        kafka,
        members,
        sensitive,
        statements,
        directories,
        limits,
        run_limits,
    } = raw;
    let mut path = |key: &str, text: &str| PathBuf::from(expand(checks, key, text, &data));
    let artifacts = path("artifacts", &artifacts);
    let plugins = path("plugins", &plugins);
    let retailers = path("retailers", &retailers);
    checks.check(!data.is_empty(), "data", "the path of a folder");
    checks.check(
        calls_per_store < workers,
        "calls_per_store",
        "fewer than `workers`, so that one store cannot take them all",
    );
    HostConfig {
        artifacts,
        plugins,
        retailers,
        workers: checks.positive("workers", workers),
        calls_per_store: checks.positive("calls_per_store", calls_per_store),
        database: self::database(database, &data, checks),
        http: http::convert(http, checks),
        access: access::convert(access, checks),
        statsd: telemetry::statsd(&metrics, checks),
        metrics_listen: http::metrics(metrics, checks),
        traces: telemetry::traces(traces, checks),
        log: self::log(log, checks),
        retry: self::retry(retry, checks),
        runs: self::runs(runs, checks),
        groups: self::groups(groups, checks),
        kafka: kafka::convert(kafka, checks),
        members: self::members(members, checks),
        sensitive: self::sensitive(sensitive, &data, checks),
        statements: self::statements(statements, &data, checks),
        directories: self::directories(directories, &data, checks),
        call_ceiling: ceiling("limits", limits, checks),
        run_ceiling: ceiling("run_limits", run_limits, checks),
        data: data.into(),
    }
}

/// Puts the data directory where `{data}` stands, so that moving it moves what lies in it.
fn expand(checks: &mut Checks, key: &str, text: &str, data: &str) -> String {
    let whole = text.replace("{data}", data);
    if text.is_empty() {
        checks.wrong(key, "the path of a folder");
    } else if whole.contains(['{', '}']) {
        checks.wrong(key, "only {data} stands for something else");
    }
    whole
}

fn database(raw: RawDatabase, data: &str, checks: &mut Checks) -> Database {
    let RawDatabase {
        url,
        read_connections,
        write_connections,
        connect_timeout,
        statement_timeout,
        lock_timeout,
    } = raw;
    // A password may hold braces: only SQLite's path knows {data}.
    let url = if url.starts_with("sqlite:") {
        expand(checks, "database.url", &url, data)
    } else {
        url
    };
    checks.check(
        ["sqlite://", "postgres://", "postgresql://"]
            .iter()
            .any(|scheme| url.len() > scheme.len() && url.starts_with(scheme)),
        "database.url",
        "sqlite:// and the path of a file, or postgres://user:password@host/database",
    );
    let mut bound = |key: &str, text: &str, most: Duration| {
        let duration = checks.duration(key, text);
        let message = format!("more than nothing, and at most {}s", most.as_secs());
        checks.check(!duration.is_zero() && duration <= most, key, &message);
        duration
    };
    let connect_timeout = bound("database.connect_timeout", &connect_timeout, LONGEST_WORK);
    let statement_timeout = bound(
        "database.statement_timeout",
        &statement_timeout,
        LONGEST_WORK,
    );
    // A statement that waits for ever is no better than one that works for ever.
    let lock_timeout = bound("database.lock_timeout", &lock_timeout, statement_timeout);
    Database {
        url: Secret::new(url),
        read_connections: checks.positive("database.read_connections", read_connections),
        write_connections: checks.positive("database.write_connections", write_connections),
        connect_timeout,
        statement_timeout,
        lock_timeout,
    }
}

fn log(raw: RawLog, checks: &mut Checks) -> Log {
    use LogLevel::{Debug, Error, Info, Trace, Warn};
    let RawLog { level, format } = raw;
    let levels = [Error, Warn, Info, Debug, Trace].map(|level| (level.name(), level));
    let formats = [
        ("auto", LogFormat::Auto),
        ("json", LogFormat::Json),
        ("pretty", LogFormat::Pretty),
    ];
    Log {
        level: checks
            .word("log.level", &level, &levels)
            .unwrap_or_default(),
        format: checks
            .word("log.format", &format, &formats)
            .unwrap_or_default(),
    }
}

fn runs(raw: RawRuns, checks: &mut Checks) -> Runs {
    let RawRuns { at_once, lease } = raw;
    let lease = checks.duration("runs.lease", &lease);
    // A lease is renewed three times before it ends; a shorter one would be lost to a slow disk.
    checks.check(
        lease >= Duration::from_millis(300),
        "runs.lease",
        "300ms or longer",
    );
    Runs {
        at_once: checks.positive("runs.at_once", at_once),
        lease,
    }
}

fn retry(raw: RawRetry, checks: &mut Checks) -> Retry {
    let RawRetry {
        first,
        factor,
        longest,
        wait_for_cause,
        early_marks,
    } = raw;
    let first = checks.duration("retry.first", &first);
    let longest = checks.duration("retry.longest", &longest);
    checks.check(!first.is_zero(), "retry.first", "longer than nothing");
    checks.check(
        longest >= first,
        "retry.longest",
        "at least as long as `retry.first`",
    );
    checks.check((1..=100).contains(&factor), "retry.factor", "1 to 100");
    Retry {
        first,
        factor,
        longest,
        wait_for_cause: checks.duration("retry.wait_for_cause", &wait_for_cause),
        early_marks: checks.duration("retry.early_marks", &early_marks),
    }
}

fn groups(raw: RawGroups, checks: &mut Checks) -> Groups {
    let RawGroups {
        lease,
        payment,
        common,
        events,
    } = raw;
    let lease = checks.duration("groups.lease", &lease);
    // Kept three times before it would end, by a database that may be busy.
    checks.check(
        (Duration::from_secs(1)..=Duration::from_secs(300)).contains(&lease),
        "groups.lease",
        "1s to 5m",
    );
    let groups = Groups {
        lease,
        payment: group("payment", payment, checks),
        common: group("common", common, checks),
        events: group("events", events, checks),
    };
    let mut names = BTreeMap::new();
    for (key, group) in [
        ("payment", &groups.payment),
        ("common", &groups.common),
        ("events", &groups.events),
    ] {
        if let Some(other) = names.insert(&group.name, key) {
            // Members of one group share its topics: with different subscriptions some get no reader.
            checks.wrong(
                format!("groups.{key}.name"),
                format!("another name than groups.{other}.name: each group reads other topics"),
            );
        }
    }
    groups
}

fn group(key: &str, raw: RawGroup, checks: &mut Checks) -> Group {
    let RawGroup { name, tries } = raw;
    checks.check(
        is_id(&name),
        &format!("groups.{key}.name"),
        "1 to 64 of letters, digits, '-', '_', '.' and ':'",
    );
    checks.check(
        (1..=1000).contains(&tries),
        &format!("groups.{key}.tries"),
        "1 to 1000",
    );
    Group { name, tries }
}

fn members(raw: RawMembers, checks: &mut Checks) -> Members {
    let RawMembers {
        floor,
        per_store,
        per_client,
    } = raw;
    let floor = checks.duration("members.floor", &floor);
    // Half a minute is all the time that the HTTP face gives an answer.
    checks.check(
        (Duration::from_millis(1)..=Duration::from_secs(5)).contains(&floor),
        "members.floor",
        "1ms to 5s: without a floor, time tells what was wrong with a code",
    );
    Members {
        floor,
        per_store: attempts("members.per_store", per_store, checks),
        per_client: attempts("members.per_client", per_client, checks),
    }
}

fn attempts(key: &str, raw: RawAttempts, checks: &mut Checks) -> Attempts {
    let RawAttempts { burst, every } = raw;
    let every = checks.duration(&format!("{key}.every"), &every);
    checks.check(
        (1..=1_000_000).contains(&burst),
        &format!("{key}.burst"),
        "1 to 1000000",
    );
    checks.check(
        (Duration::from_millis(1)..=Duration::from_secs(3600)).contains(&every),
        &format!("{key}.every"),
        "1ms to 1h",
    );
    Attempts { burst, every }
}

fn sensitive(raw: RawSensitive, data: &str, checks: &mut Checks) -> Sensitive {
    let RawSensitive {
        digest_key_file,
        digest_key,
    } = raw;
    let file = expand(checks, "sensitive.digest_key_file", &digest_key_file, data);
    if digest_key.is_empty() {
        return Sensitive {
            digest_key: DigestKeySource::File(file.into()),
        };
    }
    checks.check(
        digest_key.len() == 64 && digest_key.bytes().all(|byte| byte.is_ascii_hexdigit()),
        "sensitive.digest_key",
        "64 hex digits, such as `openssl rand -hex 32` makes",
    );
    Sensitive {
        digest_key: DigestKeySource::Given(Secret::new(digest_key)),
    }
}

fn statements(raw: RawStatements, data: &str, checks: &mut Checks) -> Statements {
    let RawStatements { folder, max_bytes } = raw;
    let max_bytes = checks.take("statements.max_bytes", units::bytes(&max_bytes));
    let good = (1 << 10..=64 << 30).contains(&max_bytes);
    checks.check(good, "statements.max_bytes", "between 1KiB and 64GiB");
    Statements {
        folder: expand(checks, "statements.folder", &folder, data).into(),
        max_bytes,
    }
}

fn directories(
    raw: BTreeMap<String, String>,
    data: &str,
    checks: &mut Checks,
) -> BTreeMap<String, PathBuf> {
    let mut places: BTreeMap<PathBuf, String> = BTreeMap::new();
    for (name, text) in raw {
        let key = format!("directories.{name}");
        let path = PathBuf::from(expand(checks, &key, &text, data));
        checks.check(
            is_id(&name),
            &key,
            "a name of 1 to 64 letters, digits, '-' and '_'",
        );
        if let Some(other) = places.insert(path, name) {
            checks.wrong(key, format!("another path than directories.{other}"));
        }
    }
    places
        .into_iter()
        .map(|(path, name)| (name, path))
        .collect()
}

fn ceiling(table: &str, raw: RawLimits, checks: &mut Checks) -> Limits {
    let RawLimits {
        cpu_ms,
        wall_ms,
        memory_bytes,
        table_elements,
        output_bytes,
        log_bytes,
        host_calls,
    } = raw;
    let mut limit = |name: &str, value: Option<u64>| {
        let value = value.unwrap_or_default();
        checks.check(
            value > 0,
            &format!("{table}.{name}"),
            "a whole number from 1",
        );
        value
    };
    Limits {
        cpu_ms: limit("cpu_ms", cpu_ms),
        wall_ms: limit("wall_ms", wall_ms),
        memory_bytes: limit("memory_bytes", memory_bytes),
        table_elements: limit("table_elements", table_elements),
        output_bytes: limit("output_bytes", output_bytes),
        log_bytes: limit("log_bytes", log_bytes),
        host_calls: limit("host_calls", host_calls),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_defaults_are_valid() {
        assert_eq!(
            HostConfig::try_from(RawHost::default()),
            Ok(HostConfig::default())
        );
    }

    #[test]
    fn moving_the_data_directory_moves_what_lies_in_it() {
        let raw = RawHost {
            data: "/srv/g".into(),
            ..RawHost::default()
        };
        let config = HostConfig::try_from(raw).expect("valid");
        assert_eq!(config.database.url.expose(), "sqlite:///srv/g/galleria.db");
        assert_eq!(
            config.directories["poslog"],
            PathBuf::from("/srv/g/files/poslog")
        );
        assert_eq!(config.artifacts, PathBuf::from("/srv/g/artifacts"));
    }

    #[test]
    fn one_store_cannot_have_all_workers() {
        let raw = RawHost {
            workers: 2,
            ..RawHost::default()
        };
        let problems = HostConfig::try_from(raw).expect_err("2 of 2");
        assert_eq!(problems[0].field, "calls_per_store");
    }
}
