//! `galleria parked`: events that wait, and letting one be tried now.

use crate::command::{self, Shown, Signed, plain};
use crate::show;
use anyhow::anyhow;
use clap::{Args, Subcommand};
use comfy_table::Table;
use galleria_app::App;
use galleria_app::desk::{ParkedAsk, ParkedView};
use galleria_app::handling::Acting;
use galleria_config::Config;
use galleria_ports::access::Reach;
use std::process::ExitCode;

/// What to do with parked events.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// List events that wait, those first that have waited longest.
    List(List),
    /// Let one be tried now, not at its time.
    Retry(Retry),
}

/// Which are listed; what is not given lets everything pass.
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  galleria parked list
  galleria parked list --retailer flying-tiger --cause retry
  galleria parked list --store madrid-1 --plugin poslog --limit 200

Causes: retry (tried again at its time), waiting (another event must have its effect first), behind
(another one of its lane comes before it), held (a dead letter keeps its lane closed).")]
pub struct List {
    /// Of this plugin, as `retailer.toml` names it.
    #[arg(long)]
    pub plugin: Option<String>,
    /// That wait for this.
    #[arg(long)]
    pub cause: Option<String>,
    /// Of this retailer's stores.
    #[arg(long)]
    pub retailer: Option<String>,
    /// Of this store, by the host's id.
    #[arg(long)]
    pub store: Option<String>,
    /// How much of it, and as what.
    #[command(flatten)]
    pub shown: Shown,
}

/// Which is tried, by whom and why.
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  galleria parked retry refund:refund-1 poslog --reason 'the provider answers again'")]
pub struct Retry {
    /// The event, as `parked list` shows it.
    pub event: String,
    /// The plugin, as `parked list` shows it.
    pub plugin: String,
    /// By whom and why.
    #[command(flatten)]
    pub signed: Signed,
}

/// Does what is asked.
pub async fn run(config: Config, command: Command) -> anyhow::Result<ExitCode> {
    command::at(&config, async |app| match command {
        Command::List(ask) => list(app, ask).await,
        Command::Retry(ask) => retry(app, ask).await,
    })
    .await
}

async fn list(app: &App, ask: List) -> anyhow::Result<()> {
    let cause = ask.cause.as_deref().map(ParkedAsk::cause_of).transpose();
    let filter = ParkedAsk {
        retailer: ask.retailer,
        store: ask.store,
        subscriber: ask.plugin,
        cause: cause.map_err(|message| anyhow!("--cause: {message}"))?,
    };
    let everything = Reach::Everything;
    let page = app
        .parked_list(filter, &everything, None, ask.shown.limit)
        .await?;
    ask.shown
        .list(&page.parked, page.next.is_some(), "oldest", waiting)
}

fn waiting(rows: &[ParkedView]) -> Table {
    let mut table = show::table([
        "waits since",
        "event",
        "plugin",
        "store",
        "cause",
        "tries",
        "next",
        "why",
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

async fn retry(app: &App, ask: Retry) -> anyhow::Result<()> {
    let key = command::key("retry", &ask.event);
    let acting = Acting::from(ask.signed);
    app.parked_retry(key, &ask.event, &ask.plugin, acting)
        .await?;
    show::line("to be tried now: a host that serves does it within seconds");
    Ok(())
}
