//! Output of the commands that import a file: a progress bar, and a table of problems.

use crate::interrupt::{INTERRUPTED, stopped_by_ctrl_c};
use crate::show;
use galleria_app::Reply;
use galleria_app::tabular::{NotImported, Problems, Step, Watch};
use indicatif::{ProgressBar, ProgressStyle};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

/// Shows the progress of both passes in a bar, and reacts to Ctrl-C.
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
        Step::Compared(done, all) => {
            if bar.length().is_none() {
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
