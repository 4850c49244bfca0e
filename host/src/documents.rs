//! `galleria documents`: what plugins wrote, how far it has come, and its content.

use crate::command::{self, Shown, plain};
use crate::show;
use anyhow::anyhow;
use clap::{Args, Subcommand};
use comfy_table::Table;
use galleria_app::App;
use galleria_app::lookup::{Content, DocumentAsk, DocumentView, Held, ListAsk};
use galleria_config::Config;
use galleria_ports::Error;
use galleria_ports::records::DocumentState;
use jiff::Timestamp;
use std::fs::File;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// Where ids are to be seen.
const LISTED: &str = "`galleria documents list` shows what there is";

/// What to do with documents.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// List documents, the newest first.
    List(List),
    /// Show one, without its content.
    Show(One),
    /// Write the content of one to a file, or to standard output.
    Get(Get),
}

/// Which documents; what is not given lets everything pass.
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  galleria documents list --order order-1
  galleria documents list --state blocked
  galleria documents list --retailer my-retailer --directory poslog --from 2026-11-24T00:00:00Z
  galleria documents list --name poslog_0042_000001.xml --json

States: pending (decided), prepared (written, without its name yet), delivered (stands under its
name), blocked (another file has its name).")]
pub struct List {
    /// About this order.
    #[arg(long)]
    pub order: Option<String>,
    /// Written by this event or run.
    #[arg(long)]
    pub event: Option<String>,
    /// In this directory, such as `poslog`.
    #[arg(long)]
    pub directory: Option<String>,
    /// With this file name.
    #[arg(long)]
    pub name: Option<String>,
    /// pending, prepared, delivered or blocked.
    #[arg(long, value_parser = state)]
    pub state: Option<DocumentState>,
    /// Of this retailer.
    #[arg(long)]
    pub retailer: Option<String>,
    /// Of this store, by the host's id.
    #[arg(long)]
    pub store: Option<String>,
    /// Not decided before this moment, RFC 3339.
    #[arg(long, value_name = "INSTANT")]
    pub from: Option<Timestamp>,
    /// Decided before this moment.
    #[arg(long, value_name = "INSTANT")]
    pub until: Option<Timestamp>,
    /// How much of it, and as what.
    #[command(flatten)]
    pub shown: Shown,
}

/// One document.
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  galleria documents show 5d1f0c6c1f1b4f0aa7e0b8b2a5a4e0d3")]
pub struct One {
    /// Its id, as `documents list` shows it.
    pub id: String,
    /// As JSON.
    #[arg(long)]
    pub json: bool,
}

/// Whose content, and where to.
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  galleria documents get 5d1f0c6c1f1b4f0aa7e0b8b2a5a4e0d3
  galleria documents get 5d1f0c6c1f1b4f0aa7e0b8b2a5a4e0d3 --out poslog.xml

Byte for byte what was decided. Once a document is delivered, its file alone has it: where whoever
it was for took that away or wrote over it, there is nothing to get any more.")]
pub struct Get {
    /// Its id, as `documents list` shows it.
    pub id: String,
    /// A file that is not there yet; standard output where none.
    #[arg(long, value_name = "FILE")]
    pub out: Option<PathBuf>,
}

fn state(text: &str) -> Result<DocumentState, String> {
    command::word(text, DocumentState::ALL, DocumentState::name)
}

/// Does what is asked.
pub async fn run(config: Config, command: Command) -> anyhow::Result<ExitCode> {
    command::at(&config, async |app| match command {
        Command::List(ask) => list(&config, app, ask).await,
        Command::Show(ask) => show_one(app, &ask).await,
        Command::Get(ask) => get(app, &ask).await,
    })
    .await
}

async fn list(config: &Config, app: &App, ask: List) -> anyhow::Result<()> {
    command::named(config, app, ask.retailer.as_deref(), ask.store.as_deref()).await?;
    let list = ListAsk {
        store: ask.store,
        retailer: ask.retailer,
        order: ask.order,
        from: ask.from,
        until: ask.until,
        after: None,
        limit: ask.shown.limit,
    };
    let asked = DocumentAsk {
        list,
        event: ask.event,
        directory: ask.directory,
        name: ask.name,
        state: ask.state,
    };
    let page = app.documents(&command::caller(), asked).await?;
    ask.shown
        .list(&page.documents, page.next.is_some(), "newest", documents)
}

fn documents(rows: &[DocumentView]) -> Table {
    let mut table = show::table([
        "decided", "document", "state", "plugin", "store", "place", "bytes",
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

/// Below the directory's folder.
fn place(row: &DocumentView) -> String {
    plain(&format!("{}/{}/{}", row.directory, row.retailer, row.name))
}

async fn show_one(app: &App, ask: &One) -> anyhow::Result<()> {
    let row = command::found(app.document(&ask.id).await, LISTED)?;
    if ask.json {
        return show::json(&row);
    }
    let place = place(&row);
    let facts = [
        ("document", row.id),
        ("state", row.state),
        ("place", place),
        ("event", plain(&row.event_id)),
        ("plugin", row.plugin),
        ("store", row.store_id.unwrap_or_default()),
        ("order", row.order_id.unwrap_or_default()),
        ("media type", plain(&row.media_type)),
        ("bytes", row.size.to_string()),
        ("SHA-256", row.digest),
        ("decided", row.created_at),
    ];
    show::line(&show::facts("document", facts).to_string());
    Ok(())
}

async fn get(app: &App, ask: &Get) -> anyhow::Result<()> {
    let content = match app.document_content(&ask.id).await {
        Err(gone @ Error::Conflict { .. }) => {
            let id = &ask.id;
            return Err(anyhow!(
                "{gone}: `galleria timeline {id}` tells what became of it"
            ));
        }
        content => command::found(content, LISTED)?,
    };
    let Some(out) = &ask.out else {
        return show::bytes(|to| copy(content, to));
    };
    let (name, size) = (plain(&content.name), content.size);
    let mut file = File::create_new(out).map_err(|error| match error.kind() {
        io::ErrorKind::AlreadyExists => {
            anyhow!("{} is there already: name another file", out.display())
        }
        _ => anyhow::Error::from(error).context(format!("writing {}", out.display())),
    })?;
    if let Err(error) = copy(content, &mut file) {
        return Err(half(out, error));
    }
    show::line(&format!("{name}: {size} bytes in {}", out.display()));
    Ok(())
}

/// A part of a document under its name would look like the whole.
fn half(out: &Path, error: io::Error) -> anyhow::Error {
    let error = anyhow::Error::from(error).context(format!("writing {}", out.display()));
    match std::fs::remove_file(out) {
        Ok(()) => error,
        Err(_) => error.context(format!("{} has a part of it", out.display())),
    }
}

fn copy(content: Content, to: &mut dyn Write) -> io::Result<()> {
    let copied = match content.held {
        Held::Here(bytes) => io::copy(&mut bytes.as_slice(), to)?,
        Held::File(mut file) => io::copy(&mut file, to)?,
    };
    to.flush()?;
    match copied == content.size {
        true => Ok(()),
        false => Err(io::Error::other("its file was changed meanwhile")),
    }
}
