//! `galleria stores`: imports stores from a file and lists them.

use crate::key::ActorArgs;
use crate::{command, import, known, show};
use clap::{Args, Subcommand};
use galleria_app::App;
use galleria_app::stores::{StoreImportRequest, StoresImported};
use galleria_config::Config;
use galleria_domain::Decimal;
use galleria_ports::access::Reach;
use indicatif::ProgressBar;
use std::path::PathBuf;
use std::process::ExitCode;

/// Commands of `galleria stores`.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Import stores from a file, completely or not at all
    Import(Import),
    /// List stores by id
    List(List),
}

/// Arguments of the import.
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  galleria stores import stores.csv --dry-run
  galleria stores import stores.csv --actor ana --reason 'the stores in the north'

Columns, by name and in any order: id, external_id, retailer, store_type, country, currency,
minor_digits, zone; optional: day_starts, as HH:MM or in minutes after midnight, cash_step, the
smallest cash amount such as 0.05, and any number of attribute:<name>. A zone is an IANA name of
the form Area/Place, or UTC. A row is a complete store: missing values have their defaults, and a
store without cash_step has that of its currency. The import replaces an existing store, but not
its retailer, its currency and its minor digits. Cells are separated by , ; | or a tab, or by the
character of a first line such as sep=|. The text is UTF-8, or UTF-16 with a byte order mark. A
cell that starts with a quote ends with one and may contain line breaks; every other quote is
text. Problems name the row that a spreadsheet shows, and the line of the file if it differs.")]
pub struct Import {
    /// CSV file with at most 10,000 stores
    pub file: PathBuf,
    /// The options of every import.
    #[command(flatten)]
    pub options: import::ImportArgs,
    /// The actor and the reason.
    #[command(flatten)]
    pub actor_args: ActorArgs,
}

/// Arguments of the list.
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  galleria stores list --retailer my-retailer
  galleria stores list --after madrid-1 --limit 500")]
pub struct List {
    /// Name of the retailer's folder [default: all retailers]
    #[arg(long)]
    pub retailer: Option<String>,
    /// Start after this id
    #[arg(long, default_value = "")]
    pub after: String,
    /// Show at most this many
    #[arg(long, default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    pub limit: u32,
}

/// Runs the command.
pub async fn run(config: Config, command: Command) -> anyhow::Result<ExitCode> {
    command::with_app(&config, async |app| match command {
        Command::Import(args) => import(app, args).await,
        Command::List(args) => list(&config, app, args).await,
    })
    .await
}

async fn import(app: &App, args: Import) -> anyhow::Result<ExitCode> {
    let file = known::open(&args.file)?;
    let query = StoreImportRequest {
        options: args.options.options(),
        reach: Reach::Everything,
        actor: args.actor_args.actor,
        reason: args.actor_args.reason,
    };
    let bar = ProgressBar::new_spinner();
    let watch = import::watch(&bar)?;
    let imported = app.stores.import(query, Box::new(file), None, watch).await;
    bar.finish_and_clear();
    import::finish(imported, |body| Ok(counted(&serde_json::from_str(body)?)))
}

fn counted(imported: &StoresImported) -> String {
    let StoresImported {
        dry_run,
        rows,
        added,
        changed,
        unchanged,
    } = imported;
    let text =
        format!("{rows} rows: {added} stores added, {changed} changed, {unchanged} unchanged");
    match dry_run {
        true => text + "\ndry run: nothing was imported",
        false => text,
    }
}

async fn list(config: &Config, app: &App, args: List) -> anyhow::Result<ExitCode> {
    let List {
        retailer,
        mut after,
        limit,
    } = args;
    let mut table = show::table([
        "id",
        "retailer",
        "external id",
        "type",
        "country",
        "currency",
        "zone",
        "day starts",
        "cash step",
    ]);
    // Request one more than the limit to learn whether there are more.
    let (mut left, mut more) = (limit, false);
    while left > 0 {
        let batch = left.min(1000);
        let stores = app.stores.list(retailer.clone(), &after, batch + 1).await?;
        more = stores.len() > batch as usize;
        for store in stores.into_iter().take(batch as usize) {
            let (hours, minutes) = (store.day_starts_minute / 60, store.day_starts_minute % 60);
            let day_starts = format!("{hours:02}:{minutes:02}");
            let cash_step = Decimal {
                unscaled: store.cash_step_in_minor(),
                scale: store.minor_digits,
            };
            table.add_row([
                &store.id,
                &store.retailer,
                &store.external_id,
                &store.store_type,
                &store.country,
                &store.currency,
                &store.zone,
                &day_starts,
                &cash_step.to_string(),
            ]);
            after = store.id;
        }
        if !more {
            break;
        }
        left -= batch;
    }
    if let Some(name) = retailer.as_deref().filter(|_| table.is_empty()) {
        known::retailer(config, app, name).await?;
    }
    show::rows(&table);
    if table.is_empty() {
        show::none("stores");
    }
    if more {
        show::note(&format!("more with --after {after}"));
    }
    Ok(ExitCode::SUCCESS)
}
