//! Compares 100,000 files with the `csv` module of Python in strict mode.
//!
//! Both read the same bytes, and must find the same cells, rows, lines and errors. There are two differences. Python
//! returns blank lines as records without cells; here they are skipped and counted. Python has no limits; the
//! files stay below those of the test. NUL needs Python 3.11.

use super::read;
use galleria_csv::Cause;
use rand::seq::IndexedRandom as _;
use rand::{RngExt as _, SeedableRng as _};
use rand_chacha::ChaCha8Rng;
use std::fmt::Write as _;
use std::io::Write as _;
use std::process::{Command, Stdio};

const CASES: usize = 100_000;
const SCRIPT: &str = include_str!("python.py");

/// Whether this machine has a Python that reads NUL.
fn python_is_installed() -> bool {
    let check = "import sys; sys.exit(sys.version_info < (3, 11))";
    let works = Command::new("python3").args(["-c", check]).status();
    works.is_ok_and(|status| status.success())
}

/// Draws a file: random pieces, or records with a few wrong bytes.
fn draw(rng: &mut ChaCha8Rng) -> Vec<u8> {
    const PIECES: [&[u8]; 16] = [
        b"\"",
        b"\"",
        b"\"\"",
        b",",
        b",",
        b";",
        b"\r",
        b"\n",
        b"\r\n",
        b"a",
        b"5\" pipe",
        b" ",
        b"'",
        b"\x01",
        b"\xc3\xa9",
        b"\xef\xbb\xbf",
    ];
    const ENDS: [&[u8]; 3] = [b"\n", b"\r\n", b"\r"];
    let mut file = Vec::new();
    if rng.random_ratio(1, 8) {
        file.extend_from_slice(b"\xef\xbb\xbf");
    }
    if rng.random() {
        for _ in 0..rng.random_range(0..10) {
            file.extend_from_slice(PIECES.choose(rng).expect("a piece"));
        }
        return file;
    }
    for _ in 0..rng.random_range(0..4) {
        for cell in 0..rng.random_range(0..4) {
            if cell > 0 {
                file.push(b',');
            }
            let mut text = Vec::new();
            for _ in 0..rng.random_range(0..4) {
                text.extend_from_slice(PIECES.choose(rng).expect("a piece"));
            }
            let breaks = |byte: &u8| matches!(byte, b',' | b'\r' | b'\n');
            if rng.random() || text.starts_with(b"\"") || text.iter().any(breaks) {
                file.push(b'"');
                for byte in text {
                    file.push(byte);
                    if byte == b'"' {
                        file.push(byte);
                    }
                }
                file.push(b'"');
            } else {
                file.extend(text);
            }
        }
        file.extend_from_slice(ENDS.choose(rng).expect("an end"));
    }
    for _ in 0..rng.random_range(0..3) {
        if file.is_empty() {
            break;
        }
        let at = rng.random_range(0..file.len());
        match rng.random_range(0..3) {
            0 => file[at] = PIECES.choose(rng).expect("a piece")[0],
            1 => file.insert(at, b'"'),
            _ => file.truncate(at),
        }
    }
    file
}

/// Formats the records as the script does.
fn shown(file: &[u8], delimiter: u8, step: usize) -> String {
    let (records, error) = read(file, delimiter, step);
    let error_at = error.as_ref().map(|error| error.position);
    let mut next = 1;
    let mut shown = String::new();
    let mut fill = |row: u64, line: u64, shown: &mut String| {
        // Blank lines, which are one line each.
        for blank in next..row {
            write!(shown, "{} ", line - (row - blank)).expect("a string");
        }
        next = row + 1;
    };
    for (position, cells) in records {
        fill(position.row, position.line, &mut shown);
        write!(shown, "{}", position.line).expect("a string");
        for cell in cells {
            shown.push('.');
            shown.push_str(&base16ct::lower::encode_string(&cell));
        }
        shown.push(' ');
    }
    if let Some(at) = error_at {
        fill(at.row, at.line, &mut shown);
    }
    match error.map(|error| error.cause) {
        None => {}
        Some(Cause::TextAfterQuote) => shown.push_str("text-after"),
        Some(Cause::UnclosedQuote(None)) => shown.push_str("unclosed"),
        Some(other) => shown.push_str(&format!("{other:?}")),
    }
    shown
}

#[test]
fn python_finds_the_same_records() {
    assert!(
        python_is_installed(),
        "python3 of version 3.11 or newer is required"
    );
    let mut rng = ChaCha8Rng::seed_from_u64(12);
    let mut cases = Vec::with_capacity(CASES);
    let mut input = String::new();
    for _ in 0..CASES {
        let (delimiter, file) = (if rng.random() { ',' } else { ';' }, draw(&mut rng));
        let hex = base16ct::lower::encode_string(&file);
        writeln!(input, "{delimiter} {hex}").expect("a string");
        cases.push((delimiter as u8, rng.random_range(1..40), file));
    }
    let mut python = Command::new("python3")
        .args(["-c", SCRIPT])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("python3");
    let mut stdin = python.stdin.take().expect("an input");
    let writer = std::thread::spawn(move || stdin.write_all(input.as_bytes()));
    let output = python.wait_with_output().expect("python3");
    writer.join().expect("a thread").expect("written");
    assert!(output.status.success());
    let output = String::from_utf8(output.stdout).expect("text");
    let (mut refused, mut count) = (0, 0);
    for ((delimiter, step, file), expected) in cases.iter().zip(output.lines()) {
        let shown = shown(file, *delimiter, *step);
        // Blank lines at the end of the file are records of Python only.
        let records = expected.split(' ').filter(|record| !record.is_empty());
        let mut records: Vec<_> = records.collect();
        while records
            .last()
            .is_some_and(|last| last.parse::<u64>().is_ok())
        {
            records.pop();
        }
        let found: Vec<_> = shown.split_whitespace().collect();
        assert_eq!(found, records, "{:?}", String::from_utf8_lossy(file));
        count += 1;
        refused += usize::from(expected.ends_with("unclosed") || expected.ends_with("text-after"));
    }
    assert_eq!(count, CASES);
    // Both outcomes are frequent.
    assert!(
        (CASES / 10..CASES / 2).contains(&refused),
        "{refused} refused"
    );
}
