//! The command line.

use crate::command::{self, Shown};
use crate::roles::Role;
use clap::{Args, Parser, Subcommand};
use galleria_domain::plugin::Point;
use galleria_ports::records::RunState;
use jiff::Timestamp;
use jiff::civil::Date;
use std::path::PathBuf;

/// One host for many retailers: HTTP, events, records and files here; what differs, in plugins.
#[derive(Debug, Parser)]
#[command(name = "galleria", version, propagate_version = true, after_help = EXAMPLES)]
pub struct Cli {
    /// The host's configuration; `conf/host.toml` where that exists, else the defaults.
    #[arg(long, global = true, value_name = "FILE")]
    pub conf: Option<PathBuf>,

    /// Set one key over file and environment; may be repeated.
    #[arg(long = "set", global = true, value_name = "KEY=VALUE", value_parser = pair)]
    pub overrides: Vec<(String, String)>,

    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

const EXAMPLES: &str = "\
Examples:
  galleria check                                 are configuration, plugins and grants right?
  galleria serve --set data=/var/lib/galleria    serve until Ctrl-C, then drain
  galleria serve --set http.listen=127.0.0.1:0   on a free port; data/http.addr says which
  galleria serve --role consumer,deliver         some of the work; other processes do the rest
  galleria plugin inspect target/plugins/my-plugin/my_plugin.wasm
  galleria report run --retailer my-retailer --plugin daily-sales --from 2026-11-20
  galleria statement read payout.csv --plugin adyen-settlement
  galleria stores import stores.csv --dry-run    what would come of a file of stores
  galleria status                                how things stand, and where to look
  galleria runs list --state dead                what was not done, and why
  galleria dead-letters list --plugin poslog     what was given up, and why
  galleria parked list                           what waits, and for what
  galleria documents list --state blocked        whose name another file has
  galleria receipts list --store madrid-1        what is queued; requests, too
  galleria fiscal list --state conflict          what has two marks
  galleria timeline 8836-1                          what became of a payment, by any id of it
  galleria key create --name till-7 --scope till --store madrid-1

Every key of conf/host.toml can also be set by the environment: GALLERIA_HTTP__LISTEN is http.listen.";

/// What to do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Serve until Ctrl-C or SIGTERM, then drain: requests and events in hand are finished.
    Serve(ServeAsk),
    /// Bring the database's schema to this version and say what was done.
    Migrate,
    /// Check configuration, plugins, grants and settings; tell all errors together.
    Check,
    /// Tell how things stand: events, documents, runs, and where an operator is needed.
    Status(crate::status::Ask),
    /// Import a retailer's products, and look at them.
    Products {
        /// What to do with them.
        #[command(subcommand)]
        command: ProductsCommand,
    },
    /// Import stores by the thousand, and look at them.
    Stores {
        /// What to do with them.
        #[command(subcommand)]
        command: crate::stores::Command,
    },
    /// Look into plugins.
    Plugin {
        /// What to do with it.
        #[command(subcommand)]
        command: PluginCommand,
    },
    /// Run reports, settlement files and catalogues by hand.
    Report {
        /// What to do with it.
        #[command(subcommand)]
        command: ReportCommand,
    },
    /// Statements of payment providers: take them in, look at them, settle lines by hand.
    Statement {
        /// What to do with them.
        #[command(subcommand)]
        command: crate::statement::Command,
    },
    /// Keys that callers of the HTTP face carry: make, list, take back.
    Key {
        /// What to do with them.
        #[command(subcommand)]
        command: crate::key::Command,
    },
    /// Events that were given up: list, show, replay, discard.
    DeadLetters {
        /// What to do with them.
        #[command(subcommand)]
        command: crate::dead_letters::Command,
    },
    /// Events that wait: list; let one be tried now.
    Parked {
        /// What to do with them.
        #[command(subcommand)]
        command: crate::parked::Command,
    },
    /// Documents: list, show, get their content.
    Documents {
        /// What to do with them.
        #[command(subcommand)]
        command: crate::documents::Command,
    },
    /// Receipts that plugins queued.
    Receipts {
        /// What to do with them.
        #[command(subcommand)]
        command: crate::queued::Receipts,
    },
    /// Requests to targets that plugins queued.
    Requests {
        /// What to do with them.
        #[command(subcommand)]
        command: crate::queued::Requests,
    },
    /// Fiscal records of sales and refunds, and their marks.
    Fiscal {
        /// What to do with them.
        #[command(subcommand)]
        command: crate::fiscal::Command,
    },
    /// What operators did.
    Operations {
        /// What to do with them.
        #[command(subcommand)]
        command: crate::operations::Command,
    },
    /// Tell everything that is known about an id, in order of time.
    Timeline(crate::timeline::Ask),
    /// Look at runs; replay or cancel one.
    Runs {
        /// What to do with them.
        #[command(subcommand)]
        command: RunsCommand,
    },
}

/// What a process is there for.
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  galleria serve                                 everything in one process
  galleria serve --role api                      requests; other processes do the rest
  galleria serve --role consumer,deliver --set http.listen=127.0.0.1:8081
  galleria serve --role consumer:PAYMENT_GROUP   one group's events

  api        the HTTP face
  consumer   events, of all groups or of the one that is named; of several processes on one database,
             one reads a group at a time, and the next one takes over where it ends
  relay      what is published, to the broker that kafka.bootstrap names
  deliver    documents to their directories; statements picked up from theirs, and kept matched
  schedule   schedules planned, runs done, what crashes left swept

Processes that share the work share the database, the directories and the folder of statements. Every
one of them answers /healthz, /readyz and /metrics at http.listen.")]
pub struct ServeAsk {
    /// A role, or several with commas between; may be repeated. All roles where none is named.
    #[arg(long = "role", value_name = "ROLE", value_delimiter = ',')]
    pub roles: Vec<Role>,
}

/// What to do with products.
#[derive(Debug, Subcommand)]
pub enum ProductsCommand {
    /// Import a file: all of it or nothing, and seen all at once. Ctrl-C leaves nothing behind.
    Import(ProductsImport),
    /// List products in the order of their numbers.
    List(ProductsAsk),
}

/// Which file, and how.
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  galleria products import products.csv --retailer my-retailer --dry-run
  galleria products import products.csv --retailer my-retailer --missing deactivate

Columns, by name and in any order: sku, name, price, currency; and where wanted gtin, category, unit,
tax_code, active, store. A row with a store is that store's own price, and takes it away where price and
currency are empty. Cells are separated by , or ; and the text is UTF-8. A file that ends in .jsonl or
.ndjson holds one JSON object a line.")]
pub struct ProductsImport {
    /// The file.
    pub file: PathBuf,
    /// The retailer's folder name.
    #[arg(long)]
    pub retailer: String,
    /// Only look, and say what would come of it.
    #[arg(long)]
    pub dry_run: bool,
    /// Prices have a decimal comma.
    #[arg(long)]
    pub decimal_comma: bool,
    /// What becomes of products that the file does not name.
    #[arg(long, value_enum, default_value = "keep")]
    pub missing: MissingProducts,
}

/// What becomes of products that a file does not name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum MissingProducts {
    /// They stay as they are: the file holds what is to change.
    Keep,
    /// They are no longer sold: the file holds everything.
    Deactivate,
}

/// Which products.
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  galleria products list --retailer my-retailer --store madrid-1
  galleria products list --retailer my-retailer --changed-since 2026-11-20T00:00:00Z")]
pub struct ProductsAsk {
    /// The retailer's folder name.
    #[arg(long)]
    pub retailer: String,
    /// With the prices that hold in this store.
    #[arg(long)]
    pub store: Option<String>,
    /// Only those that changed later, RFC 3339.
    #[arg(long, value_name = "INSTANT")]
    pub changed_since: Option<Timestamp>,
    /// Begin after this sku.
    #[arg(long, default_value = "")]
    pub after: String,
    /// At most so many.
    #[arg(long, default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    pub limit: u32,
}

/// What to do with a plugin.
#[derive(Debug, Subcommand)]
pub enum PluginCommand {
    /// Show what a component is: who made it, what it serves, what it wants to use.
    Inspect {
        /// A component, such as `target/plugins/my-plugin/my_plugin.wasm`.
        file: PathBuf,
    },
    /// List the plugins of the configuration: what each serves, was granted, and its latest faults.
    List(crate::plugins::Ask),
}

/// What to do with runs.
#[derive(Debug, Subcommand)]
pub enum RunsCommand {
    /// List runs, the newest first.
    List(RunsAsk),
    /// Make a run that is dead, cancelled or waiting for its next try due now, with all its tries.
    Replay {
        /// Its id, as `runs list` shows it.
        id: String,
        /// By whom and why.
        #[command(flatten)]
        signed: crate::key::Signed,
    },
    /// Cancel a run. One that is under way stops at its next row and leaves nothing.
    Cancel {
        /// Its id, as `runs list` shows it.
        id: String,
        /// By whom and why.
        #[command(flatten)]
        signed: crate::key::Signed,
    },
}

/// Which runs.
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  galleria runs list --state dead
  galleria runs list --retailer my-retailer --plugin daily-sales --from 2026-11-01")]
pub struct RunsAsk {
    /// The retailer's folder name.
    #[arg(long)]
    pub retailer: Option<String>,
    /// The name in its retailer.toml.
    #[arg(long)]
    pub plugin: Option<String>,
    /// due, running, ended, failed, dead or cancelled.
    #[arg(long, value_parser = state)]
    pub state: Option<RunState>,
    /// Whose first business date is this one or later.
    #[arg(long, value_name = "YYYY-MM-DD")]
    pub from: Option<Date>,
    /// How much of it, and as what.
    #[command(flatten)]
    pub shown: Shown,
}

fn state(text: &str) -> Result<RunState, String> {
    command::word(text, RunState::ALL, RunState::name)
}

/// What to do with reports.
#[derive(Debug, Subcommand)]
pub enum ReportCommand {
    /// Run a plugin over a window of business dates. The same window is run once. Ctrl-C leaves nothing behind.
    Run(ReportAsk),
}

/// Which report.
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  galleria report run --retailer my-retailer --plugin daily-sales --from 2026-10-01 --to 2026-10-31
  galleria report run --retailer my-retailer --plugin settle --point write-settlement --store madrid-1 --from 2026-11-20")]
pub struct ReportAsk {
    /// The retailer's folder name.
    #[arg(long)]
    pub retailer: String,
    /// The name in its retailer.toml.
    #[arg(long)]
    pub plugin: String,
    /// First business date.
    #[arg(long, value_name = "YYYY-MM-DD")]
    pub from: Date,
    /// Last business date, included; the first where none.
    #[arg(long, value_name = "YYYY-MM-DD")]
    pub to: Option<Date>,
    /// One store by its id; all of the retailer where none.
    #[arg(long)]
    pub store: Option<String>,
    /// `report`, `write-settlement` or `export-catalogue`, where the plugin serves several.
    #[arg(long, value_parser = point)]
    pub point: Option<Point>,
}

fn point(text: &str) -> Result<Point, String> {
    let points = galleria_app::runs::POINTS;
    let found = points.into_iter().find(|point| point.name() == text);
    found.ok_or_else(|| format!("one of {}", points.map(Point::name).join(", ")))
}

fn pair(text: &str) -> Result<(String, String), String> {
    let (key, value) = text
        .split_once('=')
        .ok_or("KEY=VALUE, such as http.listen=127.0.0.1:0")?;
    Ok((key.trim().to_owned(), value.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory as _;

    #[test]
    fn the_command_line_is_sound() {
        Cli::command().debug_assert();
    }
}
