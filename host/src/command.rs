//! What the commands of an operator's desk have in common: the host without plugins, opened and closed
//! around one piece of work, who does it, and how lists are shown.

use crate::{host, logs, show};
use anyhow::Context as _;
use clap::Args;
use comfy_table::Table;
use galleria_app::App;
use galleria_app::Key;
use galleria_app::handling::Acting;
use galleria_config::Config;
use galleria_domain::Digest;
use galleria_ports::Error;
use galleria_ports::access::{Caller, Reach, Scope};
use serde::Serialize;
use std::process::ExitCode;

/// Who acts, and why, which has to be said: kept with what was done.
#[derive(Args, Clone, Debug)]
pub struct Signed {
    /// Who acts.
    #[arg(
        long,
        env = "USER",
        default_value = "command line",
        hide_env_values = true
    )]
    pub actor: String,
    /// Why.
    #[arg(long)]
    pub reason: String,
}

impl From<crate::key::Signed> for Acting {
    fn from(signed: crate::key::Signed) -> Self {
        Self {
            actor: signed.actor,
            reason: signed.reason,
        }
    }
}

impl From<Signed> for Acting {
    fn from(signed: Signed) -> Self {
        Self {
            actor: signed.actor,
            reason: signed.reason,
        }
    }
}

/// How much of a list is shown, and as what.
#[derive(Args, Clone, Copy, Debug)]
pub struct Shown {
    /// At most so many.
    #[arg(long, default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    pub limit: u32,
    /// All that is known of each, as JSON.
    #[arg(long)]
    pub json: bool,
}

impl Shown {
    /// Shows rows, and says where there are more. `first` are those that come first.
    pub fn list<T: Serialize>(
        self,
        rows: &[T],
        more: bool,
        first: &str,
        table: impl FnOnce(&[T]) -> Table,
    ) -> anyhow::Result<()> {
        let cut = format!("the {first} {}; there are more: --limit", rows.len());
        match self.json {
            true => show::json(&rows)?,
            false => show::line(&table(rows).to_string()),
        }
        match (more, self.json) {
            (false, _) => {}
            (true, false) => show::line(&cut),
            // What reads JSON reads nothing else.
            (true, true) => show::trouble(&cut),
        }
        Ok(())
    }
}

/// Does `work` on the database itself, whether a host serves or not. No plugin is called, so none is
/// loaded.
pub async fn at<W>(config: &Config, work: W) -> anyhow::Result<ExitCode>
where
    W: AsyncFnOnce(&App) -> anyhow::Result<()>,
{
    logs::start(galleria_config::Log {
        level: galleria_config::LogLevel::Warn,
        ..config.host.log
    });
    let generation = match host::load(&config.host, Vec::new())? {
        Ok(generation) => generation,
        Err(errors) => {
            show::config_errors(&errors);
            return Ok(ExitCode::FAILURE);
        }
    };
    let host = host::build(config, generation).await?;
    let done = work(&host.app).await;
    host.db.close().await.context("closing the database")?;
    done.map(|()| ExitCode::SUCCESS)
}

/// Who may start `galleria` with its configuration has it all anyway.
pub fn caller() -> Caller {
    Caller {
        name: "command line".into(),
        told: "command line".into(),
        scope: Scope::Admin,
        reach: Reach::Everything,
    }
}

/// Refuses a store or a retailer that is not there: a list without them would look like a quiet one.
pub async fn named(
    config: &Config,
    app: &App,
    retailer: Option<&str>,
    store: Option<&str>,
) -> anyhow::Result<()> {
    let shown = "`galleria stores list` shows what there is";
    if let Some(name) = retailer
        && !config.retailers.iter().any(|one| one.name == name)
    {
        found(app.retailer_known(name).await, shown)?;
    }
    if let Some(id) = store {
        found(app.store(id).await, shown)?;
    }
    Ok(())
}

/// What was asked for; where it is not there, `next` says what to do.
pub fn found<T>(asked: Result<T, Error>, next: &str) -> anyhow::Result<T> {
    asked.map_err(|error| match error {
        Error::NotFound { .. } => anyhow::anyhow!("{error}: {next}"),
        error => error.into(),
    })
}

/// The one that a word names.
pub fn word<T: Copy>(text: &str, all: &[T], name: fn(T) -> &'static str) -> Result<T, String> {
    let found = all.iter().find(|one| name(**one) == text);
    let known = all.iter().map(|one| name(*one));
    found
        .copied()
        .ok_or_else(|| format!("one of {}", known.collect::<Vec<_>>().join(", ")))
}

/// Each command is a request of its own.
pub fn key(word: &str, id: &str) -> Key {
    let key = format!("command-{}", uuid::Uuid::new_v4());
    let request = Digest::of(format!("{word} {id} {key}").as_bytes());
    Key { key, request }
}

/// Text of others for one line of a terminal: without what would move its cursor or change its colours.
pub fn plain(text: &str) -> String {
    text.chars()
        .map(|c| if c.is_control() { ' ' } else { c })
        .collect()
}

/// The first words of a fault.
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
    fn nothing_steers_the_terminal() {
        assert_eq!(plain("a\u{1b}[31mb\nc\u{9b}d\u{e9}"), "a [31mb c d\u{e9}");
    }

    #[test]
    fn a_long_fault_is_cut_between_letters() {
        assert_eq!(short("out of paper\n"), "out of paper ");
        let long = "\u{e9}".repeat(61);
        assert_eq!(short(&long), format!("{}...", "\u{e9}".repeat(60)));
    }
}
