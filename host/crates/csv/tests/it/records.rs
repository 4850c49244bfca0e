//! Line ends, quotes and limits, each by an example.

use super::{LIMITS, read};
use galleria_csv::{Cause, Records};
use std::io::{self, Read};

/// The rows, lines and cells of a file without errors.
fn shown(file: &str, step: usize) -> Vec<String> {
    let (records, error) = read(file.as_bytes(), b',', step);
    assert!(error.is_none(), "{file:?}: {error:?}");
    let records = records.into_iter().map(|(at, cells)| {
        let cells = cells.iter().map(|cell| String::from_utf8_lossy(cell));
        let cells: Vec<_> = cells.collect();
        format!("{} {} {}", at.row, at.line, cells.join("|"))
    });
    records.collect()
}

/// The first error of a file, as `row line column: error`.
fn error(file: &str) -> String {
    let (_, error) = read(file.as_bytes(), b',', 1);
    let error = error.expect("an error");
    let at = error.position;
    format!("{} {} {}: {error}", at.row, at.line, error.column)
}

#[test]
fn every_line_end_ends_a_record() {
    let lines = ["a,b", "", "1,2", "3,4"];
    let expected = ["1 1 a|b", "3 3 1|2", "4 4 3|4"];
    for ends in [
        ["\n"; 4],
        ["\r\n"; 4],
        ["\r"; 4],
        ["\r", "\r\n", "\n", ""],
        ["\n", "\r", "\r\n", "\r"],
    ] {
        let lines = lines.iter().zip(ends);
        let file: String = lines.flat_map(|(line, end)| [*line, end]).collect();
        for step in [1, 2, 3, 100] {
            assert_eq!(shown(&file, step), expected, "{file:?}");
            assert_eq!(shown(&["\u{feff}", &file].concat(), step), expected);
        }
    }
    assert!(shown("", 1).is_empty() && shown("\u{feff}\r\n\n", 1).is_empty());
}

#[test]
fn a_quoted_cell_contains_line_breaks_and_delimiters() {
    let file = "a,\"1\r\n2\r3\n,4\"\r\"\",\"\"\"\"\n\0,x";
    for step in [1, 2, 100] {
        assert_eq!(
            shown(file, step),
            ["1 1 a|1\r\n2\r3\n,4", "2 5 |\"", "3 6 \0|x"]
        );
    }
}

#[test]
fn a_quote_that_does_not_start_a_cell_is_text() {
    for cell in ["5\" pipe", "a\"\"b", "5\"", " \"x\"", "a\"b\"c\"", "'\""] {
        for row in [format!("{cell},2"), format!("1,{cell}"), cell.to_owned()] {
            let expected = format!("1 1 {}", row.replace(',', "|"));
            assert_eq!(shown(&row, 1), [expected]);
        }
    }
    // A second byte order mark is text too.
    assert_eq!(shown("\u{feff}\u{feff}\"a", 100), ["1 1 \u{feff}\"a"]);
}

#[test]
fn wrong_quotes_are_errors_of_their_row() {
    let after = "has text after its closing quote; write a quote within a quoted cell twice";
    for cell in [
        "\"5\" pipe",
        "\"a\"b\"",
        "\"\"x",
        "\"\"x\"\"",
        "\"a\" ",
        "\"a\"\"\"b",
    ] {
        for last in ["\n9,9", ",c\n", ""] {
            let file = format!("x\n\"1\n2\",{cell}{last}");
            assert_eq!(error(&file), format!("2 2 1: {after}"), "{file:?}");
        }
    }
    let open = "starts with a quote that is not closed; write a quote within a quoted cell twice";
    for cell in ["\"", "\"a\n\n", "\"\"\"", "\"a\"\"", "\",\n1,2"] {
        let file = format!("x\n\n1,{cell}");
        assert_eq!(error(&file), format!("3 3 1: {open}"), "{file:?}");
    }
}

#[test]
fn records_after_a_wrong_quote_are_read() {
    let mut records = Records::new("\"a\"b\n1,\"2\n\"c,\"d\"e\n3".as_bytes(), b',', LIMITS);
    let first = records.next().map(|_| ()).expect_err("a wrong quote");
    assert!(!first.is_final);
    let second = records.next().map(|_| ()).expect_err("a wrong quote");
    assert_eq!((second.position.row, second.column), (2, 1));
    let last = records.next().expect("a record").expect("a record");
    assert_eq!((last.position.row, last.position.line), (3, 4));
    assert!(records.next().expect("the end").is_none());
}

/// An endless file that counts the bytes read.
struct Endless(u64, u8);

impl Read for Endless {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        out.fill(self.1);
        self.0 += out.len() as u64;
        assert!(self.0 < 1_000_000, "the file was read on after its limit");
        Ok(out.len())
    }
}

#[test]
fn an_endless_file_is_rejected_at_the_limit() {
    for (byte, expected) in [
        (b'x', "0: has more than 100 bytes"),
        (b',', "8: is more than the 8 columns that are read"),
        (
            b'"',
            "0: starts with a quote that is not closed within 100 bytes; write a quote within a quoted cell twice",
        ),
    ] {
        let mut records = Records::new(Endless(0, byte), b',', LIMITS);
        let error = records.next().map(|_| ()).expect_err("a limit");
        assert_eq!(format!("{}: {error}", error.column), expected);
        assert!(error.is_final);
    }
}

#[test]
fn the_limits_are_exact() {
    let cell = |length| "x".repeat(length);
    for quote in ["", "\""] {
        let good = [quote, &cell(100), quote, ",", &cell(100), "\n1"].concat();
        assert_eq!(shown(&good, 7).len(), 2);
    }
    assert!(error(&cell(101)).ends_with("has more than 100 bytes"));
    let long = [cell(100), cell(100), cell(1)].join(",");
    assert!(error(&long).ends_with("row of more than 200 bytes"));
    assert_eq!(shown("1,2,3,4,5,6,7,8\n", 1).len(), 1);
    assert!(error("1,2,3,4,5,6,7,8,").starts_with("1 1 8: is more"));
}

#[test]
fn an_unreadable_file_is_an_error() {
    struct Broken;
    impl Read for Broken {
        fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
            Err(io::Error::other("no disk"))
        }
    }
    let mut records = Records::new(Broken, b',', LIMITS);
    let error = records.next().map(|_| ()).expect_err("an error");
    assert!(matches!(error.cause, Cause::Unread(_)) && error.is_final);
    assert_eq!(error.to_string(), "cannot be read: no disk");
}
