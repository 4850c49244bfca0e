//! `galleria documents`: lists documents, shows their state and gets their content.

use crate::command::{self, ListArgs, Page, plain};
use crate::known::Names;
use crate::show;
use anyhow::anyhow;
use clap::{Args, Subcommand};
use comfy_table::Table;
use galleria_app::App;
use galleria_app::documents::{Content, ContentSource, DocumentQuery, DocumentView};
use galleria_app::lists::ListQuery;
use galleria_config::Config;
use galleria_ports::Error;
use galleria_ports::records::{DocumentState, document_path};
use jiff::Timestamp;
use std::fs::File;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// The hint for an unknown id.
const LISTED: &str = "`galleria documents list` lists them";

/// Commands of `galleria documents`.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// List documents, newest first
    List(List),
    /// Show a document without its content
    Show(One),
    /// Write a document's content to a file or to standard output
    Get(Get),
}

/// Arguments of the list. A missing condition matches everything.
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  galleria documents list --order order-1
  galleria documents list --state blocked
  galleria documents list --retailer my-retailer --directory poslog --from 2026-11-24T00:00:00Z
  galleria documents list --name poslog_0042_000001.xml --json

States: pending (decided), prepared (written under a temporary name), delivered (written under its
name), blocked (another file has its name).")]
pub struct List {
    /// Select this order
    #[arg(long)]
    pub order: Option<String>,
    /// Select documents of this event or run
    #[arg(long)]
    pub event: Option<String>,
    /// Select this directory, such as poslog
    #[arg(long)]
    pub directory: Option<String>,
    /// Select this file name
    #[arg(long)]
    pub name: Option<String>,
    /// Select this state: pending, prepared, delivered or blocked
    #[arg(long, value_parser = state)]
    pub state: Option<DocumentState>,
    /// Select this retailer
    #[arg(long)]
    pub retailer: Option<String>,
    /// Select this store, by the host's id
    #[arg(long)]
    pub store: Option<String>,
    /// Select documents decided at this instant or later (RFC 3339)
    #[arg(long, value_name = "INSTANT")]
    pub from: Option<Timestamp>,
    /// Select documents decided before this instant (RFC 3339)
    #[arg(long, value_name = "INSTANT")]
    pub until: Option<Timestamp>,
    /// The length and the form of the list.
    #[command(flatten)]
    pub list_args: ListArgs,
}

/// Arguments of `show`.
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  galleria documents show 5d1f0c6c1f1b4f0aa7e0b8b2a5a4e0d3")]
pub struct One {
    /// Id of the document, as `documents list` shows it
    pub id: String,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
}

/// Arguments of `get`.
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  galleria documents get 5d1f0c6c1f1b4f0aa7e0b8b2a5a4e0d3
  galleria documents get 5d1f0c6c1f1b4f0aa7e0b8b2a5a4e0d3 --out poslog.xml

The content is exactly what was decided. After delivery only the file contains it: if its
recipient removed or changed the file, the content is no longer available.")]
pub struct Get {
    /// Id of the document, as `documents list` shows it
    pub id: String,
    /// Write to this new file [default: standard output]
    #[arg(long, value_name = "FILE")]
    pub out: Option<PathBuf>,
}

fn state(text: &str) -> Result<DocumentState, String> {
    command::word(text, DocumentState::ALL, DocumentState::name)
}

/// Runs the command.
pub async fn run(config: Config, command: Command) -> anyhow::Result<ExitCode> {
    command::with_app(&config, async |app| match command {
        Command::List(args) => list(&config, app, args).await,
        Command::Show(args) => show_one(app, &args).await,
        Command::Get(args) => get(app, &args).await,
    })
    .await
}

async fn list(config: &Config, app: &App, args: List) -> anyhow::Result<()> {
    let list = ListQuery {
        store: args.store.clone(),
        retailer: args.retailer.clone(),
        order: args.order.clone(),
        from: args.from,
        until: args.until,
        after: None,
        limit: args.list_args.limit,
    };
    let query = DocumentQuery {
        list,
        event: args.event.clone(),
        directory: args.directory.clone(),
        name: args.name.clone(),
        state: args.state,
    };
    let names = Names {
        retailer: args.retailer.as_deref(),
        store: args.store.as_deref(),
        order: args.order.as_deref(),
        event: args.event.as_deref(),
        directory: args.directory.as_deref(),
        file: args.name.as_deref(),
        ..Names::default()
    };
    let page = match app.documents.list(&command::caller(), query).await {
        Err(error @ Error::NotFound { .. }) => {
            names.check(config, app).await?;
            return Err(error.into());
        }
        page => page?,
    };
    let page = Page {
        rows: &page.documents,
        more: page.next.is_some(),
        what: "documents",
        first: "newest",
    };
    args.list_args
        .list((config, app), names, page, documents)
        .await
}

fn documents(rows: &[DocumentView]) -> Table {
    let mut table = show::table([
        "decided", "document", "state", "plugin", "store", "path", "bytes",
    ]);
    for row in rows {
        table.add_row([
            row.created_at.as_str(),
            &row.id,
            &row.state,
            &row.plugin,
            row.store_id.as_deref().unwrap_or("all"),
            &place(row),
            &row.size.to_string(),
        ]);
    }
    table
}

/// The path below the directory's folder.
fn place(row: &DocumentView) -> String {
    let folder = row.folder.as_deref().unwrap_or_default();
    let path = document_path(&row.retailer, folder, &row.name);
    plain(&format!("{}/{path}", row.directory))
}

async fn show_one(app: &App, args: &One) -> anyhow::Result<()> {
    let row = command::found(app.documents.document(&args.id).await, LISTED)?;
    if args.json {
        return show::json(&row);
    }
    let place = place(&row);
    let facts = [
        ("document", row.id),
        ("state", row.state),
        ("path", place),
        ("event", plain(&row.event_id)),
        ("plugin", row.plugin),
        ("store", row.store_id.unwrap_or_default()),
        ("order", row.order_id.unwrap_or_default()),
        ("media type", plain(&row.media_type)),
        ("bytes", row.size.to_string()),
        ("SHA-256", row.digest),
        ("decided", row.created_at),
    ];
    show::rows(&show::facts("document", facts));
    Ok(())
}

async fn get(app: &App, args: &Get) -> anyhow::Result<()> {
    let content = match app.documents.content(&args.id).await {
        Err(gone @ Error::Conflict { .. }) => {
            let id = &args.id;
            return Err(anyhow!("{gone}: see `galleria timeline {id}`"));
        }
        content => command::found(content, LISTED)?,
    };
    let Some(out) = &args.out else {
        return show::bytes(|to| copy(content, to));
    };
    let (name, size) = (plain(&content.name), content.size);
    let mut file = File::create_new(out).map_err(|error| match error.kind() {
        io::ErrorKind::AlreadyExists => {
            anyhow!("{} already exists: choose another file", out.display())
        }
        _ => anyhow::Error::from(error).context(format!("writing {}", out.display())),
    })?;
    if let Err(error) = copy(content, &mut file) {
        return Err(half(out, error));
    }
    show::line(&format!("{name}: {size} bytes in {}", out.display()));
    Ok(())
}

/// Removes a part of a document: under its name it would look complete.
fn half(out: &Path, error: io::Error) -> anyhow::Error {
    let error = anyhow::Error::from(error).context(format!("writing {}", out.display()));
    match std::fs::remove_file(out) {
        Ok(()) => error,
        Err(_) => error.context(format!("{} contains a part of it", out.display())),
    }
}

fn copy(content: Content, to: &mut dyn Write) -> io::Result<()> {
    let copied = match content.source {
        ContentSource::Here(bytes) => io::copy(&mut bytes.as_slice(), to)?,
        ContentSource::File(mut file) => io::copy(&mut file, to)?,
    };
    to.flush()?;
    match copied == content.size {
        true => Ok(()),
        false => Err(io::Error::other("the file was changed meanwhile")),
    }
}
