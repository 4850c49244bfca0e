//! Tests of the loop and of the checks.

use super::*;
use crate::csv::Row;
use crate::testkit::Host;
use crate::{Attribute, Fault, StatementHeader, StatementLine, Totals};

fn columns() -> ColumnNames {
    ColumnNames {
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
        let mut writer = StatementWriter::new(columns());
        lines.into_iter().for_each(|line| writer.push(line));
        let totals = writer.finish(header(total), 99);
        totals.map_err(|fault| fault.message())
    })
}

#[test]
fn a_valid_statement_is_written_with_its_sums() {
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
fn wrong_signs_and_sums_are_reported_by_row_and_column() {
    for (wrong, expected) in [
        (
            line(2, StatementKind::Payment, -1, 0),
            "row 2, Gross: has the wrong sign: a payment cannot be negative",
        ),
        (
            line(2, StatementKind::Refund, 1, 0),
            "row 2, Gross: has the wrong sign: a refund cannot be positive",
        ),
        (
            line(2, StatementKind::Chargeback, 1, 0),
            "row 2, Gross: has the wrong sign: a chargeback cannot be positive",
        ),
        (
            line(2, StatementKind::Payment, 1, -1),
            "row 2, Fee: has the wrong sign: the fee of a payment cannot be negative",
        ),
    ] {
        assert_eq!(read(vec![wrong], None).0, Err(expected.to_owned()));
    }
    let lines = vec![line(2, StatementKind::Payment, 100, 1)];
    assert_eq!(
        read(lines, Some(98)).0,
        Err("row 99, Net: the total is 0.98, and the 1 lines add up to 0.99".into())
    );
    assert_eq!(
        read(vec![], None).0,
        Err("row 99, Net: follows no line with a payment, refund or fee".into())
    );
}

#[test]
fn a_reference_is_complete_or_rejected() {
    let wrong = |text: &str| reference(4, "Order", text).expect_err(text).to_string();
    assert!(reference(4, "Order", &"é".repeat(MAX_TEXT / 2)).is_ok());
    assert_eq!(
        wrong(&"é".repeat(MAX_TEXT / 2 + 1)),
        "row 4, Order: has more than 300 bytes"
    );
    assert_eq!(
        wrong("two\nlines"),
        "row 4, Order: `two\u{fffd}lines` must be one line without tabs"
    );
    let payout = CommonValue::default().check(4, "Batch", &"4".repeat(MAX_TEXT + 1));
    let long = payout.expect_err("too long").to_string();
    assert_eq!(long, "row 4, Batch: has more than 300 bytes");
}

#[test]
fn a_second_payout_is_reported_with_the_first() {
    let mut payout = CommonValue::default();
    assert_eq!(payout.check(2, "Batch", "4"), Ok(()));
    assert_eq!(payout.check(3, "Batch", "4"), Ok(()));
    let empty = payout.check(4, "Batch", "").expect_err("empty");
    assert_eq!(empty.to_string(), "row 4, Batch: is empty");
    let other = payout.check(5, "Batch", "5").expect_err("another");
    let expected = "row 5, Batch: `5` differs from `4` in row 2: a file must contain one payout in one currency";
    assert_eq!(
        (other.to_string().as_str(), payout.value()),
        (expected, "4")
    );
}

#[test]
fn sums_beyond_64_bits_are_rejected() {
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

/// Digits are amounts of payments; `!` cannot be read, and the file ends at `#` with a failure.
struct Letters(std::vec::IntoIter<char>, u64);

impl RecordSource for Letters {
    type Record<'r> = char;

    fn next(&mut self) -> Result<Option<char>, Problem> {
        self.1 += 1;
        match self.0.next() {
            Some('#') => Err(Problem::in_row(self.1, "file", "cannot be read")),
            letter => Ok(letter),
        }
    }

    fn last_row(&self) -> u64 {
        self.1
    }
}

struct LetterReader(
    StatementWriter,
    std::rc::Rc<std::cell::Cell<Option<FileEnd>>>,
);

impl RecordReader<Letters> for LetterReader {
    fn writer(&mut self) -> &mut StatementWriter {
        &mut self.0
    }

    fn read(&mut self, letter: char) -> Result<(), Problem> {
        let amount = letter.to_digit(10);
        let amount = amount.ok_or_else(|| Problem::new("letter", "is not a digit"))?;
        self.0
            .push(line(1, StatementKind::Payment, amount.into(), 0));
        Ok(())
    }

    fn finish(self, end: FileEnd) -> Result<Totals, Fault> {
        self.1.set(Some(end));
        self.0.finish(header(None), end.last_row)
    }
}

/// Reads a file of letters; returns the number of lines or the fault, and how the file ended.
fn read_letters(text: &str) -> (Result<u64, String>, FileEnd) {
    Host::default()
        .within(|| {
            let end = std::rc::Rc::default();
            let reader = LetterReader(StatementWriter::new(columns()), std::rc::Rc::clone(&end));
            let source = Letters(text.chars().collect::<Vec<_>>().into_iter(), 0);
            let totals = super::read(source, reader);
            let lines = totals.map(|totals| totals.rows);
            (
                lines.map_err(|fault| fault.message()),
                end.take().expect("finished"),
            )
        })
        .0
}

#[test]
fn a_file_is_read_to_its_end() {
    let (lines, end) = read_letters("123");
    assert_eq!((lines, end.complete, end.last_row), (Ok(3), true, 4));
}

#[test]
fn reading_continues_after_a_wrong_record_and_stops_after_a_failure() {
    let (fault, end) = read_letters("1!2!3");
    assert_eq!(
        fault,
        Err("letter: is not a digit; letter: is not a digit".into())
    );
    assert!(end.complete);
    let (fault, end) = read_letters("1!#!");
    assert_eq!(
        fault,
        Err("letter: is not a digit; row 3, file: cannot be read".into())
    );
    assert!(!end.complete);
}

/// Reads the amounts of a file with columns.
struct AmountReader(StatementWriter, usize, Vec<Attribute>);

impl RecordReader<CsvRecords<&[u8]>> for AmountReader {
    fn writer(&mut self) -> &mut StatementWriter {
        &mut self.0
    }

    fn read(&mut self, row: &Row) -> Result<(), Problem> {
        let amount = row.cell(self.1).parse().expect("a number");
        self.0
            .push(line(row.number(), StatementKind::Payment, amount, 0));
        Ok(())
    }

    fn finish(self, end: FileEnd) -> Result<Totals, Fault> {
        let header = StatementHeader {
            attributes: self.2,
            ..header(None)
        };
        self.0.finish(header, end.last_row)
    }
}

/// Returns the attributes of the header of a file whose columns `Gross` and, if it exists, `Día` are read.
fn header_attributes(file: &str, own: Vec<Attribute>) -> Vec<(String, String)> {
    let (_, host) = Host::default().within(|| {
        let rows = crate::csv::Reader::new(file.as_bytes(), b';', crate::csv::Encoding::Utf8);
        let source = CsvRecords::open(rows, "Gross").expect("a header");
        let at = source.header().require("gross").expect("the column");
        source.header().find("DÍA").expect("at most one");
        source.header().find("absent").expect("at most one");
        let reader = AmountReader(StatementWriter::new(columns()), at, own);
        super::read(source, reader).expect("a statement");
    });
    let header = host.statement_header.expect("a header");
    let pairs = header.attributes.into_iter();
    pairs.map(|one| (one.name, one.value)).collect()
}

#[test]
fn the_header_states_the_columns_that_were_read_in_any_order() {
    let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
    let expected = [
        pair("columns-read", "Día, Gross"),
        pair("columns-ignored", r#"Two\nlines, Zeit, "a, b""#),
    ];
    for file in [
        "Zeit; Gross ;Día;\"Two\nlines\";;a, b\n;5;;;;\n",
        "a, b;;\"Two\nlines\";Día;Gross;Zeit\n;;;;5;\n",
    ] {
        assert_eq!(header_attributes(file, Vec::new()), expected, "{file:?}");
    }
    assert_eq!(
        header_attributes("Gross\n5\n", Vec::new()),
        [pair("columns-read", "Gross")]
    );
}

#[test]
fn a_header_with_many_columns_and_attributes_keeps_its_own() {
    let many: Vec<String> = (0..500).map(|n| format!("column-{n}")).collect();
    let file = format!("Gross;{}\n5{}\n", many.join(";"), ";".repeat(500));
    let found = header_attributes(&file, Vec::new());
    assert_eq!(found.len(), 12);
    assert!(found[11].1.ends_with(" more"), "{found:?}");
    let own = vec![Attribute::new("branch", "7"); 48];
    let found = header_attributes(&file, own);
    assert_eq!(found.len(), 50);
    assert!(found[..48].iter().all(|(name, _)| name == "branch"));
    assert_eq!(found[48].1, "Gross");
}

#[test]
fn reading_stops_when_there_are_too_many_problems() {
    let (fault, end) = read_letters(&"!".repeat(crate::MAX_PROBLEMS + 9));
    assert!(fault.is_err());
    assert_eq!((end.complete, end.last_row), (false, 50));
}

#[test]
fn an_unknown_word_names_the_setting_and_the_most_similar_words() {
    let words: Vec<String> = ('a'..='z')
        .map(|letter| format!("{letter}-reserved-funds"))
        .collect();
    let known = words
        .iter()
        .map(String::as_str)
        .chain(["Settled", "Refunded"]);
    let message = unknown_word(3, "Type", "Setled", "types", known).to_string();
    let expected = "row 3, Type: `Setled` is unknown: correct it, or add it to the setting types; similar known values: Settled, Refunded, ";
    assert!(message.starts_with(expected), "{message}");
    assert_eq!(message.matches("-reserved-funds").count(), 6, "{message}");
    // The comparison is bounded, also in the middle of a letter.
    let long = "é".repeat(2000);
    assert!(
        unknown_word(3, "Type", &long, "types", (0..9).map(|_| "é"))
            .to_string()
            .len()
            < 400
    );
}

#[test]
fn omitted_amounts_follow_from_the_others() {
    let stated = |gross, fee, net| StatedAmounts { gross, fee, net };
    for (of, payment, cost) in [
        (
            stated(Some(100), Some(3), Some(97)),
            [100, 3, 97],
            [100, 3, 97],
        ),
        (stated(Some(100), Some(3), None), [100, 3, 97], [100, 3, 97]),
        (
            stated(Some(100), None, Some(97)),
            [100, 3, 97],
            [100, 3, 97],
        ),
        (stated(Some(100), None, None), [100, 0, 100], [100, 0, 100]),
        (stated(None, Some(3), Some(97)), [100, 3, 97], [0, 3, 97]),
        (stated(None, None, Some(-9)), [-9, 0, -9], [0, 9, -9]),
        (stated(None, Some(9), None), [0, 9, -9], [0, 9, -9]),
    ] {
        assert_eq!(of.complete(false), Some(payment), "{of:?}");
        assert_eq!(of.complete(true), Some(cost), "{of:?}");
    }
    let beyond = [
        stated(Some(i64::MIN), Some(1), None),
        stated(Some(i64::MIN), None, Some(1)),
        stated(None, Some(1), Some(i64::MAX)),
    ];
    for of in beyond {
        assert_eq!(of.complete(false), None, "{of:?}");
    }
}
