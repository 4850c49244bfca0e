//! Paid orders through the whole host: from HTTP to the delivered file, on SQLite and on PostgreSQL.
//!
//! Copies of the sample stores of a retailer with POSLOGs sell its sample day. A client places an order, pays it,
//! and takes the next one. Counts come from the databases and from the kernel. Counting slows the host down, so a
//! host of its own is counted, with one order at a time.
//!
//! `cargo xtask plugins && cargo bench -p galleria --bench events -- --help`

#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a benchmark's result is its output, its progress goes to standard error"
)]

mod alone;
mod day;
mod load;
mod postgres;
#[path = "../serving/mod.rs"]
mod serving;
mod shop;
mod sqlite;
mod syncs;

use anyhow::{Result, ensure};
use clap::{Parser, ValueEnum};

/// Measure paid orders from HTTP to the delivered file
///
/// The first table counts what one paid order needs alone. The second table has one row for each database and number
/// of clients: times begin when the order is sent, and end with the response to its payment and with its file. CPU
/// times are user and system time for each paid order. The busier the machine is with other work, the less the rates
/// and times mean; counts and CPU times change little.
#[derive(Parser)]
#[command(name = "events")]
struct Options {
    /// Measure only this database
    #[arg(long)]
    database: Option<Kind>,
    /// Numbers of clients, one row each
    #[arg(long, value_delimiter = ',', default_values_t = [1, 16, 64])]
    clients: Vec<usize>,
    /// Paid orders of a row; one client sells a tenth
    #[arg(long, default_value_t = 3_000)]
    orders: usize,
    /// Stores that sell, rounded up to a multiple of the sample stores
    #[arg(long, default_value_t = 300)]
    stores: usize,
    /// Begin this many orders in a second instead of as many as possible
    #[arg(long)]
    rate: Option<f64>,
    /// Orders that are counted one by one; 0 omits the counts
    #[arg(long, default_value_t = 50)]
    counted: usize,
    /// Print the most expensive queries of PostgreSQL after each row
    #[arg(long)]
    queries: bool,
    /// Set a key of the host's configuration, such as `workers=4`
    #[arg(long, value_name = "KEY=VALUE")]
    set: Vec<String>,
    /// Given by `cargo bench`
    #[arg(long, hide = true)]
    bench: bool,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Kind {
    Sqlite,
    Postgresql,
}

impl Kind {
    const fn name(self) -> &'static str {
        match self {
            Self::Sqlite => "SQLite",
            Self::Postgresql => "PostgreSQL",
        }
    }
}

#[tokio::main]
async fn main() -> Result<()> {
    let options = Options::parse();
    ensure!(
        options.orders > 0 && options.stores > 0 && !options.clients.contains(&0),
        "--orders, --stores and --clients must be positive"
    );
    let kinds = match &options.database {
        Some(kind) => std::slice::from_ref(kind),
        None => Kind::value_variants(),
    };
    let load = std::fs::read_to_string("/proc/loadavg")?;
    println!(
        "{} processors; load averages of the machine before: {}\n",
        std::thread::available_parallelism()?,
        load.split_whitespace()
            .take(3)
            .collect::<Vec<_>>()
            .join(", ")
    );
    if options.counted > 0 {
        println!("{}", alone::HEAD);
        for kind in kinds {
            println!("{}", alone::count(*kind, &options).await?);
        }
        println!();
    }
    println!("{}", load::HEAD);
    for kind in kinds {
        for clients in &options.clients {
            let (row, queries) = load::measure(*kind, *clients, &options).await?;
            println!("{row}{}", queries.unwrap_or_default());
        }
    }
    Ok(())
}
