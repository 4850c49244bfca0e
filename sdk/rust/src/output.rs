//! The outputs of a run. They become visible only after the run has succeeded.

pub use crate::bindings::words::statement::{
    Header as StatementHeader, Kind as StatementKind, Line as StatementLine,
};
use crate::{host, sink::Sink};
use std::io;

/// Bytes collected before a call of the host: so many that the call costs little, and so few that a
/// small guest grows by them once.
pub(crate) const CHUNK: usize = 64 * 1024;

/// Statement lines collected before a call of the host.
const LINES: usize = 512;

/// A file of a run. It accepts bytes, and [`csv::Writer`](crate::csv::Writer) and
/// [`xml::Writer`](crate::xml::Writer) can write to it.
///
/// ```
/// use galleria_sdk::prelude::*;
/// use galleria_sdk::csv;
///
/// fn write() -> Result<(), Fault> {
///     let file = Output::create("additional_reports", "sales.csv", "text/csv");
///     let mut rows = csv::Writer::to(file, &csv::Options::default())?;
///     for line in SaleLines::open() {
///         rows.text(line.sku()).amount(line.amount(), 2).end_row();
///     }
///     rows.finish()?.close();
///     Ok(())
/// }
/// # write().expect("a file");
/// ```
pub struct Output {
    file: host::output::File,
    buffer: Vec<u8>,
}

impl Output {
    /// Creates a file under a new name in a directory that the grant names. The host ends a run that has more than
    /// 64 files open, or writes more than 1,000.
    pub fn create(directory: &str, name: &str, media_type: &str) -> Self {
        Self {
            file: host::output::open(directory, name, media_type),
            buffer: Vec::with_capacity(CHUNK),
        }
    }

    /// Appends bytes.
    pub fn write(&mut self, bytes: &[u8]) {
        self.buffer.extend_from_slice(bytes);
        self.piece_ended();
    }

    /// Ends the file; dropping it does the same.
    pub fn close(self) {
        drop(self);
    }

    /// In chunks, because one piece (a huge cell) may be far larger than the buffer.
    fn pass_on(&mut self) {
        for chunk in self.buffer.chunks(CHUNK) {
            self.file.write(chunk);
        }
        self.buffer.clear();
    }
}

impl Drop for Output {
    fn drop(&mut self) {
        self.pass_on();
    }
}

impl Sink for Output {
    fn buffer(&mut self) -> &mut Vec<u8> {
        &mut self.buffer
    }

    fn piece_ended(&mut self) {
        // Flush before a typical piece would make the buffer grow.
        if self.buffer.len() >= CHUNK - CHUNK / 16 {
            self.pass_on();
        }
    }
}

impl io::Write for Output {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        Output::write(self, bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.pass_on();
        Ok(())
    }
}

/// The statement of a run.
#[derive(Default)]
pub struct Statement {
    lines: Vec<StatementLine>,
}

impl Statement {
    /// Opens the statement of this run.
    pub fn open() -> Self {
        Self::default()
    }

    /// Sets the header. Call it once, before or after the lines.
    pub fn describe(&mut self, header: &StatementHeader) {
        host::statement::describe(header);
    }

    /// Appends a line.
    pub fn push(&mut self, line: StatementLine) {
        self.lines.push(line);
        if self.lines.len() == LINES {
            self.pass_on();
        }
    }

    /// Ends the statement; dropping it does the same.
    pub fn close(self) {
        drop(self);
    }

    fn pass_on(&mut self) {
        if !self.lines.is_empty() {
            host::statement::push(&self.lines);
            self.lines.clear();
        }
    }
}

impl Drop for Statement {
    fn drop(&mut self) {
        self.pass_on();
    }
}
