//! The metrics of the host: name, labels and meaning of each, in one table.
//!
//! Owns: the names and the values that labels may have. No label has a store, an order, a client or
//! another value of which there are thousands, nor text that a person or a plugin wrote.
//!
//! Counters and histograms are kept in memory and start at zero with the process. Gauges that
//! describe the database are read when the metrics are requested.

use crate::plugins::CallOutcome;
use galleria_domain::plugin::Point;
use metrics::{counter, gauge, histogram};
use std::time::Duration;

/// What a metric is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Only grows while the process lives.
    Counter,
    /// How things stand.
    Gauge,
    /// How often a value was in which range.
    Histogram,
}

impl Kind {
    /// As Prometheus names it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Counter => "counter",
            Self::Gauge => "gauge",
            Self::Histogram => "histogram",
        }
    }
}

/// A metric.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Metric {
    /// Its name.
    pub name: &'static str,
    /// What it is.
    pub kind: Kind,
    /// Its labels.
    pub labels: &'static [&'static str],
    /// What it tells.
    pub help: &'static str,
}

macro_rules! metrics {
    ($($name:ident = $kind:ident $text:literal [$($label:literal),*] $help:literal;)*) => {
        $(#[doc = $help] pub const $name: &str = $text;)*

        /// Every metric there is.
        pub const METRICS: &[Metric] = &[$(Metric {
            name: $name, kind: Kind::$kind, labels: &[$($label),*], help: $help,
        },)*];
    };
}

metrics! {
    BUILD = Gauge "galleria_build_info" ["version"]
        "1, with the version of the host.";
    REQUESTS = Counter "galleria_http_requests_total" ["method", "route", "status"]
        "Requests answered. `route` is the pattern of the OpenAPI document, `none` where there is no such route.";
    REQUEST_SECONDS = Histogram "galleria_http_request_seconds" ["method", "route"]
        "From a request's head to the head of its answer.";
    PROBLEMS = Counter "galleria_http_problems_total" ["route", "code"]
        "Requests that ended in a problem, by its stable code: `too_many_requests` are those over a client's rate, `too_many_attempts` those to identify a member.";
    REFUSED = Counter "galleria_http_connections_refused_total" []
        "Connections closed at once because their client had as many open as it may.";
    EVENTS = Counter "galleria_events_total" ["group", "outcome"]
        "Attempts at events: `applied`, `skipped` (nobody has to decide any more), `waiting` (for its cause), `retried` (failed, tried again later), `dead` (given up).";
    LAG = Gauge "galleria_group_lag_events" ["group"]
        "Events in the log after the position of a consumer group, or of the relay of a topic to the broker; counted up to 100000.";
    PARKED = Gauge "galleria_parked_events" ["retailer"]
        "Events that wait outside the log, those held not counted. `none` has those whose store is not known.";
    PARKED_AGE = Gauge "galleria_oldest_parked_event_seconds" ["group"]
        "How long the oldest event of a consumer group waits outside the log, those held not counted; 0 where none does.";
    HELD = Gauge "galleria_held_events" []
        "Dead letters that keep what comes after them waiting.";
    DEAD = Gauge "galleria_dead_letters" ["retailer"]
        "Events given up that no operator has settled. `none` has those whose store is not known.";
    DEAD_AGE = Gauge "galleria_oldest_dead_letter_seconds" []
        "How long ago the oldest event was given up that no operator has settled; 0 where there is none.";
    CALLS = Counter "galleria_plugin_calls_total" ["plugin", "point", "fault"]
        "Calls of plugins, by the code of their fault; `none` where they answered.";
    CALL_SECONDS = Histogram "galleria_plugin_call_seconds" ["plugin", "point"]
        "Wall time of calls. Sensitive points are left out: time would tell about what they were asked.";
    DOCUMENTS = Gauge "galleria_documents" ["state"]
        "Documents that are `waiting` to be delivered, or `blocked` by another file.";
    DOCUMENT_AGE = Gauge "galleria_oldest_undelivered_document_seconds" []
        "How long ago the oldest document was decided that is not delivered, those blocked included; 0 where all are.";
    DELIVERED = Counter "galleria_documents_delivered_total" []
        "Documents that got their name in their directory.";
    RUNS = Gauge "galleria_runs" ["state"]
        "Runs of reports, settlement files and catalogues by state.";
    STATEMENTS = Counter "galleria_statements_total" ["outcome"]
        "Statements sent: `imported`, `repeated` (it was there), `refused` (the file is wrong), `failed`.";
    UNFINISHED = Gauge "galleria_statements_unfinished" []
        "Statements whose lines are not all matched yet.";
    DATABASE = Gauge "galleria_database_answers" []
        "1 where the database answered when the gauges were read last, 0 where they are older.";
    COMMIT_WORKS = Histogram "galleria_commit_works" []
        "Pieces of work that shared a commit of SQLite.";
}

/// Bounds of the ranges of times, in seconds: from a quick read to the longest that is waited.
pub const SECONDS: &[f64] = &[
    0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 300.0,
];

/// Bounds of the ranges of works in a commit; more than 128 never share one.
pub const WORKS: &[f64] = &[1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0, 128.0];

/// The metric that [`WORKS`] is for; all other histograms are times.
pub const COUNTED_IN_WORKS: &str = COMMIT_WORKS;

/// Gives every metric its kind and meaning, once there is somebody who records them.
pub fn describe() {
    for metric in METRICS {
        match metric.kind {
            Kind::Counter => metrics::describe_counter!(metric.name, metric.help),
            Kind::Gauge => metrics::describe_gauge!(metric.name, metric.help),
            Kind::Histogram => metrics::describe_histogram!(metric.name, metric.help),
        }
    }
}

/// A request was answered. `route` is a pattern and `method` one of HTTP's own.
pub fn request(
    method: &'static str,
    route: &str,
    status: u16,
    code: Option<&'static str>,
    took: Duration,
) {
    let route = route.to_owned();
    counter!(REQUESTS, "method" => method, "route" => route.clone(), "status" => status.to_string())
        .increment(1);
    histogram!(REQUEST_SECONDS, "method" => method, "route" => route.clone()).record(took);
    if let Some(code) = code {
        counter!(PROBLEMS, "route" => route, "code" => code).increment(1);
    }
}

/// So many connections were refused because their client had too many.
pub fn connections_refused(connections: u64) {
    counter!(REFUSED).increment(connections);
}

/// How an attempt at an event ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Attempted {
    /// The effect is in the database.
    Applied,
    /// No subscriber has to decide any more.
    Skipped,
    /// The cause has had no effect yet.
    Waiting,
    /// Failed; it is tried again later.
    Retried,
    /// Given up.
    Dead,
}

/// An attempt at an event ended.
pub fn event(group: &str, attempted: Attempted) {
    let outcome = match attempted {
        Attempted::Applied => "applied",
        Attempted::Skipped => "skipped",
        Attempted::Waiting => "waiting",
        Attempted::Retried => "retried",
        Attempted::Dead => "dead",
    };
    counter!(EVENTS, "group" => group.to_owned(), "outcome" => outcome).increment(1);
}

/// A plugin was called.
pub fn call<T>(plugin: &str, point: Point, called: &CallOutcome<T>) {
    let fault = called
        .outcome
        .as_ref()
        .err()
        .map_or("none", |fault| fault.code());
    let (plugin, name) = (plugin.to_owned(), point.name());
    counter!(CALLS, "plugin" => plugin.clone(), "point" => name, "fault" => fault).increment(1);
    if !point.is_sensitive() {
        histogram!(CALL_SECONDS, "plugin" => plugin, "point" => name).record(called.usage.wall);
    }
}

/// Documents got their names.
pub fn delivered(documents: usize) {
    counter!(DELIVERED).increment(documents as u64);
}

/// A statement was sent. The outcome is a value that [`STATEMENTS`] documents.
pub fn statement(outcome: &'static str) {
    counter!(STATEMENTS, "outcome" => outcome).increment(1);
}

/// So many pieces of work were made durable by one commit.
pub fn committed(works: usize) {
    // At most 128.
    histogram!(COMMIT_WORKS).record(u32::try_from(works).unwrap_or(u32::MAX));
}

/// Whether the database answered when the gauges were to be read.
pub fn database(answers: bool) {
    gauge!(DATABASE).set(f64::from(u8::from(answers)));
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fmt::Write as _;

    /// `GALLERIA_BLESS=1` writes the table anew.
    #[test]
    fn the_table_for_operators_is_this_one() {
        let mut text = String::from(
            "# Metrics\n\n\
             What `/metrics` tells Prometheus, at `http.listen` or at `metrics.listen`. No label names a \
             store, an order or a client. Counters, histograms and `galleria_build_info` are of one \
             process; the other gauges are read from the database, at most every five seconds, and are \
             the same at every host on it: take their maximum, not their sum.\n\n\
             | Metric | Kind | Labels | What it tells |\n|---|---|---|---|\n",
        );
        for metric in METRICS {
            let labels: Vec<_> = metric.labels.iter().map(|one| format!("`{one}`")).collect();
            let (name, kind, help) = (metric.name, metric.kind.name(), metric.help);
            writeln!(
                text,
                "| `{name}` | {kind} | {} | {help} |",
                labels.join(", ")
            )
            .expect("text");
        }
        let file = concat!(env!("CARGO_MANIFEST_DIR"), "/../../../conf/METRICS.md");
        if std::env::var_os("GALLERIA_BLESS").is_some() {
            std::fs::write(file, &text).expect("written");
        }
        let found = std::fs::read_to_string(file).expect("conf/METRICS.md");
        assert_eq!(found, text, "GALLERIA_BLESS=1 writes it anew");
    }
}
