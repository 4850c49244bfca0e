//! `galleria receipts` and `galleria requests`: what decisions queued. This version sends none of it.
//!
//! As over HTTP, what is a customer's own is not shown.

use crate::command::{self, Shown, plain};
use crate::show;
use clap::{Args, Subcommand};
use comfy_table::Table;
use galleria_app::App;
use galleria_app::desk::{QueuedAsk, ReceiptFile, ReceiptView, RequestView};
use galleria_config::Config;
use galleria_ports::access::Reach;
use std::process::ExitCode;

/// What to do with receipts.
#[derive(Debug, Subcommand)]
pub enum Receipts {
    /// List receipts that are queued, the oldest first.
    #[command(after_help = "\
Examples:
  galleria receipts list
  galleria receipts list --store madrid-1 --limit 200
  galleria receipts list --order order-1 --json

This version sends none: all are queued.")]
    List(List),
    /// Show one.
    #[command(after_help = "\
Examples:
  galleria receipts show payment:payment-1/receipts/0")]
    Show(Receipt),
}

/// What to do with requests.
#[derive(Debug, Subcommand)]
pub enum Requests {
    /// List requests that are queued, the oldest first.
    #[command(after_help = "\
Examples:
  galleria requests list
  galleria requests list --retailer my-retailer --limit 200
  galleria requests list --event payment:payment-1 --json

This version sends none: all are queued.")]
    List(List),
    /// Show one.
    #[command(after_help = "\
Examples:
  galleria requests show payment:payment-1/0 erp")]
    Show(Request),
}

/// Which are listed; what is not given lets everything pass.
#[derive(Args, Debug)]
pub struct List {
    /// About this order.
    #[arg(long)]
    pub order: Option<String>,
    /// That this event brought about.
    #[arg(long)]
    pub event: Option<String>,
    /// Of this retailer's stores.
    #[arg(long)]
    pub retailer: Option<String>,
    /// Of this store, by the host's id.
    #[arg(long)]
    pub store: Option<String>,
    /// How much of it, and as what.
    #[command(flatten)]
    pub shown: Shown,
}

/// One receipt.
#[derive(Args, Debug)]
pub struct Receipt {
    /// Its id, as `receipts list` shows it.
    pub id: String,
    /// As JSON.
    #[arg(long)]
    pub json: bool,
}

/// One request.
#[derive(Args, Debug)]
pub struct Request {
    /// Its id, as `requests list` shows it.
    pub id: String,
    /// The plugin, as `requests list` shows it.
    pub plugin: String,
    /// As JSON.
    #[arg(long)]
    pub json: bool,
}

impl List {
    /// What it asks, where all that it names is there.
    async fn ask(self, config: &Config, app: &App) -> anyhow::Result<(QueuedAsk, Shown)> {
        command::named(config, app, self.retailer.as_deref(), self.store.as_deref()).await?;
        let ask = QueuedAsk {
            retailer: self.retailer,
            store: self.store,
            event: self.event,
            order: self.order,
        };
        Ok((ask, self.shown))
    }
}

/// Does what is asked of receipts.
pub async fn receipts(config: Config, command: Receipts) -> anyhow::Result<ExitCode> {
    command::at(&config, async |app| match command {
        Receipts::List(list) => {
            let (ask, shown) = list.ask(&config, app).await?;
            let page = app.receipts(ask, &Reach::Everything, None, shown.limit);
            let page = page.await?;
            shown.list(&page.receipts, page.next.is_some(), "oldest", receipt_table)
        }
        Receipts::Show(ask) => {
            let receipt = app.receipt(&ask.id).await;
            let receipt = command::found(receipt, "`galleria receipts list` shows what there is")?;
            match ask.json {
                true => show::json(&receipt),
                false => show_receipt(receipt),
            }
        }
    })
    .await
}

/// Does what is asked of requests.
pub async fn requests(config: Config, command: Requests) -> anyhow::Result<ExitCode> {
    command::at(&config, async |app| match command {
        Requests::List(list) => {
            let (ask, shown) = list.ask(&config, app).await?;
            let page = app.requests(ask, &Reach::Everything, None, shown.limit);
            let page = page.await?;
            shown.list(&page.requests, page.next.is_some(), "oldest", request_table)
        }
        Requests::Show(ask) => {
            let request = app.request(&ask.id, &ask.plugin).await;
            let request = command::found(request, "`galleria requests list` shows what there is")?;
            match ask.json {
                true => show::json(&request),
                false => show_request(request),
            }
        }
    })
    .await
}

fn receipt_table(rows: &[ReceiptView]) -> Table {
    let mut table = show::table([
        "queued", "receipt", "plugin", "store", "order", "template", "language", "file",
    ]);
    for row in rows {
        table.add_row([
            row.queued_at.as_str(),
            &plain(&row.id),
            &row.plugin,
            &row.store,
            row.order.as_deref().unwrap_or("-"),
            &plain(&row.template),
            &plain(&row.locale),
            &row.file
                .as_ref()
                .map_or("-".into(), |file| plain(&file.name)),
        ]);
    }
    table
}

fn show_receipt(row: ReceiptView) -> anyhow::Result<()> {
    let file = |file: ReceiptFile| {
        let ReceiptFile {
            name,
            media_type,
            size,
        } = file;
        plain(&format!("{name}, {media_type}, {size} bytes"))
    };
    let facts = [
        ("receipt", plain(&row.id)),
        ("state", row.state),
        ("event", plain(&row.event_id)),
        ("plugin", row.plugin),
        ("store", row.store),
        ("order", row.order.unwrap_or_default()),
        ("template", plain(&row.template)),
        ("language", plain(&row.locale)),
        ("file", row.file.map(file).unwrap_or_default()),
        ("queued", row.queued_at),
    ];
    show::line(&show::facts("receipt", facts).to_string());
    Ok(())
}

fn request_table(rows: &[RequestView]) -> Table {
    let mut table = show::table([
        "queued", "request", "plugin", "store", "order", "target", "asks", "bytes",
    ]);
    for row in rows {
        table.add_row([
            row.queued_at.as_str(),
            &plain(&row.id),
            &row.plugin,
            &row.store,
            row.order.as_deref().unwrap_or("-"),
            &row.target,
            &plain(&format!("{} {}", row.method, row.path)),
            &row.size.to_string(),
        ]);
    }
    table
}

fn show_request(row: RequestView) -> anyhow::Result<()> {
    let facts = [
        ("request", plain(&row.id)),
        ("state", row.state),
        ("event", plain(&row.event_id)),
        ("plugin", row.plugin),
        ("store", row.store),
        ("order", row.order.unwrap_or_default()),
        ("target", row.target),
        ("asks", plain(&format!("{} {}", row.method, row.path))),
        ("bytes", row.size.to_string()),
        ("queued", row.queued_at),
    ];
    show::line(&show::facts("request", facts).to_string());
    Ok(())
}
