//! Checks the lines of a statement and writes them to the host.

use super::columns::listed;
use crate::csv::Columns;
use crate::number::narrow;
use crate::{
    Attribute, Fault, Problem, Problems, Statement, StatementHeader, StatementKind, StatementLine,
    Totals, money,
};
use std::borrow::Cow;

/// The maximum number of lines without a day. A payout has few costs and corrections.
const MAX_UNDATED: usize = 1000;

/// The maximum number of attributes of a header.
const MAX_ATTRIBUTES: usize = 50;

/// The file's names of the columns with amounts, for messages.
#[derive(Clone, Debug)]
pub struct ColumnNames {
    /// The column of `gross` and its sign.
    pub gross: Cow<'static, str>,
    /// The column of `fee`.
    pub fee: Cow<'static, str>,
    /// The column of `net`.
    pub net: Cow<'static, str>,
}

/// Checks the lines of a statement while it writes them: signs, net = gross − fee, and the total.
///
/// ```
/// use galleria_sdk::{StatementHeader, StatementLine, statement};
///
/// let columns = statement::ColumnNames { gross: "gross".into(), fee: "fee".into(), net: "net".into() };
/// let mut writer = statement::StatementWriter::new(columns);
/// writer.push(StatementLine { row: 2, gross: 500, converted: 500, fee: 20, net: 470, ..StatementLine::default() });
/// let header = StatementHeader { currency: "EUR".into(), minor_digits: 2, ..StatementHeader::default() };
/// let fault = writer.finish(header, 3).expect_err("net is not gross less fee");
/// assert_eq!(fault.message(), "row 2, net: is 4.70, and 5.00 less the fee of 0.20 is 4.80");
/// ```
pub struct StatementWriter {
    /// The problems so far. A reader adds its own.
    pub problems: Problems,
    /// The columns of the next line or of the total: some files have one column for each sign.
    pub columns: ColumnNames,
    statement: Statement,
    /// Lines without a day.
    undated: Vec<StatementLine>,
    /// Digits after the decimal point of the payout's currency, for messages.
    digits: u8,
    lines: u64,
    gross: i128,
    fee: i128,
    net: i128,
    /// Attributes of the header: the columns of the file.
    columns_found: Vec<Attribute>,
}

impl StatementWriter {
    /// Opens the statement of this run.
    pub fn new(columns: ColumnNames) -> Self {
        Self {
            problems: Problems::default(),
            columns,
            statement: Statement::open(),
            undated: Vec::new(),
            digits: 2,
            lines: 0,
            gross: 0,
            fee: 0,
            net: 0,
            columns_found: Vec::new(),
        }
    }

    /// States in the header which columns of the file were read and which were ignored, so that users see the source
    /// of the lines.
    pub(super) fn state_columns(&mut self, columns: &Columns) {
        let (read, ignored) = columns.usage();
        self.columns_found = [("columns-read", read), ("columns-ignored", ignored)]
            .into_iter()
            .flat_map(|(name, columns)| {
                let texts = listed(&columns).into_iter();
                texts.map(move |text| Attribute::new(name, text))
            })
            .collect();
    }

    /// Sets the digits after the decimal point of the payout's currency, for messages. The default is two.
    pub fn set_digits(&mut self, minor_digits: u8) {
        self.digits = minor_digits;
    }

    /// Checks the amounts of a line, and writes it if there was no problem so far: otherwise the host rejects the
    /// statement. Push a line with an invalid cell too, so that all its problems are reported. A line without a day
    /// gets the day of the payout.
    pub fn push(&mut self, line: StatementLine) {
        self.lines += 1;
        self.gross += i128::from(line.converted);
        self.fee += i128::from(line.fee);
        self.net += i128::from(line.net);
        self.check_sign(&line);
        let expected = i128::from(line.converted) - i128::from(line.fee);
        if i128::from(line.net) != expected {
            let show = |amount| money::format(amount, self.digits);
            let right = i64::try_from(expected).map_or("beyond 64 bits".to_owned(), show);
            let message = [
                "is ",
                &show(line.net),
                ", and ",
                &show(line.converted),
                " less the fee of ",
                &show(line.fee),
                " is ",
                &right,
            ];
            let problem = Problem::in_row(line.row, &*self.columns.net, message.concat());
            self.problems.push(problem);
        }
        if line.booked_at.is_empty() {
            self.push_undated(line);
        } else if self.problems.is_empty() {
            self.statement.push(line);
        }
    }

    /// Keeps a line without a day: the day of the payout may be in a later row.
    fn push_undated(&mut self, line: StatementLine) {
        if self.undated.len() < MAX_UNDATED {
            return self.undated.push(line);
        }
        let message = format!("is empty in more than {MAX_UNDATED} rows");
        self.problems
            .push(Problem::in_row(line.row, "day", message));
    }

    /// Returns the row of the first line without a day.
    pub fn first_undated(&self) -> Option<u64> {
        self.undated.first().map(|line| line.row)
    }

    /// Payments by customers are positive, repayments to them negative. The fee of a payment is not
    /// negative, but a provider may return the fee of a refund.
    fn check_sign(&mut self, line: &StatementLine) {
        let (word, positive) = match &line.kind {
            StatementKind::Payment => ("payment", true),
            StatementKind::ChargebackReversal => ("chargeback reversal", true),
            StatementKind::Refund => ("refund", false),
            StatementKind::Chargeback => ("chargeback", false),
            StatementKind::Fee | StatementKind::Adjustment | StatementKind::Other(_) => return,
        };
        let wrong = |amount: i64| if positive { amount < 0 } else { amount > 0 };
        if wrong(line.gross) || wrong(line.converted) {
            let sign = if positive { "negative" } else { "positive" };
            let message = ["has the wrong sign: a ", word, " cannot be ", sign].concat();
            let problem = Problem::in_row(line.row, &*self.columns.gross, message);
            self.problems.push(problem);
        }
        if line.kind == StatementKind::Payment && line.fee < 0 {
            let message = "has the wrong sign: the fee of a payment cannot be negative";
            let problem = Problem::in_row(line.row, &*self.columns.fee, message);
            self.problems.push(problem);
        }
    }

    /// Returns the number of lines so far.
    pub fn lines(&self) -> u64 {
        self.lines
    }

    /// Ends the statement. `total_row` is the row of the total, or the last row if the file states no total.
    pub fn finish(mut self, mut header: StatementHeader, total_row: u64) -> Result<Totals, Fault> {
        let net = &*self.columns.net;
        if self.lines == 0 && self.problems.is_empty() {
            let message = "follows no line with a payment, refund or fee";
            self.problems.push(Problem::in_row(total_row, net, message));
        }
        match (narrow("sum", self.net), header.total) {
            (Err(bad), _) => {
                let message = ["the sum of all lines ", &bad.message].concat();
                self.problems.push(Problem::in_row(total_row, net, message));
            }
            // The sum lacks the lines with problems, so it would only cause a second message.
            (Ok(sum), Some(total)) if sum != total && self.problems.is_empty() => {
                let show = |amount| money::format(amount, header.minor_digits);
                let message = [
                    "the total is ",
                    &show(total),
                    ", and the ",
                    &self.lines.to_string(),
                    " lines add up to ",
                    &show(sum),
                ];
                let problem = Problem::in_row(total_row, net, message.concat());
                self.problems.push(problem);
            }
            _ => {}
        }
        self.problems.finish()?;
        for mut line in self.undated {
            line.booked_at.clone_from(&header.paid_on);
            self.statement.push(line);
        }
        // A reader's own attributes take precedence: the host rejects a header with more attributes.
        let room = MAX_ATTRIBUTES.saturating_sub(header.attributes.len());
        self.columns_found.truncate(room);
        header.attributes.append(&mut self.columns_found);
        self.statement.describe(&header);
        self.statement.close();
        let currency = header.currency.to_ascii_lowercase();
        let sum = |name: &str, amount: i128| -> Result<Attribute, Fault> {
            let amount = money::format(narrow("sum", amount)?, header.minor_digits);
            Ok(Attribute::new([name, "-", &currency].concat(), amount))
        };
        Ok(Totals {
            rows: self.lines,
            sums: vec![
                sum("gross", self.gross)?,
                sum("fee", self.fee)?,
                sum("net", self.net)?,
            ],
        })
    }
}
