//! `galleria dead-letters`: lists, shows, replays and discards dead letters.

use crate::command::{self, ActorArgs, ListArgs, Page, plain};
use crate::known::{self, Names};
use crate::show;
use anyhow::Context as _;
use clap::{Args, Subcommand};
use comfy_table::Table;
use galleria_app::App;
use galleria_app::events::{Acting, BROKER_REJECTED, DeadLetterView, Verdict};
use galleria_config::Config;
use galleria_domain::CallFault;
use galleria_ports::records::DeadLetterFilter;
use serde_json::Value;
use std::process::ExitCode;

/// The hint for an unknown event or plugin.
const LISTED: &str = "`galleria dead-letters list` lists them";

/// Commands of `galleria dead-letters`.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// List dead letters, oldest first
    List(List),
    /// Show a dead letter with its payload
    Show(One),
    /// Handle a dead letter again, or all that match; events that waited behind them follow
    Replay(Settle),
    /// Discard a dead letter, or all that match; events that waited behind them continue
    Discard(Settle),
}

/// Selects dead letters. A missing condition matches everything.
#[derive(Args, Clone, Debug)]
pub struct Filter {
    /// Select this plugin, by its name in retailer.toml
    #[arg(long)]
    pub plugin: Option<String>,
    /// Select this fault, such as misconfigured
    #[arg(long)]
    pub code: Option<String>,
    /// Select the stores of this retailer
    #[arg(long)]
    pub retailer: Option<String>,
    /// Select this store, by the host's id
    #[arg(long)]
    pub store: Option<String>,
    /// Select events of this topic
    #[arg(long)]
    pub topic: Option<String>,
}

impl Filter {
    fn names(&self) -> Names<'_> {
        Names {
            retailer: self.retailer.as_deref(),
            store: self.store.as_deref(),
            plugin: self.plugin.as_deref(),
            topic: self.topic.as_deref(),
            ..Names::default()
        }
    }

    fn check_code(&self) -> anyhow::Result<()> {
        match &self.code {
            Some(code) => {
                let codes = CallFault::CODES.into_iter().chain([BROKER_REJECTED]);
                known::one_of("fault", code, codes)
            }
            None => Ok(()),
        }
    }
}

impl From<Filter> for DeadLetterFilter {
    fn from(filter: Filter) -> Self {
        Self {
            subscriber: filter.plugin,
            code: filter.code,
            retailer: filter.retailer,
            store: filter.store,
            topic: filter.topic,
            ..Self::default()
        }
    }
}

/// Arguments of the list.
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  galleria dead-letters list
  galleria dead-letters list --plugin poslog --code misconfigured --limit 200
  galleria dead-letters list --json | jq -r '.[].event_id'")]
pub struct List {
    /// The selection.
    #[command(flatten)]
    pub filter: Filter,
    /// The length and the form of the list.
    #[command(flatten)]
    pub list_args: ListArgs,
}

/// Arguments of `show`.
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  galleria dead-letters show payment:payment-1 poslog")]
pub struct One {
    /// Event, as `dead-letters list` shows it
    pub event: String,
    /// Plugin, as `dead-letters list` shows it
    pub plugin: String,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
}

/// Arguments of `replay` and `discard`.
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  galleria dead-letters replay payment:payment-1 poslog --reason 'settings corrected'
  galleria dead-letters replay --plugin poslog --code misconfigured --reason 'settings corrected'
  galleria dead-letters discard --store madrid-1 --reason 'test store'")]
pub struct Settle {
    /// Event, as `dead-letters list` shows it; omit it to select with options
    #[arg(requires = "slot", conflicts_with_all = ["plugin", "code", "retailer", "store", "topic"])]
    pub event: Option<String>,
    /// Plugin, as `dead-letters list` shows it
    #[arg(id = "slot", value_name = "PLUGIN")]
    pub slot: Option<String>,
    /// The selection.
    #[command(flatten)]
    pub filter: Filter,
    /// The actor and the reason.
    #[command(flatten)]
    pub actor_args: ActorArgs,
}

/// Runs the command.
pub async fn run(config: Config, command: Command) -> anyhow::Result<ExitCode> {
    command::with_app(&config, async |app| match command {
        Command::List(args) => list(&config, app, args).await,
        Command::Show(args) => show_one(app, &args).await,
        Command::Replay(args) => settle(&config, app, args, Verdict::Replay).await,
        Command::Discard(args) => settle(&config, app, args, Verdict::Discard).await,
    })
    .await
}

async fn list(config: &Config, app: &App, args: List) -> anyhow::Result<()> {
    let limit = args.list_args.limit;
    let page = app
        .events
        .dead_letters(args.filter.clone().into(), None, limit)
        .await?;
    if page.dead_letters.is_empty() {
        args.filter.check_code()?;
    }
    let page = Page {
        rows: &page.dead_letters,
        more: page.next.is_some(),
        what: "dead letters",
        first: "oldest",
    };
    let names = args.filter.names();
    args.list_args.list((config, app), names, page, table).await
}

fn table(rows: &[DeadLetterView]) -> Table {
    let mut table = show::table([
        "failed", "event", "topic", "plugin", "store", "code", "tries", "detail",
    ]);
    for letter in rows {
        table.add_row([
            letter.died_at.as_str(),
            &plain(&letter.event_id),
            &letter.topic,
            &letter.subscriber,
            letter.store.as_deref().unwrap_or("-"),
            &letter.code,
            &letter.attempts.to_string(),
            &command::short(&letter.detail),
        ]);
    }
    table
}

async fn show_one(app: &App, args: &One) -> anyhow::Result<()> {
    let letter = app.events.dead_letter(&args.event, &args.plugin).await;
    let letter = command::found(letter, LISTED)?;
    if args.json {
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
        ("detail", plain(&detail)),
        ("tries", attempts.to_string()),
        ("component", component),
        ("failed", died_at),
    ];
    show::rows(&show::facts("dead letter", facts));
    show::line(&data);
    Ok(())
}

async fn settle(config: &Config, app: &App, args: Settle, verdict: Verdict) -> anyhow::Result<()> {
    let Settle {
        event,
        slot,
        filter,
        actor_args,
    } = args;
    let acting = Acting::from(actor_args);
    let count = match event.zip(slot) {
        Some((event, slot)) => {
            let key = command::idempotency_key("settle", &event);
            let settled = app
                .events
                .settle_dead_letter(key, &event, &slot, verdict, acting);
            command::found(settled.await, LISTED)?;
            1
        }
        None => {
            let selected = DeadLetterFilter::from(filter.clone());
            anyhow::ensure!(
                selected != DeadLetterFilter::default(),
                "an event and its plugin, or at least one of --plugin, --code, --retailer, --store and --topic is required"
            );
            let count = all(app, &selected, verdict, &acting).await?;
            if count == 0 {
                filter.check_code()?;
                filter.names().check(config, app).await?;
                show::none("dead letters");
                return Ok(());
            }
            count
        }
    };
    let letters = if count == 1 { "letter" } else { "letters" };
    show::line(&match verdict {
        Verdict::Replay => {
            format!("{count} dead {letters} replayed: a serving host handles them within seconds")
        }
        Verdict::Discard => format!("{count} dead {letters} discarded"),
    });
    Ok(())
}

/// Settles all that match, in batches. A dead letter that fails again meanwhile is not replayed a second
/// time: `most` limits the number.
async fn all(
    app: &App,
    filter: &DeadLetterFilter,
    verdict: Verdict,
    acting: &Acting,
) -> anyhow::Result<u64> {
    let mut count = 0;
    let most = counted(app, filter).await?;
    loop {
        let key = command::idempotency_key("settle", "many");
        let reply = app
            .events
            .settle_dead_letters(key, filter.clone(), verdict, acting.clone())
            .await?;
        let body: Value = serde_json::from_str(&reply.body)?;
        count += body["settled"].as_u64().context("a count")?;
        if body["more"] != true || count >= most {
            return Ok(count);
        }
    }
}

/// Counts the dead letters that match now.
async fn counted(app: &App, filter: &DeadLetterFilter) -> anyhow::Result<u64> {
    let (mut count, mut after) = (0, None);
    loop {
        let page = app
            .events
            .dead_letters(filter.clone(), after.as_deref(), 500)
            .await?;
        count += page.dead_letters.len() as u64;
        match page.next {
            Some(next) => after = Some(next),
            None => return Ok(count),
        }
    }
}
