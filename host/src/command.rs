//! Common parts of the operators' commands: a host without plugins for one piece of work, the actor, and
//! the output of lists.

use crate::host::{self, ConfigErrors, Host};
use crate::known::Names;
use crate::retailers::Retailers;
use crate::{logs, show};
use anyhow::Context as _;
use clap::Args;
use comfy_table::Table;
use galleria_app::App;
use galleria_app::IdempotencyKey;
use galleria_app::events::Acting;
use galleria_config::Config;
use galleria_domain::Digest;
use galleria_domain::plugin::Slot;
use galleria_ports::Error;
use galleria_ports::access::{Caller, Reach, Scope};
use serde::Serialize;
use std::process::{ExitCode, Termination};
use std::sync::Arc;

/// The actor and a mandatory reason, which are recorded with the operation.
#[derive(Args, Clone, Debug)]
pub struct ActorArgs {
    /// Record this name as the actor
    #[arg(
        long,
        env = "USER",
        default_value = "command line",
        hide_env_values = true
    )]
    pub actor: String,
    /// Record this reason
    #[arg(long, value_parser = reason)]
    pub reason: String,
}

fn reason(text: &str) -> Result<String, String> {
    match text.trim().is_empty() {
        true => Err("must not be blank: state why".to_owned()),
        false => Ok(text.to_owned()),
    }
}

impl From<ActorArgs> for Acting {
    fn from(actor_args: ActorArgs) -> Self {
        Self {
            actor: actor_args.actor,
            reason: actor_args.reason,
        }
    }
}

/// The length and the form of a list.
#[derive(Args, Clone, Copy, Debug)]
pub struct ListArgs {
    /// Show at most this many
    #[arg(long, default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    pub limit: u32,
    /// Print all fields as JSON
    #[arg(long)]
    pub json: bool,
}

impl ListArgs {
    /// Prints rows, and whether there are more. If there are no rows, an unknown name is an error. `what` names the
    /// rows, and `first` describes the order, such as `newest`.
    pub async fn list<T: Serialize>(
        self,
        host: (&Config, &App),
        names: Names<'_>,
        page: Page<'_, T>,
        table: impl FnOnce(&[T]) -> Table,
    ) -> anyhow::Result<()> {
        let Page {
            rows,
            more,
            what,
            first,
        } = page;
        if rows.is_empty() {
            names.check(host.0, host.1).await?;
        }
        match self.json {
            true => show::json(&rows)?,
            false => show::rows(&table(rows)),
        }
        // Standard output has nothing but rows, for other programs.
        if rows.is_empty() {
            show::none(what);
        }
        if more {
            let shown = rows.len();
            show::note(&format!(
                "only the {first} {shown}: increase --limit to see more"
            ));
        }
        Ok(())
    }
}

/// A page of a list.
pub struct Page<'r, T> {
    pub rows: &'r [T],
    /// Whether there are more rows.
    pub more: bool,
    /// The name of the rows, such as `dead letters`.
    pub what: &'static str,
    /// The order, such as `newest`.
    pub first: &'static str,
}

/// Executes `work` on the database directly, whether a host serves or not. It calls no plugin, so none
/// is loaded.
pub async fn with_app<W, T>(config: &Config, work: W) -> anyhow::Result<ExitCode>
where
    W: AsyncFnOnce(&App) -> anyhow::Result<T>,
    T: Termination,
{
    logs::start_quiet(config.host.log);
    let work = async |host: &Host| work(&host.app).await;
    run_on(config, Retailers::without_plugins(config), work).await
}

/// Executes `work` on a host with the plugins of some slots of a retailer, which logs only warnings and errors.
pub async fn with_slots<W, T>(
    config: &Config,
    retailer: &str,
    slots: &[Slot],
    work: W,
) -> anyhow::Result<ExitCode>
where
    W: AsyncFnOnce(&Host) -> anyhow::Result<T>,
    T: Termination,
{
    logs::start_quiet(config.host.log);
    let engine = host::engine(&config.host)?;
    let retailers = Retailers::with_slots(&engine, config, retailer, slots);
    run_on(config, retailers.map_err(ConfigErrors)?, work).await
}

/// Executes `work` on a host with all retailers, some of which may be out of service.
pub async fn with_retailers<W, T>(config: &Config, work: W) -> anyhow::Result<ExitCode>
where
    W: AsyncFnOnce(&Host) -> anyhow::Result<T>,
    T: Termination,
{
    logs::start_quiet(config.host.log);
    let retailers = Retailers::load(&host::engine(&config.host)?, config);
    run_on(config, retailers, work).await
}

async fn run_on<W, T>(config: &Config, retailers: Retailers, work: W) -> anyhow::Result<ExitCode>
where
    W: AsyncFnOnce(&Host) -> anyhow::Result<T>,
    T: Termination,
{
    let host = host::build(config, Arc::new(retailers)).await?;
    let done = work(&host).await;
    host.db.close().await.context("closing the database")?;
    done.map(Termination::report)
}

/// A person who can run `galleria` with its configuration has access to everything anyway.
pub fn caller() -> Caller {
    Caller {
        name: "command line".into(),
        log_name: "command line".into(),
        scope: Scope::Admin,
        reach: Reach::Everything,
    }
}

/// Returns the result. `next` is a hint for the case that it was not found.
pub fn found<T>(result: Result<T, Error>, next: &str) -> anyhow::Result<T> {
    result.map_err(|error| match error {
        Error::NotFound { .. } => anyhow::anyhow!("{error}: {next}"),
        error => error.into(),
    })
}

/// Returns the value with a name.
pub fn word<T: Copy>(text: &str, all: &[T], name: fn(T) -> &'static str) -> Result<T, String> {
    let found = all.iter().find(|one| name(**one) == text);
    let known = all.iter().map(|one| name(*one));
    found
        .copied()
        .ok_or_else(|| format!("must be one of {}", known.collect::<Vec<_>>().join(", ")))
}

/// Creates an idempotency key: each command is a new request.
pub fn idempotency_key(word: &str, id: &str) -> IdempotencyKey {
    let key = format!("command-{}", uuid::Uuid::new_v4());
    let request = Digest::of(format!("{word} {id} {key}").as_bytes());
    IdempotencyKey {
        key,
        request,
        as_sent: None,
    }
}

/// Makes text safe for one line of a terminal: without characters that move the cursor or change colours.
pub fn plain(text: &str) -> String {
    text.chars()
        .map(|c| if c.is_control() { ' ' } else { c })
        .collect()
}

/// The beginning of a fault.
pub fn short(detail: &str) -> String {
    const MOST: usize = 60;
    let plain = plain(detail);
    match plain.char_indices().nth(MOST) {
        Some((end, _)) => format!("{}...", &plain[..end]),
        None => plain,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn control_characters_are_replaced() {
        assert_eq!(plain("a\u{1b}[31mb\nc\u{9b}d\u{e9}"), "a [31mb c d\u{e9}");
    }

    #[test]
    fn a_long_fault_is_cut_between_characters() {
        assert_eq!(short("out of paper\n"), "out of paper ");
        let long = "\u{e9}".repeat(61);
        assert_eq!(short(&long), format!("{}...", "\u{e9}".repeat(60)));
    }
}
