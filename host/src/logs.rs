//! The log: readable on a terminal, one JSON object a line otherwise.

use galleria_config::{Log, LogFormat};
use std::io::IsTerminal as _;
use tracing_subscriber::EnvFilter;

/// Starts the log on standard error.
pub fn start(log: Log) {
    // What the libraries have to say below a warning is of use to their authors.
    let filter = EnvFilter::new(format!(
        "{},sqlx=warn,wasmtime=warn,cranelift=warn,regalloc2=warn,hyper=warn,tower_http=warn,{}=off",
        log.level.name(),
        // Spans for a collector alone; a line has its request or event anyway.
        galleria_app::trace::TARGET,
    ));
    let json = match log.format {
        LogFormat::Json => true,
        LogFormat::Pretty => false,
        LogFormat::Auto => !std::io::stderr().is_terminal(),
    };
    let builder = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr);
    if json {
        builder
            .json()
            .flatten_event(true)
            .with_span_list(false)
            .init();
    } else {
        builder
            .compact()
            .with_ansi(std::io::stderr().is_terminal())
            .init();
    }
}

/// A panic tells its place and nothing else: its words may quote what somebody scanned. Whoever
/// catches it tells the words where they may be told.
pub fn keep_panics_short() {
    std::panic::set_hook(Box::new(|panic| {
        let place = panic.location().map(ToString::to_string);
        let place = place.as_deref().unwrap_or("an unknown place");
        let thread = std::thread::current();
        let thread = thread.name().unwrap_or("unnamed");
        if tracing::event_enabled!(tracing::Level::ERROR) {
            tracing::error!(place, thread, "a panic: a mistake of ours");
        } else {
            crate::show::error(&anyhow::anyhow!("a panic at {place}: a mistake of ours"));
        }
    }));
}
