//! Reads Adyen's settlement details report: one payout, whose lines have gross, fee and net.
//!
//! Columns are found by name. The row of the payout (`MerchantPayout`) is not a line but the total, and
//! the lines must add up to it. README.md lists the names that Adyen defines and the decisions of this
//! plugin. Memory use does not grow with the file.
#![warn(missing_docs)]

mod columns;
mod kinds;
mod line;
mod rate;
mod settings;
mod unit;
mod zones;

use galleria_sdk::csv::{self, Row};
use galleria_sdk::prelude::*;
use galleria_sdk::statement::{
    self, CommonValue, CsvRecords, FileEnd, RecordReader, StatementWriter,
};
use galleria_sdk::{DateFormat, money};
use kinds::Meaning;
pub use settings::{Payout, Settings};
use std::io::Read;
use unit::Unit;

/// The plugin.
pub struct AdyenSettlement;

impl Plugin for AdyenSettlement {
    type Settings = Settings;

    fn check(settings: &Settings) -> Vec<Problem> {
        settings.problems()
    }
}

impl ReadStatement for AdyenSettlement {
    fn run(cx: &Context<Settings>) -> Result<Totals, Fault> {
        let settings = cx.settings();
        let rows = csv::Reader::new(Input::open(), settings.delimiter as u8, settings.encoding);
        let records = CsvRecords::open(rows, columns::TYPE)?;
        let reader = Reader::new(settings, records.header())?;
        statement::read(records, reader)
    }
}

galleria_sdk::plugin!(AdyenSettlement: ReadStatement);

/// The state while a statement is read.
struct Reader<'s> {
    settings: &'s Settings,
    dates: DateFormat,
    header: csv::Columns,
    at: columns::At,
    writer: StatementWriter,
    account: CommonValue,
    batch: CommonValue,
    currency: CommonValue,
    digits: u8,
    /// Row, amount and day of the payout.
    payout: Option<(u64, Money, String)>,
    /// The day of the latest line, for files without a payout.
    latest: String,
}

impl<'s> Reader<'s> {
    fn new(settings: &'s Settings, header: &csv::Columns) -> Result<Self, Fault> {
        let names = statement::ColumnNames {
            gross: columns::GROSS_CREDIT.into(),
            fee: columns::COMMISSION.into(),
            net: columns::NET_CREDIT.into(),
        };
        Ok(Self {
            settings,
            dates: settings.dates().map_err(Fault::Misconfigured)?,
            header: header.clone(),
            at: columns::At::find(header)?,
            writer: StatementWriter::new(names),
            account: CommonValue::default(),
            batch: CommonValue::default(),
            currency: CommonValue::default(),
            digits: 2,
            payout: None,
            latest: String::new(),
        })
    }

    fn row(&mut self, row: &Row) {
        let number = row.number();
        let problems = &mut self.writer.problems;
        let word = row.cell(self.at.kind);
        let meaning = kinds::meaning(number, columns::TYPE, word, &self.settings.types);
        let meaning = problems.take(meaning);
        let account = row.cell(self.at.account);
        problems.take(self.account.check(number, columns::ACCOUNT, account));
        let batch = row.cell(self.at.batch);
        problems.take(self.batch.check(number, columns::BATCH, batch));
        let currency = money::currency(row.cell(self.at.net_currency));
        let currency =
            problems.take(currency.map_err(|bad| bad.in_row(number, columns::NET_CURRENCY)));
        if let Some(currency) = &currency {
            problems.take(self.currency.check(number, columns::NET_CURRENCY, currency));
            self.digits = money::minor_digits(currency);
            self.writer.set_digits(self.digits);
        }
        let needs_day = match &meaning {
            Some(Meaning::Line(kind)) => statement::needs_day(&kind.kind(word)),
            Some(Meaning::Payout) | None => true,
        };
        let booked_at = match row.cell(self.at.created) {
            "" if !needs_day => Ok(String::new()),
            _ => self.booked_at(row),
        };
        let booked_at = self.writer.problems.take(booked_at).unwrap_or_default();
        // Replace a wrong currency by that of the other rows. Without both, the digits of an amount are unknown.
        let currency = currency.unwrap_or_else(|| self.currency.value().to_owned());
        if currency.is_empty() {
            return;
        }
        let paid = Unit {
            currency: &currency,
            digits: self.digits,
            format: self.settings.numbers(),
        };
        match meaning {
            Some(Meaning::Payout) => self.payout(row, &booked_at, &paid),
            Some(Meaning::Line(kind)) => {
                let day = booked_at.get(..10).unwrap_or_default();
                if day > self.latest.as_str() {
                    self.latest = day.to_owned();
                }
                let problems = &mut self.writer.problems;
                let line = line::read(row, &self.at, kind.kind(word), &paid, booked_at, problems);
                if let Some(line) = line {
                    self.writer.columns = line::columns_of(row, &self.at, &line, &paid);
                    self.writer.push(line);
                }
            }
            // The amounts of an unknown type may have problems too.
            None => drop(line::Cells::read(
                row,
                &self.at,
                &paid,
                &mut self.writer.problems,
            )),
        }
    }

    fn payout(&mut self, row: &Row, booked_at: &str, paid: &Unit<'_>) {
        let number = row.number();
        if let Some((before, ..)) = self.payout {
            let message = format!("row {before} is a payout too: a file must contain one payout");
            let problem = Problem::in_row(number, columns::TYPE, message);
            return self.writer.problems.push(problem);
        }
        let net = line::sided(
            row,
            (self.at.net_debit, columns::NET_DEBIT),
            (self.at.net_credit, columns::NET_CREDIT),
            paid,
            &mut self.writer.problems,
        );
        let net = net.flatten().unwrap_or(0);
        if net > 0 {
            let message = "has the wrong sign: a payout leaves the account, so it is a debit";
            let problem = Problem::in_row(number, columns::NET_CREDIT, message);
            self.writer.problems.push(problem);
        }
        let day = booked_at.get(..10).unwrap_or_default().to_owned();
        // Stored also if the row is wrong, because then the payout is not missing. An amount is never the
        // smallest number, because its cell has no sign, so its negation does not overflow.
        self.payout = Some((number, -net, day));
    }

    /// Returns RFC 3339 if the offset of the zone is known, otherwise the day.
    fn booked_at(&self, row: &Row) -> Result<String, Problem> {
        let in_row = |bad: BadValue| bad.in_row(row.number(), columns::CREATED);
        let (day, time) = self
            .dates
            .read_local(row.cell(self.at.created))
            .map_err(in_row)?;
        let zone = self.at.zone.map_or("", |zone| row.cell(zone));
        let offset = zones::offset(zone, &self.settings.zones);
        let Some((time, offset)) = time.zip(offset) else {
            return Ok(day.to_string());
        };
        let instant = Instant::parse(&[&*day.to_string(), "T", &time, offset].concat());
        instant.map(|at| at.to_string()).map_err(in_row)
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
        let missing = self.payout.is_none() && self.settings.payout == Payout::Required;
        if end.complete && missing {
            let message = "the file has no MerchantPayout row, so it may be incomplete";
            let problem = Problem::in_row(end.last_row, columns::TYPE, message);
            self.writer.problems.push(problem);
        }
        // A payout is a debit.
        self.writer.columns.net = match self.payout {
            Some(_) => columns::NET_DEBIT.into(),
            None => columns::NET_CREDIT.into(),
        };
        let (total_row, total, paid_on) = match self.payout {
            Some((row, total, day)) => (row, Some(total), day),
            None => (end.last_row, None, self.latest),
        };
        let undated = self.writer.first_undated();
        if let Some(row) = undated.filter(|_| paid_on.is_empty() && self.writer.problems.is_empty())
        {
            let message = "is empty, and no other row has a day";
            let problem = Problem::in_row(row, columns::CREATED, message);
            self.writer.problems.push(problem);
        }
        let header = StatementHeader {
            provider: self.settings.provider.clone(),
            account: self.account.value().to_owned(),
            reference: self.batch.value().to_owned(),
            currency: self.currency.value().to_owned(),
            minor_digits: self.digits,
            paid_on,
            total,
            attributes: Vec::new(),
        };
        self.writer.finish(header, total_row)
    }
}
