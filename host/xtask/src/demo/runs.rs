//! Requests the runs of all slots that write files, and compares the files with the ledger.

use super::retailer::{Csv, Output, Retailer};
use super::statements::MatchedStatement;
use crate::client::Client;
use crate::show::Progress;
use anyhow::{Context, Result, bail};
use galleria_simulator::expected::{self, Sums, minor};
use galleria_simulator::ledger::RecordedEvent;
use reqwest::Method;
use serde_json::{Value, json};
use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// A run over a day takes less than a second, and a retry begins after one second.
const ENDED_WITHIN: Duration = Duration::from_secs(60);

/// The files of the runs of a retailer.
#[derive(Default)]
pub struct RunFiles {
    pub reports: usize,
    pub settlements: usize,
    /// Number of rows in the catalogue; none without a catalogue.
    pub catalogue: Option<u64>,
    pub files: Vec<PathBuf>,
}

/// The data that the runs must agree with.
pub struct Reference<'a> {
    pub events: &'a [RecordedEvent],
    pub statement: &'a MatchedStatement,
    pub products: Option<u64>,
}

/// Requests all runs of a retailer and checks their files.
pub async fn run(
    client: &Client,
    retailer: &Retailer,
    reference: &Reference<'_>,
    directories: &Value,
) -> Result<RunFiles> {
    let day = &retailer.assortment.day.date;
    let mut requested = Vec::new();
    for (slot, plugin) in &retailer.slots {
        let Some(output) = plugin.output() else {
            continue;
        };
        // From the day to the payout: sales are on the first day, the statement is on the last.
        let body = json!({
            "retailer": retailer.name,
            "plugin": slot,
            "point": match output {
                Output::Report(_) => "report",
                Output::Settlement => "write-settlement",
                Output::Catalogue => "export-catalogue",
            },
            "first": day,
            "last": reference.statement.paid_on,
        });
        let key = format!("run:{}:{slot}", retailer.name);
        let run = client.write(Method::POST, "/v1/runs", &key, &body).await?;
        let id = run["id"].as_str().context("run id")?.to_owned();
        requested.push((id, slot, output, plugin.csv()));
    }
    let mut all = RunFiles::default();
    if requested.is_empty() {
        return Ok(all);
    }
    let progress = Progress::new(
        &format!("runs of {}", retailer.name),
        requested.len() as u64,
    );
    for (id, slot, output, csv) in requested {
        let run = ended(client, &id).await?;
        let files = files(&run, retailer, directories).await?;
        check(&run, &files, &output, &csv, retailer, reference)
            .with_context(|| format!("run of {slot} for {}", retailer.name))?;
        match output {
            Output::Report(_) => all.reports += files.len(),
            Output::Settlement => all.settlements += files.len(),
            Output::Catalogue => all.catalogue = run["rows"].as_u64(),
        }
        all.files.extend(files);
        progress.add(1);
    }
    progress.done();
    Ok(all)
}

async fn ended(client: &Client, id: &str) -> Result<Value> {
    let begun = Instant::now();
    loop {
        let run = client.get(&format!("/v1/runs/{id}")).await?;
        match run["state"].as_str() {
            Some("ended") => return Ok(run),
            Some("dead" | "cancelled") => bail!("run {id} failed: {run}"),
            _ if begun.elapsed() > ENDED_WITHIN => {
                bail!("run {id} did not end within {ENDED_WITHIN:?}: {run}")
            }
            _ => tokio::time::sleep(Duration::from_millis(50)).await,
        }
    }
}

/// Waits for the files of a run and checks their sizes.
async fn files(run: &Value, retailer: &Retailer, directories: &Value) -> Result<Vec<PathBuf>> {
    let mut paths = Vec::new();
    for file in run["files"].as_array().context("files of the run")? {
        let text = |name: &str| {
            file[name]
                .as_str()
                .with_context(|| format!("{name} of a file"))
        };
        let folder = directories[text("directory")?]
            .as_str()
            .context("directory")?;
        let path = crate::root::root()
            .join(folder)
            .join(&retailer.name)
            .join(file["folder"].as_str().unwrap_or_default())
            .join(text("name")?);
        let size = delivered(&path).await?;
        if file["size"].as_u64() != Some(size) {
            bail!(
                "{}: {size} bytes, expected {}",
                path.display(),
                file["size"]
            );
        }
        paths.push(path);
    }
    if paths.is_empty() {
        bail!("the run wrote no file");
    }
    Ok(paths)
}

/// Waits for a file and returns its size. The host renames it shortly after the run has ended.
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
    output: &Output,
    csv: &Csv,
    retailer: &Retailer,
    reference: &Reference<'_>,
) -> Result<()> {
    match output {
        Output::Report(report) => {
            let own = |event: &&RecordedEvent| event.retailer == retailer.name;
            let events: Vec<&RecordedEvent> = reference.events.iter().filter(own).collect();
            compare(&sums(run)?, &expected::report(report.as_deref(), &events)?)
        }
        Output::Settlement => {
            for record in ["day", "statement"] {
                let nets = files.iter().map(|file| Table::read(file, csv)?.net(record));
                let net: i64 = nets.sum::<Result<i64>>()?;
                if net != reference.statement.net {
                    bail!(
                        "the {record} rows sum to {net}, the statement to {}",
                        reference.statement.net
                    );
                }
            }
            Ok(())
        }
        Output::Catalogue => {
            let mut rows = 0;
            for file in files {
                rows += Table::read(file, csv)?.rows.len() as u64;
            }
            if Some(rows) != reference.products || run["rows"].as_u64() != reference.products {
                bail!("{rows} rows, expected {:?}", reference.products);
            }
            Ok(())
        }
    }
}

/// Reads the sums that the plugin reported.
fn sums(run: &Value) -> Result<Sums> {
    let mut sums = Sums::new();
    for sum in run["sums"].as_array().context("sums of the run")? {
        let text = |name: &str| {
            sum[name]
                .as_str()
                .with_context(|| format!("{name} of a sum"))
        };
        sums.insert(text("name")?.to_owned(), minor(text("value")?, '.')?);
    }
    Ok(sums)
}

/// Compares sums by name. A missing sum is zero.
fn compare(actual: &Sums, expected: &Sums) -> Result<()> {
    let names = actual.keys().chain(expected.keys());
    for name in names {
        let amount = |sums: &Sums| sums.get(name).copied().unwrap_or_default();
        if amount(actual) != amount(expected) {
            bail!(
                "{name}: got {}, expected {}",
                amount(actual),
                amount(expected)
            );
        }
    }
    if expected.values().all(|sum| *sum == 0) {
        bail!("all expected sums are zero, so nothing was checked");
    }
    Ok(())
}

/// The content of a CSV file.
struct Table {
    header: csv::StringRecord,
    rows: Vec<csv::StringRecord>,
    mark: char,
}

impl Table {
    fn read(file: &Path, csv: &Csv) -> Result<Self> {
        let text = fs::read_to_string(file).with_context(|| file.display().to_string())?;
        Self::parse(&text, csv).with_context(|| file.display().to_string())
    }

    fn parse(text: &str, csv: &Csv) -> Result<Self> {
        let mut reader = csv::ReaderBuilder::new()
            .delimiter(u8::try_from(csv.delimiter.unwrap_or(','))?)
            .from_reader(text.trim_start_matches('\u{feff}').as_bytes());
        Ok(Self {
            header: reader.headers()?.clone(),
            rows: reader.records().collect::<Result<_, _>>()?,
            mark: csv.decimal_mark.unwrap_or('.'),
        })
    }

    /// Sums the column `net` over the rows with this value in the column `record`.
    fn net(&self, record: &str) -> Result<i64> {
        let column = |name: &str| {
            let index = self.header.iter().position(|header| header == name);
            index.with_context(|| format!("column {name} is missing"))
        };
        let (net, kind) = (column("net")?, column("record")?);
        let rows = self.rows.iter().filter(|row| row.get(kind) == Some(record));
        rows.map(|row| minor(row.get(net).unwrap_or_default(), self.mark))
            .sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn different_or_missing_sums_are_an_error() {
        let sums = |pairs: &[(&str, i64)]| -> Sums {
            pairs
                .iter()
                .map(|(name, sum)| ((*name).to_owned(), *sum))
                .collect()
        };
        let expected = sums(&[("gross-eur", 500), ("tax-eur", 0)]);
        assert!(compare(&sums(&[("gross-eur", 500)]), &expected).is_ok());
        let wrong = compare(&sums(&[("gross-eur", 499)]), &expected).expect_err("one cent less");
        assert_eq!(wrong.to_string(), "gross-eur: got 499, expected 500");
        assert!(compare(&sums(&[]), &expected).is_err());
        assert!(compare(&sums(&[("gross-eur", 500), ("gross-gbp", 1)]), &expected).is_err());
        assert!(
            compare(&sums(&[]), &sums(&[])).is_err(),
            "nothing was checked"
        );
    }

    #[test]
    fn day_and_statement_rows_are_summed_separately() {
        let csv = Csv {
            delimiter: Some(';'),
            decimal_mark: Some(','),
        };
        let text = "\u{feff}record;net\r\nday;1,50\r\nday;-0,25\r\nstatement;1,25\r\n";
        let table = Table::parse(text, &csv).expect("a table");
        assert_eq!(table.net("day").expect("a net"), 125);
        assert_eq!(table.net("statement").expect("a net"), 125);
        let bare = Table::parse("record\nday\n", &Csv::default()).expect("a table");
        assert!(bare.net("day").is_err(), "no column net");
    }
}
