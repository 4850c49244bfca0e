//! `galleria tax`: evaluates the taxes of baskets.

mod evaluate;

pub use evaluate::run as evaluate;

use clap::Subcommand;

/// Commands of `galleria tax`.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Evaluate the taxes of a basket in a file, without a store or a server
    Evaluate(evaluate::Evaluate),
}
