//! Runs: every slot that writes files over days is asked to, and what it wrote is held against the
//! day's own books.

use super::client::Client;
use super::retailer::{Csv, Retailer, Writes};
use super::statements::Settled;
use crate::show::Progress;
use anyhow::{Context, Result, bail};
use galleria_simulator::expected::{self as reckon, Sums, minor};
use galleria_simulator::ledger::Told;
use reqwest::Method;
use serde_json::{Value, json};
use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// A run over a day takes less than a second; what is tried again begins after one.
const ENDED_WITHIN: Duration = Duration::from_secs(60);

/// What the runs of a retailer wrote.
#[derive(Default)]
pub struct Written {
    pub reports: usize,
    pub settlements: usize,
    /// Rows of the catalogue; none where none was written.
    pub catalogue: Option<u64>,
    pub files: Vec<PathBuf>,
}

/// What the runs are held against.
pub struct Known<'a> {
    pub told: &'a [Told],
    pub settled: &'a Settled,
    pub products: Option<u64>,
}

/// Asks for all runs of a retailer, and checks what they wrote.
pub async fn run(
    client: &Client,
    retailer: &Retailer,
    known: &Known<'_>,
    directories: &Value,
) -> Result<Written> {
    let day = &retailer.assortment.day.date;
    let mut asked = Vec::new();
    for (slot, plugin) in &retailer.slots {
        let Some(writes) = plugin.writes() else {
            continue;
        };
        // From the day to the payout: sales count on the first of these days, statements on the last.
        let body = json!({
            "retailer": retailer.name,
            "plugin": slot,
            "point": match writes {
                Writes::Report(_) => "report",
                Writes::Settlement => "write-settlement",
                Writes::Catalogue => "export-catalogue",
            },
            "first": day,
            "last": known.settled.paid_on,
        });
        let key = format!("run:{}:{slot}", retailer.name);
        let run = client.write(Method::POST, "/v1/runs", &key, &body).await?;
        let id = run["id"].as_str().context("a run's id")?.to_owned();
        asked.push((id, slot, writes, plugin.csv()));
    }
    let mut written = Written::default();
    if asked.is_empty() {
        return Ok(written);
    }
    let progress = Progress::new(&format!("runs of {}", retailer.name), asked.len() as u64);
    for (id, slot, writes, csv) in asked {
        let run = ended(client, &id).await?;
        let files = files(&run, retailer, directories).await?;
        check(&run, &files, &writes, &csv, retailer, known)
            .with_context(|| format!("the run of {slot} for {}", retailer.name))?;
        match writes {
            Writes::Report(_) => written.reports += files.len(),
            Writes::Settlement => written.settlements += files.len(),
            Writes::Catalogue => written.catalogue = run["rows"].as_u64(),
        }
        written.files.extend(files);
        progress.add(1);
    }
    progress.done();
    Ok(written)
}

async fn ended(client: &Client, id: &str) -> Result<Value> {
    let begun = Instant::now();
    loop {
        let run = client.get(&format!("/v1/runs/{id}")).await?;
        match run["state"].as_str() {
            Some("ended") => return Ok(run),
            Some("dead" | "cancelled") => bail!("the run {id} is not well: {run}"),
            _ if begun.elapsed() > ENDED_WITHIN => bail!("the run {id} does not end: {run}"),
            _ => tokio::time::sleep(Duration::from_millis(50)).await,
        }
    }
}

/// Where the run's files are, once they are there; each is as large as the run says.
async fn files(run: &Value, retailer: &Retailer, directories: &Value) -> Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    for file in run["files"].as_array().context("a run's files")? {
        let text = |name: &str| {
            file[name]
                .as_str()
                .with_context(|| format!("a file's {name}"))
        };
        let folder = directories[text("directory")?]
            .as_str()
            .context("a directory")?;
        let path = crate::root::root()
            .join(folder)
            .join(&retailer.name)
            .join(text("name")?);
        let size = delivered(&path).await?;
        if file["size"].as_u64() != Some(size) {
            bail!("{} has {size} bytes, not {}", path.display(), file["size"]);
        }
        found.push(path);
    }
    if found.is_empty() {
        bail!("it wrote no file");
    }
    Ok(found)
}

/// The size of a file. It gets its name a moment after its run has ended.
async fn delivered(path: &Path) -> Result<u64> {
    let begun = Instant::now();
    loop {
        match fs::metadata(path) {
            Ok(metadata) => return Ok(metadata.len()),
            Err(error) if begun.elapsed() > ENDED_WITHIN => {
                return Err(error).with_context(|| path.display().to_string());
            }
            Err(_) => tokio::time::sleep(Duration::from_millis(50)).await,
        }
    }
}

fn check(
    run: &Value,
    files: &[PathBuf],
    writes: &Writes,
    csv: &Csv,
    retailer: &Retailer,
    known: &Known<'_>,
) -> Result<()> {
    match writes {
        Writes::Report(report) => {
            let own = |one: &&Told| one.retailer == retailer.name;
            let told: Vec<&Told> = known.told.iter().filter(own).collect();
            same(&sums(run)?, &reckon::report(report.as_deref(), &told)?)
        }
        Writes::Settlement => {
            for record in ["day", "statement"] {
                let nets = files.iter().map(|file| Table::read(file, csv)?.net(record));
                let net: i64 = nets.sum::<Result<i64>>()?;
                if net != known.settled.net {
                    bail!(
                        "its rows of a {record} come to {net}, and the statement to {}",
                        known.settled.net
                    );
                }
            }
            Ok(())
        }
        Writes::Catalogue => {
            let mut rows = 0;
            for file in files {
                rows += Table::read(file, csv)?.rows.len() as u64;
            }
            if Some(rows) != known.products || run["rows"].as_u64() != known.products {
                bail!(
                    "it has {rows} rows, and there are {:?} products",
                    known.products
                );
            }
            Ok(())
        }
    }
}

/// What the plugin says that its rows come to.
fn sums(run: &Value) -> Result<Sums> {
    let mut sums = Sums::new();
    for sum in run["sums"].as_array().context("a run's sums")? {
        let text = |name: &str| {
            sum[name]
                .as_str()
                .with_context(|| format!("a sum's {name}"))
        };
        sums.insert(text("name")?.to_owned(), minor(text("value")?, '.')?);
    }
    Ok(sums)
}

/// Both, and each sum by its name; one that is nothing may be left out.
fn same(told: &Sums, reckoned: &Sums) -> Result<()> {
    let names = told.keys().chain(reckoned.keys());
    for name in names {
        let of = |sums: &Sums| sums.get(name).copied().unwrap_or_default();
        if of(told) != of(reckoned) {
            bail!(
                "its {name} is {}, and the day's is {}",
                of(told),
                of(reckoned)
            );
        }
    }
    if reckoned.values().all(|sum| *sum == 0) {
        bail!("there is nothing in it that the day could be held against");
    }
    Ok(())
}

/// A CSV that was written.
struct Table {
    header: csv::StringRecord,
    rows: Vec<csv::StringRecord>,
    mark: char,
}

impl Table {
    fn read(file: &Path, csv: &Csv) -> Result<Self> {
        let text = fs::read_to_string(file).with_context(|| file.display().to_string())?;
        Self::of(&text, csv).with_context(|| file.display().to_string())
    }

    fn of(text: &str, csv: &Csv) -> Result<Self> {
        let mut reader = csv::ReaderBuilder::new()
            .delimiter(u8::try_from(csv.delimiter.unwrap_or(','))?)
            .from_reader(text.trim_start_matches('\u{feff}').as_bytes());
        Ok(Self {
            header: reader.headers()?.clone(),
            rows: reader.records().collect::<Result<_, _>>()?,
            mark: csv.decimal_mark.unwrap_or('.'),
        })
    }

    /// The sum of the column `net` over the rows of that record.
    fn net(&self, record: &str) -> Result<i64> {
        let at = |name: &str| {
            let found = self.header.iter().position(|header| header == name);
            found.with_context(|| format!("no column {name}"))
        };
        let (net, kind) = (at("net")?, at("record")?);
        let rows = self.rows.iter().filter(|row| row.get(kind) == Some(record));
        rows.map(|row| minor(row.get(net).unwrap_or_default(), self.mark))
            .sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sum_that_differs_or_is_missing_is_told() {
        let sums = |pairs: &[(&str, i64)]| -> Sums {
            pairs
                .iter()
                .map(|(name, sum)| ((*name).to_owned(), *sum))
                .collect()
        };
        let day = sums(&[("gross-eur", 500), ("tax-eur", 0)]);
        assert!(same(&sums(&[("gross-eur", 500)]), &day).is_ok());
        let wrong = same(&sums(&[("gross-eur", 499)]), &day).expect_err("a cent is missing");
        assert_eq!(
            wrong.to_string(),
            "its gross-eur is 499, and the day's is 500"
        );
        assert!(same(&sums(&[]), &day).is_err());
        assert!(same(&sums(&[("gross-eur", 500), ("gross-gbp", 1)]), &day).is_err());
        assert!(same(&sums(&[]), &sums(&[])).is_err(), "nothing was checked");
    }

    #[test]
    fn days_and_totals_of_a_settlement_are_summed_apart() {
        let csv = Csv {
            delimiter: Some(';'),
            decimal_mark: Some(','),
        };
        let text = "\u{feff}record;net\r\nday;1,50\r\nday;-0,25\r\nstatement;1,25\r\n";
        let table = Table::of(text, &csv).expect("a table");
        assert_eq!(table.net("day").expect("a net"), 125);
        assert_eq!(table.net("statement").expect("a net"), 125);
        let bare = Table::of("record\nday\n", &Csv::default()).expect("a table");
        assert!(bare.net("day").is_err(), "no column net");
    }
}
