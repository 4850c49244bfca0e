//! `galleria receipts` and `galleria requests`: list what decisions queued. This version sends none of it.
//!
//! As over HTTP, the output contains no personal data of customers.

use crate::command::{self, ListArgs, Page, plain};
use crate::known::Names;
use crate::show;
use clap::{Args, Subcommand};
use comfy_table::Table;
use galleria_app::operations::{QueuedQuery, ReceiptFile, ReceiptView, RequestView};
use galleria_config::Config;
use galleria_ports::access::Reach;
use std::process::ExitCode;

/// Commands of `galleria receipts`.
#[derive(Debug, Subcommand)]
pub enum Receipts {
    /// List queued receipts, oldest first
    #[command(after_help = "\
Examples:
  galleria receipts list
  galleria receipts list --store madrid-1 --limit 200
  galleria receipts list --order order-1 --json

This version does not send them: all are queued.")]
    List(List),
    /// Show a receipt
    #[command(after_help = "\
Examples:
  galleria receipts show payment:payment-1/receipts/0")]
    Show(Receipt),
}

/// Commands of `galleria requests`.
#[derive(Debug, Subcommand)]
pub enum Requests {
    /// List queued requests, oldest first
    #[command(after_help = "\
Examples:
  galleria requests list
  galleria requests list --retailer my-retailer --limit 200
  galleria requests list --event payment:payment-1 --json

This version does not send them: all are queued.")]
    List(List),
    /// Show a request
    #[command(after_help = "\
Examples:
  galleria requests show payment:payment-1/0 erp")]
    Show(Request),
}

/// Arguments of the list. A missing condition matches everything.
#[derive(Args, Debug)]
pub struct List {
    /// Select this order
    #[arg(long)]
    pub order: Option<String>,
    /// Select this event
    #[arg(long)]
    pub event: Option<String>,
    /// Select the stores of this retailer
    #[arg(long)]
    pub retailer: Option<String>,
    /// Select this store, by the host's id
    #[arg(long)]
    pub store: Option<String>,
    /// The length and the form of the list.
    #[command(flatten)]
    pub list_args: ListArgs,
}

/// Arguments of `receipts show`.
#[derive(Args, Debug)]
pub struct Receipt {
    /// Id of the receipt, as `receipts list` shows it
    pub id: String,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
}

/// Arguments of `requests show`.
#[derive(Args, Debug)]
pub struct Request {
    /// Id of the request, as `requests list` shows it
    pub id: String,
    /// Plugin, as `requests list` shows it
    pub plugin: String,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
}

impl List {
    fn query(&self) -> QueuedQuery {
        QueuedQuery {
            retailer: self.retailer.clone(),
            store: self.store.clone(),
            event: self.event.clone(),
            order: self.order.clone(),
        }
    }

    fn names(&self) -> Names<'_> {
        Names {
            retailer: self.retailer.as_deref(),
            store: self.store.as_deref(),
            event: self.event.as_deref(),
            order: self.order.as_deref(),
            ..Names::default()
        }
    }
}

/// Runs a command of `galleria receipts`.
pub async fn receipts(config: Config, command: Receipts) -> anyhow::Result<ExitCode> {
    command::with_app(&config, async |app| match command {
        Receipts::List(list) => {
            let (query, limit) = (list.query(), list.list_args.limit);
            let page = app
                .operations
                .receipts(query, &Reach::Everything, None, limit);
            let page = page.await?;
            let page = Page {
                rows: &page.receipts,
                more: page.next.is_some(),
                what: "receipts",
                first: "oldest",
            };
            let names = list.names();
            list.list_args
                .list((&config, app), names, page, receipt_table)
                .await
        }
        Receipts::Show(args) => {
            let receipt = app.operations.receipt(&args.id).await;
            let receipt = command::found(receipt, "`galleria receipts list` lists them")?;
            match args.json {
                true => show::json(&receipt),
                false => show_receipt(receipt),
            }
        }
    })
    .await
}

/// Runs a command of `galleria requests`.
pub async fn requests(config: Config, command: Requests) -> anyhow::Result<ExitCode> {
    command::with_app(&config, async |app| match command {
        Requests::List(list) => {
            let (query, limit) = (list.query(), list.list_args.limit);
            let page = app
                .operations
                .requests(query, &Reach::Everything, None, limit);
            let page = page.await?;
            let page = Page {
                rows: &page.requests,
                more: page.next.is_some(),
                what: "requests",
                first: "oldest",
            };
            let names = list.names();
            list.list_args
                .list((&config, app), names, page, request_table)
                .await
        }
        Requests::Show(args) => {
            let request = app.operations.request(&args.id, &args.plugin).await;
            let request = command::found(request, "`galleria requests list` lists them")?;
            match args.json {
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
    show::rows(&show::facts("receipt", facts));
    Ok(())
}

fn request_table(rows: &[RequestView]) -> Table {
    let mut table = show::table([
        "queued", "request", "plugin", "store", "order", "target", "call", "bytes",
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
        ("call", plain(&format!("{} {}", row.method, row.path))),
        ("bytes", row.size.to_string()),
        ("queued", row.queued_at),
    ];
    show::rows(&show::facts("request", facts));
    Ok(())
}
