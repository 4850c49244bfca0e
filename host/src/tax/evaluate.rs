//! `galleria tax evaluate`: evaluates the taxes of baskets in files.

use super::{name, read_line, read_rest};
use crate::show;
use anyhow::Context as _;
use clap::Args;
use galleria_domain::Problem;
use galleria_domain::tax::{TaxAmount, TaxBasket, TaxResult, evaluate};
use serde::Serialize;
use std::fs::File;
use std::io::{self, BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// Arguments of `evaluate`.
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  galleria tax evaluate --basket basket.json
  galleria tax evaluate --basket baskets.jsonl --json > results.jsonl
  cat basket.json | galleria tax evaluate --basket -

A basket, whose amounts are strings in major units (host/TAX.md documents all fields):
  {\"items\": [{\"id\": \"1\", \"amount\": \"12.10\", \"quantity\": \"2\", \"taxes\": [
     {\"code\": \"IVA\", \"authority\": \"ES\", \"rate\": \"21\", \"included\": true}]}],
   \"discounts\": [{\"amount\": \"1.00\"}],
   \"rounding\": {\"method\": \"per_line\", \"mode\": \"half_up\", \"precision\": \"0.01\"}}

A file of JSON Lines has one basket in each line. With --json each line gives one line of output;
a rejected basket gives its problems, and the command fails at the end.")]
pub struct Evaluate {
    /// JSON or JSON Lines; `-` reads standard input
    #[arg(long, value_name = "FILE")]
    pub basket: PathBuf,
    /// Print one JSON object for each basket
    #[arg(long)]
    pub json: bool,
}

/// Runs the command. It needs no configuration and no database.
pub fn run(args: &Evaluate) -> anyhow::Result<ExitCode> {
    let mut output = Output {
        file: &args.basket,
        json: args.json,
        failed: false,
    };
    if args.basket == Path::new("-") {
        read(io::stdin().lock(), &mut output)?;
    } else {
        let file = File::open(&args.basket)
            .with_context(|| format!("opening {}", args.basket.display()))?;
        read(BufReader::new(file), &mut output)?;
    }
    Ok(if output.failed {
        ExitCode::FAILURE
    } else {
        ExitCode::SUCCESS
    })
}

/// Reads one basket, or one basket in each line: if the first line is incomplete JSON, the file is one basket.
fn read(mut input: impl BufRead, output: &mut Output<'_>) -> anyhow::Result<()> {
    let (mut number, mut line, mut found) = (0_u64, String::new(), false);
    let reading = |file: &Path| format!("reading {}", file.display());
    loop {
        line.clear();
        number += 1;
        let length = read_line(&mut input, &mut line).with_context(|| reading(output.file))?;
        if length == 0 {
            break;
        }
        if line.trim().is_empty() {
            continue;
        }
        let mut parsed = serde_json::from_str(line.trim_end());
        if !found && parsed.as_ref().is_err_and(serde_json::Error::is_eof) {
            read_rest(&mut input, &mut line).with_context(|| reading(output.file))?;
            parsed = serde_json::from_str(&line);
        }
        found = true;
        output.basket(number, parsed)?;
    }
    anyhow::ensure!(found, "{}: has no basket", output.file.display());
    Ok(())
}

#[derive(Serialize)]
struct Rejected {
    problems: Vec<Problem>,
}

struct Output<'a> {
    file: &'a Path,
    json: bool,
    failed: bool,
}

impl Output<'_> {
    /// Evaluates the basket that starts in this line, and prints the result or the problems.
    fn basket(
        &mut self,
        mut line: u64,
        basket: serde_json::Result<TaxBasket>,
    ) -> anyhow::Result<()> {
        let result = match basket {
            Ok(basket) => evaluate(&basket),
            Err(error) => {
                line += error.line().saturating_sub(1) as u64;
                Err(vec![Problem::new("basket", without_line(&error))])
            }
        };
        match result {
            Ok(result) if self.json => show::line(&serde_json::to_string(&result)?),
            Ok(result) => {
                if line > 1 {
                    show::line(&format!("\nline {line}"));
                }
                print(&result);
            }
            Err(problems) => {
                self.failed = true;
                for problem in &problems {
                    show::problem(&format!("{}: line {line}: {problem}", self.file.display()));
                }
                if self.json {
                    show::line(&serde_json::to_string(&Rejected { problems })?);
                }
            }
        }
        Ok(())
    }
}

/// The message with the column only: the line is that of the file.
fn without_line(error: &serde_json::Error) -> String {
    let text = error.to_string();
    let message = text
        .rsplit_once(" at line ")
        .map_or(&*text, |(message, _)| message);
    format!("{message}, at column {}", error.column())
}

fn print(result: &TaxResult) {
    let mut items = show::table(["item", "amount", "discount", "net", "taxes", "gross"]);
    for item in &result.items {
        let taxes = item.taxes.iter();
        let taxes = taxes.map(|tax| format!("{} {}", label(tax), tax.amount));
        items.add_row([
            item.id.clone(),
            item.amount.to_string(),
            item.discount.to_string(),
            item.net.to_string(),
            taxes.collect::<Vec<_>>().join("\n"),
            item.gross.to_string(),
        ]);
    }
    items.add_row([
        "total".to_owned(),
        result.amount.to_string(),
        result.discount.to_string(),
        result.net.to_string(),
        result.tax.to_string(),
        result.gross.to_string(),
    ]);
    show::rows(&items);
    if result.breakdown.is_empty() {
        return;
    }
    let mut rows = show::table([
        "authority",
        "tax",
        "treatment",
        "in the price",
        "taxable",
        "amount",
    ]);
    for row in &result.breakdown {
        rows.add_row([
            row.authority.clone(),
            label(row),
            name(row.treatment),
            if row.included { "yes" } else { "no" }.to_owned(),
            row.taxable.to_string(),
            row.amount.to_string(),
        ]);
    }
    show::rows(&rows);
}

/// The code with its rate, such as `IVA 21 %`.
fn label(tax: &TaxAmount) -> String {
    use galleria_domain::tax::TaxKind::{Division, FixedPerUnit, Percent};
    match tax.kind {
        Percent => format!("{} {} %", tax.code, tax.rate),
        FixedPerUnit => format!("{} {} per unit", tax.code, tax.rate),
        Division => format!("{} {} % of the price", tax.code, tax.rate),
    }
}
