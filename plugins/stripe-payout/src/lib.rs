//! Reads Stripe's itemised payout reconciliation report: one payout, each balance transaction with gross,
//! fee and net.
//!
//! Columns are found by name. The row of the payout itself is the total that the lines have to come to,
//! and no line. One row is held at a time. Which names are Stripe's and what is decided here stands in
//! README.md.
#![warn(missing_docs)]

mod categories;
mod columns;
mod line;
mod settings;

use categories::Meaning;
use galleria_sdk::csv::{self, Row};
use galleria_sdk::prelude::*;
use galleria_sdk::statement::{self, Checked, Same};
use galleria_sdk::{money, quoted};
pub use settings::{Payout, PspReference, Settings, TimeZone};

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
        let mut rows =
            csv::Reader::new(Input::open(), settings.delimiter as u8, csv::Encoding::Utf8);
        let header = rows
            .header()
            .map_err(|problem| Fault::Invalid(vec![problem]))?;
        let header = header.ok_or_else(|| {
            let problem = Problem::in_row(1, columns::CATEGORY, "the file is empty");
            Fault::Invalid(vec![problem])
        })?;
        let mut reading = Reading::new(settings, &header)?;
        let mut row = Row::default();
        let mut whole = false;
        while !reading.checked.problems.is_full() {
            match rows.read(&mut row) {
                Ok(true) => {
                    if let Err(problem) = header.fits(&row).and_then(|()| reading.row(&row)) {
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

galleria_sdk::plugin!(StripePayout: ReadStatement);

/// A statement while it is read.
struct Reading<'s> {
    settings: &'s Settings,
    at: columns::At,
    checked: Checked,
    payout: Same,
    currency: Same,
    /// The day of the payout, which every row tells.
    effective: Same,
    digits: u8,
    /// Row and amount of the payout.
    total: Option<(u64, Money)>,
}

impl<'s> Reading<'s> {
    fn new(settings: &'s Settings, header: &csv::Columns) -> Result<Self, Fault> {
        let names = statement::Columns {
            gross: columns::GROSS.into(),
            fee: columns::FEE.into(),
            net: columns::NET.into(),
        };
        Ok(Self {
            settings,
            at: columns::At::find(header, settings)?,
            checked: Checked::new(names),
            payout: Same::default(),
            currency: Same::default(),
            effective: Same::default(),
            digits: 2,
            total: None,
        })
    }

    fn row(&mut self, row: &Row) -> Result<(), Problem> {
        let number = row.number();
        let word = row.cell(self.at.category);
        let meaning = categories::meaning(word, &self.settings.categories).ok_or_else(|| {
            let known = categories::known(&self.settings.categories);
            let message = [&*quoted(word), " is unknown; known are ", &known].concat();
            Problem::in_row(number, columns::CATEGORY, message)
        })?;
        let currency = money::currency(row.cell(self.at.currency))
            .map_err(|bad| bad.in_row(number, columns::CURRENCY))?;
        self.currency.check(number, columns::CURRENCY, &currency)?;
        self.digits = money::minor_digits(&currency);
        self.checked.set_digits(self.digits);
        let mut payout = row.cell(self.at.payout);
        if meaning == Meaning::Payout && payout.is_empty() {
            // The payout's own row may name itself as the source alone.
            payout = row.cell(self.at.source);
        }
        self.payout.check(number, columns::PAYOUT, payout)?;
        let (effective_at, name) = &self.at.effective;
        let effective = line::day(row, *effective_at, name)?;
        self.effective.check(number, name, effective)?;
        let told = line::Told::read(row, &self.at, self.digits)?;
        match meaning {
            Meaning::Payout => self.total(row, &told),
            Meaning::Line(kind) => {
                let kind = kind.kind(word);
                let line = line::read(row, &self.at, kind, &told, &currency, self.settings)?;
                self.checked.push(line);
                Ok(())
            }
        }
    }

    fn total(&mut self, row: &Row, told: &line::Told) -> Result<(), Problem> {
        let number = row.number();
        if let Some((before, _)) = self.total {
            let message = format!("row {before} is a payout as well: a file holds one payout");
            return Err(Problem::in_row(number, columns::CATEGORY, message));
        }
        // Also where it is wrong: then it is not missing.
        let total = self.total.insert((number, 0));
        if told.net > 0 {
            let message = "has the wrong sign: a payout leaves the balance, so it is below zero";
            return Err(Problem::in_row(number, columns::NET, message));
        }
        let paid = told.net.checked_neg();
        total.1 = paid.ok_or_else(|| Problem::in_row(number, columns::NET, "is too large"))?;
        Ok(())
    }

    fn finish(mut self, whole: bool, last_row: u64) -> Result<Totals, Fault> {
        if whole && self.total.is_none() && self.settings.payout == Payout::Required {
            let message = "the file has no payout row, so nothing tells whether it is all of it";
            let problem = Problem::in_row(last_row, columns::CATEGORY, message);
            self.checked.problems.push(problem);
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
        let total_row = self.total.map_or(last_row, |(row, _)| row);
        self.checked.finish(header, total_row)
    }
}
