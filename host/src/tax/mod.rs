//! `galleria tax`: evaluates the taxes of baskets.

mod evaluate;
mod sweep;

pub use evaluate::run as evaluate;
pub use sweep::sweep;

use clap::Subcommand;

/// Commands of `galleria tax`.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Evaluate the taxes of a basket in a file, without a store or a server
    Evaluate(evaluate::Evaluate),
}
