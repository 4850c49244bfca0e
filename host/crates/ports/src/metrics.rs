//! The metrics of the host: name, labels and meaning of each, in one table.
//!
//! Owns: the names, and the values of labels. No label has a store, an order, a client or another value of which
//! there are thousands, or text from a person or a plugin.
//!
//! Counters and histograms are kept in memory and start at zero with the process. Gauges that
//! describe the database are read when the metrics are requested.

use crate::plugins::CallOutcome;
use crate::records::ShadowOutcome;
use crate::tax::BreakerState;
use galleria_domain::plugin::Point;
use galleria_domain::tax::TaxRoute;
use metrics::{counter, gauge, histogram};
use std::time::Duration;

/// The kind of a metric.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Increases while the process runs.
    Counter,
    /// A current value.
    Gauge,
    /// The distribution of values over ranges.
    Histogram,
}

impl Kind {
    /// The name in Prometheus.
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
    /// The kind.
    pub kind: Kind,
    /// Its labels.
    pub labels: &'static [&'static str],
    /// The description.
    pub help: &'static str,
}

macro_rules! metrics {
    ($($name:ident = $kind:ident $text:literal [$($label:literal),*] $help:literal;)*) => {
        $(#[doc = $help] pub const $name: &str = $text;)*

        /// All metrics.
        pub const METRICS: &[Metric] = &[$(Metric {
            name: $name, kind: Kind::$kind, labels: &[$($label),*], help: $help,
        },)*];
    };
}

metrics! {
    BUILD = Gauge "galleria_build_info" ["version"]
        "1, with the version of the host.";
    REQUESTS = Counter "galleria_http_requests_total" ["method", "route", "status"]
        "Requests by response status. `route` is the pattern in the OpenAPI document, or `none` for an unknown route.";
    REQUEST_SECONDS = Histogram "galleria_http_request_seconds" ["method", "route"]
        "Time from the head of a request to the head of its response.";
    PROBLEMS = Counter "galleria_http_problems_total" ["route", "code"]
        "Requests that returned a problem, by its code: `too_many_requests` for the rate limit of a client, `too_many_attempts` for the limit on identifying members.";
    REFUSED = Counter "galleria_http_connections_refused_total" []
        "Connections closed because their client exceeded its limit of open connections.";
    EVENTS = Counter "galleria_events_total" ["group", "outcome"]
        "Attempts to handle events: `applied`, `skipped` (no subscriber is left), `waiting` (for its cause), `retried` (failed, will be tried again), `dead` (given up).";
    LAG = Gauge "galleria_group_lag_events" ["group"]
        "Events in the log after the position of a consumer group or of a topic's relay, counted up to 100000.";
    PARKED = Gauge "galleria_parked_events" ["retailer"]
        "Parked events except those held by a dead letter. `none` counts events of unknown stores.";
    PARKED_AGE = Gauge "galleria_oldest_parked_event_seconds" ["group"]
        "Age of the oldest parked event of a consumer group, except those held by a dead letter; 0 if there is none.";
    HELD = Gauge "galleria_held_events" []
        "Dead letters that hold later events of their lane.";
    DEAD = Gauge "galleria_dead_letters" ["retailer"]
        "Dead letters that no operator has settled. `none` counts those of unknown stores.";
    DEAD_AGE = Gauge "galleria_oldest_dead_letter_seconds" []
        "Age of the oldest dead letter that no operator has settled; 0 if there is none.";
    CALLS = Counter "galleria_plugin_calls_total" ["plugin", "point", "fault"]
        "Calls of plugins by the code of their fault; `none` if the call succeeded.";
    CALL_SECONDS = Histogram "galleria_plugin_call_seconds" ["plugin", "point"]
        "Wall time of calls. Sensitive points are excluded, because their time could reveal their input.";
    DOCUMENTS = Gauge "galleria_documents" ["state"]
        "Documents that are `waiting` for delivery or `blocked` by another file.";
    DOCUMENT_AGE = Gauge "galleria_oldest_undelivered_document_seconds" []
        "Age of the oldest undelivered document, blocked ones included; 0 if there is none.";
    DELIVERED = Counter "galleria_documents_delivered_total" []
        "Documents delivered to their directories.";
    RUNS = Gauge "galleria_runs" ["state"]
        "Runs of reports, settlement files and catalogues by state.";
    STATEMENTS = Counter "galleria_statements_total" ["outcome"]
        "Imports of statements: `imported`, `repeated` (imported before), `refused` (invalid file), `failed`.";
    UNTAKEN = Gauge "galleria_pickup_files_untaken" ["retailer"]
        "Files in pickup directories that no pickup takes; `galleria status` shows the reasons. The label is empty for files in no folder of a retailer with a pickup. 0 in a process that does not scan the directory.";
    UNFINISHED = Gauge "galleria_statements_unfinished" []
        "Statements with lines that are not matched yet.";
    OUT_OF_SERVICE = Gauge "galleria_retailer_out_of_service" ["retailer"]
        "1 if this process could not load the retailer, or still loads it after its start: events, runs and pickups wait; otherwise 0. Use the maximum of all processes.";
    RELOAD_FAILED = Gauge "galleria_retailer_reload_failed" ["retailer"]
        "1 if the last reload of the retailer failed in this process, which serves it with its previous configuration; otherwise 0. Use the maximum of all processes.";
    DATABASE = Gauge "galleria_database_answers" []
        "1 if the last read of the gauges from the database succeeded, otherwise 0.";
    TAX_LINES = Counter "galleria_tax_order_lines_total" ["outcome"]
        "Order lines by what happened to their taxes: `evaluated` (sent without), and of those that the store compares with its route `agreed`, `differed` (accepted and recorded), `refused` (they differ, so the order was rejected), `not_compared` (the route failed).";
    TAX_CALLS = Counter "galleria_tax_grpc_calls_total" ["method", "status"]
        "Calls of the gRPC server by status. `method` is `none` for an unknown method.";
    TAX_CALL_SECONDS = Histogram "galleria_tax_grpc_call_seconds" ["method"]
        "Time from the head of a call to the head of its response.";
    COMMIT_WORKS = Histogram "galleria_commit_works" []
        "Transactions that shared one commit of SQLite.";
    TAX_EVALUATIONS = Counter "galleria_tax_evaluations_total" ["route", "outcome"]
        "Evaluations of taxes by the route that was called, a fallback included: `evaluated`, `rejected` (invalid request), `failed` (this host failed), or the fault of the service: `not_configured`, `unavailable`, `timeout`, `breaker_open`, `invalid_response`, `certificate`.";
    TAX_SECONDS = Histogram "galleria_tax_evaluation_seconds" ["route"]
        "Time of an evaluation of taxes, its retries included.";
    TAX_FALLBACKS = Counter "galleria_tax_fallbacks_total" ["route", "outcome"]
        "Evaluations by the store's fallback because the service of `route` failed: `evaluated`, or `failed` if the fallback failed, too.";
    TAX_RETRIES = Counter "galleria_tax_retries_total" ["route"]
        "Calls of a tax service that repeat a failed call of the same evaluation.";
    TAX_BREAKER = Gauge "galleria_tax_breaker_open" ["route"]
        "1 if this process does not call the tax service because it failed repeatedly, 0.5 while one call finds out whether it works again, otherwise 0.";
    TAX_SHADOW = Counter "galleria_tax_shadow_evaluations_total" ["route", "outcome"]
        "Evaluations of taxes in the background by the shadow's route: `equal`, `different`, `failed`, or `dropped` because the queue was full, the host stopped, or the database failed.";
    LOG_DROPPED = Counter "galleria_log_lines_dropped_total" []
        "Log lines that were dropped because nothing read standard error fast enough.";
}

/// Records a call of the gRPC server. `method` is a method of the service, and `status` the name of a code of gRPC.
pub fn tax_grpc(method: &'static str, status: &'static str, took: Duration) {
    counter!(TAX_CALLS, "method" => method, "status" => status).increment(1);
    histogram!(TAX_CALL_SECONDS, "method" => method).record(took);
}

/// Bucket bounds of times in seconds, from a fast read to the longest wait.
pub const SECONDS: &[f64] = &[
    0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 300.0,
];

/// Bucket bounds of transactions in a commit; a commit has at most 128.
pub const WORKS: &[f64] = &[1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0, 128.0];

/// The metric with the bounds [`WORKS`]; all other histograms measure times.
pub const COUNTED_IN_WORKS: &str = COMMIT_WORKS;

/// Registers the description of every metric; call it after a recorder is installed.
pub fn describe() {
    for metric in METRICS {
        match metric.kind {
            Kind::Counter => metrics::describe_counter!(metric.name, metric.help),
            Kind::Gauge => metrics::describe_gauge!(metric.name, metric.help),
            Kind::Histogram => metrics::describe_histogram!(metric.name, metric.help),
        }
    }
}

/// Sets the number of files that no pickup takes, by retailer.
pub fn untaken_files(counts: impl IntoIterator<Item = (String, u64)>) {
    for (retailer, count) in counts {
        #[expect(
            clippy::cast_precision_loss,
            reason = "there are fewer files than 2^53"
        )]
        gauge!(UNTAKEN, "retailer" => retailer).set(count as f64);
    }
}

/// Records a request. `route` is a pattern, and `method` a standard method of HTTP.
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

/// Records connections that were refused because their client had too many.
pub fn connections_refused(connections: u64) {
    counter!(REFUSED).increment(connections);
}

/// The outcome of an attempt to handle an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Attempted {
    /// The effect is stored.
    Applied,
    /// No subscriber is left.
    Skipped,
    /// The cause has not had its effect yet.
    Waiting,
    /// It failed and will be tried again.
    Retried,
    /// It was given up.
    Dead,
}

/// Records an attempt to handle an event.
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

/// Records delivered documents.
pub fn delivered(documents: usize) {
    counter!(DELIVERED).increment(documents as u64);
}

/// Records an import of a statement. [`STATEMENTS`] documents the outcomes.
pub fn statement(outcome: &'static str) {
    counter!(STATEMENTS, "outcome" => outcome).increment(1);
}

/// What happened to the taxes of order lines. [`TAX_LINES`] documents the outcomes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TaxedLines {
    /// Evaluated through the store's route.
    Evaluated,
    /// Sent with the taxes of the route.
    Agreed,
    /// Sent with other taxes, and accepted.
    Differed,
    /// Sent with other taxes, and rejected.
    Refused,
    /// Accepted although the route failed.
    NotCompared,
}

/// Records order lines.
pub fn taxed_lines(outcome: TaxedLines, lines: usize) {
    let outcome = match outcome {
        TaxedLines::Evaluated => "evaluated",
        TaxedLines::Agreed => "agreed",
        TaxedLines::Differed => "differed",
        TaxedLines::Refused => "refused",
        TaxedLines::NotCompared => "not_compared",
    };
    counter!(TAX_LINES, "outcome" => outcome).increment(lines as u64);
}

/// Records evaluations of taxes in the background.
pub fn tax_shadow(shadow: TaxRoute, outcome: ShadowOutcome, baskets: u64) {
    counter!(TAX_SHADOW, "route" => shadow.name(), "outcome" => outcome.name()).increment(baskets);
}

/// Records the number of transactions in a commit.
pub fn committed(works: usize) {
    // At most 128.
    histogram!(COMMIT_WORKS).record(u32::try_from(works).unwrap_or(u32::MAX));
}

/// Records an evaluation of taxes. [`TAX_EVALUATIONS`] documents the outcomes.
pub fn tax_evaluation(route: TaxRoute, outcome: &'static str, took: Duration) {
    let route = route.name();
    counter!(TAX_EVALUATIONS, "route" => route, "outcome" => outcome).increment(1);
    histogram!(TAX_SECONDS, "route" => route).record(took);
}

/// Records an evaluation by a fallback, because the service of `route` failed.
pub fn tax_fallback(route: TaxRoute, evaluated: bool) {
    let outcome = if evaluated { "evaluated" } else { "failed" };
    counter!(TAX_FALLBACKS, "route" => route.name(), "outcome" => outcome).increment(1);
}

/// Records a repeated call of a tax service.
pub fn tax_retry(route: TaxRoute) {
    counter!(TAX_RETRIES, "route" => route.name()).increment(1);
}

/// Sets the state of the breaker of a tax service.
pub fn tax_breaker(route: TaxRoute, state: BreakerState) {
    let value = match state {
        BreakerState::Closed => 0.0,
        BreakerState::HalfOpen => 0.5,
        BreakerState::Open => 1.0,
    };
    gauge!(TAX_BREAKER, "route" => route.name()).set(value);
}

/// Sets the number of log lines that were dropped since the start of the process.
pub fn log_lines_dropped(lines: u64) {
    counter!(LOG_DROPPED).absolute(lines);
}

/// Sets whether a retailer is out of service in this process.
pub fn out_of_service(retailer: String, is_out_of_service: bool) {
    gauge!(OUT_OF_SERVICE, "retailer" => retailer).set(f64::from(u8::from(is_out_of_service)));
}

/// Sets whether the last reload of a retailer failed in this process.
pub fn reload_failed(retailer: String, is_failed: bool) {
    gauge!(RELOAD_FAILED, "retailer" => retailer).set(f64::from(u8::from(is_failed)));
}

/// Records whether the gauges could be read from the database.
pub fn database(answers: bool) {
    gauge!(DATABASE).set(f64::from(u8::from(answers)));
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fmt::Write as _;

    /// `GALLERIA_BLESS=1` rewrites the file.
    #[test]
    fn the_documentation_matches_the_table() {
        let mut text = String::from(
            "# Metrics\n\n\
             The metrics at `/metrics` for Prometheus, served at `http.listen` or at `metrics.listen`. No \
             label contains a store, an order or a client. Counters, histograms and `galleria_build_info` \
             describe one process. The other gauges are read from the database, at most every five \
             seconds, and are the same on every host of a database: use their maximum, not their sum.\n\n\
             | Metric | Kind | Labels | Description |\n|---|---|---|---|\n",
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
        assert_eq!(found, text, "GALLERIA_BLESS=1 rewrites it");
    }
}
