//! What a person sees: steps, bars and tables on a terminal, plain lines otherwise.
#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a command line speaks on its standard streams"
)]

use comfy_table::presets::UTF8_FULL_CONDENSED;
use comfy_table::{CellAlignment, ContentArrangement, Table};
use indicatif::{ProgressBar, ProgressStyle};
use std::io::IsTerminal as _;
use std::time::{Duration, Instant};

/// A line.
pub fn line(text: &str) {
    println!("{text}");
}

/// What is done now.
pub fn step(text: &str) {
    println!("==> {text}");
}

/// Something that could not be done and does not stop the work.
pub fn warn(text: &str) {
    println!("!!  {text}");
}

/// Why nothing came of it, cause by cause.
pub fn error(error: &anyhow::Error) {
    eprintln!("error: {error}");
    for cause in error.chain().skip(1) {
        eprintln!("  because: {cause}");
    }
}

/// A table; columns from `numbers` on stand to the right.
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

/// How far something has come.
pub struct Progress {
    bar: Option<ProgressBar>,
    what: String,
    total: u64,
    begun: Instant,
}

impl Progress {
    /// A bar on a terminal; a line at the beginning and one at the end otherwise.
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

    /// One more.
    pub fn add(&self, count: u64) {
        if let Some(bar) = &self.bar {
            bar.inc(count);
        }
    }

    /// So many by now.
    pub fn at(&self, count: u64) {
        if let Some(bar) = &self.bar {
            bar.set_position(count);
        }
    }

    /// All of it.
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
