//! What every reader of a provider's statement has to check, the same for all: signs, that net is
//! gross less fee, and that the lines come to the total.
//!
//! Counts and sums; holds no line longer than the SDK's [`Statement`] gathers them. Where a line stands
//! in a file and what its columns are called is the reader's to say.

use crate::number::narrow;
use crate::{
    Attribute, Fault, Problem, Problems, Statement, StatementHeader, StatementKind, StatementLine,
    Totals, money, quoted,
};
use std::borrow::Cow;

/// A kind as settings name it; the provider's own word goes with [`KindWord::Other`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Deserialize, serde::Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum KindWord {
    /// A customer paid.
    Payment,
    /// A customer was paid back.
    Refund,
    /// A customer's bank took the money back.
    Chargeback,
    /// A chargeback that was won back.
    ChargebackReversal,
    /// A cost that belongs to no payment.
    Fee,
    /// A correction, a reserve, a balance carried over.
    Adjustment,
    /// None of these.
    Other,
}

impl KindWord {
    /// As a line has it.
    pub fn kind(self, word: &str) -> StatementKind {
        match self {
            Self::Payment => StatementKind::Payment,
            Self::Refund => StatementKind::Refund,
            Self::Chargeback => StatementKind::Chargeback,
            Self::ChargebackReversal => StatementKind::ChargebackReversal,
            Self::Fee => StatementKind::Fee,
            Self::Adjustment => StatementKind::Adjustment,
            Self::Other => StatementKind::Other(word.to_owned()),
        }
    }
}

/// Bytes of a text of a line at most: references are some tens long, and the host refuses more.
pub const LONGEST: usize = 300;

/// A provider's sentence as an attribute holds it: on one line, and at most [`LONGEST`] bytes of it.
///
/// ```
/// assert_eq!(galleria_sdk::statement::note("Fees\nof May"), "Fees of May");
/// ```
pub fn note(text: &str) -> String {
    let plain: String = text
        .chars()
        .map(|letter| if letter.is_control() { ' ' } else { letter })
        .collect();
    plain[..plain.floor_char_boundary(LONGEST)].to_owned()
}

/// A reference as a line holds it: all of it, or the file is refused. The host would refuse it as well,
/// but cannot know what the file calls the column.
///
/// ```
/// use galleria_sdk::statement::reference;
///
/// assert_eq!(reference(7, "Order", "O-1"), Ok("O-1".to_owned()));
/// let long = reference(7, "Order", &"9".repeat(301)).expect_err("too long");
/// assert_eq!(long.to_string(), "row 7, Order: has more than 300 bytes");
/// ```
pub fn reference(row: u64, column: &str, text: &str) -> Result<String, Problem> {
    if text.len() > LONGEST {
        let message = ["has more than ", &LONGEST.to_string(), " bytes"].concat();
        return Err(Problem::in_row(row, column, message));
    }
    if text.chars().any(char::is_control) {
        let message = [&*quoted(text), " has to stand on one line, without tabs"].concat();
        return Err(Problem::in_row(row, column, message));
    }
    Ok(text.to_owned())
}

/// A value that has to be the same on every line, such as the payout and its currency: a file that holds
/// two payouts is two statements, and none.
#[derive(Clone, Debug, Default)]
pub struct Same(Option<(u64, String)>);

impl Same {
    /// Takes the first value, and holds the others against it.
    pub fn check(&mut self, row: u64, column: &str, value: &str) -> Result<(), Problem> {
        match &self.0 {
            _ if value.is_empty() => Err(Problem::in_row(row, column, "is empty")),
            None => {
                self.0 = Some((row, reference(row, column, value)?));
                Ok(())
            }
            Some((_, first)) if first == value => Ok(()),
            Some((before, first)) => {
                let message = [
                    &*quoted(value),
                    " differs from ",
                    &quoted(first),
                    " in row ",
                    &before.to_string(),
                    ": a file holds one payout in one currency",
                ];
                Err(Problem::in_row(row, column, message.concat()))
            }
        }
    }

    /// The value; empty where there was no line.
    pub fn value(&self) -> &str {
        self.0.as_ref().map_or("", |(_, value)| value)
    }
}

/// What the file calls the money of a line, for messages.
#[derive(Clone, Debug)]
pub struct Columns {
    /// Of `gross` and of its sign.
    pub gross: Cow<'static, str>,
    /// Of `fee`.
    pub fee: Cow<'static, str>,
    /// Of `net`.
    pub net: Cow<'static, str>,
}

/// A statement that is checked while it is written.
///
/// ```
/// use galleria_sdk::{StatementHeader, StatementLine, statement};
///
/// let columns = statement::Columns { gross: "gross".into(), fee: "fee".into(), net: "net".into() };
/// let mut checked = statement::Checked::new(columns);
/// checked.push(StatementLine { row: 2, gross: 500, converted: 500, fee: 20, net: 470, ..StatementLine::default() });
/// let header = StatementHeader { currency: "EUR".into(), minor_digits: 2, ..StatementHeader::default() };
/// let fault = checked.finish(header, 3).expect_err("net is not gross less fee");
/// assert_eq!(fault.message(), "row 2, net: is 4.70, and 5.00 less the fee of 0.20 is 4.80");
/// ```
pub struct Checked {
    /// What is wrong so far. A reader adds what it finds itself.
    pub problems: Problems,
    /// Of the line that is pushed next, or of the total: some files have a column for each sign.
    pub columns: Columns,
    statement: Statement,
    /// Digits of the payout's currency, for messages.
    digits: u8,
    lines: u64,
    gross: i128,
    fee: i128,
    net: i128,
}

impl Checked {
    /// The statement of this run.
    pub fn new(columns: Columns) -> Self {
        Self {
            problems: Problems::default(),
            columns,
            statement: Statement::open(),
            digits: 2,
            lines: 0,
            gross: 0,
            fee: 0,
            net: 0,
        }
    }

    /// Digits of the payout's currency, for messages about lines; two until it is known.
    pub fn set_digits(&mut self, minor_digits: u8) {
        self.digits = minor_digits;
    }

    /// Checks a line and writes it, unless something was wrong before: then nobody will read it.
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
        if self.problems.is_empty() {
            self.statement.push(line);
        }
    }

    /// Money from customers is positive, money back to them negative; of a payment the provider keeps a
    /// fee and adds none. Fees of what goes back may be handed back with it.
    fn check_sign(&mut self, line: &StatementLine) {
        let (word, positive) = match &line.kind {
            StatementKind::Payment => ("payment", true),
            StatementKind::ChargebackReversal => ("chargeback that was won back", true),
            StatementKind::Refund => ("refund", false),
            StatementKind::Chargeback => ("chargeback", false),
            StatementKind::Fee | StatementKind::Adjustment | StatementKind::Other(_) => return,
        };
        let wrong = |amount: i64| if positive { amount < 0 } else { amount > 0 };
        if wrong(line.gross) || wrong(line.converted) {
            let side = if positive { "below" } else { "above" };
            let message = ["has the wrong sign: a ", word, " cannot be ", side, " zero"].concat();
            let problem = Problem::in_row(line.row, &*self.columns.gross, message);
            self.problems.push(problem);
        }
        if line.kind == StatementKind::Payment && line.fee < 0 {
            let message = "has the wrong sign: the fee of a payment cannot be below zero";
            let problem = Problem::in_row(line.row, &*self.columns.fee, message);
            self.problems.push(problem);
        }
    }

    /// Lines so far.
    pub fn lines(&self) -> u64 {
        self.lines
    }

    /// Ends the statement: its header with the total that stands in `total_row`, or the last row where
    /// the file tells none.
    pub fn finish(mut self, header: StatementHeader, total_row: u64) -> Result<Totals, Fault> {
        let net = &*self.columns.net;
        if self.lines == 0 && self.problems.is_empty() {
            let message = "has no line of a payment, a refund or a fee above it";
            self.problems.push(Problem::in_row(total_row, net, message));
        }
        match (narrow("sum", self.net), header.total) {
            (Err(bad), _) => {
                let message = ["the sum of all lines ", &bad.message].concat();
                self.problems.push(Problem::in_row(total_row, net, message));
            }
            // A line that could not be read is missing in the sum: one problem is enough.
            (Ok(sum), Some(total)) if sum != total && self.problems.is_empty() => {
                let show = |amount| money::format(amount, header.minor_digits);
                let message = [
                    "the total is ",
                    &show(total),
                    ", and the ",
                    &self.lines.to_string(),
                    " lines come to ",
                    &show(sum),
                ];
                let problem = Problem::in_row(total_row, net, message.concat());
                self.problems.push(problem);
            }
            _ => {}
        }
        self.problems.finish()?;
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testkit::Host;

    fn columns() -> Columns {
        Columns {
            gross: "Gross".into(),
            fee: "Fee".into(),
            net: "Net".into(),
        }
    }

    fn line(row: u64, kind: StatementKind, gross: i64, fee: i64) -> StatementLine {
        StatementLine {
            row,
            kind,
            gross,
            converted: gross,
            fee,
            net: gross.wrapping_sub(fee),
            ..StatementLine::default()
        }
    }

    fn header(total: Option<i64>) -> StatementHeader {
        StatementHeader {
            currency: "EUR".into(),
            minor_digits: 2,
            total,
            ..StatementHeader::default()
        }
    }

    fn read(lines: Vec<StatementLine>, total: Option<i64>) -> (Result<Totals, String>, Host) {
        Host::default().within(|| {
            let mut checked = Checked::new(columns());
            lines.into_iter().for_each(|line| checked.push(line));
            let totals = checked.finish(header(total), 99);
            totals.map_err(|fault| fault.message())
        })
    }

    #[test]
    fn a_good_statement_is_written_with_its_sums() {
        let lines = vec![
            line(2, StatementKind::Payment, 1000, 30),
            line(3, StatementKind::Refund, -400, -5),
            line(4, StatementKind::Fee, 0, 100),
        ];
        let (totals, host) = read(lines, Some(475));
        let totals = totals.expect("a statement");
        assert_eq!(totals.rows, 3);
        let sums: Vec<String> = totals
            .sums
            .iter()
            .map(|sum| [&sum.name, "=", &*sum.value].concat())
            .collect();
        assert_eq!(sums, ["gross-eur=6.00", "fee-eur=1.25", "net-eur=4.75"]);
        assert_eq!(host.statement.len(), 3);
        assert!(host.statement_header.is_some());
    }

    #[test]
    fn wrong_signs_and_sums_are_named_by_row_and_column() {
        for (wrong, expected) in [
            (
                line(2, StatementKind::Payment, -1, 0),
                "row 2, Gross: has the wrong sign: a payment cannot be below zero",
            ),
            (
                line(2, StatementKind::Refund, 1, 0),
                "row 2, Gross: has the wrong sign: a refund cannot be above zero",
            ),
            (
                line(2, StatementKind::Chargeback, 1, 0),
                "row 2, Gross: has the wrong sign: a chargeback cannot be above zero",
            ),
            (
                line(2, StatementKind::Payment, 1, -1),
                "row 2, Fee: has the wrong sign: the fee of a payment cannot be below zero",
            ),
        ] {
            assert_eq!(read(vec![wrong], None).0, Err(expected.to_owned()));
        }
        let lines = vec![line(2, StatementKind::Payment, 100, 1)];
        assert_eq!(
            read(lines, Some(98)).0,
            Err("row 99, Net: the total is 0.98, and the 1 lines come to 0.99".into())
        );
        assert_eq!(
            read(vec![], None).0,
            Err("row 99, Net: has no line of a payment, a refund or a fee above it".into())
        );
    }

    #[test]
    fn a_reference_is_whole_or_refused() {
        let wrong = |text: &str| reference(4, "Order", text).expect_err(text).to_string();
        assert!(reference(4, "Order", &"é".repeat(LONGEST / 2)).is_ok());
        assert_eq!(
            wrong(&"é".repeat(LONGEST / 2 + 1)),
            "row 4, Order: has more than 300 bytes"
        );
        assert_eq!(
            wrong("two\nlines"),
            "row 4, Order: `two\u{fffd}lines` has to stand on one line, without tabs"
        );
        let payout = Same::default().check(4, "Batch", &"4".repeat(LONGEST + 1));
        let long = payout.expect_err("too long").to_string();
        assert_eq!(long, "row 4, Batch: has more than 300 bytes");
    }

    #[test]
    fn a_second_payout_is_named_with_the_first() {
        let mut payout = Same::default();
        assert_eq!(payout.check(2, "Batch", "4"), Ok(()));
        assert_eq!(payout.check(3, "Batch", "4"), Ok(()));
        let empty = payout.check(4, "Batch", "").expect_err("empty");
        assert_eq!(empty.to_string(), "row 4, Batch: is empty");
        let other = payout.check(5, "Batch", "5").expect_err("another");
        let expected =
            "row 5, Batch: `5` differs from `4` in row 2: a file holds one payout in one currency";
        assert_eq!(
            (other.to_string().as_str(), payout.value()),
            (expected, "4")
        );
    }

    #[test]
    fn sums_beyond_64_bits_are_refused_and_never_wrap() {
        let lines = vec![
            line(2, StatementKind::Adjustment, i64::MAX, 0),
            line(3, StatementKind::Adjustment, 1, 0),
        ];
        assert_eq!(
            read(lines, None).0,
            Err("row 99, Net: the sum of all lines is too large".into())
        );
        let wraps = line(2, StatementKind::Adjustment, i64::MIN, 1);
        assert!(
            read(vec![wraps], None)
                .0
                .expect_err("wrong")
                .contains("beyond 64 bits")
        );
    }
}
