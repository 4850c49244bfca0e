//! `galleria stores`: a file of stores imported, and what is there shown.

use crate::key::Signed;
use crate::{host, import, logs, show};
use anyhow::Context as _;
use clap::{Args, Subcommand};
use galleria_app::App;
use galleria_app::stores::{StoresAsk, StoresImported};
use galleria_config::Config;
use galleria_ports::access::Reach;
use indicatif::ProgressBar;
use std::path::PathBuf;
use std::process::ExitCode;

/// What to do with stores.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Import a file: all of it or nothing.
    Import(Import),
    /// List stores in the order of their ids.
    List(List),
}

/// Which file, and how.
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  galleria stores import stores.csv --dry-run
  galleria stores import stores.csv --actor ana --reason 'the stores in the north'

Columns, by name and in any order: id, external_id, retailer, store_type, country, currency,
minor_digits, zone; and where wanted day_starts, as HH:MM or in minutes after midnight, and any number
of attribute:<name>. A row is a whole store: what it leaves out has its default. A store that is there
is replaced, and keeps its retailer, its currency and its minor digits. Cells are separated by , or ;
and the text is UTF-8.")]
pub struct Import {
    /// The file: CSV, 10,000 stores at most.
    pub file: PathBuf,
    /// Only look, and say what would come of it.
    #[arg(long)]
    pub dry_run: bool,
    /// Who imports it, and why.
    #[command(flatten)]
    pub signed: Signed,
}

/// Which stores.
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  galleria stores list --retailer my-retailer
  galleria stores list --after madrid-1 --limit 500")]
pub struct List {
    /// The retailer's folder name; all retailers where none.
    #[arg(long)]
    pub retailer: Option<String>,
    /// Begin after this id.
    #[arg(long, default_value = "")]
    pub after: String,
    /// At most so many.
    #[arg(long, default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    pub limit: u32,
}

/// Does what is asked.
pub async fn run(config: Config, command: Command) -> anyhow::Result<ExitCode> {
    logs::start(galleria_config::Log {
        level: galleria_config::LogLevel::Warn,
        ..config.host.log
    });
    // Stores need no plugin.
    let generation = match host::load(&config.host, Vec::new())? {
        Ok(generation) => generation,
        Err(errors) => {
            show::config_errors(&errors);
            return Ok(ExitCode::FAILURE);
        }
    };
    let host = host::build(&config, generation).await?;
    let done = match command {
        Command::Import(ask) => import(&host.app, ask).await,
        Command::List(ask) => list(&host.app, ask).await,
    };
    host.db.close().await.context("closing the database")?;
    done
}

async fn import(app: &App, asked: Import) -> anyhow::Result<ExitCode> {
    let file = std::fs::File::open(&asked.file)
        .with_context(|| format!("opening {}", asked.file.display()))?;
    let ask = StoresAsk {
        dry_run: asked.dry_run,
        reach: Reach::Everything,
        actor: asked.signed.actor,
        reason: asked.signed.reason,
    };
    let bar = ProgressBar::new_spinner();
    let watch = import::watch(&bar)?;
    let imported = app.stores_import(ask, Box::new(file), None, watch).await;
    bar.finish_and_clear();
    import::told(imported, |body| Ok(counted(&serde_json::from_str(body)?)))
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
        true => text + "\nthis was a dry run: nothing was imported",
        false => text,
    }
}

async fn list(app: &App, asked: List) -> anyhow::Result<ExitCode> {
    let List {
        retailer,
        mut after,
        limit,
    } = asked;
    let mut table = show::table([
        "id",
        "retailer",
        "external id",
        "type",
        "country",
        "currency",
        "zone",
        "day starts",
    ]);
    // One more than asked for tells whether there is more.
    let (mut left, mut more) = (limit, false);
    while left > 0 {
        let asked = left.min(1000);
        let stores = app.stores(retailer.clone(), &after, asked + 1).await?;
        more = stores.len() > asked as usize;
        for store in stores.into_iter().take(asked as usize) {
            let (hours, minutes) = (store.day_starts_minute / 60, store.day_starts_minute % 60);
            let day_starts = format!("{hours:02}:{minutes:02}");
            table.add_row([
                &store.id,
                &store.retailer,
                &store.external_id,
                &store.store_type,
                &store.country,
                &store.currency,
                &store.zone,
                &day_starts,
            ]);
            after = store.id;
        }
        if !more {
            break;
        }
        left -= asked;
    }
    show::line(&table.to_string());
    if more {
        show::line(&format!("there is more: --after {after}"));
    }
    Ok(ExitCode::SUCCESS)
}
