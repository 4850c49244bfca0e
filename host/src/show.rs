//! What is printed for people at the command line.
#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "this is the one module that prints"
)]

use anyhow::Context as _;
use comfy_table::Table;
use galleria_domain::plugin::ConfigError;
use serde::Serialize;
use std::io::{self, Write};

/// A line of output.
pub fn line(text: &str) {
    println!("{text}");
}

/// Something that went wrong, in words or as a table.
pub fn trouble(text: &str) {
    eprintln!("{text}");
}

/// Anything, for other programs to read.
pub fn json(value: &impl Serialize) -> anyhow::Result<()> {
    line(&serde_json::to_string_pretty(value)?);
    Ok(())
}

/// Bytes as they are.
pub fn bytes(write: impl FnOnce(&mut dyn Write) -> io::Result<()>) -> anyhow::Result<()> {
    match write(&mut io::stdout().lock()) {
        // Who reads only the first of them, as `head` does, has enough.
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        done => done.context("writing to standard output"),
    }
}

/// A table with these titles.
pub fn table<const N: usize>(titles: [&str; N]) -> Table {
    let mut table = Table::new();
    table
        .load_style(comfy_table::presets::UTF8_FULL_CONDENSED)
        .set_header(titles);
    table
}

/// What is known of one thing, a line each; what is empty is left out.
pub fn facts<const N: usize>(title: &str, facts: [(&str, String); N]) -> Table {
    let mut table = table([title, ""]);
    for (name, text) in facts {
        if !text.is_empty() {
            table.add_row([name, &text]);
        }
    }
    table
}

/// Why a command failed, with its whole chain.
pub fn error(error: &anyhow::Error) {
    eprintln!("galleria: {error:#}");
}

/// All errors together, each with file, key and what would be right.
pub fn config_errors(errors: &[ConfigError]) {
    for error in errors {
        eprintln!("{error}");
    }
    let count = errors.len();
    eprintln!(
        "{count} error{}: nothing was started",
        if count == 1 { "" } else { "s" }
    );
}
