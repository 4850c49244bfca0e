//! Arguments of `galleria statement`.

use clap::{Args, Subcommand};
use galleria_domain::MatchOutcome;
use galleria_domain::plugin::Slot;
use std::path::PathBuf;

/// Commands of `galleria statement`.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Import a statement once, completely or not at all; Ctrl-C leaves nothing behind
    Import(Import),
    /// Print what a plugin reads in a file, without importing it: one JSON object in each line for header,
    /// totals and every line
    Read(Read),
    /// List statements, latest payout first
    List(List),
    /// List the lines of a statement
    Lines(Lines),
    /// Show why a line got its outcome, and its candidates
    #[command(after_help = "\
Examples:
  galleria statement explain 5f0c1d2e3a4b5c6d7e8f.12")]
    Explain {
        /// Id of the line, as `statement lines` shows it
        line: String,
    },
    /// Show a statement: its sums by outcome, the columns that were read, and the components of the payout
    #[command(after_help = "\
Examples:
  galleria statement show 5f0c1d2e3a4b5c6d7e8f")]
    Show {
        /// Id of the statement, as `statement list` shows it
        statement: String,
    },
    /// Settle a line manually, and accept the difference or distribute the line over tenders
    Settle(Settle),
    /// Undo a manual settlement, so that the rules decide again
    #[command(after_help = "\
Examples:
  galleria statement undo 5f0c1d2e3a4b5c6d7e8f.12 --actor ana --reason 'wrong order'")]
    Undo {
        /// Id of the line, as `statement lines` shows it
        line: String,
        /// Record this name as the actor
        #[arg(long)]
        actor: String,
        /// Record this reason
        #[arg(long)]
        reason: String,
    },
    /// Read the stored original of a statement or a rejected file again, after a correction of the plugin or its
    /// settings, and replace the lines
    Reread(Reread),
    /// List the files that a plugin rejected, latest first, with the first reasons
    Rejected(Rejected),
    /// List payments and refunds that no statement covers in time
    Uncovered(Uncovered),
}

/// Arguments of `import`.
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  galleria statement import payout-42.csv --retailer my-retailer --plugin statements")]
pub struct Import {
    /// Statement file, as the provider sent it
    pub file: PathBuf,
    /// Name of the retailer's folder
    #[arg(long)]
    pub retailer: String,
    /// Name of the plugin in retailer.toml
    #[arg(long)]
    pub plugin: String,
}

impl Import {
    /// Returns whether a slot is the one that reads the file.
    pub fn means(&self, slot: &Slot) -> bool {
        slot.retailer == self.retailer && slot.name == self.plugin
    }
}

/// Arguments of `reread`.
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  galleria statement reread 5f0c1d2e3a4b5c6d7e8f --actor ana --reason 'the decimal mark was configured wrongly'

A reading that fails changes nothing and exits with 1. Manual settlements of lines that did not
change are kept; the others are undone and listed.")]
pub struct Reread {
    /// Id of the statement or rejected file, as `statement list` or `statement rejected` shows it
    pub statement: String,
    /// Record this name as the actor
    #[arg(long)]
    pub actor: String,
    /// Record this reason
    #[arg(long)]
    pub reason: String,
    /// Name of the plugin in retailer.toml [default: the one that read the file before]
    #[arg(long)]
    pub plugin: Option<String>,
}

/// Arguments of `rejected`.
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  galleria statement rejected --retailer my-retailer")]
pub struct Rejected {
    /// Name of the retailer's folder
    #[arg(long)]
    pub retailer: String,
    /// Show at most this many
    #[arg(long, default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..=200))]
    pub limit: u32,
}

/// Arguments of `read`.
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  galleria statement read payout-42.csv --plugin statements --retailer my-retailer
  galleria statement read payout-42.csv --plugin adyen-settlement | jq -s '.[2:] | map(.net)'

Exits with 1 if the file is rejected, and prints the problems to standard error.")]
pub struct Read {
    /// Statement file, as the provider sent it
    pub file: PathBuf,
    /// Name of the plugin in a retailer.toml, or the plugin's own name
    #[arg(long)]
    pub plugin: String,
    /// Use the settings of this retailer, if several retailers use the plugin
    #[arg(long)]
    pub retailer: Option<String>,
}

/// Arguments of `list`.
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  galleria statement list --retailer my-retailer")]
pub struct List {
    /// Name of the retailer's folder [default: all retailers]
    #[arg(long)]
    pub retailer: Option<String>,
    /// Show at most this many
    #[arg(long, default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    pub limit: u32,
}

/// Arguments of `lines`.
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  galleria statement lines 5f0c1d2e3a4b5c6d7e8f --outcome unmatched")]
pub struct Lines {
    /// Id of the statement, as `statement list` shows it
    pub statement: String,
    /// Select this outcome, such as unmatched [default: all]
    #[arg(long, value_parser = super::outcome)]
    pub outcome: Option<MatchOutcome>,
    /// Start after the line with this number
    #[arg(long, default_value_t = 0)]
    pub after: u64,
    /// Show at most this many
    #[arg(long, default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    pub limit: u32,
}

/// Arguments of `settle`.
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  galleria statement settle 5f0c1d2e3a4b5c6d7e8f.12 --actor ana --reason 'paid in cash' --entry pay-7
  galleria statement settle 5f0c1d2e3a4b5c6d7e8f.13 --actor ana --reason 'the provider corrects it in May'
  galleria statement settle 5f0c1d2e3a4b5c6d7e8f.14 --actor ana --reason 'two orders' \\
    --part payment:pay-7/1=60.00 --part payment:pay-8/1=39.90")]
pub struct Settle {
    /// Id of the line, as `statement lines` shows it
    pub line: String,
    /// Record this name as the actor
    #[arg(long)]
    pub actor: String,
    /// Record this reason
    #[arg(long)]
    pub reason: String,
    /// Payment or refund of the line; a difference of the amounts is accepted [default: the linked one]
    #[arg(long)]
    pub entry: Option<String>,
    /// Part of the line that pays a tender, with the digits of the line's currency; repeat it for each tender
    #[arg(long = "part", value_name = "TENDER=AMOUNT", conflicts_with = "entry", value_parser = super::part)]
    pub parts: Vec<(String, String)>,
}

/// Arguments of `uncovered`.
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  galleria statement uncovered --retailer my-retailer --days 14")]
pub struct Uncovered {
    /// Name of the retailer's folder
    #[arg(long)]
    pub retailer: String,
    /// Select payments with a business date at least this many days ago [default: as retailer.toml declares]
    #[arg(long)]
    pub days: Option<u32>,
    /// Show at most this many
    #[arg(long, default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    pub limit: u32,
}
