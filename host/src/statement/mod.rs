//! `galleria statement`: imports, reads and lists statements of payment providers, and settles lines
//! manually.
//!
//! All commands except `read` use the database directly, whether a host serves or not.

mod args;
mod read;
mod tables;

pub use args::Command;
pub use read::run as read;

use crate::host::Host;
use crate::interrupt::{INTERRUPTED, stopped_by_ctrl_c};
use crate::{command, known, show};
use anyhow::Context as _;
use args::{Import, Reread, Settle};
use galleria_app::App;
use galleria_app::IdempotencyKey;
use galleria_app::settlement::{
    RereadRequest, RereadView, SettleRequest, StatementRequest, UndoRequest, major,
};
use galleria_config::Config;
use galleria_domain::plugin::Slot;
use galleria_domain::{Allocation, Digest, MatchOutcome};
use galleria_ports::Error;
use galleria_ports::plugins::Plugins as _;
use galleria_ports::vault::Spool;
use std::io::Read as _;
use std::path::Path;
use std::process::ExitCode;
use std::sync::atomic::{AtomicBool, Ordering};

/// The hint for an unknown statement.
const STATEMENTS: &str = "`galleria statement list` lists them";

/// The hint for an unknown line.
const LINES: &str = "`galleria statement lines STATEMENT` lists the lines";

/// Runs the command.
pub async fn run(config: Config, command: Command) -> anyhow::Result<ExitCode> {
    // Only commands that read a file call a plugin.
    match &command {
        Command::Reread(_) => {
            let work = async |host: &Host| act(&config, &host.app, command).await;
            command::with_retailers(&config, work).await
        }
        Command::Import(args) => {
            let mut slots = config.slots();
            slots.retain(|slot| args.means(slot));
            let retailer = args.retailer.clone();
            let work = async |host: &Host| act(&config, &host.app, command).await;
            command::with_slots(&config, &retailer, &slots, work).await
        }
        _ => command::with_app(&config, async |app| act(&config, app, command).await).await,
    }
}

async fn act(config: &Config, app: &App, command: Command) -> anyhow::Result<ExitCode> {
    match command {
        Command::Import(args) => return import(config, app, &args).await,
        // `read` needs no database: main runs it before one is opened.
        Command::Read(_) => {}
        Command::List(args) => {
            // One more shows whether there are more.
            let rows = app
                .settlement
                .statements(args.retailer.as_deref(), None, args.limit + 1);
            let (rows, more) = first(rows.await?, args.limit);
            if let Some(name) = args.retailer.as_deref().filter(|_| rows.is_empty()) {
                known::retailer(config, app, name).await?;
            }
            show::line(&tables::statements(&rows));
            if rows.is_empty() {
                show::none("statements");
            }
            if more {
                show::note("increase --limit to see more");
            }
        }
        Command::Lines(args) => {
            let rows = app
                .settlement
                .lines(&args.statement, args.outcome, args.after, args.limit);
            let rows = command::found(rows.await, STATEMENTS)?;
            show::line(&tables::lines(&rows));
            if rows.is_empty() {
                show::none("lines");
            }
            if let Some(last) = rows.last().filter(|_| rows.len() == args.limit as usize) {
                show::note(&format!("more with --after {}", last.number));
            }
        }
        Command::Explain { line } => {
            let explained = app.settlement.explain_line(&line).await;
            let explained = command::found(explained, LINES)?;
            show::line(&tables::explained(&explained));
        }
        Command::Show { statement } => {
            let found = app.settlement.statement(&statement).await;
            let statement = command::found(found, STATEMENTS)?;
            show::line(&tables::statement(&statement));
        }
        Command::Reread(args) => return reread(app, args).await,
        Command::Rejected(args) => {
            let rows = app
                .settlement
                .rejected_statements(&args.retailer, args.limit + 1);
            let (rows, more) = first(rows.await?, args.limit);
            if rows.is_empty() {
                known::retailer(config, app, &args.retailer).await?;
            }
            show::line(&tables::rejected(&rows));
            if rows.is_empty() {
                show::none("rejected files");
            }
            if more {
                show::note("increase --limit to see more");
            }
        }
        Command::Settle(args) => settle(app, args).await?,
        Command::Undo {
            line,
            actor,
            reason,
        } => {
            let request = UndoRequest { actor, reason };
            let undone = app.settlement.undo_line(key(&line), &line, request).await;
            command::found(undone, LINES)?;
            let now = app.settlement.explain_line(&line).await?.line;
            show::line(&format!("line {line} is {} again", now.outcome));
        }
        Command::Uncovered(args) => {
            let (retailer, days) = (&args.retailer, args.days);
            known::retailer(config, app, retailer).await?;
            let (rows, next) = app
                .settlement
                .uncovered(retailer, days, None, args.limit)
                .await?;
            show::line(&tables::uncovered(&rows));
            if rows.is_empty() {
                show::none("uncovered payments or refunds");
            }
            if next.is_some() {
                show::note("increase --limit to see more");
            }
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// The first rows, and whether there are more.
fn first<T>(mut rows: Vec<T>, limit: u32) -> (Vec<T>, bool) {
    let more = rows.len() > limit as usize;
    rows.truncate(limit as usize);
    (rows, more)
}

async fn reread(app: &App, args: Reread) -> anyhow::Result<ExitCode> {
    let id = args.statement;
    let request = RereadRequest {
        actor: args.actor,
        reason: args.reason,
        plugin: args.plugin,
    };
    match app.settlement.reread(key(&id), &id, request).await {
        Ok(reply) => {
            let result: RereadView = serde_json::from_str(&reply.body).context("the result")?;
            show::line(&format!(
                "statement {id} was read again: {} lines, before {}",
                result.lines, result.lines_before
            ));
            show::line(&format!(
                "manual settlements kept: {}, undone: {}",
                result.manual_settlements_kept,
                result.manual_settlements_undone.len()
            ));
            if !result.manual_settlements_undone.is_empty() {
                show::line(&tables::undone(&result.manual_settlements_undone));
            }
            show::line(&tables::statement(&app.settlement.statement(&id).await?));
            Ok(ExitCode::SUCCESS)
        }
        Err(Error::Invalid(problems)) => {
            show::problems(&mut tables::problems(&problems));
            show::problem("rejected: nothing was changed");
            Ok(ExitCode::FAILURE)
        }
        Err(error) => failed(error),
    }
}

async fn settle(app: &App, args: Settle) -> anyhow::Result<()> {
    let line = args.line;
    let parts = match args.parts.is_empty() {
        true => Vec::new(),
        false => {
            let explained = app.settlement.explain_line(&line).await;
            let explained = command::found(explained, LINES)?;
            parts(args.parts, explained.line.line.minor_digits)?
        }
    };
    let settle = SettleRequest {
        actor: args.actor,
        reason: args.reason,
        entry: args.entry,
        parts,
    };
    let settled = app.settlement.settle_line(key(&line), &line, settle).await;
    command::found(settled, LINES)?;
    let now = app.settlement.explain_line(&line).await?.line;
    show::line(&format!("line {line} is {}", now.outcome));
    Ok(())
}

/// Creates an idempotency key: each command is a new request.
fn key(line: &str) -> IdempotencyKey {
    let key = format!("command-{}", uuid::Uuid::new_v4());
    let request = Digest::of(format!("{line} {key}").as_bytes());
    IdempotencyKey {
        key,
        request,
        as_sent: None,
    }
}

async fn import(config: &Config, app: &App, args: &Import) -> anyhow::Result<ExitCode> {
    known::retailer(config, app, &args.retailer).await?;
    known::plugin(config, Some(&args.retailer), &args.plugin)?;
    let wanted = StatementRequest {
        retailer: args.retailer.clone(),
        plugin: args.plugin.clone(),
    };
    app.settlement.statement_reader(&wanted)?;
    let name = args
        .file
        .file_name()
        .unwrap_or_default()
        .to_string_lossy()
        .into_owned();
    let stop = stopped_by_ctrl_c()?;
    let spool = app.settlement.vault()?.spool(&name)?;
    let spool = match copy_to_spool(&args.file, spool, &stop)? {
        SpoolResult::Complete(spool) => spool,
        SpoolResult::Failed(error) => return failed(error),
    };
    match app.settlement.import(&wanted, spool, stop).await {
        Ok(imported) => {
            let statement = imported.statement;
            let id = &statement.id;
            if imported.before {
                show::line(&format!("already imported as statement {id}"));
            } else {
                show::line(&format!("imported as statement {id}"));
            }
            show::line(&tables::statement(&statement));
            Ok(ExitCode::SUCCESS)
        }
        Err(error @ Error::Invalid(_)) => {
            let code = failed(error);
            show::problem(
                "the file is kept: after a correction of the plugin or its settings, read it again with \
                 `galleria statement reread`; `galleria statement rejected` shows its id",
            );
            code
        }
        Err(error) => failed(error),
    }
}

/// Reports why a statement was not imported or not read.
fn failed(error: Error) -> anyhow::Result<ExitCode> {
    match error {
        Error::Invalid(problems) => {
            show::problems(&mut tables::problems(&problems));
            show::problem("rejected: nothing was imported");
            Ok(ExitCode::FAILURE)
        }
        Error::Stopped => {
            show::line("stopped: nothing was left behind");
            Ok(ExitCode::from(INTERRUPTED))
        }
        Error::Plugin(fault) => Err(anyhow::anyhow!("the statement was not read: {fault}")),
        error => Err(error.into()),
    }
}

/// The result of copying a file into the spool.
enum SpoolResult {
    Complete(Box<dyn Spool>),
    /// The spool rejected the file, or the command was interrupted.
    Failed(Error),
}

/// Copies a file into the spool.
fn copy_to_spool(
    file: &Path,
    mut spool: Box<dyn Spool>,
    stop: &AtomicBool,
) -> anyhow::Result<SpoolResult> {
    let mut opened = known::open(file)?;
    let mut chunk = vec![0; 1 << 16];
    loop {
        let read = opened.read(&mut chunk);
        let read = read.with_context(|| format!("reading {}", file.display()))?;
        if read == 0 {
            return Ok(SpoolResult::Complete(spool));
        }
        if stop.load(Ordering::Relaxed) {
            return Ok(SpoolResult::Failed(Error::Stopped));
        }
        if let Err(error) = spool.write(&chunk[..read]) {
            return Ok(SpoolResult::Failed(error));
        }
    }
}

/// Splits `TENDER=AMOUNT`.
fn part(text: &str) -> Result<(String, String), String> {
    let parts = text.rsplit_once('=');
    let parts = parts.filter(|(tender, amount)| !tender.is_empty() && !amount.is_empty());
    let (tender, amount) =
        parts.ok_or("must be a tender and an amount, such as payment:pay-7/1=60.00")?;
    Ok((tender.to_owned(), amount.to_owned()))
}

/// Parses the amounts of parts, which have exactly the digits of the line's currency.
fn parts(parts: Vec<(String, String)>, digits: u8) -> anyhow::Result<Vec<Allocation>> {
    let parse = |(tender, amount): (String, String)| {
        let minor: Option<i64> = amount.replacen('.', "", 1).parse().ok();
        let minor = minor.filter(|minor| major((*minor).into(), digits) == amount);
        let amount = minor.with_context(|| {
            let example = major(6_000, digits);
            format!("--part {tender}={amount}: the amount must have {digits} decimal digits, such as {example}")
        })?;
        Ok(Allocation { tender, amount })
    };
    parts.into_iter().map(parse).collect()
}

/// Parses an outcome.
fn outcome(text: &str) -> Result<MatchOutcome, String> {
    let known = MatchOutcome::ALL.map(MatchOutcome::word).join(", ");
    MatchOutcome::by_word(text).ok_or_else(|| format!("must be one of {known}"))
}

/// Returns the slots with a name. If there are none, the slots of the plugin with that name.
fn by_name<'s>(slots: &'s [Slot], retailer: Option<&str>, name: &str) -> Vec<&'s Slot> {
    let of_retailer = |slot: &&Slot| retailer.is_none_or(|retailer| slot.retailer == retailer);
    let named: Vec<_> = slots
        .iter()
        .filter(of_retailer)
        .filter(|s| s.name == name)
        .collect();
    if named.is_empty() {
        return slots
            .iter()
            .filter(of_retailer)
            .filter(|s| s.plugin == name)
            .collect();
    }
    named
}

/// The names of the loaded slots, for a message.
fn loaded_names(plugins: &galleria_engine::Generation) -> String {
    let names = plugins
        .all()
        .into_iter()
        .map(|one| format!("{}/{}", one.slot.retailer, one.slot.name));
    names.collect::<Vec<_>>().join(", ")
}
