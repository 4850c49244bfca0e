//! What a run writes. Nothing of it is seen outside before the run has ended well.

pub use crate::bindings::words::statement::{
    Header as StatementHeader, Kind as StatementKind, Line as StatementLine,
};
use crate::{host, sink::Sink};
use std::io;

/// Bytes gathered before they cross to the host: large enough that crossing costs nothing beside the
/// bytes, small enough for a guest of two pages to grow by it once.
pub(crate) const CHUNK: usize = 64 * 1024;

/// Statement lines gathered before they cross to the host.
const LINES: usize = 512;

/// A file of a run. Takes bytes itself, and is what [`csv::Writer`](crate::csv::Writer) and
/// [`xml::Writer`](crate::xml::Writer) can write to.
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
    /// A new file: a directory that the grant names, and a name that is not there yet.
    pub fn create(directory: &str, name: &str, media_type: &str) -> Self {
        Self {
            file: host::output::open(directory, name, media_type),
            buffer: Vec::with_capacity(CHUNK),
        }
    }

    /// Appends.
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
        // Before the buffer would have to grow by a typical piece.
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

/// Where a provider's statement lines go.
#[derive(Default)]
pub struct Statement {
    lines: Vec<StatementLine>,
}

impl Statement {
    /// The statement of this run.
    pub fn open() -> Self {
        Self::default()
    }

    /// Says what holds for all of it; once, before or after the lines.
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
