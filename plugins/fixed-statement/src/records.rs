//! Lines of limited length, with their rows.

use crate::field::{Content, Record};
use crate::position::Positions;
use crate::settings::{MAX_RECORD, PositionUnit};
use galleria_sdk::statement::RecordSource;
use galleria_sdk::text::{Decoder, Encoding};
use galleria_sdk::{Problem, log};
use std::io::{BufRead, Read};

/// Reads records one by one.
pub struct Records<R> {
    input: Decoder<R>,
    unit: Option<PositionUnit>,
    bytes: Vec<u8>,
    /// The last line ended with a carriage return, so a line feed after it does not end another line.
    after_return: bool,
    row: u64,
    last: u64,
}

impl<R: Read> Records<R> {
    pub fn new(input: R, encoding: Encoding, unit: Option<PositionUnit>) -> Self {
        Self {
            input: Decoder::new(input, encoding),
            unit,
            bytes: Vec::with_capacity(MAX_RECORD),
            after_return: false,
            row: 0,
            last: 0,
        }
    }

    /// Reads the next line without its end (`\n`, `\r\n` or `\r`); returns `false` at the end of the file.
    fn line(&mut self) -> Result<bool, Problem> {
        self.bytes.clear();
        loop {
            let chunk = match self.input.fill_buf() {
                Ok(chunk) => chunk,
                Err(error) => return Err(self.problem(&format!("cannot be read: {error}"))),
            };
            if chunk.is_empty() {
                return Ok(!self.bytes.is_empty());
            }
            if std::mem::take(&mut self.after_return) && chunk[0] == b'\n' {
                self.input.consume(1);
                continue;
            }
            let end = chunk.iter().position(|byte| matches!(byte, b'\n' | b'\r'));
            let length = end.unwrap_or(chunk.len());
            if self.bytes.len() + length > MAX_RECORD {
                return Err(self.problem(&format!("has more than {MAX_RECORD} bytes")));
            }
            self.bytes.extend_from_slice(&chunk[..length]);
            if let Some(end) = end {
                self.after_return = chunk[end] == b'\r';
                self.input.consume(end + 1);
                return Ok(true);
            }
            self.input.consume(length);
        }
    }

    fn text(&self) -> Result<&str, Problem> {
        let name = self.input.form().name();
        let text = std::str::from_utf8(&self.bytes);
        text.map_err(|_| self.problem(&["is not ", name].concat()))
    }

    fn problem(&self, message: &str) -> Problem {
        Problem::in_row(self.row, crate::RECORD, message)
    }
}

impl<R: Read> RecordSource for Records<R> {
    type Record<'r>
        = Record<'r>
    where
        R: 'r;

    /// Returns the next record that is not empty.
    fn next(&mut self) -> Result<Option<Record<'_>>, Problem> {
        loop {
            self.row += 1;
            if self.row == 1 {
                let started = self.input.start();
                started.map_err(|error| self.problem(&error.to_string()))?;
            }
            if !self.line()? {
                if let Some(note) = self.input.note() {
                    log::warn(note, &[]);
                }
                return Ok(None);
            }
            let text = self.text()?;
            let control = |letter: &char| letter.is_control() && *letter != '\t';
            if let Some(letter) = text.chars().find(control) {
                let message = format!("has a control character, U+{:04X}", u32::from(letter));
                return Err(self.problem(&message));
            }
            if !text.trim().is_empty() {
                break;
            }
        }
        self.last = self.row;
        let positions = Positions {
            form: self.input.form(),
            unit: self.unit,
        };
        Ok(Some(Record {
            row: self.row,
            content: Content::Line(self.text()?, positions),
        }))
    }

    /// Returns the row of the last record that is not empty; 0 if there is none.
    fn last_row(&self) -> u64 {
        self.last
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// An endless file that counts the bytes read.
    struct Endless(u64);

    impl Read for Endless {
        fn read(&mut self, out: &mut [u8]) -> std::io::Result<usize> {
            out.fill(b'x');
            self.0 += out.len() as u64;
            assert!(self.0 < 1_000_000, "the file was read on after its bound");
            Ok(out.len())
        }
    }

    #[test]
    fn an_endless_record_is_rejected_at_the_limit() {
        let mut records = Records::new(Endless(0), Encoding::Utf8, None);
        let Err(problem) = records.next() else {
            panic!("an endless record was accepted");
        };
        assert_eq!(
            problem.to_string(),
            "row 1, record: has more than 4096 bytes"
        );
    }
}
