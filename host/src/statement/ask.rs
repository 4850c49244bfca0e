//! What can be asked of statements at the command line.

use clap::{Args, Subcommand};
use galleria_domain::MatchOutcome;
use galleria_domain::plugin::Slot;
use std::path::PathBuf;

/// What to do with statements.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Take a statement in: whole, once, or not at all. Ctrl-C leaves nothing behind.
    Import(Import),
    /// Print what a plugin reads in a file, as one JSON object a line: header, totals, then every
    /// line. Nothing is imported, and no database is asked.
    Read(Read),
    /// List statements, the latest payout first.
    List(List),
    /// List lines of a statement.
    Lines(Lines),
    /// Show why a line got its outcome, and what it could be about.
    Explain {
        /// Its id, as `statement lines` shows it.
        line: String,
    },
    /// Settle a line by hand.
    Settle(Settle),
    /// Take back what was settled by hand: the rules decide again.
    Undo {
        /// Its id, as `statement lines` shows it.
        line: String,
        /// Who says so.
        #[arg(long)]
        actor: String,
        /// Why.
        #[arg(long)]
        reason: String,
    },
    /// List payments and refunds that no statement has covered in time.
    Uncovered(Uncovered),
}

/// Which file, for whom.
#[derive(Args, Debug)]
#[command(after_help = "\
Example:
  galleria statement import payout-42.csv --retailer my-retailer --plugin statements")]
pub struct Import {
    /// The statement, as the provider sent it.
    pub file: PathBuf,
    /// The retailer's folder name.
    #[arg(long)]
    pub retailer: String,
    /// The name in its retailer.toml.
    #[arg(long)]
    pub plugin: String,
}

impl Import {
    /// Whether a slot is the one that is to read.
    pub fn means(&self, slot: &Slot) -> bool {
        slot.retailer == self.retailer && slot.name == self.plugin
    }
}

/// Which file, and who reads it.
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  galleria statement read payout-42.csv --plugin statements --retailer my-retailer
  galleria statement read payout-42.csv --plugin adyen-settlement | jq -s '.[2:] | map(.net)'

Ends with 1 where the file is refused; what is wrong is then told on standard error.")]
pub struct Read {
    /// The statement, as the provider sent it.
    pub file: PathBuf,
    /// The name in a retailer.toml, or the plugin's own.
    #[arg(long)]
    pub plugin: String,
    /// Whose settings apply, where several retailers use the plugin.
    #[arg(long)]
    pub retailer: Option<String>,
}

/// Which statements.
#[derive(Args, Debug)]
pub struct List {
    /// The retailer's folder name; all of them where none.
    #[arg(long)]
    pub retailer: Option<String>,
    /// At most so many.
    #[arg(long, default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    pub limit: u32,
}

/// Which lines.
#[derive(Args, Debug)]
#[command(after_help = "\
Example:
  galleria statement lines 5f0c1d2e3a4b5c6d7e8f --outcome unmatched")]
pub struct Lines {
    /// The statement's id, as `statement list` shows it.
    pub statement: String,
    /// Of one outcome, such as `unmatched`; of all where none.
    #[arg(long, value_parser = super::outcome)]
    pub outcome: Option<MatchOutcome>,
    /// Behind the line of this number.
    #[arg(long, default_value_t = 0)]
    pub after: u64,
    /// At most so many.
    #[arg(long, default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    pub limit: u32,
}

/// How a line is settled.
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  galleria statement settle 5f0c1d2e3a4b5c6d7e8f.12 --actor ana --reason 'paid at the desk' --entry pay-7
  galleria statement settle 5f0c1d2e3a4b5c6d7e8f.13 --actor ana --reason 'the provider corrects it in May'")]
pub struct Settle {
    /// The line's id, as `statement lines` shows it.
    pub line: String,
    /// Who says so.
    #[arg(long)]
    pub actor: String,
    /// Why.
    #[arg(long)]
    pub reason: String,
    /// The payment or refund that the line is about; the one it is linked with where none.
    #[arg(long)]
    pub entry: Option<String>,
}

/// Which payments.
#[derive(Args, Debug)]
pub struct Uncovered {
    /// The retailer's folder name.
    #[arg(long)]
    pub retailer: String,
    /// Older than so many days; as its retailer.toml says where none.
    #[arg(long)]
    pub days: Option<u32>,
    /// At most so many.
    #[arg(long, default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    pub limit: u32,
}
