//! `galleria dead-letters`: what was given up, and what an operator does about it.

use crate::command::{self, Shown, Signed, plain};
use crate::show;
use anyhow::Context as _;
use clap::{Args, Subcommand};
use comfy_table::Table;
use galleria_app::App;
use galleria_app::handling::{Acting, DeadLetterView, Verdict};
use galleria_config::Config;
use galleria_ports::records::DeadLetterFilter;
use serde_json::Value;
use std::process::ExitCode;

/// What to do with dead letters.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// List dead letters, the oldest first.
    List(List),
    /// Show one with its payload.
    Show(One),
    /// Handle one again, or all that a filter lets pass; what waited behind them goes on after them.
    Replay(Settle),
    /// Give one up for good, or all that a filter lets pass; what waited behind them goes on.
    Discard(Settle),
}

/// Which dead letters; what is not given lets everything pass.
#[derive(Args, Clone, Debug)]
pub struct Filter {
    /// Of this plugin, as `retailer.toml` names it.
    #[arg(long)]
    pub plugin: Option<String>,
    /// With this fault, such as `misconfigured`.
    #[arg(long)]
    pub code: Option<String>,
    /// Of this retailer's stores.
    #[arg(long)]
    pub retailer: Option<String>,
    /// Of this store, by the host's id.
    #[arg(long)]
    pub store: Option<String>,
    /// That came by this topic.
    #[arg(long)]
    pub topic: Option<String>,
}

impl From<Filter> for DeadLetterFilter {
    fn from(filter: Filter) -> Self {
        Self {
            subscriber: filter.plugin,
            code: filter.code,
            retailer: filter.retailer,
            store: filter.store,
            topic: filter.topic,
        }
    }
}

/// Which are listed.
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  galleria dead-letters list
  galleria dead-letters list --plugin poslog --code misconfigured --limit 200
  galleria dead-letters list --json | jq -r '.[].event_id'")]
pub struct List {
    /// Which of them.
    #[command(flatten)]
    pub filter: Filter,
    /// How much of it, and as what.
    #[command(flatten)]
    pub shown: Shown,
}

/// One dead letter.
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  galleria dead-letters show payment:payment-1 poslog")]
pub struct One {
    /// The event, as `dead-letters list` shows it.
    pub event: String,
    /// The plugin, as `dead-letters list` shows it.
    pub plugin: String,
    /// As JSON.
    #[arg(long)]
    pub json: bool,
}

/// Which are settled, by whom and why.
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  galleria dead-letters replay payment:payment-1 poslog --reason 'the settings were mended'
  galleria dead-letters replay --plugin poslog --code misconfigured --reason 'the settings were mended'
  galleria dead-letters discard --store madrid-1 --reason 'the store was a test'")]
pub struct Settle {
    /// The event, as `dead-letters list` shows it; none where filters say which.
    #[arg(requires = "slot", conflicts_with_all = ["plugin", "code", "retailer", "store", "topic"])]
    pub event: Option<String>,
    /// The plugin, as `dead-letters list` shows it.
    #[arg(id = "slot", value_name = "PLUGIN")]
    pub slot: Option<String>,
    /// Which of them.
    #[command(flatten)]
    pub filter: Filter,
    /// By whom and why.
    #[command(flatten)]
    pub signed: Signed,
}

/// Does what is asked.
pub async fn run(config: Config, command: Command) -> anyhow::Result<ExitCode> {
    command::at(&config, async |app| match command {
        Command::List(ask) => list(app, ask).await,
        Command::Show(ask) => show_one(app, &ask).await,
        Command::Replay(ask) => settle(app, ask, Verdict::Replay).await,
        Command::Discard(ask) => settle(app, ask, Verdict::Discard).await,
    })
    .await
}

async fn list(app: &App, ask: List) -> anyhow::Result<()> {
    let limit = ask.shown.limit;
    let page = app.dead_letters(ask.filter.into(), None, limit).await?;
    ask.shown
        .list(&page.dead_letters, page.next.is_some(), "oldest", letters)
}

fn letters(rows: &[DeadLetterView]) -> Table {
    let mut table = show::table([
        "given up", "event", "plugin", "store", "code", "tries", "why",
    ]);
    for letter in rows {
        table.add_row([
            letter.died_at.as_str(),
            &plain(&letter.event_id),
            &letter.subscriber,
            letter.store.as_deref().unwrap_or("-"),
            &letter.code,
            &letter.attempts.to_string(),
            &command::short(&letter.detail),
        ]);
    }
    table
}

async fn show_one(app: &App, ask: &One) -> anyhow::Result<()> {
    let letter = app.dead_letter(&ask.event, &ask.plugin).await;
    let letter = command::found(letter, "`galleria dead-letters list` shows what there is")?;
    if ask.json {
        return show::json(&letter);
    }
    let data = serde_json::to_string_pretty(&letter.data)?;
    let DeadLetterView {
        event_id,
        subscriber,
        topic,
        store,
        lane,
        code,
        detail,
        attempts,
        component,
        died_at,
        data: _,
    } = letter;
    let facts = [
        ("event", plain(&event_id)),
        ("plugin", subscriber),
        ("topic", topic),
        ("store", store.unwrap_or_default()),
        ("lane", plain(&lane)),
        ("code", code),
        ("why", plain(&detail)),
        ("tries", attempts.to_string()),
        ("component", component),
        ("given up", died_at),
    ];
    show::line(&show::facts("dead letter", facts).to_string());
    show::line(&data);
    Ok(())
}

async fn settle(app: &App, ask: Settle, verdict: Verdict) -> anyhow::Result<()> {
    let Settle {
        event,
        slot,
        filter,
        signed,
    } = ask;
    let acting = Acting::from(signed);
    let count = match event.zip(slot) {
        Some((event, slot)) => {
            let key = command::key("settle", &event);
            app.dead_letter_settle(key, &event, &slot, verdict, acting)
                .await?;
            1
        }
        None => {
            let filter = DeadLetterFilter::from(filter);
            anyhow::ensure!(
                filter != DeadLetterFilter::default(),
                "name an event and its plugin, or at least one of --plugin, --code, --retailer, --store and --topic"
            );
            all(app, &filter, verdict, &acting).await?
        }
    };
    let letters = if count == 1 { "letter" } else { "letters" };
    show::line(&match verdict {
        Verdict::Replay => format!(
            "{count} dead {letters} to be handled again: a host that serves does it within seconds"
        ),
        Verdict::Discard => format!("{count} dead {letters} given up for good"),
    });
    Ok(())
}

/// A part at a time. One that fails again while this goes on is not replayed a second time: it counts
/// as new only to the next command.
async fn all(
    app: &App,
    filter: &DeadLetterFilter,
    verdict: Verdict,
    acting: &Acting,
) -> anyhow::Result<u64> {
    let mut count = 0;
    let most = counted(app, filter).await?;
    loop {
        let key = command::key("settle", "many");
        let reply = app
            .dead_letters_settle(key, filter.clone(), verdict, acting.clone())
            .await?;
        let told: Value = serde_json::from_str(&reply.body)?;
        count += told["settled"].as_u64().context("a count")?;
        if told["more"] != true || count >= most {
            return Ok(count);
        }
    }
}

/// How many there are now.
async fn counted(app: &App, filter: &DeadLetterFilter) -> anyhow::Result<u64> {
    let (mut count, mut after) = (0, None);
    loop {
        let page = app
            .dead_letters(filter.clone(), after.as_deref(), 500)
            .await?;
        count += page.dead_letters.len() as u64;
        match page.next {
            Some(next) => after = Some(next),
            None => return Ok(count),
        }
    }
}
