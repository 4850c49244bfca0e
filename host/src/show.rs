//! Output of the commands.
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

/// Prints a line to standard output.
pub fn line(text: &str) {
    println!("{text}");
}

/// Prints a message or a table of problems to standard error.
pub fn problem(text: &str) {
    eprintln!("{text}");
}

/// Prints JSON for other programs.
pub fn json(value: &impl Serialize) -> anyhow::Result<()> {
    line(&serde_json::to_string_pretty(value)?);
    Ok(())
}

/// Writes bytes to standard output.
pub fn bytes(write: impl FnOnce(&mut dyn Write) -> io::Result<()>) -> anyhow::Result<()> {
    match write(&mut io::stdout().lock()) {
        // A reader that needs only the beginning, such as `head`, closes the pipe.
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        done => done.context("writing to standard output"),
    }
}

/// Creates a table with these column headers.
pub fn table<const N: usize>(titles: [&str; N]) -> Table {
    let mut table = Table::new();
    table
        .load_style(comfy_table::presets::UTF8_FULL_CONDENSED)
        .set_header(titles);
    table
}

/// Creates a table of the fields of one object, without empty ones.
pub fn facts<const N: usize>(title: &str, facts: [(&str, String); N]) -> Table {
    let mut table = table([title, ""]);
    for (name, text) in facts {
        if !text.is_empty() {
            table.add_row([name, &text]);
        }
    }
    table
}

/// Prints why a command failed, with all causes.
pub fn error(error: &anyhow::Error) {
    eprintln!("galleria: {error:#}");
}

/// Prints all errors of the configuration, each with file, key and rule.
pub fn config_errors(errors: &[ConfigError]) {
    for error in errors {
        eprintln!("{error}");
    }
    let count = errors.len();
    eprintln!(
        "{count} configuration error{}: nothing was started",
        if count == 1 { "" } else { "s" }
    );
}
