//! Lines of limited length, with their rows.

use crate::field::Record;
use galleria_sdk::Problem;
use galleria_sdk::csv::Encoding;
use galleria_sdk::statement::RecordSource;
use std::io::{BufRead, BufReader, Read};

/// The longest record, in bytes. Such formats have 80 to 600.
pub const MAX_RECORD: usize = 4096;

/// Reads records one by one.
pub struct Records<R> {
    input: BufReader<R>,
    encoding: Encoding,
    bytes: Vec<u8>,
    text: String,
    row: u64,
    last: u64,
}

impl<R: Read> Records<R> {
    pub fn new(input: R, encoding: Encoding) -> Self {
        Self {
            input: BufReader::with_capacity(64 * 1024, input),
            encoding,
            bytes: Vec::with_capacity(MAX_RECORD),
            text: String::with_capacity(MAX_RECORD),
            row: 0,
            last: 0,
        }
    }

    /// Reads the next line without its end; returns `false` at the end of the file.
    fn line(&mut self) -> Result<bool, Problem> {
        self.bytes.clear();
        let mut limited = (&mut self.input).take(MAX_RECORD as u64 + 2);
        let read = limited.read_until(b'\n', &mut self.bytes);
        let count = read.map_err(|error| self.problem(&format!("cannot be read: {error}")))?;
        for end in [b'\n', b'\r'] {
            if self.bytes.last() == Some(&end) {
                self.bytes.pop();
            }
        }
        match self.bytes.len() > MAX_RECORD {
            true => Err(self.problem(&format!("has more than {MAX_RECORD} bytes"))),
            false => Ok(count > 0),
        }
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
            if !self.line()? {
                return Ok(None);
            }
            let mut bytes = self.bytes.as_slice();
            if self.row == 1 {
                bytes = bytes.strip_prefix("\u{feff}".as_bytes()).unwrap_or(bytes);
            }
            self.text.clear();
            if !self.encoding.decode(bytes, &mut self.text) {
                return Err(self.problem("is not UTF-8"));
            }
            let control = |letter: &char| letter.is_control() && *letter != '\t';
            if let Some(letter) = self.text.chars().find(control) {
                let message = format!("has a control character, U+{:04X}", u32::from(letter));
                return Err(self.problem(&message));
            }
            if !self.text.trim().is_empty() {
                break;
            }
        }
        self.last = self.row;
        Ok(Some(Record {
            row: self.row,
            text: &self.text,
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
        let mut records = Records::new(Endless(0), Encoding::Utf8);
        let Err(problem) = records.next() else {
            panic!("a record without end is none");
        };
        assert_eq!(
            problem.to_string(),
            "row 1, record: has more than 4096 bytes"
        );
    }
}
