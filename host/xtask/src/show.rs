//! Output for people: steps, progress bars and tables on a terminal, plain lines otherwise.
#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a command-line program prints to its standard streams"
)]

use comfy_table::presets::UTF8_FULL_CONDENSED;
use comfy_table::{CellAlignment, ContentArrangement, Table};
use indicatif::{ProgressBar, ProgressStyle};
use std::io::IsTerminal as _;
use std::time::{Duration, Instant};

/// Prints a line.
pub fn line(text: &str) {
    println!("{text}");
}

/// Prints the name of a step.
pub fn step(text: &str) {
    println!("==> {text}");
}

/// Prints a warning.
pub fn warn(text: &str) {
    println!("!!  {text}");
}

/// Prints an error and its causes.
pub fn error(error: &anyhow::Error) {
    eprintln!("error: {error}");
    for cause in error.chain().skip(1) {
        eprintln!("  caused by: {cause}");
    }
}

/// Prints a table. The columns in `numbers` are right-aligned.
pub fn table(header: &[&str], rows: &[Vec<String>], numbers: std::ops::Range<usize>) {
    let mut table = Table::new();
    table.load_style(UTF8_FULL_CONDENSED);
    table.set_content_arrangement(ContentArrangement::Disabled);
    table.set_header(header);
    for row in rows {
        table.add_row(row);
    }
    for index in numbers {
        if let Some(column) = table.column_mut(index) {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
    println!("{table}");
}

/// The progress of a step.
pub struct Progress {
    bar: Option<ProgressBar>,
    what: String,
    total: u64,
    begun: Instant,
}

impl Progress {
    /// Starts a bar on a terminal, or prints a line at the start and one at the end.
    pub fn new(what: &str, total: u64) -> Self {
        let bar = std::io::stderr().is_terminal().then(|| {
            let bar = ProgressBar::new(total);
            let style = "    {msg} [{bar:40}] {pos}/{len} {elapsed}";
            if let Ok(style) = ProgressStyle::with_template(style) {
                bar.set_style(style.progress_chars("=> "));
            }
            bar.set_message(what.to_owned());
            bar.enable_steady_tick(Duration::from_millis(100));
            bar
        });
        if bar.is_none() {
            line(&format!("    {what}: {total}"));
        }
        Self {
            bar,
            what: what.to_owned(),
            total,
            begun: Instant::now(),
        }
    }

    /// Advances the progress.
    pub fn add(&self, count: u64) {
        if let Some(bar) = &self.bar {
            bar.inc(count);
        }
    }

    /// Sets the progress.
    pub fn at(&self, count: u64) {
        if let Some(bar) = &self.bar {
            bar.set_position(count);
        }
    }

    /// Ends the progress and prints the duration.
    pub fn done(self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
        let seconds = self.begun.elapsed().as_secs_f64();
        line(&format!(
            "    {}: {} in {seconds:.1} s",
            self.what, self.total
        ));
    }
}
