//! Reads CSV: a header, and rows with the same number of cells.

use super::{Guards, Upload};
use crate::tabular::Problems;
use crate::tabular::columns::{Cells, Columns, Layout, shown};
use galleria_csv::{Cause, Limits, Record, RecordError, Records};
use galleria_domain::Problem;
use galleria_text::comparable;
use std::io::{self, SeekFrom};

/// The maximum number of cells of a row.
const CELLS: usize = 64;
const DELIMITERS: [u8; 4] = [b',', b';', b'|', b'\t'];

/// The rows after the header.
pub(super) struct CsvRows<'f> {
    layout: &'static Layout,
    guards: Guards,
    records: Records<&'f mut dyn Upload>,
    columns: Columns,
}

impl<'f> CsvRows<'f> {
    /// Reads the header. Returns `None` if it is invalid; all its problems are added.
    pub fn open(
        file: &'f mut dyn Upload,
        layout: &'static Layout,
        guards: Guards,
        problems: &mut Problems,
    ) -> io::Result<Option<Self>> {
        let delimiter = delimiter(file, layout)?;
        file.seek(SeekFrom::Start(0))?;
        let mut rows = Self {
            layout,
            guards,
            records: Records::new(file, delimiter, limits(layout)),
            columns: Columns::default(),
        };
        let before = problems.total;
        match rows.records.next_filled() {
            Ok(Some(record)) => header(record, layout, &mut rows.columns, problems),
            Ok(None) => {
                let message = "must have a header and rows; the file is empty";
                problems.add(Problem::new("file", message));
            }
            Err(error) => rows.add(error, problems)?,
        }
        Ok((problems.total == before).then_some(rows))
    }

    /// The names of the additional columns, in the order of the file.
    pub fn further(&self) -> &[String] {
        &self.columns.further
    }

    pub fn note(&self) -> Option<&'static str> {
        self.records.note()
    }

    /// Returns the next row that is not blank.
    pub fn next(&mut self, problems: &mut Problems) -> io::Result<Option<Cells>> {
        let error = match self.records.next_filled() {
            Ok(None) => return Ok(None),
            Ok(Some(record)) => {
                let mut cells = cells(record, self.layout, &self.columns, problems);
                if self.guards == Guards::Remove {
                    cells.unguard();
                }
                return Ok(Some(cells));
            }
            Err(error) => error,
        };
        let (at, is_final) = (error.position, error.is_final);
        self.add(error, problems)?;
        let mut cells = Cells::new(at, self.layout, self.columns.further.len());
        cells.whole = false;
        Ok((!is_final).then_some(cells))
    }

    /// Adds an error of a record, unless the file cannot be read.
    fn add(&self, error: RecordError, problems: &mut Problems) -> io::Result<()> {
        let mut message = error.to_string();
        if let Cause::Unread(error) = error.cause {
            return Err(error);
        }
        if error.is_final {
            message.push_str("; the rest of the file was not read");
        }
        let column = self.columns.name_of_cell(error.column, self.layout);
        problems.of_row(error.position, &column, message);
        Ok(())
    }
}

fn limits(layout: &Layout) -> Limits {
    Limits {
        cell_bytes: layout.row_bytes,
        record_bytes: layout.row_bytes,
        cells: CELLS,
    }
}

/// Returns the delimiter that splits the header into more cells.
fn delimiter(file: &mut dyn Upload, layout: &Layout) -> io::Result<u8> {
    let mut best = (false, 0);
    let mut found = DELIMITERS[0];
    for delimiter in DELIMITERS {
        file.seek(SeekFrom::Start(0))?;
        let mut records = Records::new(&mut *file, delimiter, limits(layout));
        // With the wrong delimiter, text follows the closing quote of a name.
        let good = records.next_filled().is_ok();
        let split = (good, records.cell_count());
        if split > best {
            (best, found) = (split, delimiter);
        }
    }
    Ok(found)
}

/// Finds the columns of the header.
fn header(
    record: Record<'_>,
    layout: &'static Layout,
    columns: &mut Columns,
    problems: &mut Problems,
) {
    let at = record.position;
    let mut names = Vec::new();
    // Some programs end every row with a delimiter. The cells of rows after the last name must be empty.
    let named = record
        .cells()
        .enumerate()
        .filter(|(_, cell)| !cell.trim_ascii().is_empty())
        .last()
        .map_or(0, |(index, _)| index + 1);
    for (index, cell) in record.cells().take(named).enumerate() {
        let text = String::from_utf8_lossy(cell);
        let name = text.trim();
        names.push(shown(name));
        if name.is_empty() {
            let message = "must have a name, because it is not the last column";
            problems.of_row(at, &format!("column {}", index + 1), message);
            continue;
        }
        let place = match layout.further(name) {
            Some(further) => columns.place_of(further, layout),
            None => layout.place(&comparable(name)),
        };
        match place {
            Some(place) if columns.places.contains(&place) => {
                let message = "must occur once; this is the second column of this name";
                problems.of_row(at, &shown(name), message);
            }
            Some(place) => columns.places.push(place),
            None => problems.of_row(at, &shown(name), layout.names()),
        }
    }
    for name in layout.required {
        let place = layout.place(name);
        if !columns.places.iter().any(|at| Some(*at) == place) {
            let names = names.join(", ");
            problems.of_row(
                at,
                name,
                format!("must be a column; the columns are {names}"),
            );
        }
    }
}

fn cells(
    record: Record<'_>,
    layout: &'static Layout,
    columns: &Columns,
    problems: &mut Problems,
) -> Cells {
    let at = record.position;
    let mut row = Cells::new(at, layout, columns.further.len());
    let before = problems.total;
    let (expected, found) = (columns.places.len(), record.cells().len());
    // Spreadsheets end rows with empty cells.
    let surplus = record
        .cells()
        .skip(expected)
        .position(|cell| !cell.trim_ascii().is_empty());
    for (index, (cell, place)) in record.cells().zip(&columns.places).enumerate() {
        match std::str::from_utf8(cell) {
            Ok(text) => row.texts[*place].push_str(text.trim()),
            Err(_) => {
                let message = format!("must be {}", record.form.name());
                problems.of_row(at, &columns.name_of_cell(index, layout), message);
            }
        }
    }
    if found < expected || surplus.is_some() {
        let first = surplus.map_or(found, |index| expected + index);
        let message = format!("the row must have {expected} cells like the header, got {found}");
        problems.of_row(at, &columns.name_of_cell(first, layout), message);
    }
    row.whole = problems.total == before;
    row
}
