//! Reads JSON Lines: one object on each line.

use super::Upload;
use crate::tabular::Problems;
use crate::tabular::columns::{Cells, Layout, shown};
use galleria_csv::Position;
use galleria_text::{Decoder, Encoding, StartError};
use serde::Deserialize;
use serde::de::{Deserializer, MapAccess, Visitor};
use serde_json::Value;
use std::borrow::Cow;
use std::fmt;
use std::io::{self, BufRead as _, Read as _};

/// The lines of a file.
pub(super) struct JsonLines<'f> {
    layout: &'static Layout,
    input: Decoder<&'f mut dyn Upload>,
    line: Vec<u8>,
    number: u64,
}

impl<'f> JsonLines<'f> {
    pub fn new(file: &'f mut dyn Upload, layout: &'static Layout) -> Self {
        Self {
            layout,
            input: Decoder::new(file, Encoding::Utf8),
            line: Vec::new(),
            number: 0,
        }
    }

    pub fn note(&self) -> Option<&'static str> {
        self.input.note()
    }

    /// Returns the row of the next line that is not blank.
    pub fn next(&mut self, problems: &mut Problems) -> io::Result<Option<Cells>> {
        match self.input.start() {
            Ok(()) => {}
            Err(StartError::Io(error)) => return Err(error),
            Err(StartError::Encoding(message)) => {
                problems.of_row(Position::of_line(1), "file", message);
                return Ok(None);
            }
        }
        let at = loop {
            self.line.clear();
            self.number += 1;
            let at = Position::of_line(self.number);
            let most = self.layout.row_bytes;
            let mut bounded = (&mut self.input).take(most as u64 + 1);
            if bounded.read_until(b'\n', &mut self.line)? == 0 {
                return Ok(None);
            }
            if self.line.len() > most {
                let message =
                    format!("must have at most {most} bytes; the rest of the file was not read");
                problems.of_row(at, "row", message);
                return Ok(None);
            }
            if !self.line.iter().all(u8::is_ascii_whitespace) {
                break at;
            }
        };
        Ok(Some(object(at, &self.line, self.layout, problems)))
    }
}

fn object(at: Position, line: &[u8], layout: &'static Layout, problems: &mut Problems) -> Cells {
    let mut cells = Cells::new(at, layout, 0);
    let before = problems.total;
    match serde_json::from_slice::<Fields>(line) {
        Ok(Fields(fields)) => {
            let mut found = Vec::new();
            for (name, value) in fields {
                let Some(place) = layout.place(&name) else {
                    problems.of_row(at, &shown(&name), layout.names());
                    continue;
                };
                if found.contains(&place) {
                    problems.of_row(at, &name, "must occur once in the object");
                    continue;
                }
                found.push(place);
                match text_of(&value, layout.integers.contains(&layout.columns[place])) {
                    Ok(text) => cells.texts[place].push_str(text.trim()),
                    Err(message) => problems.of_row(at, &name, message),
                }
            }
        }
        // The parser's message contains the place in the line.
        Err(error) => {
            let message = format!("must be a JSON object on one line: {error}");
            problems.of_row(at, "row", message);
        }
    }
    cells.whole = problems.total == before;
    cells
}

/// The fields of an object in their order. A map would keep only the last of two fields with the same name.
struct Fields(Vec<(String, Value)>);

impl<'de> Deserialize<'de> for Fields {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Object;

        impl<'de> Visitor<'de> for Object {
            type Value = Fields;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Fields, A::Error> {
                let mut fields = Vec::new();
                while let Some(field) = map.next_entry()? {
                    fields.push(field);
                }
                Ok(Fields(fields))
            }
        }

        deserializer.deserialize_map(Object)
    }
}

/// Converts a JSON value to the text of a cell.
fn text_of(value: &Value, integer: bool) -> Result<Cow<'_, str>, &'static str> {
    match value {
        Value::Null => Ok("".into()),
        Value::String(text) => Ok(text.into()),
        Value::Bool(true) => Ok("true".into()),
        Value::Bool(false) => Ok("false".into()),
        Value::Number(number) if integer => Ok(number.to_string().into()),
        Value::Number(_) | Value::Array(_) | Value::Object(_) => {
            Err("must be text in quotes, such as \"12.99\"")
        }
    }
}
