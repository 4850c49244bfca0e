//! Records of hostile files, and a comparison with Python's reader.

mod python;
mod records;

use galleria_csv::{Limits, Position, RecordError, Records};
use std::io::{self, Read};

const LIMITS: Limits = Limits {
    cell_bytes: 100,
    record_bytes: 200,
    cells: 8,
};

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

type Cells = Vec<Vec<u8>>;

/// Returns the records up to the first error, and the error.
fn read(file: &[u8], delimiter: u8, step: usize) -> (Vec<(Position, Cells)>, Option<RecordError>) {
    let mut records = Records::new(Slow(file, step), delimiter, LIMITS);
    let mut found = Vec::new();
    loop {
        match records.next() {
            Ok(Some(record)) => {
                let cells = record.cells().map(<[u8]>::to_vec).collect();
                found.push((record.position, cells));
            }
            Ok(None) => return (found, None),
            Err(error) => return (found, Some(error)),
        }
    }
}
