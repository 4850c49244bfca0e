//! `galleria tax import`: imports tax tables from a file.

use crate::key::ActorArgs;
use crate::{command, import, known, show};
use clap::Args;
use comfy_table::Table;
use galleria_app::App;
use galleria_app::tabular::Format;
use galleria_app::tax::{TaxRowChange, TaxTableImport, TaxTableImported};
use galleria_config::Config;
use galleria_domain::tax::TaxRow;
use galleria_ports::access::Reach;
use indicatif::ProgressBar;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// Arguments of the import.
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  galleria tax import madrid.csv --store madrid-1 --dry-run
  galleria tax import madrid.csv --store madrid-1 --replace --reason 'the rates of 2027'
  galleria tax import all-stores.csv --json

Columns, by name and in any order: tax_code, tax_level, retailer_tax_level_id, tax_percent;
optional: authority, kind, treatment, affects_later_taxes, ignores_earlier_taxes, position,
valid_from, and store_id, which is required without --store. host/TAX.md describes them. A row is
complete: missing values have their defaults. A file that ends in .jsonl or .ndjson contains one
JSON object in each line. The import adds and changes rows; with --replace it also removes the
rows of its stores that the file does not have. Problems name the row that a spreadsheet shows,
and the line of the file if it differs.")]
pub struct Import {
    /// File with at most 50,000 rows of one store, or 500,000 rows of many stores
    pub file: PathBuf,
    /// Import the table of this store [default: the stores of the column store_id]
    #[arg(long)]
    pub store: Option<String>,
    /// Remove the rows of its stores that the file does not have
    #[arg(long)]
    pub replace: bool,
    /// The options of every import.
    #[command(flatten)]
    pub options: import::ImportArgs,
    /// Print the result as JSON
    #[arg(long)]
    pub json: bool,
    /// The actor and the reason.
    #[command(flatten)]
    pub actor_args: ActorArgs,
}

/// Runs the command.
pub async fn run(config: &Config, args: Import) -> anyhow::Result<ExitCode> {
    let file = known::open(&args.file)?;
    command::with_app(config, async |app| import(app, args, file).await).await
}

async fn import(app: &App, args: Import, file: std::fs::File) -> anyhow::Result<ExitCode> {
    if let Some(store) = &args.store {
        known::store(app, None, store).await?;
    }
    let has_stores = args.store.is_none();
    let request = TaxTableImport {
        store: args.store,
        format: format(&args.file),
        options: args.options.options(),
        replace: args.replace,
        reach: Reach::Everything,
        actor: args.actor_args.actor,
        reason: args.actor_args.reason,
    };
    let bar = ProgressBar::new_spinner();
    let watch = import::watch(&bar)?;
    let imported = app
        .taxes
        .import_table(request, Box::new(file), None, watch)
        .await;
    bar.finish_and_clear();
    import::finish(imported, |body| {
        let imported = serde_json::from_str(body)?;
        match args.json {
            true => Ok(serde_json::to_string_pretty(&imported)?),
            false => Ok(report(&imported, has_stores)),
        }
    })
}

/// The format of a file, by its name.
fn format(file: &Path) -> Format {
    let end = file.extension().unwrap_or_default();
    let lines = ["jsonl", "ndjson"]
        .iter()
        .any(|known| end.eq_ignore_ascii_case(known));
    if lines {
        Format::JsonLines
    } else {
        Format::Csv
    }
}

fn report(imported: &TaxTableImported, has_stores: bool) -> String {
    let TaxTableImported {
        dry_run,
        rows,
        stores,
        added,
        changed,
        removed,
        unchanged,
        changes,
    } = imported;
    let mut lines = Vec::new();
    let shown = changes.len() as u64;
    if !changes.is_empty() {
        lines.push(show::fitted(&table(changes, has_stores)));
    }
    let all = added + changed + removed;
    if all > shown {
        lines.push(format!("and {} more", all - shown));
    }
    let of_stores = match stores {
        1 => String::new(),
        stores => format!(" for {stores} stores"),
    };
    lines.push(format!(
        "{rows} rows{of_stores}: {added} added, {changed} changed, {removed} removed, {unchanged} unchanged"
    ));
    if *dry_run {
        lines.push("dry run: nothing was imported".to_owned());
    }
    lines.join("\n")
}

fn table(changes: &[TaxRowChange], has_stores: bool) -> Table {
    let mut titles = vec![
        "change",
        "code",
        "level id",
        "valid from",
        "rate",
        "other columns",
    ];
    if has_stores {
        titles.insert(0, "store");
    }
    let mut table = show::untitled();
    table.set_header(titles);
    for change in changes {
        let (what, row) = match (&change.before, &change.after) {
            (Some(_), Some(row)) => ("changed", row),
            (None, Some(row)) => ("added", row),
            (Some(row), None) => ("removed", row),
            (None, None) => continue,
        };
        let rate = |row: &Option<TaxRow>| {
            row.as_ref()
                .map_or("-".to_owned(), |row| row.tax_percent.to_string())
        };
        let mut cells = vec![
            what.to_owned(),
            row.tax_code.clone(),
            row.retailer_tax_level_id.clone(),
            row.valid_from
                .map(|date| date.to_string())
                .unwrap_or_default(),
            format!("{} → {}", rate(&change.before), rate(&change.after)),
            other_columns(change),
        ];
        if has_stores {
            cells.insert(0, change.store_id.clone());
        }
        table.add_row(cells);
    }
    table
}

/// The columns besides the rate in which a changed row differs.
fn other_columns(change: &TaxRowChange) -> String {
    let (Some(before), Some(after)) = (&change.before, &change.after) else {
        return String::new();
    };
    let differences = [
        ("tax_level", before.tax_level != after.tax_level),
        ("authority", before.authority != after.authority),
        ("kind", before.kind != after.kind),
        ("treatment", before.treatment != after.treatment),
        (
            "affects_later_taxes",
            before.affects_later_taxes != after.affects_later_taxes,
        ),
        (
            "ignores_earlier_taxes",
            before.ignores_earlier_taxes != after.ignores_earlier_taxes,
        ),
        ("position", before.position != after.position),
    ];
    let names = differences
        .iter()
        .filter(|(_, differs)| *differs)
        .map(|(name, _)| *name);
    names.collect::<Vec<_>>().join(", ")
}
