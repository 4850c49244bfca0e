//! Helpers for tests of statement readers: reading a file natively, and writing one table in many ways.

use super::{Answer, Event, EventContext, Outcome, Served};
use crate::Fault;
use galleria_domain::Scope;
use galleria_domain::plugin::Point;
use serde_json::Value;

/// Reads a file with a plugin's `ReadStatement`, natively.
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
        Ok(outcome) => outcome,
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
