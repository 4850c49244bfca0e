//! `galleria fiscal`: which sales and refunds have their mark, and where marks do not agree.

use crate::command::{self, Shown, plain};
use crate::show;
use clap::{Args, Subcommand};
use comfy_table::Table;
use galleria_app::App;
use galleria_app::fiscal::{FiscalAsk, FiscalDetail, FiscalMarked, FiscalView};
use galleria_config::Config;
use galleria_ports::records::{FiscalFilter, FiscalState};
use std::process::ExitCode;

/// What to do with fiscal records.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// List fiscal records, the newest first.
    List(List),
    /// Show those of an order, with their marks.
    Show(One),
}

/// Which records; what is not given lets everything pass.
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  galleria fiscal list --state conflict
  galleria fiscal list --state early --limit 200
  galleria fiscal list --store athens-1 --state waiting --json

States: waiting (its mark has not come), marked, conflict (two marks came, and they differ), early
(its mark came before it, or too long before to be applied).")]
pub struct List {
    /// Of this order.
    #[arg(long)]
    pub order: Option<String>,
    /// Of this retailer's stores.
    #[arg(long)]
    pub retailer: Option<String>,
    /// Of this store, by the host's id.
    #[arg(long)]
    pub store: Option<String>,
    /// early, waiting, marked or conflict.
    #[arg(long, value_parser = state)]
    pub state: Option<FiscalState>,
    /// How much of it, and as what.
    #[command(flatten)]
    pub shown: Shown,
}

/// Whose records.
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  galleria fiscal show order-1")]
pub struct One {
    /// The order.
    pub order: String,
    /// As JSON.
    #[arg(long)]
    pub json: bool,
}

fn state(text: &str) -> Result<FiscalState, String> {
    command::word(text, &FiscalState::ALL, FiscalState::name)
}

/// Does what is asked.
pub async fn run(config: Config, command: Command) -> anyhow::Result<ExitCode> {
    command::at(&config, async |app| match command {
        Command::List(ask) => list(&config, app, ask).await,
        Command::Show(ask) => show_one(app, &ask).await,
    })
    .await
}

async fn list(config: &Config, app: &App, ask: List) -> anyhow::Result<()> {
    command::named(config, app, ask.retailer.as_deref(), ask.store.as_deref()).await?;
    let asked = FiscalAsk {
        filter: FiscalFilter {
            store_id: ask.store,
            retailer: ask.retailer,
            state: ask.state,
        },
        order_id: ask.order,
        after: None,
        limit: ask.shown.limit,
    };
    let page = app.fiscal_records(asked).await?;
    ask.shown
        .list(&page.records, page.next.is_some(), "newest", records)?;
    match needing(&page.records) {
        Some(told) if !ask.shown.json => show::line(&told),
        _ => {}
    }
    Ok(())
}

fn records(rows: &[FiscalView]) -> Table {
    let mut table = show::table([
        "state", "order", "of", "receipt", "store", "since", "recorded",
    ]);
    for row in rows {
        table.add_row([
            row.state.as_str(),
            &row.order_id,
            &of(row),
            row.receipt.as_deref().unwrap_or("-"),
            row.store_id.as_deref().unwrap_or("-"),
            &row.changed_at,
            &row.created_at,
        ]);
    }
    table
}

fn of(row: &FiscalView) -> String {
    match &row.refund_id {
        Some(id) => format!("refund {id}"),
        None => "sale".into(),
    }
}

/// What somebody has to look at.
fn needing(rows: &[FiscalView]) -> Option<String> {
    let counts = [FiscalState::Conflict, FiscalState::Early].map(FiscalState::name);
    let told = counts.map(|state| {
        let count = rows.iter().filter(|row| row.state == state).count();
        (count > 0).then(|| format!("{count} {state}"))
    });
    let told: Vec<_> = told.into_iter().flatten().collect();
    (!told.is_empty()).then(|| {
        let told = told.join(", ");
        format!("to be looked at: {told}; `galleria fiscal show ORDER` has their marks")
    })
}

async fn show_one(app: &App, ask: &One) -> anyhow::Result<()> {
    let detail = app.fiscal_record(&ask.order).await;
    let detail = command::found(detail, "`galleria fiscal list` shows what there is")?;
    if ask.json {
        return show::json(&detail);
    }
    let FiscalDetail { order_id, records } = detail;
    for FiscalMarked { record, marks } in records {
        let of = of(&record);
        let facts = [
            ("order", order_id.clone()),
            ("state", record.state),
            ("entry", record.entry_id.unwrap_or_default()),
            ("receipt", record.receipt.unwrap_or_default()),
            ("store", record.store_id.unwrap_or_default()),
            ("since", record.changed_at),
            ("recorded", record.created_at),
        ];
        show::line(&show::facts(&of, facts).to_string());
        if marks.is_empty() {
            continue;
        }
        let mut table = show::table(["mark", "scheme", "state", "issued", "came", "told"]);
        for mark in marks {
            let attributes = mark.attributes.iter();
            let told = attributes.map(|one| plain(&format!("{} {}", one.name, one.value)));
            table.add_row([
                mark.mark,
                mark.scheme,
                mark.state,
                mark.issued_at,
                mark.received_at,
                told.collect::<Vec<_>>().join("\n"),
            ]);
        }
        show::line(&table.to_string());
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
    fn what_needs_somebody_is_counted_below_the_list() {
        let [early, waiting, marked, conflict] = FiscalState::ALL.map(record);
        assert_eq!(needing(&[waiting, marked]), None);
        let told = needing(&[early.clone(), conflict, early]).expect("told");
        assert!(told.contains("1 conflict, 2 early;"), "{told}");
    }
}
