//! `cargo xtask day`: writes the generated sample files of the retailers.

use crate::{samples, show};
use anyhow::{Context, Result};
use galleria_simulator::{assortment::Assortment, catalogue, day, statement};
use std::fs;
use std::path::{Path, PathBuf};

pub const EXAMPLES: &str = "\
Examples:
  cargo xtask day                     Generate the files of all retailers
  cargo xtask day --retailer NAME     Generate the files of one retailer
  cargo xtask day --retailer NAME --seed 8 --events 1000 --out target/big.jsonl";

/// Options of `cargo xtask day`.
#[derive(Debug, clap::Args)]
pub struct DayArgs {
    /// Generate the files of one retailer only, named by its folder
    #[arg(long)]
    retailer: Option<String>,
    /// Use this seed; the same seed gives the same bytes [default: of assortment.toml]
    #[arg(long)]
    seed: Option<u64>,
    /// Generate this many events [default: of assortment.toml]
    #[arg(long)]
    events: Option<usize>,
    /// Write only the day, to this file
    #[arg(long, value_name = "FILE", requires = "retailer")]
    out: Option<PathBuf>,
}

/// Writes the day, and unless `--out` is given the statement and the product file.
pub fn day(args: &DayArgs) -> Result<()> {
    for folder in samples::retailers(args.retailer.as_deref())? {
        let (assortment, stores) = Assortment::read(&folder)?;
        let terms = &assortment.day;
        let seed = args.seed.unwrap_or(terms.seed);
        let events = args.events.unwrap_or(terms.events);
        let default = folder.join(format!("days/{}.jsonl", terms.date));
        let file = args.out.clone().unwrap_or(default);
        let sample = day::generate(&folder, seed, events)?;
        write(&file, &sample.text)?;
        let requests = sample.text.lines().count();
        let file = file.display();
        show::line(&format!("{file}: {events} events, {requests} requests"));
        if args.out.is_some() {
            continue;
        }
        if let Some(terms) = &assortment.statement {
            let statement = statement::generate(terms, &sample.settled, seed)?;
            let file = folder.join("statements").join(&statement.name);
            write(&file, &statement.text)?;
            show::line(&format!("{}: settlement statement", file.display()));
        }
        if let Some(terms) = &assortment.catalogue {
            let products = catalogue::generate(&assortment, &stores, terms)?;
            let file = folder.join(catalogue::FILE);
            write(&file, &products.text)?;
            show::line(&format!(
                "{}: {} products",
                file.display(),
                products.products
            ));
        }
    }
    Ok(())
}

fn write(file: &Path, text: &str) -> Result<()> {
    if let Some(parent) = file.parent() {
        fs::create_dir_all(parent)?;
    }
    fs::write(file, text).with_context(|| file.display().to_string())
}
