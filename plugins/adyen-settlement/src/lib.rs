//! Reads Adyen's settlement details report: one payout, each line with gross, fee and net.
//!
//! Columns are found by name. The row of the payout itself (`MerchantPayout`) is the total that the
//! lines have to come to, and no line. One row is held at a time. Which names are Adyen's and what is
//! decided here stands in README.md.
#![warn(missing_docs)]

mod columns;
mod kinds;
mod line;
mod settings;
mod zones;

use galleria_sdk::csv::{self, Row};
use galleria_sdk::prelude::*;
use galleria_sdk::statement::{self, Checked, Same};
use galleria_sdk::{money, quoted};
use kinds::Meaning;
pub use settings::{Payout, Settings};

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
        let mut rows = csv::Reader::new(Input::open(), settings.delimiter as u8, settings.encoding);
        let header = rows
            .header()
            .map_err(|problem| Fault::Invalid(vec![problem]))?;
        let header = header.ok_or_else(|| {
            let problem = Problem::in_row(1, columns::TYPE, "the file is empty");
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

galleria_sdk::plugin!(AdyenSettlement: ReadStatement);

/// A statement while it is read.
struct Reading<'s> {
    settings: &'s Settings,
    at: columns::At,
    checked: Checked,
    account: Same,
    batch: Same,
    currency: Same,
    digits: u8,
    /// Row, amount and day of the payout.
    payout: Option<(u64, Money, String)>,
    /// The day of the latest line, where the payout's is not told.
    latest: String,
}

impl<'s> Reading<'s> {
    fn new(settings: &'s Settings, header: &csv::Columns) -> Result<Self, Fault> {
        let names = statement::Columns {
            gross: columns::GROSS_CREDIT.into(),
            fee: columns::COMMISSION.into(),
            net: columns::NET_CREDIT.into(),
        };
        Ok(Self {
            settings,
            at: columns::At::find(header)?,
            checked: Checked::new(names),
            account: Same::default(),
            batch: Same::default(),
            currency: Same::default(),
            digits: 2,
            payout: None,
            latest: String::new(),
        })
    }

    fn row(&mut self, row: &Row) -> Result<(), Problem> {
        let number = row.number();
        let word = row.cell(self.at.kind);
        let meaning = kinds::meaning(word, &self.settings.types).ok_or_else(|| {
            let known = kinds::known(&self.settings.types);
            let message = [&*quoted(word), " is unknown; known are ", &known].concat();
            Problem::in_row(number, columns::TYPE, message)
        })?;
        let account = row.cell(self.at.account);
        self.account.check(number, columns::ACCOUNT, account)?;
        self.batch
            .check(number, columns::BATCH, row.cell(self.at.batch))?;
        let currency = money::currency(row.cell(self.at.net_currency))
            .map_err(|bad| bad.in_row(number, columns::NET_CURRENCY))?;
        self.currency
            .check(number, columns::NET_CURRENCY, &currency)?;
        self.digits = money::minor_digits(&currency);
        self.checked.set_digits(self.digits);
        let booked_at = self.booked_at(row)?;
        match meaning {
            Meaning::Payout => self.payout(row, booked_at),
            Meaning::Line(kind) => {
                let day = booked_at.get(..10).unwrap_or_default();
                if day > self.latest.as_str() {
                    self.latest = day.to_owned();
                }
                let paid = line::Paid {
                    currency: &currency,
                    digits: self.digits,
                };
                let line = line::read(row, &self.at, kind.kind(word), &paid, booked_at)?;
                self.checked.columns = columns::of(row, &self.at, &line);
                self.checked.push(line);
                Ok(())
            }
        }
    }

    fn payout(&mut self, row: &Row, booked_at: String) -> Result<(), Problem> {
        let number = row.number();
        if let Some((before, ..)) = &self.payout {
            let message = format!("row {before} is a payout as well: a file holds one payout");
            return Err(Problem::in_row(number, columns::TYPE, message));
        }
        let day = booked_at.get(..10).unwrap_or_default().to_owned();
        // Also where it is wrong: then it is not missing.
        let payout = self.payout.insert((number, 0, day));
        let net = line::sided(
            row,
            (self.at.net_debit, columns::NET_DEBIT),
            (self.at.net_credit, columns::NET_CREDIT),
            self.digits,
        )?;
        if net > 0 {
            let message = "has the wrong sign: a payout leaves the account, so it is a debit";
            return Err(Problem::in_row(number, columns::NET_CREDIT, message));
        }
        // A debit is never below zero, so its opposite is a number.
        payout.1 = -net;
        Ok(())
    }

    /// RFC 3339 where the zone's offset is known, otherwise the day.
    fn booked_at(&self, row: &Row) -> Result<String, Problem> {
        let text = row.cell(self.at.created);
        let bad = || {
            let message = [&*quoted(text), " is no moment such as 2026-11-24 18:03:07"].concat();
            Problem::in_row(row.number(), columns::CREATED, message)
        };
        let (day, time) = text.split_once([' ', 'T']).ok_or_else(bad)?;
        // Also checks the time, whatever the zone.
        let local = [day, "T", time].concat();
        Instant::parse(&[&*local, "Z"].concat()).map_err(|_| bad())?;
        let zone = self.at.zone.map_or("", |zone| row.cell(zone));
        match zones::offset(zone, &self.settings.zones) {
            None => Ok(day.to_owned()),
            Some(offset) => {
                let instant = Instant::parse(&[&*local, offset].concat());
                instant.map(|at| at.to_string()).map_err(|_| bad())
            }
        }
    }

    fn finish(mut self, whole: bool, last_row: u64) -> Result<Totals, Fault> {
        let missing = self.payout.is_none() && self.settings.payout == Payout::Required;
        if whole && missing {
            let message =
                "the file has no MerchantPayout row, so nothing tells whether it is all of it";
            let problem = Problem::in_row(last_row, columns::TYPE, message);
            self.checked.problems.push(problem);
        }
        // A payout is told as a debit.
        self.checked.columns.net = match self.payout {
            Some(_) => columns::NET_DEBIT.into(),
            None => columns::NET_CREDIT.into(),
        };
        let (total_row, total, paid_on) = match self.payout {
            Some((row, total, day)) => (row, Some(total), day),
            None => (last_row, None, self.latest),
        };
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
        self.checked.finish(header, total_row)
    }
}
