//! `galleria parked`: lists parked events and retries one at once.

use crate::command::{self, ActorArgs, ListArgs, Page, plain};
use crate::known::Names;
use crate::show;
use anyhow::anyhow;
use clap::{Args, Subcommand};
use comfy_table::Table;
use galleria_app::App;
use galleria_app::events::Acting;
use galleria_app::events::{ParkedListQuery, ParkedView};
use galleria_config::Config;
use galleria_ports::access::Reach;
use std::process::ExitCode;

/// Commands of `galleria parked`.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// List parked events, oldest first
    List(List),
    /// Retry a parked event at once
    Retry(Retry),
}

/// Arguments of the list. A missing condition matches everything.
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  galleria parked list
  galleria parked list --retailer my-retailer --cause retry
  galleria parked list --store madrid-1 --plugin poslog --limit 200

Causes: retry (waits for its next try), waiting (another event must be applied first), behind (an
earlier event of its lane waits), held (a dead letter holds its lane).")]
pub struct List {
    /// Select this plugin, by its name in retailer.toml
    #[arg(long)]
    pub plugin: Option<String>,
    /// Select this cause: retry, waiting, behind or held
    #[arg(long)]
    pub cause: Option<String>,
    /// Select the stores of this retailer
    #[arg(long)]
    pub retailer: Option<String>,
    /// Select this store, by the host's id
    #[arg(long)]
    pub store: Option<String>,
    /// The length and the form of the list.
    #[command(flatten)]
    pub list_args: ListArgs,
}

/// Arguments of `retry`.
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  galleria parked retry refund:refund-1 poslog --reason 'the provider answers again'")]
pub struct Retry {
    /// Event, as `parked list` shows it
    pub event: String,
    /// Plugin, as `parked list` shows it
    pub plugin: String,
    /// The actor and the reason.
    #[command(flatten)]
    pub actor_args: ActorArgs,
}

/// Runs the command.
pub async fn run(config: Config, command: Command) -> anyhow::Result<ExitCode> {
    command::with_app(&config, async |app| match command {
        Command::List(args) => list(&config, app, args).await,
        Command::Retry(args) => retry(app, args).await,
    })
    .await
}

async fn list(config: &Config, app: &App, args: List) -> anyhow::Result<()> {
    let cause = args
        .cause
        .as_deref()
        .map(ParkedListQuery::cause_of)
        .transpose();
    let filter = ParkedListQuery {
        retailer: args.retailer.clone(),
        store: args.store.clone(),
        subscriber: args.plugin.clone(),
        cause: cause.map_err(|message| anyhow!("--cause: {message}"))?,
    };
    let everything = Reach::Everything;
    let page = app
        .events
        .parked_list(filter, &everything, None, args.list_args.limit)
        .await?;
    let names = Names {
        retailer: args.retailer.as_deref(),
        store: args.store.as_deref(),
        plugin: args.plugin.as_deref(),
        ..Names::default()
    };
    let page = Page {
        rows: &page.parked,
        more: page.next.is_some(),
        what: "parked events",
        first: "oldest",
    };
    args.list_args
        .list((config, app), names, page, waiting)
        .await
}

fn waiting(rows: &[ParkedView]) -> Table {
    let mut table = show::table([
        "since", "event", "plugin", "store", "cause", "tries", "next", "detail",
    ]);
    for parked in rows {
        table.add_row([
            parked.since.as_str(),
            &plain(&parked.event_id),
            &parked.subscriber,
            parked.store.as_deref().unwrap_or("-"),
            &parked.cause,
            &parked.attempts.to_string(),
            parked.next_at.as_deref().unwrap_or("-"),
            &command::short(&parked.detail),
        ]);
    }
    table
}

async fn retry(app: &App, args: Retry) -> anyhow::Result<()> {
    let key = command::idempotency_key("retry", &args.event);
    let acting = Acting::from(args.actor_args);
    let retried = app
        .events
        .retry_parked(key, &args.event, &args.plugin, acting);
    command::found(retried.await, "`galleria parked list` lists them")?;
    show::line("due now: a serving host retries it within seconds");
    Ok(())
}
