//! `galleria products`: imports products from a file and lists them.

use crate::{command, import, known, show};
use clap::{Args, Subcommand};
use galleria_app::App;
use galleria_app::catalogue::{
    CatalogueImportRequest, Format, Imported, Missing, ProductQuery, price_text,
};
use galleria_config::Config;
use indicatif::ProgressBar;
use jiff::Timestamp;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;
use tokio_util::sync::CancellationToken;

/// Commands of `galleria products`.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Import products from a file, completely or not at all; Ctrl-C leaves nothing behind
    Import(Import),
    /// List products by SKU
    List(List),
}

/// Arguments of the import.
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  galleria products import products.csv --retailer my-retailer --dry-run
  galleria products import products.csv --retailer my-retailer --missing deactivate

Columns, by name and in any order: sku, name, price, currency; optional: gtin, category, unit,
tax_code, active, store. A row with a store sets that store's own price, or removes it if price
and currency are empty. A price may have a sign and its own currency, such as € 12.99. Without
--decimal-comma it has a decimal point, and without --thousands no other marks. Cells are
separated by , ; | or a tab, or by the character of a first line such as sep=|. The text is UTF-8,
or UTF-16 with a byte order mark. A cell that starts with a quote ends with one and may contain
line breaks; every other quote is text. A file that ends in .jsonl or .ndjson contains one JSON
object in each line. Problems name the row that a spreadsheet shows, and the line of the file if
it differs.")]
pub struct Import {
    /// File to import
    pub file: PathBuf,
    /// Name of the retailer's folder
    #[arg(long)]
    pub retailer: String,
    /// The options of every import.
    #[command(flatten)]
    pub options: import::ImportArgs,
    /// Read prices with a decimal comma
    #[arg(long)]
    pub decimal_comma: bool,
    /// Read prices with this character between groups of three digits: . , ' or a blank
    #[arg(long, value_name = "MARK")]
    pub thousands: Option<char>,
    /// Treat products that are missing in the file like this
    #[arg(long, value_enum, default_value = "keep")]
    pub missing: MissingProducts,
}

/// The treatment of products that are missing in a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum MissingProducts {
    /// Keep them: the file contains only changes
    Keep,
    /// Deactivate them: the file contains all products
    Deactivate,
}

/// Arguments of the list.
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  galleria products list --retailer my-retailer --store madrid-1
  galleria products list --retailer my-retailer --changed-since 2026-11-20T00:00:00Z")]
pub struct List {
    /// Name of the retailer's folder
    #[arg(long)]
    pub retailer: String,
    /// Show the prices of this store
    #[arg(long)]
    pub store: Option<String>,
    /// Show only products that changed after this instant (RFC 3339)
    #[arg(long, value_name = "INSTANT")]
    pub changed_since: Option<Timestamp>,
    /// Start after this SKU
    #[arg(long, default_value = "")]
    pub after: String,
    /// Show at most this many
    #[arg(long, default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    pub limit: u32,
}

/// Interval between searches for remains of imports. They are invisible and only take space.
const SWEPT_EVERY: Duration = Duration::from_secs(60);

/// Runs the command.
pub async fn run(config: Config, command: Command) -> anyhow::Result<ExitCode> {
    let retailer = match &command {
        Command::Import(args) => &args.retailer,
        Command::List(args) => &args.retailer,
    };
    let retailer = retailer.clone();
    command::with_app(&config, async |app| {
        known::retailer(&config, app, &retailer).await?;
        match command {
            Command::Import(args) => import(app, args).await,
            Command::List(args) => list(app, args).await,
        }
    })
    .await
}

async fn import(app: &App, args: Import) -> anyhow::Result<ExitCode> {
    let file = known::open(&args.file)?;
    let lines = args.file.extension().is_some_and(|end| {
        ["jsonl", "ndjson"]
            .iter()
            .any(|known| end.eq_ignore_ascii_case(known))
    });
    let query = CatalogueImportRequest {
        retailer: args.retailer,
        format: if lines {
            Format::JsonLines
        } else {
            Format::Csv
        },
        decimal_comma: args.decimal_comma,
        thousands: args.thousands,
        options: args.options.options(),
        missing: match args.missing {
            MissingProducts::Keep => Missing::Keep,
            MissingProducts::Deactivate => Missing::Deactivate,
        },
    };
    let bar = ProgressBar::new_spinner();
    let watch = import::watch(&bar)?;
    let imported = app
        .catalogue
        .import(query, Box::new(file), None, watch)
        .await;
    bar.finish_and_clear();
    import::finish(imported, |body| Ok(counted(&serde_json::from_str(body)?)))
}

fn counted(imported: &Imported) -> String {
    let Imported {
        dry_run,
        rows,
        added,
        changed,
        unchanged,
        deactivated,
        store_prices: own,
    } = imported;
    let mut text = format!(
        "{rows} rows: {added} products added, {changed} changed, {unchanged} unchanged, \
         {deactivated} deactivated"
    );
    if own.added + own.changed + own.unchanged + own.removed > 0 {
        text.push_str(&format!(
            "\nstore prices: {} added, {} changed, {} unchanged, {} removed",
            own.added, own.changed, own.unchanged, own.removed
        ));
    }
    if *dry_run {
        text.push_str("\ndry run: nothing was imported");
    }
    text
}

async fn list(app: &App, args: List) -> anyhow::Result<ExitCode> {
    let mut digits = None;
    if let Some(id) = &args.store {
        known::store(app, Some(&args.retailer), id).await?;
        digits = Some(app.stores.store(id).await?.minor_digits);
    }
    let mut table = show::table(["SKU", "name", "category", "price", "active", "changed"]);
    let mut query = ProductQuery {
        retailer: args.retailer,
        store: args.store,
        changed_since: args.changed_since,
        after: args.after,
        limit: args.limit,
    };
    let mut next = None;
    while query.limit > 0 {
        let page = app.catalogue.list(query.clone()).await?;
        for view in &page.products {
            let price = view.price.as_ref();
            let price =
                price.map(|price| format!("{} {}", price_text(price, digits), price.currency));
            table.add_row([
                view.sku.as_str(),
                &view.name,
                &view.category,
                &price.unwrap_or_else(|| "-".to_owned()),
                if view.active { "yes" } else { "no" },
                &view.changed_at.to_string(),
            ]);
        }
        query.limit -= u32::try_from(page.products.len())
            .unwrap_or(query.limit)
            .min(query.limit);
        next.clone_from(&page.next);
        match page.next {
            Some(after) => query.after = after,
            None => break,
        }
    }
    show::rows(&table);
    if table.is_empty() {
        show::none("products");
    }
    if let Some(after) = next {
        show::note(&format!("more with --after {after}"));
    }
    Ok(ExitCode::SUCCESS)
}

/// Removes the remains of aborted imports while the host serves.
pub async fn sweep(app: App, stop: CancellationToken) {
    loop {
        match app.catalogue.sweep().await {
            Ok(0) => {}
            Ok(left) => tracing::info!(left, "aborted product imports removed"),
            Err(error) => tracing::warn!(
                error = error.chain(),
                "removing aborted product imports failed"
            ),
        }
        tokio::select! {
            () = app.core.clock().sleep(SWEPT_EVERY) => {}
            () = stop.cancelled() => return,
        }
    }
}
