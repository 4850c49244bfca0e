//! The log: readable on a terminal, otherwise one JSON object for each line.
//!
//! `serve` writes its log from a thread of its own: if nothing reads standard error, the host drops log lines
//! and continues. Other commands write from the calling thread, and lose no line.

mod queue;

use galleria_config::{Log, LogFormat, LogLevel};
use galleria_ports::trace::TARGET;
use opentelemetry_sdk::trace::SdkTracer;
use queue::Lines;
use std::io::{self, IsTerminal as _, Write};
use std::sync::{Mutex, OnceLock, PoisonError, mpsc};
use std::time::Duration;
use tokio_util::sync::CancellationToken;
use tracing::level_filters::LevelFilter;
use tracing_appender::non_blocking::WorkerGuard;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::fmt::writer::BoxMakeWriter;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;
use tracing_subscriber::{EnvFilter, Layer as _};

/// Interval of counting dropped lines.
const DROPPED_INTERVAL: Duration = Duration::from_secs(1);

/// How long the end of the process waits for the queue. The guard itself waits at most 1.1 seconds, but it may
/// then print to standard output, which can be the same full pipe.
const FINISH_WITHIN: Duration = Duration::from_secs(2);

/// The queue of the log of `serve`; other commands have none.
static QUEUE: OnceLock<Queue> = OnceLock::new();

struct Queue {
    lines: Lines,
    /// Flushes the lines when it is dropped.
    guard: Mutex<Option<WorkerGuard>>,
}

/// Starts the log of a command on standard error: only warnings and errors.
pub fn start_quiet(log: Log) {
    let level = LogLevel::Warn;
    start(Log { level, ..log }, None, BoxMakeWriter::new(io::stderr));
}

/// Starts the log of `serve` on standard error, and spans if there is a collector. [`finish`] writes the last
/// lines.
pub fn start_with(log: Log, tracer: Option<SdkTracer>) {
    let queue = QUEUE.get_or_init(|| {
        let (lines, guard) = Lines::new(io::stderr());
        let guard = Mutex::new(Some(guard));
        Queue { lines, guard }
    });
    let lines = queue.lines.clone();
    start(log, tracer, BoxMakeWriter::new(move || lines.clone()));
}

/// Writes a line to standard error, after the lines of the log that wait.
pub fn write_line(text: &str) -> io::Result<()> {
    let line = format!("{text}\n");
    match QUEUE.get() {
        // The thread of the log has locked standard error while it writes.
        Some(queue) => queue.lines.clone().write_all(line.as_bytes()),
        None => io::stderr().write_all(line.as_bytes()),
    }
}

/// Writes the waiting lines before the process ends. Drops them if nothing reads standard error.
pub fn finish() {
    let Some(queue) = QUEUE.get() else { return };
    let guard = queue
        .guard
        .lock()
        .unwrap_or_else(PoisonError::into_inner)
        .take();
    let (done, flushed) = mpsc::channel();
    std::thread::spawn(move || {
        drop(guard);
        // If nothing waits any more, the process ends.
        _ = done.send(());
    });
    _ = flushed.recv_timeout(FINISH_WITHIN);
}

/// Counts dropped lines until `stop`, and logs their number when standard error is read again.
pub async fn count_dropped(stop: CancellationToken) {
    let Some(queue) = QUEUE.get() else { return };
    let mut reported = 0;
    while !stop.is_cancelled() {
        let dropped = queue.lines.dropped();
        galleria_ports::metrics::log_lines_dropped(dropped as u64);
        if dropped > reported {
            let lines = dropped - reported;
            tracing::warn!(
                lines,
                "log lines dropped because standard error was not read"
            );
            // Otherwise this line may have been dropped as well: repeat it.
            if queue.lines.dropped() == dropped {
                reported = dropped;
            }
        }
        tokio::select! {
            () = stop.cancelled() => {}
            () = tokio::time::sleep(DROPPED_INTERVAL) => {}
        }
    }
}

fn start(log: Log, tracer: Option<SdkTracer>, writer: BoxMakeWriter) {
    // Messages of libraries below a warning help only their authors. An unavailable metrics agent is not
    // logged. Spans go only to a collector: a log line names its request or event anyway.
    let filter = EnvFilter::new(format!(
        "{},tokio_postgres=warn,wasmtime=warn,cranelift=warn,regalloc2=warn,hyper=warn,tower_http=warn,\
         metrics_exporter_dogstatsd=off,{TARGET}=off",
        log.level.name(),
    ));
    let json = match log.format {
        LogFormat::Json => true,
        LogFormat::Pretty => false,
        LogFormat::Auto => !io::stderr().is_terminal(),
    };
    let lines = tracing_subscriber::fmt::layer().with_writer(writer);
    let lines = if json {
        let lines = lines.json().flatten_event(true).with_span_list(false);
        lines.with_filter(filter).boxed()
    } else {
        let lines = lines.compact().with_ansi(io::stderr().is_terminal());
        lines.with_filter(filter).boxed()
    };
    // Export only spans of the one target, without their location in the source and without log lines.
    let spans = tracer.map(|tracer| {
        tracing_opentelemetry::layer()
            .with_tracer(tracer)
            .with_location(false)
            .with_threads(false)
            .with_tracked_inactivity(false)
            .with_filter(Targets::new().with_target(TARGET, LevelFilter::INFO))
    });
    tracing_subscriber::registry()
        .with(lines)
        .with(spans)
        .init();
}

/// Logs only the location of a panic, because its message may contain a scanned code. Code that catches a
/// panic reports the message where that is allowed.
pub fn hide_panic_messages() {
    std::panic::set_hook(Box::new(|panic| {
        let place = panic.location().map(ToString::to_string);
        let place = place.as_deref().unwrap_or("an unknown location");
        let thread = std::thread::current();
        let thread = thread.name().unwrap_or("unnamed");
        if tracing::event_enabled!(tracing::Level::ERROR) {
            tracing::error!(place, thread, "panicked");
        } else {
            // An error of standard error cannot be reported.
            _ = write_line(&format!("galleria: internal error: panic at {place}"));
        }
    }));
}
