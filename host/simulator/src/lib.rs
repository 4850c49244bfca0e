//! Sample data for the retailers under `retailers/`, and the results a host must produce from them.
//!
//! The simulator owns four things:
//!
//! | module | what it makes |
//! |---|---|
//! | [`day`] | a business day of a retailer: orders, payments, refunds, voids, verifications and shifts, as HTTP requests |
//! | [`statement`] | the settlement statement a payment provider would send for that day |
//! | [`catalogue`] | the product file the retailer would import |
//! | [`ledger`] and [`expected`] | the events and report totals a correct host derives from the day |
//!
//! # Input
//!
//! Each retailer folder describes its data in two files:
//!
//! - `stores.json` lists the sample stores;
//! - `assortment.toml` lists products, prices, taxes and cash habits, and names the seed of the day
//!   (see [`assortment::Assortment`]).
//!
//! [`retailers`] lists the folders that have both.
//!
//! # Reproducible output
//!
//! Generation is deterministic: the same folder, seed and number of events give the same bytes on every
//! machine and with every version of the dependencies (see [`random::Random`]). The repository keeps the
//! generated files (`days/*.jsonl`, `statements/*`, `products.csv`), and tests compare them byte by byte.
//! After a change to the generator or to an assortment, `cargo xtask day` writes them again.
//!
//! # An independent check of the host
//!
//! The day is generated with the rules of `galleria-domain`, so it contains no request that the host
//! rejects. [`ledger::Ledger`] replays the requests with the same rules and the numbers that the host
//! assigned, but without reading any result of the host. `cargo xtask demo` compares the host's events,
//! POSLOGs, reports and settlement files with this ledger.
//!
//! # Example
//!
//! ```no_run
//! use galleria_simulator::{assortment::Assortment, day, statement};
//! use std::path::Path;
//!
//! # fn main() -> anyhow::Result<()> {
//! let folder = Path::new("retailers/example");
//! let (assortment, _stores) = Assortment::read(folder)?;
//! let day = day::generate(folder, assortment.day.seed, assortment.day.events)?;
//! println!("{}", day.text);
//! if let Some(terms) = &assortment.statement {
//!     println!("{}", statement::generate(terms, &day.settled, assortment.day.seed)?.text);
//! }
//! # Ok(())
//! # }
//! ```

#![forbid(unsafe_code)]

pub mod assortment;
pub mod catalogue;
mod codes;
pub mod day;
pub mod expected;
pub mod habits;
pub mod ledger;
pub mod random;
pub mod request;
pub mod statement;

use anyhow::{Context, Result, bail};
use std::fs;
use std::path::{Path, PathBuf};

/// Lists the retailer folders in `all` that have an `assortment.toml`, sorted by name. If `name` is
/// given, only that retailer. Returns an error if there is none.
pub fn retailers(all: &Path, name: Option<&str>) -> Result<Vec<PathBuf>> {
    let mut folders = Vec::new();
    for entry in fs::read_dir(all).with_context(|| all.display().to_string())? {
        let folder = entry?.path();
        let named = name.is_none_or(|name| folder.ends_with(name));
        if named && folder.join("assortment.toml").is_file() {
            folders.push(folder);
        }
    }
    if folders.is_empty() {
        let name = name.unwrap_or("*");
        bail!("{}/{name}: no assortment.toml found", all.display());
    }
    folders.sort();
    Ok(folders)
}

/// The sample retailers of the repository.
#[cfg(test)]
fn samples() -> Vec<PathBuf> {
    let all = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../retailers");
    retailers(&all, None).expect("sample retailers")
}
