use super::*;
use std::io::Read;

/// Returns a few bytes at a time, so that pieces end at every place.
struct Slow<'a>(&'a [u8], usize);

impl Read for Slow<'_> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let count = self.0.len().min(out.len()).min(self.1);
        let (piece, rest) = self.0.split_at(count);
        out[..count].copy_from_slice(piece);
        self.0 = rest;
        Ok(count)
    }
}

fn rows(text: &[u8], step: usize) -> Result<Vec<(u64, Vec<String>)>, Problem> {
    let mut reader = Reader::new(Slow(text, step), b',', Encoding::Utf8);
    let (mut rows, mut row) = (Vec::new(), Row::default());
    while reader.read(&mut row)? {
        let cells = (0..row.len()).map(|index| row.cell(index).to_owned());
        rows.push((row.number(), cells.collect()));
    }
    Ok(rows)
}

#[test]
fn a_row_has_the_number_that_a_spreadsheet_shows() {
    let expected = [
        (1, vec!["a".to_owned(), "b".to_owned()]),
        (3, vec!["1\n2".to_owned(), "\"x".to_owned()]),
        (6, vec!["3".to_owned(), String::new()]),
    ];
    for end in ["\n", "\r\n", "\r"] {
        for mark in ["", "\u{feff}"] {
            for last in ["", end] {
                let lines = ["a , b", "", "\"1\n2\",\"\"\"x\"", "", ", ,", "3,"];
                let text = [mark, &lines.join(end), last].concat();
                for step in [1, 2, 3, 7, 1000] {
                    assert_eq!(
                        rows(text.as_bytes(), step).expect("rows"),
                        expected,
                        "{text:?} by {step}"
                    );
                }
            }
        }
    }
    assert_eq!(rows(b"", 1).expect("rows"), []);
    assert_eq!(rows(b"\r\n\n", 1).expect("rows"), []);
}

/// Returns the problem as `row, column: ...`.
fn problem(text: &[u8]) -> String {
    let mut reader = Reader::new(Slow(text, 999), b',', Encoding::Utf8);
    let mut row = Row::default();
    let read = reader.header().and_then(|_| {
        while reader.read(&mut row)? {}
        Ok(())
    });
    read.expect_err("a problem").to_string()
}

#[test]
fn exceeded_limits_are_reported_by_row_and_column() {
    let long = "x".repeat(MAX_CELL + 1);
    let text = ["a,b\n1,2\n3,", &long, "\n"].concat();
    assert_eq!(
        problem(text.as_bytes()),
        "row 3, b: has more than 4096 bytes"
    );

    let wide = ["a,b\n", &"1,".repeat(MAX_COLUMNS + 1)].concat();
    assert_eq!(
        problem(wide.as_bytes()),
        "row 2, column 513: is more than the 512 columns that are read"
    );

    let cell = "y".repeat(MAX_CELL - 1);
    let row = [cell.as_str(); 20].join(",");
    assert_eq!(
        problem(["a\n", &row].concat().as_bytes()),
        "row 2, column 17: ends a row of more than 65536 bytes"
    );
}

#[test]
fn invalid_text_is_reported_by_row_and_column() {
    assert_eq!(problem(b"a,b\n1,\xff\n"), "row 2, b: is not UTF-8");
    // The two halves of a letter, on both sides of a delimiter, are not a letter.
    assert_eq!(problem(b"a,b\n\xc3,\xa9\n"), "row 2, a: is not UTF-8");
    assert_eq!(
        problem(b"a,b\n1,x\0y\n"),
        "row 2, b: has a control character, U+0000"
    );
    assert_eq!(
        problem(&utf16("a,b\n1,\u{1}\n")),
        "row 2, b: has a control character, U+0001"
    );
    let mut half = utf16("a,b\n1,");
    half.extend([0x3d, 0xd8]);
    assert_eq!(problem(&half), "row 2, b: is not UTF-16");
    let fix = "save the file as UTF-8, or as UTF-16 with a byte order mark";
    assert_eq!(
        problem(&utf16("a,b\n1,2\n")[2..]),
        format!("row 1, column 1: is UTF-16 (low byte first) without a byte order mark: {fix}")
    );
    assert_eq!(
        problem(b"\xff\xfe\0\0a\0\0\0"),
        format!("row 1, column 1: is UTF-32: {fix}")
    );
    assert_eq!(
        problem(b"sep=.\na.b\n"),
        "row 1, column 1: `sep=.` must name one delimiter: , ; | or a tab"
    );
    assert_eq!(
        problem(b"a,b\n1,\x1a\n2,3\n\x1a"),
        "row 2, b: has a control character, U+001A"
    );
}

#[test]
fn wrong_quotes_are_reported_by_row_column_and_line() {
    let twice = "write a quote within a quoted cell twice";
    assert_eq!(
        problem(b"a,b\n1,\"5\" pipe\"\n"),
        format!("row 2, b: has text after its closing quote; {twice}")
    );
    assert_eq!(
        problem(b"a,b\n\"1\n2\",x\r\r3,\"y\n"),
        format!("row 4, b: starts with a quote that is not closed; {twice} (line 5 of the file)")
    );
}

/// An endless file that counts the bytes read.
struct Endless(u64, u8);

impl Read for Endless {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        out.fill(self.1);
        self.0 += out.len() as u64;
        assert!(self.0 < 1_000_000, "the file was read on after its bound");
        Ok(out.len())
    }
}

#[test]
fn an_endless_file_is_rejected_at_the_limit() {
    for (byte, expected) in [
        (b'x', "row 1, column 1: has more than 4096 bytes"),
        (
            b',',
            "row 1, column 513: is more than the 512 columns that are read",
        ),
        (
            b'"',
            "row 1, column 1: starts with a quote that is not closed within 4096 bytes; write a quote within a \
             quoted cell twice",
        ),
    ] {
        let mut reader = Reader::new(Endless(0, byte), b',', Encoding::Utf8);
        let problem = reader.read(&mut Row::default()).expect_err("a bound");
        assert_eq!(problem.to_string(), expected);
    }
}

#[test]
fn columns_are_found_by_name_in_any_order() {
    let mut reader = Reader::new(
        " Net ;Gross;x;X\n1;2;3\n1;2;3;4;5\n".as_bytes(),
        b';',
        Encoding::Utf8,
    );
    let columns = reader.header().expect("a row").expect("a header");
    assert_eq!(columns.find("net"), Ok(Some(0)));
    assert_eq!(columns.require("Gross"), Ok(1));
    assert_eq!(columns.find("fee"), Ok(None));
    let missing = columns.require("fee").expect_err("missing");
    assert_eq!(
        missing.to_string(),
        "row 1, fee: is missing; the columns are Net, Gross, x, X"
    );
    let twice = columns.require("x").expect_err("doubled");
    assert_eq!(
        twice.to_string(),
        "row 1, x: occurs 2 times in the header; it must occur once"
    );

    let mut row = Row::default();
    assert!(reader.read(&mut row).expect("a row"));
    let short = columns.fits(&row).expect_err("short");
    assert_eq!(
        short.to_string(),
        "row 2, X: the row has 3 cells, but the header has 4"
    );
    assert!(reader.read(&mut row).expect("a row"));
    let long = columns.fits(&row).expect_err("long");
    assert_eq!(
        long.to_string(),
        "row 3, column 5: the row has 5 cells, but the header has 4"
    );
}

#[test]
fn western_spreadsheets_are_read() {
    let text = b"caf\xe9,\x80,\x81\n";
    let mut reader = Reader::new(&text[..], b',', Encoding::Windows1252);
    let problem = reader
        .read(&mut Row::default())
        .expect_err("a byte that means nothing");
    assert_eq!(
        problem.to_string(),
        "row 1, column 3: has a control character, U+0081"
    );

    let mut reader = Reader::new(&text[..6], b',', Encoding::Windows1252);
    let mut row = Row::default();
    assert!(reader.read(&mut row).expect("a row"));
    assert_eq!((row.cell(0), row.cell(1)), ("café", "€"));
}

fn utf16(text: &str) -> Vec<u8> {
    let units = "\u{feff}".encode_utf16().chain(text.encode_utf16());
    units.flat_map(u16::to_le_bytes).collect()
}

#[test]
fn the_file_names_its_encoding_and_its_delimiter() {
    let text = "sep=;\r\nname;price\r\n\"é;€\";2\r\n\u{1a}";
    let marked = ["\u{feff}", text].concat();
    for file in [text.as_bytes(), marked.as_bytes(), &utf16(text)] {
        for step in [1, 2, 3, 1000] {
            let host = crate::testkit::Host::default();
            let (rows, host) = host.within(|| rows(file, step).expect("rows"));
            let expected = [
                (2, vec!["name".to_owned(), "price".to_owned()]),
                (3, vec!["é;€".to_owned(), "2".to_owned()]),
            ];
            assert_eq!(rows, expected, "by {step}");
            let notes: Vec<_> = host.logged.iter().map(|note| &*note.message).collect();
            assert_eq!(
                notes,
                ["ignored an end-of-file mark (Ctrl-Z) after the last row"]
            );
        }
    }
}

#[test]
fn columns_are_compared_without_case_and_composition() {
    let text = "Comisio\u{301}n,Stra\u{df}e,Fech\u{430},Importe\u{a0}neto,\u{feff}Tipo,X\u{c5},x\u{212b}\n";
    let mut reader = Reader::new(text.as_bytes(), b',', Encoding::Utf8);
    let columns = reader.header().expect("a row").expect("a header");
    assert_eq!(columns.require("COMISIÓN"), Ok(0));
    assert_eq!(columns.require(" strasse "), Ok(1));
    let found = "Comisio\\u{301}n, Stra\\u{df}e, Fech\\u{430}, Importe\\u{a0}neto, \\u{feff}Tipo, X\\u{c5}, x\\u{212b}";
    for name in ["Fecha", "Importe neto", "Tipo"] {
        let missing = columns.require(name).expect_err("missing").to_string();
        assert_eq!(
            missing,
            format!("row 1, {name}: is missing; the columns are {found}")
        );
    }
    let missing = columns
        .require("Comisíon")
        .expect_err("missing")
        .to_string();
    assert!(
        missing.contains("Comisíon: is missing (Comis\\u{ed}on); the columns are "),
        "{missing}"
    );
    for same in ["xå", "XA\u{30a}"] {
        let twice = columns.require(same).expect_err("ambiguous").to_string();
        assert_eq!(
            twice,
            format!("row 1, {same}: occurs 2 times in the header; it must occur once")
        );
        assert!(columns.find(same).is_err());
    }
}
