//! Output of the commands.
//!
//! Results go to standard output, all other messages to standard error. If a reader such as `head` closes the pipe,
//! the command continues and drops the rest of its output.

use anyhow::Context as _;
use comfy_table::{ContentArrangement, Row, Table};
use galleria_domain::plugin::ConfigError;
use serde::Serialize;
use std::io::{self, Write};
use std::process::ExitCode;
use std::sync::OnceLock;

/// The first error of standard output.
static BROKEN: OnceLock<io::Error> = OnceLock::new();

/// The minimum width of a readable column. In a narrower terminal each row becomes a list of fields.
const READABLE: u16 = 9;

/// Prints a line to standard output. [`finish`] returns the error.
pub fn line(text: &str) {
    if BROKEN.get().is_some() {
        return;
    }
    let mut out = io::stdout().lock();
    if let Err(error) = writeln!(out, "{text}").and_then(|()| out.flush()) {
        // Only the first error is reported.
        _ = BROKEN.set(error);
    }
}

/// Returns the error of [`line()`], unless the reader closed the pipe.
pub fn finish() -> anyhow::Result<()> {
    match BROKEN.get() {
        Some(error) if error.kind() != io::ErrorKind::BrokenPipe => {
            anyhow::bail!("writing to standard output: {error}")
        }
        _ => Ok(()),
    }
}

/// Prints the help or the version that the command line requests, or the mistake in it.
pub fn parsed(message: &clap::Error) -> ExitCode {
    match message.print().and_then(|()| io::stdout().flush()) {
        Err(error) if !message.use_stderr() && error.kind() != io::ErrorKind::BrokenPipe => {
            problem(&format!("galleria: writing to standard output: {error}"));
            ExitCode::FAILURE
        }
        _ => ExitCode::from(u8::try_from(message.exit_code()).unwrap_or(1)),
    }
}

/// Prints a message to standard error.
pub fn problem(text: &str) {
    // An error of standard error cannot be reported.
    _ = crate::logs::write_line(text);
}

/// Prints to standard error that a list has no rows.
pub fn none(what: &str) {
    note(&format!("no {what} found"));
}

/// Prints a note about the output to standard error, unless the reader of the output is gone.
pub fn note(text: &str) {
    if BROKEN.get().is_none() {
        problem(text);
    }
}

/// Prints a table to standard output.
pub fn rows(table: &Table) {
    line(&fitted(table));
}

/// Prints a table of problems to standard error.
pub fn problems(table: &mut Table) {
    let width = table.use_stderr().width();
    problem(&fit(table, width));
}

/// Formats a table for standard output: in a terminal as wide as it is, elsewhere in full width.
pub fn fitted(table: &Table) -> String {
    fit(table, table.width())
}

fn fit(table: &Table, width: Option<u16>) -> String {
    // A terminal of unknown size has the width 0.
    let Some(width) = width.filter(|width| *width > 0) else {
        return table.trim_fmt();
    };
    let contents = table.column_max_content_widths();
    let columns = u16::try_from(contents.len()).unwrap_or(u16::MAX);
    // Each column has two spaces and a line.
    let natural = contents
        .iter()
        .map(|width| u32::from(*width) + 3)
        .sum::<u32>()
        + 1;
    if columns > 2 && natural > u32::from(width) && width / columns < READABLE {
        return records(table, width);
    }
    within(table.clone(), width)
}

fn within(mut table: Table, width: u16) -> String {
    table
        .set_content_arrangement(ContentArrangement::Dynamic)
        .set_width(width)
        .trim_fmt()
}

/// Formats each row as a table of its fields, without empty ones.
fn records(table: &Table, width: u16) -> String {
    let texts = |row: &Row| -> Vec<String> { row.cell_iter().map(|cell| cell.content()).collect() };
    let titles = table.header().map(texts).unwrap_or_default();
    let records = table.row_iter().map(|row| {
        let mut record = untitled();
        for (title, text) in titles.iter().zip(texts(row)) {
            if !text.is_empty() {
                record.add_row([title, &text]);
            }
        }
        within(record, width)
    });
    records.collect::<Vec<_>>().join("\n")
}

/// Prints JSON for other programs.
pub fn json(value: &impl Serialize) -> anyhow::Result<()> {
    line(&serde_json::to_string_pretty(value)?);
    Ok(())
}

/// Writes bytes to standard output.
pub fn bytes(write: impl FnOnce(&mut dyn Write) -> io::Result<()>) -> anyhow::Result<()> {
    let mut out = io::stdout().lock();
    match write(&mut out).and_then(|()| out.flush()) {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        done => done.context("writing to standard output"),
    }
}

/// Creates a table without column headers.
pub fn untitled() -> Table {
    let mut table = Table::new();
    table.load_style(comfy_table::presets::UTF8_FULL_CONDENSED);
    table
}

/// Creates a table with these column headers.
pub fn table<const N: usize>(titles: [&str; N]) -> Table {
    let mut table = untitled();
    table.set_header(titles);
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
    problem(&format!("galleria: {error:#}"));
}

/// Prints all errors of the configuration, each with file, key and rule.
pub fn config_errors(errors: &[ConfigError]) {
    for error in errors {
        problem(&error.to_string());
    }
    let count = errors.len();
    problem(&format!(
        "{count} configuration error{}: nothing was started",
        if count == 1 { "" } else { "s" }
    ));
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wide() -> Table {
        let mut table = table(["sku", "name", "price"]);
        table.add_row([
            "s-1",
            "a name that is longer than a narrow terminal is wide",
            "1.25 EUR",
        ]);
        table.add_row(["s-2", "", "2.50 EUR"]);
        table
    }

    fn widest(text: &str) -> usize {
        let widths = text.lines().map(|line| line.chars().count());
        widths.max().unwrap_or_default()
    }

    #[test]
    fn a_table_is_as_wide_as_the_terminal_and_elsewhere_complete() {
        let full = fit(&wide(), None);
        assert!(
            full.contains("longer than a narrow terminal is wide"),
            "{full}"
        );
        assert_eq!(fit(&wide(), Some(200)), full);
        assert_eq!(fit(&wide(), Some(0)), full);
        for width in 27..70 {
            let text = fit(&wide(), Some(width));
            assert!(widest(&text) <= usize::from(width), "{width}:\n{text}");
            assert!(text.contains("sku") && text.contains("s-1"), "{text}");
        }
    }

    #[test]
    fn a_row_of_a_very_narrow_terminal_is_a_list_of_fields() {
        for width in 16..27 {
            let text = fit(&wide(), Some(width));
            assert!(widest(&text) <= usize::from(width), "{width}:\n{text}");
            // An empty field is omitted.
            let titles = ["sku", "name", "price"].map(|title| {
                let starts = |line: &&str| line.starts_with(&format!("│ {title}"));
                text.lines().filter(starts).count()
            });
            assert_eq!(titles, [2, 1, 2], "{width}:\n{text}");
        }
    }
}
