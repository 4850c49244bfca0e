//! Reads a bank's or an acquirer's delimited file, as spreadsheets in Europe have it: `;`, a decimal comma,
//! `dd/mm/yyyy`, and a row of totals at the end. Settings say which column is what.
//!
//! One row is held at a time. Knows no bank: what a word in a file means is the settings' to say.
#![warn(missing_docs)]

mod columns;
mod line;
mod settings;

use columns::At;
use galleria_sdk::csv::{self, Row};
use galleria_sdk::prelude::*;
use galleria_sdk::statement::{self, Checked, Same};
use galleria_sdk::{money, quoted};
pub use settings::{Backwards, ColumnNames, FeeSign, Settings, TotalRow};

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
        let header = rows.header().map_err(invalid)?.ok_or_else(|| {
            let message = "the file is empty, or ends before its header";
            invalid(Problem::in_row(
                rows.last_row(),
                &*settings.columns.gross,
                message,
            ))
        })?;
        let mut reading = Reading::new(settings, &header, file)?;
        let mut whole = false;
        while !reading.checked.problems.is_full() {
            match rows.read(&mut row) {
                Ok(true) => {
                    if let Err(problem) = reading.row(&header, &row) {
                        reading.checked.problems.push(problem);
                    }
                }
                Ok(false) => {
                    whole = true;
                    break;
                }
                Err(problem) => {
                    reading.checked.problems.push(problem);
                    break;
                }
            }
        }
        reading.finish(whole, rows.last_row())
    }
}

galleria_sdk::plugin!(DelimitedStatement: ReadStatement);

/// What the row of totals says.
struct Total {
    row: u64,
    net: Option<Money>,
}

/// A statement while it is read.
struct Reading<'s> {
    settings: &'s Settings,
    at: At,
    checked: Checked,
    /// The name of the file, which stands for the payout where no column tells it.
    file: String,
    reference: Same,
    account: Same,
    paid_on: Same,
    currency: Same,
    digits: u8,
    /// As the file shows them, for the row of totals.
    gross: i128,
    fee: i128,
    total: Option<Total>,
    /// The day of the latest line, where no column tells the payout's.
    latest: String,
}

impl<'s> Reading<'s> {
    fn new(settings: &'s Settings, header: &csv::Columns, file: String) -> Result<Self, Fault> {
        let or_gross = |name: &String| match name.is_empty() {
            true => settings.columns.gross.clone(),
            false => name.clone(),
        };
        let names = statement::Columns {
            gross: settings.columns.gross.clone().into(),
            fee: or_gross(&settings.columns.fee).into(),
            net: or_gross(&settings.columns.net).into(),
        };
        Ok(Self {
            settings,
            at: At::find(header, settings)?,
            checked: Checked::new(names),
            file,
            reference: Same::default(),
            account: Same::default(),
            paid_on: Same::default(),
            currency: Same::default(),
            digits: money::minor_digits(&settings.currency),
            gross: 0,
            fee: 0,
            total: None,
            latest: String::new(),
        })
    }

    fn row(&mut self, header: &csv::Columns, row: &Row) -> Result<(), Problem> {
        let number = row.number();
        let total = self.settings.total.as_ref().zip(self.at.total);
        if let Some((total, at)) = total {
            if let Some(before) = &self.total {
                let message = format!("comes after the row of totals, row {}", before.row);
                return Err(Problem::in_row(number, &*total.column, message));
            }
            if row.cell(at).eq_ignore_ascii_case(&total.word) {
                return self.total(row);
            }
        }
        header.fits(row)?;
        let columns = &self.settings.columns;
        let same = [
            (self.at.reference, &columns.reference, &mut self.reference),
            (self.at.account, &columns.account, &mut self.account),
        ];
        for (at, name, same) in same {
            if let Some(at) = at {
                same.check(number, name, row.cell(at))?;
            }
        }
        let currency = self.currency(row)?;
        self.digits = money::minor_digits(&currency);
        self.checked.set_digits(self.digits);
        let paid_on = line::day(row, self.at.paid_on, &columns.paid_on, self.settings)?;
        if let Some(day) = &paid_on {
            self.paid_on.check(number, &columns.paid_on, day)?;
        }
        let booked = line::day(row, self.at.booked_at, &columns.booked_at, self.settings)?;
        let booked_at = booked.or(paid_on).unwrap_or_default();
        let told = line::Told::read(row, &self.at, self.settings, self.digits)?;
        self.gross += i128::from(told.gross);
        self.fee += i128::from(told.fee);
        if booked_at > self.latest {
            self.latest.clone_from(&booked_at);
        }
        let line = line::read(row, &self.at, columns, &told, currency, booked_at)?;
        self.checked.push(line);
        Ok(())
    }

    fn currency(&mut self, row: &Row) -> Result<String, Problem> {
        let Some(at) = self.at.currency else {
            return Ok(self.settings.currency.clone());
        };
        let name = &self.settings.columns.currency;
        let currency = money::currency(row.cell(at));
        let currency = currency.map_err(|bad| bad.in_row(row.number(), name))?;
        self.currency.check(row.number(), name, &currency)?;
        Ok(currency)
    }

    /// Gross and fee are held against the lines here, net where the statement ends.
    fn total(&mut self, row: &Row) -> Result<(), Problem> {
        let number = row.number();
        let columns = &self.settings.columns;
        // Also where it is wrong: then it is not missing.
        self.total = Some(Total {
            row: number,
            net: None,
        });
        let told = line::Totals::read(row, &self.at, self.settings, self.digits)?;
        let signed = self.settings.backwards == Backwards::Signed;
        for (told, sum, name) in [
            (told.gross.filter(|_| signed), self.gross, &columns.gross),
            (told.fee, self.fee, &columns.fee),
        ] {
            // A line that could not be read is missing in the sum: one problem is enough.
            let wrong =
                told.filter(|told| i128::from(*told) != sum && self.checked.problems.is_empty());
            if let Some(told) = wrong {
                let show = |amount| money::format(amount, self.digits);
                let sum = i64::try_from(sum).map_or("beyond 64 bits".to_owned(), show);
                let message = [
                    "the total is ",
                    &show(told),
                    ", and the lines come to ",
                    &sum,
                ];
                return Err(Problem::in_row(number, &**name, message.concat()));
            }
        }
        if told.gross.is_none() && told.fee.is_none() && told.net.is_none() {
            let message = "the row of totals has no amount";
            return Err(Problem::in_row(number, &*columns.gross, message));
        }
        let gross = told.gross.filter(|_| signed);
        let from_parts = || gross?.checked_sub(told.fee.unwrap_or(0));
        let net = match self.at.net {
            Some(_) => told.net,
            None => from_parts(),
        };
        self.total = Some(Total { row: number, net });
        Ok(())
    }

    fn finish(mut self, whole: bool, last_row: u64) -> Result<Totals, Fault> {
        let missing = self
            .settings
            .total
            .as_ref()
            .filter(|_| self.total.is_none());
        if let Some(total) = missing.filter(|_| whole) {
            let message = [
                "the file ends without its row of totals, which has ",
                &*quoted(&total.word),
                " here, so it may have been cut off",
            ];
            let problem = Problem::in_row(last_row, &*total.column, message.concat());
            self.checked.problems.push(problem);
        }
        let currency = match self.currency.value() {
            "" => self.settings.currency.clone(),
            told => told.to_owned(),
        };
        let or = |same: &Same, other: &str| match same.value() {
            "" => other.to_owned(),
            told => told.to_owned(),
        };
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
            paid_on: or(&self.paid_on, &self.latest),
            total: self.total.as_ref().and_then(|total| total.net),
            attributes: Vec::new(),
        };
        let total_row = self.total.map_or(last_row, |total| total.row);
        self.checked.finish(header, total_row)
    }
}
