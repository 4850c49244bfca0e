//! Reads records of fixed kinds: a header, one record for each line, and a trailer with number and sums.
//! Fields are at positions of a line or cells between delimiters, and amounts are in minor or major units;
//! settings define which.
//!
//! Memory use does not grow with the file. The plugin knows no bank.
#![warn(missing_docs)]

mod cells;
mod check;
mod field;
mod line;
mod marks;
mod position;
mod records;
mod settings;

use cells::Source;
use field::{Record, Unit};
use galleria_sdk::prelude::*;
use galleria_sdk::statement::{self, FileEnd, RecordReader, StatementWriter};
use galleria_sdk::{DateFormat, money, quoted};
use marks::{Marks, Role};
pub use settings::{
    Counted, Detail, Digits, FeeSign, Field, Header, Kinds, NegativeAmounts, OneOrMore,
    PositionUnit, Settings, Sign, Trailer,
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
        let records = Source::new(Input::open(), settings);
        statement::read(records, Reader::new(settings)?)
    }
}

galleria_sdk::plugin!(FixedStatement: ReadStatement);

/// The state while a statement is read.
struct Reader<'s> {
    settings: &'s Settings,
    dates: DateFormat,
    marks: Marks,
    writer: StatementWriter,
    header: Option<StatementHeader>,
    /// All records, also those that could not be read.
    records: u64,
    /// Detail records, also those that could not be read.
    details: u64,
    gross: i128,
    fee: i128,
    /// The trailer's row, and its net amount.
    trailer: Option<(u64, Option<Money>)>,
}

impl<'s> Reader<'s> {
    fn new(settings: &'s Settings) -> Result<Self, Fault> {
        let names = statement::ColumnNames {
            gross: "gross".into(),
            fee: "fee".into(),
            net: "net".into(),
        };
        Ok(Self {
            settings,
            dates: settings.dates().map_err(Fault::Misconfigured)?,
            marks: Marks::new(settings),
            writer: StatementWriter::new(names),
            header: None,
            records: 0,
            details: 0,
            gross: 0,
            fee: 0,
            trailer: None,
        })
    }

    fn record(&mut self, record: &Record<'_>) -> Result<(), Problem> {
        self.records += 1;
        let role = self.marks.role(record)?;
        let refuse = |message: String| Err(Problem::in_row(record.row, RECORD, message));
        match (role, &self.header, self.trailer) {
            (Role::Ignored, ..) => {}
            (_, _, Some((row, _))) => {
                return refuse(format!(
                    "follows the trailer, row {row}: a file must contain one payout"
                ));
            }
            (Role::Header, Some(_), _) => {
                return refuse("is a second header: a file must contain one payout".to_owned());
            }
            (Role::Header, None, _) => {
                let header = self.header(record);
                self.writer.set_digits(header.minor_digits);
                self.header = Some(header);
            }
            (_, None, _) => {
                let start = quoted(&self.settings.records.header);
                return refuse(["precedes the header, which starts with ", &start].concat());
            }
            (Role::Detail, Some(header), _) => {
                self.details += 1;
                let problems = &mut self.writer.problems;
                if let Some((line, amounts)) =
                    line::read(record, self.settings, &self.dates, header, problems)
                {
                    self.gross += i128::from(amounts.gross);
                    self.fee += i128::from(amounts.fee);
                    self.writer.push(line);
                }
            }
            (Role::Trailer, Some(header), _) => {
                let header = header.clone();
                self.trailer(record, &Unit::of(&header, self.settings));
            }
        }
        Ok(())
    }

    /// Reads the header. The fields with problems are empty: the records after it have their own problems.
    fn header(&mut self, record: &Record<'_>) -> StatementHeader {
        let fields = &self.settings.header;
        let problems = &mut self.writer.problems;
        let mut text = |field: &Field, name: &str| {
            let text = record.text(field, name);
            let text = text.and_then(|text| statement::reference(record.row, name, text));
            problems.take(text)
        };
        let reference = text(&fields.reference, "reference");
        let account = match &fields.account {
            Some(field) => text(field, "account").unwrap_or_default(),
            None => self.settings.account.clone(),
        };
        let currency = match &fields.currency {
            Some(field) => text(field, "currency").and_then(|code| {
                let code = money::currency(&code);
                problems.take(code.map_err(|bad| bad.in_row(record.row, "currency")))
            }),
            None => Some(self.settings.currency.clone()),
        };
        if reference.as_deref() == Some("") {
            problems.push(Problem::in_row(record.row, "reference", "is empty"));
        }
        let paid_on = record.day(&fields.paid_on, "paid_on", &self.dates);
        let currency = currency.unwrap_or_default();
        StatementHeader {
            provider: self.settings.provider.clone(),
            account,
            reference: reference.unwrap_or_default(),
            minor_digits: money::minor_digits(&currency),
            currency,
            paid_on: problems.take(paid_on).unwrap_or_default(),
            total: None,
            attributes: Vec::new(),
        }
    }

    /// Compares number, gross and fee with the records here; net is compared at the end of the
    /// statement.
    fn trailer(&mut self, record: &Record<'_>, unit: &Unit<'_>) {
        // The sums lack the records with problems, so they would only cause further messages.
        let complete = self.writer.problems.is_empty();
        let problems = &mut self.writer.problems;
        let fields = &self.settings.trailer;
        let count = fields
            .count
            .as_ref()
            .map(|field| record.count(field, "count"));
        let count = count.and_then(|count| problems.take(count));
        let records = match fields.counted {
            Counted::Details => self.details,
            Counted::All => self.records,
        };
        if let Some(count) = count.filter(|count| *count != records) {
            let message = format!("the trailer counts {count} records, but the file has {records}");
            problems.push(Problem::in_row(record.row, "count", message));
        }
        let mut amount = |digits: &Option<Digits>, name: &str| {
            let digits = digits.as_ref()?;
            problems.take(record.amount(digits, name, unit))
        };
        let gross = amount(&fields.gross, "gross");
        let fee = amount(&fields.fee, "fee");
        let net = amount(&fields.net, "net");
        let fee = fee.map(|fee| line::signed_fee(record, fee, self.settings));
        let fee = fee.and_then(|fee| problems.take(fee));
        for (stated, sum, name) in [(gross, self.gross, "gross"), (fee, self.fee, "fee")] {
            let wrong = stated.filter(|stated| complete && i128::from(*stated) != sum);
            let Some(stated) = wrong else { continue };
            let show = |amount| money::format(amount, unit.digits);
            let sum = i64::try_from(sum).map_or("beyond 64 bits".to_owned(), show);
            let message = [
                "the total is ",
                &show(stated),
                ", and the records add up to ",
                &sum,
            ];
            problems.push(Problem::in_row(record.row, name, message.concat()));
        }
        self.trailer = Some((record.row, net));
    }
}

impl<R: Read> RecordReader<Source<R>> for Reader<'_> {
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
