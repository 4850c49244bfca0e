//! Helpers for tests of statement readers: reading a file natively, and writing one table in many ways.

use super::{Answer, Event, EventContext, Outcome, Served};
use crate::Fault;
use galleria_domain::Scope;
use galleria_domain::plugin::Point;
use serde_json::Value;

/// Reads a file with a plugin's `ReadStatement`, natively. The lines of the outcome are in the order of their rows.
///
/// # Panics
///
/// If the plugin does not serve `ReadStatement`.
pub fn read_statement<P: Served>(
    name: &str,
    bytes: impl Into<Vec<u8>>,
    settings: Value,
) -> Outcome {
    let event = Event {
        contract: None,
        point: Point::ReadStatement,
        context: EventContext {
            event_id: "statement:test".into(),
            attempt: 1,
            occurred_at: "2026-11-25T06:00:00.000+01:00".into(),
            business_date: "2026-11-25".into(),
            scope: Scope::Retailer("example".into()),
            settings,
            counters: Vec::new(),
            prior: Vec::new(),
        },
        argument: Value::Null,
        window: None,
        sale_lines: Vec::new(),
        products: Vec::new(),
        settlement: Vec::new(),
        activities: Vec::new(),
        keys: Default::default(),
        input: Some(name.into()),
        input_bytes: bytes.into(),
    };
    match super::run::<P>(&event) {
        Ok(mut outcome) => {
            // A line without a day is pushed last, because it needs the day of the payout.
            outcome.statement.sort_by_key(|line| line.row);
            outcome
        }
        Err(error) => panic!("{error}"),
    }
}

impl Outcome {
    /// Returns the problems as `row 7, gross: ...`; empty if there are none.
    pub fn problems(&self) -> Vec<String> {
        match &self.answer {
            Answer::Fault(Fault::Invalid(problems) | Fault::Misconfigured(problems)) => {
                problems.iter().map(ToString::to_string).collect()
            }
            Answer::Fault(fault) => vec![fault.message()],
            _ => Vec::new(),
        }
    }
}

/// Returns the lines of a file, with one change in one row. Rows are counted from 1, and a row is a line.
///
/// # Panics
///
/// If the row does not contain `from`.
pub fn changed_lines(file: &str, row: usize, from: &str, to: &str) -> Vec<String> {
    let mut lines: Vec<String> = file.lines().map(str::to_owned).collect();
    let line = &mut lines[row - 1];
    assert!(line.contains(from), "row {row} has no `{from}`: {line}");
    *line = line.replacen(from, to, 1);
    lines
}

/// Writes the same table in ways of other programs: columns in another order, with and without quotes,
/// byte order mark and blank lines, and with three kinds of line ends. The first row is the header.
/// `pick(n)` returns a number below `n`: use a seeded generator.
pub fn dressed(
    rows: &[Vec<String>],
    delimiter: char,
    pick: &mut dyn FnMut(usize) -> usize,
) -> Vec<u8> {
    let end = ["\n", "\r\n", "\r"][pick(3)];
    let mut order: Vec<usize> = (0..rows.first().map_or(0, Vec::len)).collect();
    for index in (1..order.len()).rev() {
        order.swap(index, pick(index + 1));
    }
    let mut text = String::new();
    if pick(2) == 0 {
        text.push('\u{feff}');
    }
    for (number, row) in rows.iter().enumerate() {
        while pick(4) == 0 {
            text.push_str(end);
        }
        for (place, index) in order.iter().enumerate() {
            if place > 0 {
                text.push(delimiter);
            }
            let cell = row.get(*index).map_or("", String::as_str);
            let necessary = cell.contains([delimiter, '"', '\n', '\r']);
            if necessary || pick(3) == 0 {
                text.extend(["\"", &cell.replace('"', "\"\""), "\""]);
            } else {
                let blank = if pick(5) == 0 { " " } else { "" };
                text.extend([blank, cell, blank]);
            }
        }
        if number + 1 < rows.len() || pick(2) == 0 {
            text.push_str(end);
        }
    }
    text.into_bytes()
}

/// A file in one of the forms that programs write.
pub struct FileForm {
    /// Describes the form, for messages.
    pub name: String,
    /// The setting `encoding` that the file needs.
    pub encoding: &'static str,
    /// The file.
    pub bytes: Vec<u8>,
}

/// Encodes a text in every encoding that readers support and that has its characters: with and without a byte order
/// mark, and with an end-of-file mark.
pub fn encoded(text: &str) -> Vec<FileForm> {
    let utf_16 = |unit: fn(u16) -> [u8; 2]| {
        let units = "\u{feff}".encode_utf16().chain(text.encode_utf16());
        units.flat_map(unit).collect::<Vec<u8>>()
    };
    let western = text
        .chars()
        .map(|letter| (0..=u8::MAX).find(|byte| galleria_text::windows_1252(*byte) == letter));
    let forms = [
        ("UTF-8", "utf-8", Some(text.as_bytes().to_vec())),
        (
            "UTF-8 with a mark",
            "utf-8",
            Some(["\u{feff}", text].concat().into_bytes()),
        ),
        (
            "UTF-8 with a mark, configured as Windows-1252",
            "windows-1252",
            Some(["\u{feff}", text].concat().into_bytes()),
        ),
        (
            "UTF-8 with Ctrl-Z",
            "utf-8",
            Some([text, "\u{1a}"].concat().into_bytes()),
        ),
        (
            "UTF-16, low byte first",
            "utf-8",
            Some(utf_16(u16::to_le_bytes)),
        ),
        (
            "UTF-16, high byte first",
            "utf-8",
            Some(utf_16(u16::to_be_bytes)),
        ),
        ("Windows-1252", "windows-1252", western.collect()),
    ];
    let form = |(name, encoding, bytes): (&str, _, Option<_>)| {
        Some(FileForm {
            name: name.to_owned(),
            encoding,
            bytes: bytes?,
        })
    };
    forms.into_iter().filter_map(form).collect()
}

/// Writes a table in all forms: every encoding of [`encoded`], every line end, with necessary and with all quotes, with
/// and without a line `sep=`. The first row is the header. A line `sep=` moves all rows by one.
pub fn file_forms(rows: &[Vec<String>], delimiter: char) -> Vec<FileForm> {
    let mut forms = Vec::new();
    for end in ["\n", "\r\n", "\r"] {
        for (all, quotes) in [(false, "necessary"), (true, "all")] {
            for sep in [String::new(), format!("sep={delimiter}{end}")] {
                let cell = |cell: &String| match all || cell.contains([delimiter, '"', '\n', '\r'])
                {
                    true => ["\"", &cell.replace('"', "\"\""), "\""].concat(),
                    false => cell.clone(),
                };
                let line = |row: &Vec<String>| {
                    let cells: Vec<String> = row.iter().map(cell).collect();
                    cells.join(&delimiter.to_string()) + end
                };
                let text = sep.clone() + &rows.iter().map(line).collect::<String>();
                for mut form in encoded(&text) {
                    form.name = format!("{}, {end:?}, {quotes} quotes, {sep:?}", form.name);
                    forms.push(form);
                }
            }
        }
    }
    forms
}

/// Reads a table, for example from a fixture. The first row is the header.
///
/// # Panics
///
/// If the file is not CSV in UTF-8.
pub fn table(file: &[u8], delimiter: char) -> Vec<Vec<String>> {
    let mut reader = crate::csv::Reader::new(file, delimiter as u8, crate::csv::Encoding::Utf8);
    let (mut rows, mut row) = (Vec::new(), crate::csv::Row::default());
    loop {
        match reader.read(&mut row) {
            Ok(true) => {
                let cells = (0..row.len()).map(|index| row.cell(index).to_owned());
                rows.push(cells.collect());
            }
            Ok(false) => return rows,
            Err(problem) => panic!("{problem}"),
        }
    }
}

/// Reads all forms of one file with a plugin's `ReadStatement`, and checks that the statements are the same except for
/// the row numbers. UTF-16 without its mark must be rejected in row 1.
///
/// # Panics
///
/// If a form has another statement.
pub fn assert_same_statement<P: Served>(name: &str, forms: &[FileForm], settings: &Value) {
    let read = |bytes: &[u8], encoding: &str| {
        let mut settings = settings.clone();
        if encoding != "utf-8" {
            settings["encoding"] = encoding.into();
        }
        let mut outcome = read_statement::<P>(name, bytes, settings);
        for line in &mut outcome.statement {
            line.row = 0;
        }
        outcome
    };
    let shown = |outcome: &Outcome| {
        let (header, lines) = (&outcome.statement_header, &outcome.statement);
        format!("{:?}\n{header:?}\n{lines:#?}", outcome.answer)
    };
    let mut first: Option<String> = None;
    for form in forms {
        let outcome = read(&form.bytes, form.encoding);
        assert_eq!(outcome.problems(), Vec::<String>::new(), "{}", form.name);
        let found = shown(&outcome);
        let expected = first.get_or_insert_with(|| found.clone());
        assert!(found == *expected, "{}: {found}\n{expected}", form.name);
        if form.bytes.starts_with(b"\xff\xfe") || form.bytes.starts_with(b"\xfe\xff") {
            let problems = read(&form.bytes[2..], form.encoding).problems();
            let named = problems.first().is_some_and(|problem| {
                problem.starts_with("row 1, ") && problem.contains("UTF-16")
            });
            assert!(named, "{} without its mark: {problems:?}", form.name);
        }
    }
    assert!(first.is_some(), "no form");
}

/// Reads a file with its records in several orders, and checks that the statements have the same lines except for the
/// row numbers. `head` and `tail` stay in their places.
///
/// # Panics
///
/// If an order has another statement.
pub fn assert_any_order<P: Served>(
    head: &str,
    records: &[&str],
    tail: &str,
    end: &str,
    settings: &Value,
) {
    let read = |order: Vec<&str>| {
        let rows = std::iter::once(head).chain(order).chain([tail]);
        let rows = rows.filter(|row| !row.is_empty());
        let text: String = rows.flat_map(|row| [row, end]).collect();
        let outcome = read_statement::<P>("a.csv", text, settings.clone());
        assert_eq!(outcome.problems(), Vec::<String>::new());
        let mut lines = outcome.statement;
        lines.iter_mut().for_each(|line| line.row = 0);
        let mut lines: Vec<String> = lines.iter().map(|line| format!("{line:?}")).collect();
        lines.sort();
        (format!("{:?}", outcome.statement_header), lines)
    };
    let expected = read(records.to_vec());
    let backwards = records.iter().rev().copied().collect();
    let (before, after) = records.split_at(records.len() / 3);
    let rotated = [after, before].concat();
    let interleaved = [records, records]
        .concat()
        .into_iter()
        .step_by(2)
        .take(records.len());
    let mut orders = vec![backwards, rotated];
    // With an odd number of records, every second of two rounds is each of them once.
    if records.len() % 2 == 1 {
        orders.push(interleaved.collect());
    }
    for order in orders {
        assert!(read(order.clone()) == expected, "{order:#?}");
    }
}
