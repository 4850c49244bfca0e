//! Reads records of fixed width: a header, one record for each line with amounts in minor units, and a
//! trailer with their number and sum. Settings say where each field stands.
//!
//! One record is held at a time. Knows no bank.
#![warn(missing_docs)]

mod field;
mod line;
mod records;
mod settings;

use field::Record;
use galleria_sdk::prelude::*;
use galleria_sdk::statement::{self, Checked};
use galleria_sdk::{money, quoted};
use records::Records;
pub use settings::{
    Backwards, Counted, Detail, Digits, FeeSign, Field, Header, Kinds, Settings, Sign, Trailer,
};

/// What a problem calls the kind of a record.
const RECORD: &str = "record";

/// The plugin.
pub struct FixedStatement;

impl Plugin for FixedStatement {
    type Settings = Settings;

    fn check(settings: &Settings) -> Vec<Problem> {
        settings.problems()
    }
}

impl ReadStatement for FixedStatement {
    fn run(cx: &Context<Settings>) -> Result<Totals, Fault> {
        let settings = cx.settings();
        let mut records = Records::new(Input::open(), settings.encoding);
        let mut reading = Reading::new(settings);
        let mut whole = false;
        while !reading.checked.problems.is_full() {
            match records.next() {
                Ok(Some(record)) => {
                    if let Err(problem) = reading.record(&record) {
                        reading.checked.problems.push(problem);
                    }
                }
                Ok(None) => {
                    whole = true;
                    break;
                }
                Err(problem) => {
                    reading.checked.problems.push(problem);
                    break;
                }
            }
        }
        reading.finish(whole, records.last_row())
    }
}

galleria_sdk::plugin!(FixedStatement: ReadStatement);

/// A statement while it is read.
struct Reading<'s> {
    settings: &'s Settings,
    checked: Checked,
    header: Option<StatementHeader>,
    /// Lines of detail, also those that could not be read.
    details: u64,
    gross: i128,
    fee: i128,
    /// Its row, and the net it states.
    trailer: Option<(u64, Option<Money>)>,
}

impl<'s> Reading<'s> {
    fn new(settings: &'s Settings) -> Self {
        let names = statement::Columns {
            gross: "gross".into(),
            fee: "fee".into(),
            net: "net".into(),
        };
        Self {
            settings,
            checked: Checked::new(names),
            header: None,
            details: 0,
            gross: 0,
            fee: 0,
            trailer: None,
        }
    }

    fn record(&mut self, record: &Record<'_>) -> Result<(), Problem> {
        let kinds = &self.settings.records;
        let refuse = |message: String| Err(Problem::in_row(record.row, RECORD, message));
        if let Some((row, _)) = self.trailer {
            return refuse(format!(
                "comes after the trailer, row {row}: a file holds one payout"
            ));
        }
        if record.text.starts_with(&kinds.header) {
            if self.header.is_some() {
                return refuse("is a second header: a file holds one payout".to_owned());
            }
            // A header that cannot be read is one problem; the records after it have their own.
            let header = self.header(record);
            let read = header
                .as_ref()
                .map_or_else(|problem| Err(problem.clone()), |_| Ok(()));
            let header = header.unwrap_or_default();
            self.checked.set_digits(header.minor_digits);
            self.header = Some(header);
            return read;
        }
        let known = [&kinds.detail, &kinds.trailer];
        if !known.iter().any(|known| record.text.starts_with(*known)) {
            let width = kinds.header.chars().count();
            let found: String = record.text.chars().take(width).collect();
            let all = [&*kinds.header, &*kinds.detail, &*kinds.trailer].map(quoted);
            let message = [&*quoted(&found), " is unknown; known are ", &all.join(", ")];
            return refuse(message.concat());
        }
        let Some(header) = &self.header else {
            return refuse(
                [
                    "comes before the header, which begins with ",
                    &*quoted(&kinds.header),
                ]
                .concat(),
            );
        };
        if record.text.starts_with(&kinds.detail) {
            self.details += 1;
            let (line, told) = line::read(record, self.settings, header)?;
            self.gross += i128::from(told.gross);
            self.fee += i128::from(told.fee);
            self.checked.push(line);
            return Ok(());
        }
        self.trailer(record)
    }

    fn header(&self, record: &Record<'_>) -> Result<StatementHeader, Problem> {
        let fields = &self.settings.header;
        let currency = match &fields.currency {
            Some(field) => {
                let text = record.text(field, "currency")?;
                money::currency(text).map_err(|bad| bad.in_row(record.row, "currency"))?
            }
            None => self.settings.currency.clone(),
        };
        let text = |field: &Field, name: &str| {
            statement::reference(record.row, name, record.text(field, name)?)
        };
        let reference = text(&fields.reference, "reference")?;
        if reference.is_empty() {
            return Err(Problem::in_row(record.row, "reference", "is empty"));
        }
        let account = match &fields.account {
            Some(field) => text(field, "account")?,
            None => self.settings.account.clone(),
        };
        Ok(StatementHeader {
            provider: self.settings.provider.clone(),
            account,
            reference,
            minor_digits: money::minor_digits(&currency),
            currency,
            paid_on: record.day(&fields.paid_on, "paid_on", &self.settings.date)?,
            total: None,
            attributes: Vec::new(),
        })
    }

    /// Number, gross and fee are held against the records here, net where the statement ends.
    fn trailer(&mut self, record: &Record<'_>) -> Result<(), Problem> {
        self.trailer = Some((record.row, None));
        let fields = &self.settings.trailer;
        if let Some(field) = &fields.count {
            let told = record.count(field, "count")?;
            let records = match fields.counted {
                Counted::Details => self.details,
                Counted::All => self.details + 2,
            };
            if told != records {
                let message = format!("the trailer counts {told}, and the file has {records}");
                return Err(Problem::in_row(record.row, "count", message));
            }
        }
        let digits = self.header.as_ref().map_or(2, |header| header.minor_digits);
        for (field, sum, name) in [
            (&fields.gross, self.gross, "gross"),
            (&fields.fee, self.fee, "fee"),
        ] {
            let Some(field) = field else { continue };
            let told = record.amount(field, name)?;
            let told = if name == "fee" {
                line::kept(record, told, self.settings)?
            } else {
                told
            };
            // A record that could not be read is missing in the sum: one problem is enough.
            if i128::from(told) != sum && self.checked.problems.is_empty() {
                let show = |amount| money::format(amount, digits);
                let sum = i64::try_from(sum).map_or("beyond 64 bits".to_owned(), show);
                let message = [
                    "the total is ",
                    &show(told),
                    ", and the records come to ",
                    &sum,
                ];
                return Err(Problem::in_row(record.row, name, message.concat()));
            }
        }
        let net = fields.net.as_ref().map(|field| record.amount(field, "net"));
        self.trailer = Some((record.row, net.transpose()?));
        Ok(())
    }

    fn finish(mut self, whole: bool, last_row: u64) -> Result<Totals, Fault> {
        let kinds = &self.settings.records;
        let missing = match (&self.header, self.trailer) {
            _ if !whole => None,
            (None, _) if last_row == 0 => Some("the file is empty".to_owned()),
            (None, _) if self.checked.problems.is_empty() => Some(
                [
                    "the file has no header, which begins with ",
                    &*quoted(&kinds.header),
                ]
                .concat(),
            ),
            (Some(_), None) => Some(
                [
                    "the file ends without its trailer, which begins with ",
                    &*quoted(&kinds.trailer),
                    ", so it may have been cut off",
                ]
                .concat(),
            ),
            _ => None,
        };
        if let Some(message) = missing {
            let problem = Problem::in_row(last_row.max(1), RECORD, message);
            self.checked.problems.push(problem);
        }
        let mut header = self.header.unwrap_or_default();
        let (row, total) = self.trailer.unwrap_or((last_row.max(1), None));
        header.total = total;
        self.checked.finish(header, row)
    }
}
