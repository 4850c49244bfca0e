//! Reads records of fixed width: a header, one record for each line with amounts in minor units, and a
//! trailer with number and sums. Settings define the positions of the fields.
//!
//! Memory use does not grow with the file. The plugin knows no bank.
#![warn(missing_docs)]

mod field;
mod line;
mod records;
mod settings;

use field::{Record, Unit};
use galleria_sdk::prelude::*;
use galleria_sdk::statement::{self, FileEnd, RecordReader, StatementWriter};
use galleria_sdk::{money, quoted};
use records::Records;
pub use settings::{
    Counted, Detail, Digits, FeeSign, Field, Header, Kinds, NegativeAmounts, Settings, Sign,
    Trailer,
};
use std::io::Read;

/// The name of a record's type in problems.
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
        let records = Records::new(Input::open(), settings.encoding);
        statement::read(records, Reader::new(settings))
    }
}

galleria_sdk::plugin!(FixedStatement: ReadStatement);

/// The state while a statement is read.
struct Reader<'s> {
    settings: &'s Settings,
    writer: StatementWriter,
    header: Option<StatementHeader>,
    /// Detail records, also those that could not be read.
    details: u64,
    gross: i128,
    fee: i128,
    /// The trailer's row, and its net amount.
    trailer: Option<(u64, Option<Money>)>,
}

impl<'s> Reader<'s> {
    fn new(settings: &'s Settings) -> Self {
        let names = statement::ColumnNames {
            gross: "gross".into(),
            fee: "fee".into(),
            net: "net".into(),
        };
        Self {
            settings,
            writer: StatementWriter::new(names),
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
                "follows the trailer, row {row}: a file must contain one payout"
            ));
        }
        if record.text.starts_with(&kinds.header) {
            if self.header.is_some() {
                return refuse("is a second header: a file must contain one payout".to_owned());
            }
            // An invalid header is one problem; the records after it have their own.
            let header = self.header(record);
            let read = header
                .as_ref()
                .map_or_else(|problem| Err(problem.clone()), |_| Ok(()));
            let header = header.unwrap_or_default();
            self.writer.set_digits(header.minor_digits);
            self.header = Some(header);
            return read;
        }
        let known = [&kinds.detail, &kinds.trailer];
        if !known.iter().any(|known| record.text.starts_with(*known)) {
            let width = kinds.header.chars().count();
            let found: String = record.text.chars().take(width).collect();
            let all = [&*kinds.header, &*kinds.detail, &*kinds.trailer].map(quoted);
            let all = all.iter().map(String::as_str);
            let problem = statement::unknown_word(record.row, RECORD, &found, "records", all);
            return Err(problem);
        }
        let Some(header) = &self.header else {
            return refuse(
                [
                    "precedes the header, which starts with ",
                    &*quoted(&kinds.header),
                ]
                .concat(),
            );
        };
        if record.text.starts_with(&kinds.detail) {
            self.details += 1;
            let (line, amounts) = line::read(record, self.settings, header)?;
            self.gross += i128::from(amounts.gross);
            self.fee += i128::from(amounts.fee);
            self.writer.push(line);
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

    /// Compares number, gross and fee with the records here; net is compared at the end of the
    /// statement.
    fn trailer(&mut self, record: &Record<'_>) -> Result<(), Problem> {
        self.trailer = Some((record.row, None));
        let fields = &self.settings.trailer;
        if let Some(field) = &fields.count {
            let count = record.count(field, "count")?;
            let records = match fields.counted {
                Counted::Details => self.details,
                Counted::All => self.details + 2,
            };
            if count != records {
                let message =
                    format!("the trailer counts {count} records, but the file has {records}");
                return Err(Problem::in_row(record.row, "count", message));
            }
        }
        let header = self.header.clone().unwrap_or_default();
        let unit = Unit::of(&header, self.settings);
        for (field, sum, name) in [
            (&fields.gross, self.gross, "gross"),
            (&fields.fee, self.fee, "fee"),
        ] {
            let Some(field) = field else { continue };
            let stated = record.amount(field, name, &unit)?;
            let stated = if name == "fee" {
                line::signed_fee(record, stated, self.settings)?
            } else {
                stated
            };
            // The sum lacks the records with problems, so it would only cause a second message.
            if i128::from(stated) != sum && self.writer.problems.is_empty() {
                let show = |amount| money::format(amount, unit.digits);
                let sum = i64::try_from(sum).map_or("beyond 64 bits".to_owned(), show);
                let message = [
                    "the total is ",
                    &show(stated),
                    ", and the records add up to ",
                    &sum,
                ];
                return Err(Problem::in_row(record.row, name, message.concat()));
            }
        }
        let net = fields.net.as_ref();
        let net = net.map(|field| record.amount(field, "net", &unit));
        self.trailer = Some((record.row, net.transpose()?));
        Ok(())
    }
}

impl<R: Read> RecordReader<Records<R>> for Reader<'_> {
    fn writer(&mut self) -> &mut StatementWriter {
        &mut self.writer
    }

    fn read(&mut self, record: Record<'_>) -> Result<(), Problem> {
        self.record(&record)
    }

    fn finish(mut self, end: FileEnd) -> Result<Totals, Fault> {
        let kinds = &self.settings.records;
        let missing = match (&self.header, self.trailer) {
            _ if !end.complete => None,
            (None, _) if end.last_row == 0 => Some("the file is empty".to_owned()),
            (None, _) if self.writer.problems.is_empty() => Some(
                [
                    "the file has no header, which starts with ",
                    &*quoted(&kinds.header),
                ]
                .concat(),
            ),
            (Some(_), None) => Some(
                [
                    "the file has no trailer, which starts with ",
                    &*quoted(&kinds.trailer),
                    ", so it may be incomplete",
                ]
                .concat(),
            ),
            _ => None,
        };
        if let Some(message) = missing {
            let problem = Problem::in_row(end.last_row.max(1), RECORD, message);
            self.writer.problems.push(problem);
        }
        let mut header = self.header.unwrap_or_default();
        let (row, total) = self.trailer.unwrap_or((end.last_row.max(1), None));
        header.total = total;
        self.writer.finish(header, row)
    }
}
