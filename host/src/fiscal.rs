//! `galleria fiscal`: lists fiscal records of sales and refunds, and shows their marks.

use crate::command::{self, ListArgs, Page, plain};
use crate::known::Names;
use crate::show;
use clap::{Args, Subcommand};
use comfy_table::Table;
use galleria_app::App;
use galleria_app::fiscal::{FiscalDetail, FiscalListQuery, FiscalMarked, FiscalView};
use galleria_config::Config;
use galleria_ports::records::{FiscalFilter, FiscalState};
use std::process::ExitCode;

/// Commands of `galleria fiscal`.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// List fiscal records, newest first
    List(List),
    /// Show the fiscal records of an order with their marks
    Show(One),
}

/// Arguments of the list. A missing condition matches everything.
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  galleria fiscal list --state conflict
  galleria fiscal list --state early --limit 200
  galleria fiscal list --store athens-1 --state waiting --json

States: waiting (no mark received), marked, conflict (two different marks received), early (the
mark was received before the sale or refund, or so early that it was not applied).")]
pub struct List {
    /// Select this order
    #[arg(long)]
    pub order: Option<String>,
    /// Select the stores of this retailer
    #[arg(long)]
    pub retailer: Option<String>,
    /// Select this store, by the host's id
    #[arg(long)]
    pub store: Option<String>,
    /// Select this state: early, waiting, marked or conflict
    #[arg(long, value_parser = state)]
    pub state: Option<FiscalState>,
    /// The length and the form of the list.
    #[command(flatten)]
    pub list_args: ListArgs,
}

/// Arguments of `show`.
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  galleria fiscal show order-1")]
pub struct One {
    /// Order
    pub order: String,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
}

fn state(text: &str) -> Result<FiscalState, String> {
    command::word(text, &FiscalState::ALL, FiscalState::name)
}

/// Runs the command.
pub async fn run(config: Config, command: Command) -> anyhow::Result<ExitCode> {
    command::with_app(&config, async |app| match command {
        Command::List(args) => list(&config, app, args).await,
        Command::Show(args) => show_one(app, &args).await,
    })
    .await
}

async fn list(config: &Config, app: &App, args: List) -> anyhow::Result<()> {
    let query = FiscalListQuery {
        filter: FiscalFilter {
            store_id: args.store.clone(),
            retailer: args.retailer.clone(),
            state: args.state,
        },
        order_id: args.order.clone(),
        after: None,
        limit: args.list_args.limit,
    };
    let page = app.fiscal.list(query).await?;
    let names = Names {
        retailer: args.retailer.as_deref(),
        store: args.store.as_deref(),
        order: args.order.as_deref(),
        ..Names::default()
    };
    let rows = Page {
        rows: &page.records,
        more: page.next.is_some(),
        what: "fiscal records",
        first: "newest",
    };
    args.list_args
        .list((config, app), names, rows, records)
        .await?;
    if let Some(summary) = unresolved(&page.records) {
        show::note(&summary);
    }
    Ok(())
}

fn records(rows: &[FiscalView]) -> Table {
    let mut table = show::table([
        "state", "order", "entry", "receipt", "store", "since", "recorded",
    ]);
    for row in rows {
        table.add_row([
            row.state.as_str(),
            &row.order_id,
            &entry(row),
            row.receipt.as_deref().unwrap_or("-"),
            row.store_id.as_deref().unwrap_or("-"),
            &row.changed_at,
            &row.created_at,
        ]);
    }
    table
}

fn entry(row: &FiscalView) -> String {
    match &row.refund_id {
        Some(id) => format!("refund {id}"),
        None => "sale".into(),
    }
}

/// Counts the records that an operator must resolve.
fn unresolved(rows: &[FiscalView]) -> Option<String> {
    let states = [FiscalState::Conflict, FiscalState::Early].map(FiscalState::name);
    let counts = states.map(|state| {
        let count = rows.iter().filter(|row| row.state == state).count();
        (count > 0).then(|| format!("{count} {state}"))
    });
    let counts: Vec<_> = counts.into_iter().flatten().collect();
    (!counts.is_empty()).then(|| {
        let counts = counts.join(", ");
        format!("unresolved: {counts}; see `galleria fiscal show ORDER`")
    })
}

async fn show_one(app: &App, args: &One) -> anyhow::Result<()> {
    let detail = app.fiscal.order_records(&args.order).await;
    let detail = command::found(detail, "`galleria fiscal list` lists them")?;
    if args.json {
        return show::json(&detail);
    }
    let FiscalDetail { order_id, records } = detail;
    for FiscalMarked { record, marks } in records {
        let entry = entry(&record);
        let facts = [
            ("order", order_id.clone()),
            ("state", record.state),
            ("entry", record.entry_id.unwrap_or_default()),
            ("receipt", record.receipt.unwrap_or_default()),
            ("store", record.store_id.unwrap_or_default()),
            ("since", record.changed_at),
            ("recorded", record.created_at),
        ];
        show::rows(&show::facts(&entry, facts));
        if marks.is_empty() {
            continue;
        }
        let mut table = show::table([
            "mark",
            "scheme",
            "state",
            "issued",
            "received",
            "attributes",
        ]);
        for mark in marks {
            let attributes = mark.attributes.iter();
            let attributes = attributes.map(|one| plain(&format!("{} {}", one.name, one.value)));
            table.add_row([
                mark.mark,
                mark.scheme,
                mark.state,
                mark.issued_at,
                mark.received_at,
                attributes.collect::<Vec<_>>().join("\n"),
            ]);
        }
        show::rows(&table);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(state: FiscalState) -> FiscalView {
        FiscalView {
            order_id: "o1".into(),
            refund_id: None,
            state: state.name().into(),
            entry_id: None,
            receipt: None,
            store_id: None,
            created_at: String::new(),
            changed_at: String::new(),
        }
    }

    #[test]
    fn unresolved_records_are_counted_below_the_list() {
        let [early, waiting, marked, conflict] = FiscalState::ALL.map(record);
        assert_eq!(unresolved(&[waiting, marked]), None);
        let summary = unresolved(&[early.clone(), conflict, early]).expect("a summary");
        assert!(summary.contains("1 conflict, 2 early;"), "{summary}");
    }
}
