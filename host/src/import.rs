//! Output of the commands that import a file: a progress bar, and a table of problems.

use crate::interrupt::{INTERRUPTED, stopped_by_ctrl_c};
use crate::show;
use galleria_app::Reply;
use galleria_app::tabular::{Guards, ImportOptions, NotImported, Problems, Step, Watch};
use indicatif::{ProgressBar, ProgressStyle};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

/// Arguments of every import.
#[derive(clap::Args, Debug)]
pub struct ImportArgs {
    /// Check the file and show the result without importing it
    #[arg(long)]
    pub dry_run: bool,
    /// Import a file without rows, such as one with only a header
    #[arg(long)]
    pub allow_empty: bool,
    /// Treat a ' before a text that a spreadsheet would evaluate like this
    #[arg(long, value_enum, default_value = "remove")]
    pub guards: GuardArg,
}

/// The treatment of a `'` before a formula.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum GuardArg {
    /// Remove it: CSV files of plugins have it
    Remove,
    /// Keep it: it is part of the text
    Keep,
}

impl ImportArgs {
    /// The options of the import.
    pub fn options(&self) -> ImportOptions {
        ImportOptions {
            dry_run: self.dry_run,
            allow_empty: self.allow_empty,
            guards: match self.guards {
                GuardArg::Remove => Guards::Remove,
                GuardArg::Keep => Guards::Keep,
            },
        }
    }
}

/// Shows the progress of all passes in a bar, and reacts to Ctrl-C.
pub fn watch(bar: &ProgressBar) -> anyhow::Result<Watch> {
    let looking = ProgressStyle::with_template("{spinner} checking: {human_pos} rows, {elapsed}")?;
    let writing = ProgressStyle::with_template(
        "{wide_bar} {human_pos} of {human_len} rows, {per_sec}, {eta} to go",
    )?;
    bar.set_style(looking);
    bar.enable_steady_tick(Duration::from_millis(100));
    let bar = bar.clone();
    let steps = Arc::new(move |step| match step {
        Step::Checked(rows) => bar.set_position(rows),
        Step::Compared(done, all) | Step::Written(done, all) => {
            if bar.length() != Some(all) {
                bar.set_style(writing.clone());
                bar.set_length(all);
                bar.reset_eta();
            }
            bar.set_position(done);
        }
    });
    let stop = stopped_by_ctrl_c()?;
    Ok(Watch { stop, steps })
}

/// Prints the summary of an import, or its problems.
pub fn finish(
    imported: Result<Reply, NotImported>,
    counted: impl Fn(&str) -> anyhow::Result<String>,
) -> anyhow::Result<ExitCode> {
    match imported {
        Ok(reply) => {
            show::line(&counted(&reply.body)?);
            Ok(ExitCode::SUCCESS)
        }
        Err(NotImported::Refused(problems)) => {
            refused(&problems);
            Ok(ExitCode::FAILURE)
        }
        Err(NotImported::Stopped) => {
            show::line("stopped: nothing was left behind");
            Ok(ExitCode::from(INTERRUPTED))
        }
        Err(other) => Err(other.into()),
    }
}

fn refused(problems: &Problems) {
    let mut table = show::table(["row", "column", "problem"]);
    for problem in &problems.listed {
        let row = problem.row.map_or("-".to_owned(), |row| row.to_string());
        table.add_row([row.as_str(), &problem.field, &problem.message]);
    }
    show::problems(&mut table);
    let listed = problems.listed.len() as u64;
    if problems.total > listed {
        show::problem(&format!("and {} more", problems.total - listed));
    }
    let (count, are) = match problems.total {
        1 => ("1 cell".to_owned(), "is"),
        total => (format!("{total} cells"), "are"),
    };
    show::problem(&format!("{count} {are} invalid: nothing was imported"));
}
