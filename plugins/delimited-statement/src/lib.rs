//! Reads a delimited file of a bank or an acquirer, as European spreadsheets write it: `;`, a decimal
//! comma, `dd/mm/yyyy`, and a row of totals at the end. Settings name the columns.
//!
//! Memory use does not grow with the file. The plugin knows no bank: settings define the meaning of all
//! words.
#![warn(missing_docs)]

mod columns;
mod line;
mod settings;

use columns::At;
use galleria_sdk::csv::{self, Row};
use galleria_sdk::prelude::*;
use galleria_sdk::statement::{
    self, CommonValue, CsvRecords, FileEnd, RecordReader, StatementWriter,
};
use galleria_sdk::text::comparable;
use galleria_sdk::{DateFormat, money, quoted};
pub use settings::{ColumnNames, FeeSign, NegativeAmounts, Settings, TotalRow};
use std::io::Read;

/// The plugin.
pub struct DelimitedStatement;

impl Plugin for DelimitedStatement {
    type Settings = Settings;

    fn check(settings: &Settings) -> Vec<Problem> {
        settings.problems()
    }
}

impl ReadStatement for DelimitedStatement {
    fn run(cx: &Context<Settings>) -> Result<Totals, Fault> {
        let settings = cx.settings();
        let invalid = |problem: Problem| Fault::Invalid(vec![problem]);
        let input = Input::open();
        let file = input.name();
        let mut rows = csv::Reader::new(input, settings.delimiter as u8, settings.encoding);
        let mut row = Row::default();
        for _ in 0..settings.skip_rows {
            rows.read(&mut row).map_err(invalid)?;
        }
        let records = CsvRecords::open(rows, &settings.columns.gross)?;
        let reader = Reader::new(settings, records.header(), file)?;
        statement::read(records, reader)
    }
}

galleria_sdk::plugin!(DelimitedStatement: ReadStatement);

/// The row of totals.
struct Total {
    row: u64,
    net: Option<Money>,
}

/// The state while a statement is read.
struct Reader<'s> {
    settings: &'s Settings,
    dates: DateFormat,
    header: csv::Columns,
    at: At,
    writer: StatementWriter,
    /// The name of the file. It is the payout's reference if no column contains one.
    file: String,
    reference: CommonValue,
    account: CommonValue,
    paid_on: CommonValue,
    currency: CommonValue,
    digits: u8,
    /// As in the file, for the row of totals.
    gross: i128,
    fee: i128,
    total: Option<Total>,
    /// The day of the latest line, if no column contains the payout's day.
    latest: String,
}

impl<'s> Reader<'s> {
    fn new(settings: &'s Settings, header: &csv::Columns, file: String) -> Result<Self, Fault> {
        let or_gross = |name: &String| match name.is_empty() {
            true => settings.columns.gross.clone(),
            false => name.clone(),
        };
        let names = statement::ColumnNames {
            gross: settings.columns.gross.clone().into(),
            fee: or_gross(&settings.columns.fee).into(),
            net: or_gross(&settings.columns.net).into(),
        };
        Ok(Self {
            settings,
            dates: settings.dates().map_err(Fault::Misconfigured)?,
            header: header.clone(),
            at: At::find(header, settings)?,
            writer: StatementWriter::new(names),
            file,
            reference: CommonValue::default(),
            account: CommonValue::default(),
            paid_on: CommonValue::default(),
            currency: CommonValue::default(),
            digits: money::minor_digits(&settings.currency),
            gross: 0,
            fee: 0,
            total: None,
            latest: String::new(),
        })
    }

    fn row(&mut self, row: &Row) -> Result<(), Problem> {
        let number = row.number();
        let total = self.settings.total.as_ref().zip(self.at.total);
        if let Some((total, at)) = total {
            if let Some(before) = &self.total {
                let message = format!("follows the row of totals, row {}", before.row);
                return Err(Problem::in_row(number, &*total.column, message));
            }
            if comparable(row.cell(at)) == comparable(&total.word) {
                self.total(row);
                return Ok(());
            }
        }
        self.header.fits(row)?;
        let columns = &self.settings.columns;
        let same = [
            (self.at.reference, &columns.reference, &mut self.reference),
            (self.at.account, &columns.account, &mut self.account),
        ];
        let problems = &mut self.writer.problems;
        for (at, name, same) in same {
            if let Some(at) = at {
                problems.take(same.check(number, name, row.cell(at)));
            }
        }
        if let Some(currency) = self.currency(row) {
            self.digits = money::minor_digits(&currency);
            self.writer.set_digits(self.digits);
        }
        let word = line::kind_word(row, &self.at, self.settings);
        let word = self.writer.problems.take(word);
        let kind_is_known = word.is_some();
        let word = word.flatten();
        // Replace a wrong currency by that of the other rows. Without both, the digits of an amount are unknown.
        let currency = self.common_currency().to_owned();
        let amounts = match currency.as_str() {
            "" => None,
            _ => {
                let problems = &mut self.writer.problems;
                line::RowAmounts::read(row, &self.at, self.settings, &currency, word, problems)
            }
        };
        let needs_day =
            kind_is_known && word.is_none_or(|word| statement::needs_day(&word.kind("")));
        let paid_on = self.day(row, self.at.paid_on, &columns.paid_on, needs_day);
        if let Some(day) = paid_on.as_ref().and_then(Option::as_ref) {
            let same = self.paid_on.check(number, &columns.paid_on, day);
            self.writer.problems.take(same);
        }
        let booked = self.day(row, self.at.booked_at, &columns.booked_at, needs_day);
        let booked_at = booked.flatten().or(paid_on.flatten()).unwrap_or_default();
        if booked_at > self.latest {
            self.latest.clone_from(&booked_at);
        }
        let problems = &mut self.writer.problems;
        let line = line::read(row, &self.at, columns, currency, booked_at, problems);
        let Some(amounts) = amounts.filter(|_| kind_is_known) else {
            return Ok(());
        };
        self.gross += i128::from(amounts.stated_gross);
        self.fee += i128::from(amounts.fee);
        let kind = word.map(|word| word.kind(self.at.kind.map_or("", |at| row.cell(at))));
        let line = amounts.complete(line, kind);
        // A line with problems is pushed too, so that its amounts are checked.
        self.writer.push(line);
        Ok(())
    }

    /// Returns a day in the contract's format; `Some(None)` if there is no such column, or if the cell is empty and the
    /// line needs no day.
    fn day(
        &mut self,
        row: &Row,
        at: Option<usize>,
        name: &str,
        needs_day: bool,
    ) -> Option<Option<String>> {
        let cell = at.map_or("", |at| row.cell(at));
        if at.is_none() || (cell.is_empty() && !needs_day) {
            return Some(None);
        }
        let day = self.dates.read(cell);
        let day = day.map_err(|bad| bad.in_row(row.number(), name));
        let day = self.writer.problems.take(day)?;
        Some(Some(day.to_string()))
    }

    /// Returns the column of a line's day.
    fn day_column(&self) -> &'s str {
        let columns = &self.settings.columns;
        match columns.booked_at.as_str() {
            "" => &columns.paid_on,
            name => name,
        }
    }

    fn currency(&mut self, row: &Row) -> Option<String> {
        let Some(at) = self.at.currency else {
            return Some(self.settings.currency.clone());
        };
        let name = &self.settings.columns.currency;
        let problems = &mut self.writer.problems;
        let currency = money::currency(row.cell(at));
        let currency = problems.take(currency.map_err(|bad| bad.in_row(row.number(), name)))?;
        problems.take(self.currency.check(row.number(), name, &currency))?;
        Some(currency)
    }

    /// Returns the currency of the lines so far.
    fn common_currency(&self) -> &str {
        match self.currency.value() {
            "" => &self.settings.currency,
            value => value,
        }
    }

    /// Compares gross and fee with the lines here; net is compared at the end of the statement.
    fn total(&mut self, row: &Row) {
        let number = row.number();
        let columns = &self.settings.columns;
        let currency = self.common_currency().to_owned();
        // The sums lack the lines with problems, so they would only cause further messages.
        let complete = self.writer.problems.is_empty();
        let problems = &mut self.writer.problems;
        // Stored also if the row is wrong, because then it is not missing.
        let mut total = Total {
            row: number,
            net: None,
        };
        if let Some(totals) = line::Totals::read(row, &self.at, self.settings, &currency, problems)
        {
            let signed = self.settings.negative_amounts == NegativeAmounts::Signed;
            let gross = totals.gross.filter(|_| signed);
            for (stated, sum, name) in [
                (gross, self.gross, &columns.gross),
                (totals.fee, self.fee, &columns.fee),
            ] {
                let wrong = stated.filter(|stated| complete && i128::from(*stated) != sum);
                let Some(stated) = wrong else { continue };
                let show = |amount| money::format(amount, self.digits);
                let sum = i64::try_from(sum).map_or("beyond 64 bits".to_owned(), show);
                let message = [
                    "the total is ",
                    &show(stated),
                    ", and the lines add up to ",
                    &sum,
                ];
                problems.push(Problem::in_row(number, &**name, message.concat()));
            }
            if totals.gross.is_none() && totals.fee.is_none() && totals.net.is_none() {
                let message = "the row of totals has no amount";
                problems.push(Problem::in_row(number, &*columns.gross, message));
            }
            let from_parts = || gross?.checked_sub(totals.fee.unwrap_or(0));
            total.net = match self.at.net {
                Some(_) => totals.net.or_else(|| totals.fee.and_then(|_| from_parts())),
                None => from_parts(),
            };
        }
        self.total = Some(total);
    }
}

impl<R: Read> RecordReader<CsvRecords<R>> for Reader<'_> {
    fn writer(&mut self) -> &mut StatementWriter {
        &mut self.writer
    }

    fn read(&mut self, row: &Row) -> Result<(), Problem> {
        self.row(row)
    }

    fn finish(mut self, end: FileEnd) -> Result<Totals, Fault> {
        let missing = self
            .settings
            .total
            .as_ref()
            .filter(|_| self.total.is_none());
        if let Some(total) = missing.filter(|_| end.complete) {
            let message = [
                "the file has no row of totals, which has ",
                &*quoted(&total.word),
                " here, so it may be incomplete",
            ];
            let problem = Problem::in_row(end.last_row, &*total.column, message.concat());
            self.writer.problems.push(problem);
        }
        let currency = self.common_currency().to_owned();
        let or = |same: &CommonValue, other: &str| match same.value() {
            "" => other.to_owned(),
            value => value.to_owned(),
        };
        let paid_on = or(&self.paid_on, &self.latest);
        let undated = self.writer.first_undated();
        if let Some(row) = undated.filter(|_| paid_on.is_empty() && self.writer.problems.is_empty())
        {
            let message = "is empty, and no other row has a day";
            let problem = Problem::in_row(row, self.day_column(), message);
            self.writer.problems.push(problem);
        }
        let stem = self
            .file
            .rsplit_once('.')
            .map_or(&*self.file, |(stem, _)| stem);
        let header = StatementHeader {
            provider: self.settings.provider.clone(),
            account: or(&self.account, &self.settings.account),
            reference: or(&self.reference, stem),
            currency,
            minor_digits: self.digits,
            paid_on,
            total: self.total.as_ref().and_then(|total| total.net),
            attributes: Vec::new(),
        };
        let total_row = self.total.map_or(end.last_row, |total| total.row);
        self.writer.finish(header, total_row)
    }
}
