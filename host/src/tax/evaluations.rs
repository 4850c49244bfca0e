//! `galleria tax evaluations`: lists the recorded evaluations of a store, or shows one of them.

use super::time;
use crate::command::{self, ListArgs, Page, plain};
use crate::known::{self, Names};
use crate::show;
use clap::Args;
use comfy_table::Table;
use galleria_app::App;
use galleria_app::tax::{EvaluationPage, EvaluationQuery, RecordedEvaluation};
use galleria_config::Config;
use galleria_domain::tax::LevelTax;
use jiff::Timestamp;
use std::process::ExitCode;

/// Evaluations in one query.
const PAGE: u32 = 100;

/// Arguments of `evaluations`.
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  galleria tax evaluations --store madrid-1
  galleria tax evaluations --store madrid-1 --since 2026-11-30 --limit 500 --json
  galleria tax evaluations --store madrid-1 --key till-4-0042
  galleria tax evaluations --store madrid-1 --id 0f5b1e...

Requests with `commit` are recorded, and removed after tax.evaluations_kept. With --id, the items
and their taxes are shown. Amounts are in the currency of the store.")]
pub struct Evaluations {
    /// List the evaluations of this store, by the host's id
    #[arg(long)]
    pub store: String,
    /// Start at this date or instant in UTC (RFC 3339) [default: all that is kept]
    #[arg(long, value_name = "TIME", value_parser = time)]
    pub since: Option<Timestamp>,
    /// Select this idempotency key, as the caller sent it
    #[arg(long, value_name = "KEY")]
    pub key: Option<String>,
    /// Show this evaluation with its items
    #[arg(long, value_name = "ID", conflicts_with_all = ["since", "key", "limit"])]
    pub id: Option<String>,
    /// The length and the form of the list.
    #[command(flatten)]
    pub list_args: ListArgs,
}

/// Runs the command.
pub async fn run(config: &Config, args: Evaluations) -> anyhow::Result<ExitCode> {
    command::with_app(config, async |app| match &args.id {
        Some(id) => show_one(app, &args.store, id, args.list_args.json).await,
        None => list(config, app, &args).await,
    })
    .await
}

async fn list(config: &Config, app: &App, args: &Evaluations) -> anyhow::Result<()> {
    known::store(app, None, &args.store).await?;
    let limit = args.list_args.limit;
    let mut rows: Vec<RecordedEvaluation> = Vec::new();
    let mut query = EvaluationQuery {
        store: args.store.clone(),
        since: args.since,
        idempotency_key: args.key.clone(),
        after: None,
        limit: 0,
    };
    let more = loop {
        let shown = u32::try_from(rows.len()).unwrap_or(u32::MAX);
        query.limit = PAGE.min(limit - shown);
        let EvaluationPage { evaluations, next } = app.taxes.evaluations(query.clone()).await?;
        rows.extend(evaluations);
        query.after = next;
        if query.after.is_none() || rows.len() >= limit as usize {
            break query.after.is_some();
        }
    };
    let page = Page {
        rows: &rows,
        more,
        what: "recorded evaluations",
        first: "newest",
    };
    let names = Names::default();
    args.list_args.list((config, app), names, page, table).await
}

fn table(rows: &[RecordedEvaluation]) -> Table {
    let mut table = show::table([
        "recorded", "id", "key", "actor", "route", "items", "amount", "taxes", "to pay",
    ]);
    for row in rows {
        let response = &row.response.response;
        table.add_row([
            row.recorded_at.clone(),
            row.id.clone(),
            plain(row.idempotency_key.as_deref().unwrap_or("-")),
            plain(&row.actor),
            route(row),
            response.item_tax.len().to_string(),
            response.total_basket_amount.to_string(),
            response.total_tax.to_string(),
            response.total_basket_amount_after_tax.to_string(),
        ]);
    }
    table
}

fn route(row: &RecordedEvaluation) -> String {
    match row.response.fallback {
        true => format!("{} (fallback)", row.response.route),
        false => row.response.route.to_string(),
    }
}

async fn show_one(app: &App, store: &str, id: &str, json: bool) -> anyhow::Result<()> {
    known::store(app, None, store).await?;
    let found = app.taxes.evaluation(store, id).await;
    let hint = "`galleria tax evaluations --store` lists the evaluations of a store";
    let one = command::found(found, hint)?;
    if json {
        return show::json(&one);
    }
    show::rows(&table(std::slice::from_ref(&one)));
    let mut items = show::table([
        "item",
        "code",
        "amount",
        "net",
        "tax",
        "rate",
        "taxable",
        "tax amount",
        "included",
    ]);
    for item in &one.response.response.item_tax {
        let requested = one
            .request
            .items
            .iter()
            .find(|of| of.item_id == item.item_id);
        let code = requested.map_or("", |of| of.tax_code.as_str());
        let cells = |tax: Option<&LevelTax>| {
            [
                plain(&item.item_id),
                plain(code),
                item.total_amount.to_string(),
                item.taxable_amount.to_string(),
                tax.map_or_else(String::new, |tax| plain(&tax.tax_level)),
                tax.map_or_else(String::new, |tax| tax.tax_percent.to_string()),
                tax.map_or_else(String::new, |tax| tax.taxable_amount.to_string()),
                tax.map_or_else(String::new, |tax| tax.tax_amount.to_string()),
                tax.map_or_else(String::new, |tax| tax.included.to_string()),
            ]
        };
        if item.taxes.is_empty() {
            items.add_row(cells(None));
        }
        for tax in &item.taxes {
            items.add_row(cells(Some(tax)));
        }
    }
    show::rows(&items);
    Ok(())
}
