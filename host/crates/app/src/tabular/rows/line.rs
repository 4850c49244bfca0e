//! Parses one line of a file.

use crate::tabular::Problems;
use crate::tabular::columns::{Cells, Columns, Layout};
use csv_core::ReadRecordResult;
use serde_json::Value;

/// The most cells of a line; a longer line is a problem.
const CELLS: usize = 64;

/// Shortens and escapes a name for messages.
pub(super) fn shown(text: &str) -> String {
    let short: String = text.chars().take(40).collect();
    short.escape_debug().to_string()
}

pub(super) fn record(
    reader: &mut csv_core::Reader,
    columns: &Columns,
    mut cells: Cells,
    line: &[u8],
    problems: &mut Problems,
) -> Cells {
    let (mut next, before) = (0, problems.total);
    let (row, layout, texts) = (cells.row, cells.layout, &mut cells.texts);
    split(reader, line, row, problems, |cell| {
        let place = columns.places.get(next);
        next += 1;
        let place = *place?;
        match std::str::from_utf8(cell) {
            Ok(text) => texts[place].push_str(text.trim()),
            Err(_) => return Some((columns.name(place, layout), "must be UTF-8".to_owned())),
        }
        None
    });
    let all = columns.places.len();
    if problems.total == before && next != all {
        let message = format!("must have {all} cells like the header, got {next}");
        problems.of_row(row, "row", message);
    }
    cells.whole = problems.total == before;
    cells
}

/// Splits a line into cells; problems that `each` returns are added to the row.
pub(super) fn split(
    reader: &mut csv_core::Reader,
    line: &[u8],
    row: u64,
    problems: &mut Problems,
    mut each: impl FnMut(&[u8]) -> Option<(String, String)>,
) {
    if line.iter().filter(|byte| **byte == b'"').count() % 2 == 1 {
        let message = "must close quotes on the same line; write a quote within a cell twice";
        problems.of_row(row, "row", message);
        return;
    }
    reader.reset();
    let mut out = vec![0; line.len() + 1];
    let mut ends = [0; CELLS];
    let (mut result, _, wrote, mut count) = reader.read_record(line, &mut out, &mut ends);
    if result == ReadRecordResult::InputEmpty {
        let rest = reader.read_record(&[], &mut out[wrote..], &mut ends[count..]);
        (result, count) = (rest.0, count + rest.3);
    }
    if result != ReadRecordResult::Record {
        problems.of_row(row, "row", format!("must have at most {CELLS} cells"));
        return;
    }
    let mut begin = 0;
    for end in &ends[..count] {
        if let Some((field, message)) = each(&out[begin..*end]) {
            problems.of_row(row, &field, message);
        }
        begin = *end;
    }
}

pub(super) fn object(
    row: u64,
    line: &[u8],
    layout: &'static Layout,
    problems: &mut Problems,
) -> Cells {
    let mut cells = Cells::new(row, layout, 0);
    let before = problems.total;
    match serde_json::from_slice::<Value>(line) {
        Ok(Value::Object(fields)) => {
            for (name, value) in fields {
                let Some(place) = layout.place(&name) else {
                    problems.of_row(row, &shown(&name), layout.names());
                    continue;
                };
                match text_of(&value) {
                    Ok(text) => cells.texts[place] = text.trim().to_owned(),
                    Err(message) => problems.of_row(row, &name, message),
                }
            }
        }
        // The parser's message contains the place in the line.
        Err(error) => {
            let message = format!("must be a JSON object on one line: {error}");
            problems.of_row(row, "row", message);
        }
        Ok(_) => problems.of_row(row, "row", "must be a JSON object"),
    }
    cells.whole = problems.total == before;
    cells
}

/// Converts a JSON value to the text of a cell. Numbers are rejected, because parsers may round them.
fn text_of(value: &Value) -> Result<String, &'static str> {
    match value {
        Value::Null => Ok(String::new()),
        Value::String(text) => Ok(text.clone()),
        Value::Bool(true) => Ok("true".into()),
        Value::Bool(false) => Ok("false".into()),
        Value::Number(_) | Value::Array(_) | Value::Object(_) => {
            Err("must be text in quotes, such as \"12.99\"")
        }
    }
}
