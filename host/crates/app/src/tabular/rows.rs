//! Reads a file row by row: CSV or JSON Lines, with each row on its own line.
//!
//! Owns: the limits that keep memory constant for every file.

mod line;

use self::line::{object, record, shown, split};
use super::Problems;
use super::columns::{Cells, Columns, Layout};
use galleria_domain::Problem;
use std::io::{self, BufRead, BufReader, Read, Seek, SeekFrom};

/// A file that can be read twice: it is checked completely before anything is written.
pub trait Upload: Read + Seek + Send {}
impl<T: Read + Seek + Send> Upload for T {}

/// The format of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// A header and rows, with cells separated by `,` or `;`.
    Csv,
    /// One JSON object on each line.
    JsonLines,
}

/// The rows of a file.
pub(crate) struct Rows<'f> {
    layout: &'static Layout,
    input: BufReader<&'f mut dyn Upload>,
    line: Vec<u8>,
    row: u64,
    rows: u64,
    shape: Shape,
}

enum Shape {
    Csv {
        reader: Box<csv_core::Reader>,
        columns: Columns,
    },
    JsonLines,
}

impl<'f> Rows<'f> {
    /// Starts at the beginning of the file. None if the header is invalid.
    pub fn open(
        file: &'f mut dyn Upload,
        layout: &'static Layout,
        format: Format,
        problems: &mut Problems,
    ) -> io::Result<Option<Self>> {
        file.seek(SeekFrom::Start(0))?;
        let mut rows = Self {
            layout,
            input: BufReader::with_capacity(64 << 10, file),
            line: Vec::new(),
            row: 0,
            rows: 0,
            shape: Shape::JsonLines,
        };
        if format == Format::JsonLines {
            return Ok(Some(rows));
        }
        if !rows.next_line(problems)? {
            if problems.total == 0 {
                problems.add(Problem::new(
                    "file",
                    "must have a header and rows; the file is empty",
                ));
            }
            return Ok(None);
        }
        let Some(shape) = header(&rows.line, rows.row, layout, problems) else {
            return Ok(None);
        };
        rows.shape = shape;
        Ok(Some(rows))
    }

    /// The names of the additional columns, in the order of the file.
    pub fn further(&self) -> &[String] {
        match &self.shape {
            Shape::Csv { columns, .. } => &columns.further,
            Shape::JsonLines => &[],
        }
    }

    /// Returns the next row; none at the end. Unreadable cells are added to the problems, and the rest of the row is
    /// returned.
    pub fn next(&mut self, problems: &mut Problems) -> io::Result<Option<Cells>> {
        loop {
            if !self.next_line(problems)? {
                return Ok(None);
            }
            let (row, line) = (self.row, self.line.as_slice());
            let cells = match &mut self.shape {
                Shape::JsonLines => object(row, line, self.layout, problems),
                Shape::Csv { reader, columns } => {
                    let cells = Cells::new(row, self.layout, columns.further.len());
                    record(reader, columns, cells, line, problems)
                }
            };
            // Skip rows of empty cells, which spreadsheets write at the end.
            if cells.whole && cells.texts.iter().all(String::is_empty) {
                continue;
            }
            self.rows += 1;
            let most = self.layout.rows;
            if self.rows > most {
                let message =
                    format!("must have at most {most} rows; send the rest in another file");
                problems.of_row(row, "file", message);
                return Ok(None);
            }
            return Ok(Some(cells));
        }
    }

    /// Reads the next line that is not blank. False at the end, and at a line that exceeds the limit.
    fn next_line(&mut self, problems: &mut Problems) -> io::Result<bool> {
        loop {
            self.line.clear();
            self.row += 1;
            let most = self.layout.line_bytes;
            let mut bounded = (&mut self.input).take(most + 1);
            if bounded.read_until(b'\n', &mut self.line)? == 0 {
                return Ok(false);
            }
            if self.line.len() as u64 > most {
                let message =
                    format!("must have at most {most} bytes; the rest of the file was not read");
                problems.of_row(self.row, "row", message);
                return Ok(false);
            }
            while matches!(self.line.last(), Some(b'\n' | b'\r')) {
                self.line.pop();
            }
            if self.row == 1 && self.line.starts_with(b"\xef\xbb\xbf") {
                self.line.drain(..3);
            }
            if !self.line.iter().all(u8::is_ascii_whitespace) {
                return Ok(true);
            }
        }
    }
}

/// Reads the header. None if it is invalid; all its problems are added.
fn header(
    line: &[u8],
    row: u64,
    layout: &'static Layout,
    problems: &mut Problems,
) -> Option<Shape> {
    let count = |wanted: u8| line.iter().filter(|byte| **byte == wanted).count();
    let delimiter = if count(b';') > count(b',') {
        b';'
    } else {
        b','
    };
    let mut reader = csv_core::ReaderBuilder::new().delimiter(delimiter).build();
    let before = problems.total;
    let mut columns = Columns::default();
    split(&mut reader, line, row, problems, |cell| {
        let text = String::from_utf8_lossy(cell);
        let name = text.trim();
        let place = match layout.further(name) {
            Some(further) => columns.place_of(further, layout),
            None => layout.place(&name.to_ascii_lowercase()),
        };
        match place {
            Some(place) if columns.places.contains(&place) => Some((
                shown(name),
                "must occur once; this is the second column of this name".to_owned(),
            )),
            Some(place) => {
                columns.places.push(place);
                None
            }
            None => Some((shown(name), layout.names())),
        }
    });
    for name in layout.required {
        let place = layout.place(name);
        if !columns.places.iter().any(|at| Some(*at) == place) {
            problems.of_row(row, name, "must be a column of the file");
        }
    }
    (problems.total == before).then(|| Shape::Csv {
        reader: Box::new(reader),
        columns,
    })
}

#[cfg(test)]
mod tests;
