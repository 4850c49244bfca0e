//! Reads Stripe's itemised payout reconciliation report: one payout, whose balance transactions have
//! gross, fee and net.
//!
//! Columns are found by name. The row of the payout is not a line but the total, and the lines must add
//! up to it. README.md lists the names that Stripe defines and the decisions of this plugin. Memory use
//! does not grow with the file.
#![warn(missing_docs)]

mod categories;
mod columns;
mod line;
mod settings;

use categories::Meaning;
use galleria_sdk::csv::{self, Row};
use galleria_sdk::prelude::*;
use galleria_sdk::statement::{
    self, CommonValue, CsvRecords, FileEnd, RecordReader, StatementWriter,
};
use galleria_sdk::{DateFormat, money};
pub use settings::{Payout, PspReference, Settings, TimeZone};
use std::io::Read;

/// The plugin.
pub struct StripePayout;

impl Plugin for StripePayout {
    type Settings = Settings;

    fn check(settings: &Settings) -> Vec<Problem> {
        settings.problems()
    }
}

impl ReadStatement for StripePayout {
    fn run(cx: &Context<Settings>) -> Result<Totals, Fault> {
        let settings = cx.settings();
        let rows = csv::Reader::new(Input::open(), settings.delimiter as u8, csv::Encoding::Utf8);
        let records = CsvRecords::open(rows, columns::CATEGORY)?;
        let reader = Reader::new(settings, records.header())?;
        statement::read(records, reader)
    }
}

galleria_sdk::plugin!(StripePayout: ReadStatement);

/// The state while a statement is read.
struct Reader<'s> {
    settings: &'s Settings,
    dates: DateFormat,
    header: csv::Columns,
    at: columns::At,
    writer: StatementWriter,
    payout: CommonValue,
    currency: CommonValue,
    /// The day of the payout, which every row contains.
    effective: CommonValue,
    digits: u8,
    /// Row and amount of the payout.
    total: Option<(u64, Money)>,
}

impl<'s> Reader<'s> {
    fn new(settings: &'s Settings, header: &csv::Columns) -> Result<Self, Fault> {
        let names = statement::ColumnNames {
            gross: columns::GROSS.into(),
            fee: columns::FEE.into(),
            net: columns::NET.into(),
        };
        Ok(Self {
            settings,
            dates: settings.dates().map_err(Fault::Misconfigured)?,
            header: header.clone(),
            at: columns::At::find(header, settings)?,
            writer: StatementWriter::new(names),
            payout: CommonValue::default(),
            currency: CommonValue::default(),
            effective: CommonValue::default(),
            digits: 2,
            total: None,
        })
    }

    fn row(&mut self, row: &Row) {
        let number = row.number();
        let problems = &mut self.writer.problems;
        let word = row.cell(self.at.category);
        let meaning =
            categories::meaning(number, columns::CATEGORY, word, &self.settings.categories);
        let meaning = problems.take(meaning);
        let currency = money::currency(row.cell(self.at.currency));
        let currency = problems.take(currency.map_err(|bad| bad.in_row(number, columns::CURRENCY)));
        if let Some(currency) = &currency {
            problems.take(self.currency.check(number, columns::CURRENCY, currency));
            self.digits = money::minor_digits(currency);
            self.writer.set_digits(self.digits);
        }
        let problems = &mut self.writer.problems;
        let mut payout = row.cell(self.at.payout);
        if meaning == Some(Meaning::Payout) && payout.is_empty() {
            // The payout's own row may contain its id only as the source.
            payout = row.cell(self.at.source);
        }
        problems.take(self.payout.check(number, columns::PAYOUT, payout));
        let (effective_at, name) = &self.at.effective;
        let effective = line::day(row, *effective_at, name, &self.dates);
        if let Some(effective) = problems.take(effective) {
            problems.take(self.effective.check(number, name, &effective));
        }
        // Replace a wrong currency by that of the other rows. Without both, the digits of an amount are unknown.
        let currency = currency.unwrap_or_else(|| self.currency.value().to_owned());
        let amounts = match currency.as_str() {
            "" => None,
            currency => {
                let format = self.settings.numbers();
                line::RowAmounts::read(row, &self.at, currency, &format, problems)
            }
        };
        match meaning {
            Some(Meaning::Payout) => self.total(row, amounts.as_ref()),
            Some(Meaning::Line(kind)) => {
                let (kind, settings) = (kind.kind(word), self.settings);
                let format = line::LineFormat {
                    settings,
                    dates: &self.dates,
                };
                let line = line::read(row, &self.at, kind, amounts, &currency, &format, problems);
                if let Some(line) = line {
                    self.writer.push(line);
                }
            }
            None => {}
        }
    }

    fn total(&mut self, row: &Row, amounts: Option<&line::RowAmounts>) {
        let number = row.number();
        let problems = &mut self.writer.problems;
        if let Some((before, _)) = self.total {
            let message = format!("row {before} is a payout too: a file must contain one payout");
            return problems.push(Problem::in_row(number, columns::CATEGORY, message));
        }
        let net = amounts.map_or(0, |amounts| amounts.net);
        if let Some(amounts) = amounts {
            problems.take(amounts.check(row, self.digits));
        }
        if net > 0 {
            let message = "has the wrong sign: a payout leaves the balance, so it is negative";
            problems.push(Problem::in_row(number, columns::NET, message));
        }
        let paid = net.checked_neg();
        let paid = paid.ok_or_else(|| Problem::in_row(number, columns::NET, "is too large"));
        // Stored also if the row is wrong, because then the payout is not missing.
        self.total = Some((number, problems.take(paid).unwrap_or_default()));
    }
}

impl<R: Read> RecordReader<CsvRecords<R>> for Reader<'_> {
    fn writer(&mut self) -> &mut StatementWriter {
        &mut self.writer
    }

    fn read(&mut self, row: &Row) -> Result<(), Problem> {
        self.header.fits(row)?;
        self.row(row);
        Ok(())
    }

    fn finish(mut self, end: FileEnd) -> Result<Totals, Fault> {
        if end.complete && self.total.is_none() && self.settings.payout == Payout::Required {
            let message = "the file has no payout row, so it may be incomplete";
            let problem = Problem::in_row(end.last_row, columns::CATEGORY, message);
            self.writer.problems.push(problem);
        }
        let header = StatementHeader {
            provider: self.settings.provider.clone(),
            account: self.settings.account.clone(),
            reference: self.payout.value().to_owned(),
            currency: self.currency.value().to_owned(),
            minor_digits: self.digits,
            paid_on: self.effective.value().to_owned(),
            total: self.total.map(|(_, total)| total),
            attributes: Vec::new(),
        };
        let total_row = self.total.map_or(end.last_row, |(row, _)| row);
        self.writer.finish(header, total_row)
    }
}
