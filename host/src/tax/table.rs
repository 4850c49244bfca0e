//! `galleria tax table` and `galleria tax delete`: shows, exports and deletes the tax table of a store.

use crate::command::ActorArgs;
use crate::{command, known, show};
use anyhow::Context as _;
use clap::Args;
use galleria_app::App;
use galleria_app::tax::{TaxTableDeleted, tax_table_csv};
use galleria_config::Config;
use galleria_domain::tax::TaxRow;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// Arguments of the table.
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  galleria tax table --store madrid-1
  galleria tax table --store madrid-1 --output madrid.csv
  galleria tax table --store madrid-1 --output - > madrid.csv
  galleria tax table --store madrid-1 --json")]
pub struct ShowTable {
    /// Show the table of this store
    #[arg(long)]
    pub store: String,
    /// Show at most this many rows; a file and JSON contain all rows
    #[arg(long, default_value_t = 50)]
    pub limit: usize,
    /// Write all rows to this CSV file, which `galleria tax import` reads; - writes to standard output
    #[arg(long, value_name = "FILE", conflicts_with = "json")]
    pub output: Option<PathBuf>,
    /// Print all rows as JSON
    #[arg(long)]
    pub json: bool,
}

/// Arguments of the deletion.
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  galleria tax delete --store madrid-1 --reason 'the store is closed'")]
pub struct Delete {
    /// Delete the table of this store
    #[arg(long)]
    pub store: String,
    /// The actor and the reason.
    #[command(flatten)]
    pub actor_args: ActorArgs,
}

/// Shows or exports a table.
pub async fn show(config: &Config, args: ShowTable) -> anyhow::Result<ExitCode> {
    command::with_app(config, async |app| {
        known::store(app, None, &args.store).await?;
        let rows = app.taxes.table(&args.store).await?;
        match (&args.output, args.json) {
            (Some(file), _) => export(file, &tax_table_csv(&rows)?)?,
            (None, true) => show::json(&rows)?,
            (None, false) => print(&rows, args.limit),
        }
        Ok(ExitCode::SUCCESS)
    })
    .await
}

fn export(file: &Path, text: &[u8]) -> anyhow::Result<()> {
    if file == Path::new("-") {
        return show::bytes(|out| out.write_all(text));
    }
    std::fs::write(file, text).with_context(|| format!("writing {}", file.display()))
}

fn print(rows: &[TaxRow], limit: usize) {
    let mut table = show::table([
        "code",
        "level",
        "level id",
        "rate",
        "authority",
        "kind",
        "treatment",
        "compound",
        "position",
        "valid from",
    ]);
    for row in rows.iter().take(limit) {
        let compound = match (row.affects_later_taxes, row.ignores_earlier_taxes) {
            (false, false) => "",
            (true, false) => "affects later",
            (false, true) => "ignores earlier",
            (true, true) => "affects later, ignores earlier",
        };
        table.add_row([
            row.tax_code.clone(),
            row.tax_level.clone(),
            row.retailer_tax_level_id.clone(),
            row.tax_percent.to_string(),
            row.authority.clone(),
            super::name(row.kind),
            row.treatment.map(super::name).unwrap_or_default(),
            compound.to_owned(),
            row.position.to_string(),
            row.valid_from
                .map(|date| date.to_string())
                .unwrap_or_default(),
        ]);
    }
    show::rows(&table);
    if rows.is_empty() {
        show::none("tax rows");
    }
    if rows.len() > limit {
        let all = rows.len();
        show::note(&format!(
            "only the first {limit} of {all}: increase --limit to see more, or write all with --output"
        ));
    }
}

/// Deletes a table.
pub async fn delete(config: &Config, args: Delete) -> anyhow::Result<ExitCode> {
    command::with_app(config, async |app: &App| {
        known::store(app, None, &args.store).await?;
        let ActorArgs { actor, reason } = &args.actor_args;
        let deleted = app
            .taxes
            .delete_table(None, &args.store, actor, reason)
            .await?;
        let TaxTableDeleted { rows } = serde_json::from_str(&deleted.body)?;
        show::line(&format!("{rows} rows of store {} deleted", args.store));
        Ok(ExitCode::SUCCESS)
    })
    .await
}
