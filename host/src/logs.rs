//! The log: readable on a terminal, otherwise one JSON object for each line.

use galleria_config::{Log, LogFormat, LogLevel};
use galleria_ports::trace::TARGET;
use opentelemetry_sdk::trace::SdkTracer;
use std::io::IsTerminal as _;
use tracing::level_filters::LevelFilter;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;
use tracing_subscriber::{EnvFilter, Layer as _};

/// Starts the log of a command on standard error: only warnings and errors.
pub fn start_quiet(log: Log) {
    let level = LogLevel::Warn;
    start_with(Log { level, ..log }, None);
}

/// Starts the log on standard error, and spans if there is a collector.
pub fn start_with(log: Log, tracer: Option<SdkTracer>) {
    // Messages of libraries below a warning help only their authors. An unavailable metrics agent is not
    // logged. Spans go only to a collector: a log line names its request or event anyway.
    let filter = EnvFilter::new(format!(
        "{},sqlx=warn,wasmtime=warn,cranelift=warn,regalloc2=warn,hyper=warn,tower_http=warn,\
         metrics_exporter_dogstatsd=off,{TARGET}=off",
        log.level.name(),
    ));
    let json = match log.format {
        LogFormat::Json => true,
        LogFormat::Pretty => false,
        LogFormat::Auto => !std::io::stderr().is_terminal(),
    };
    let lines = tracing_subscriber::fmt::layer().with_writer(std::io::stderr);
    let lines = if json {
        let lines = lines.json().flatten_event(true).with_span_list(false);
        lines.with_filter(filter).boxed()
    } else {
        let lines = lines.compact().with_ansi(std::io::stderr().is_terminal());
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
            crate::show::error(&anyhow::anyhow!("internal error: panic at {place}"));
        }
    }));
}
