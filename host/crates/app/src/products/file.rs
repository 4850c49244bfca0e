//! A file of products read row by row: CSV or JSON lines, each row on a line of its own.
//!
//! Owns: where a row begins and ends and which cell belongs to which column; bounds that keep memory
//! the same whatever the file holds. Never knows: what a cell may hold.

use super::import::Problems;
use csv_core::ReadRecordResult;
use galleria_domain::Problem;
use serde_json::Value;
use std::io::{self, BufRead, BufReader, Read, Seek, SeekFrom};

/// Bytes of a line at most. All columns at their bounds, in four-byte characters and quoted, are 4 KiB.
const LINE_BYTES: u64 = 64 << 10;
/// Rows of a file at most: five times the largest catalogue we know of.
pub(super) const ROWS: u64 = 1_000_000;
/// Cells of a line that are looked at; one with more is told so.
const CELLS: usize = 64;

/// A file that can be read twice: it is checked before anything is written.
pub trait Upload: Read + Seek + Send {}
impl<T: Read + Seek + Send> Upload for T {}

/// How rows are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// A header and rows, with `,` or `;` between cells.
    Csv,
    /// One JSON object a line.
    JsonLines,
}

/// The columns, by their names in a header.
pub(super) const COLUMNS: [&str; 10] = [
    "sku", "gtin", "name", "category", "unit", "price", "currency", "tax_code", "active", "store",
];
/// A file without these says too little.
const REQUIRED: [&str; 4] = ["sku", "name", "price", "currency"];

/// One row: the text of each column, empty where the file has no such column.
pub(super) struct Cells {
    /// The line, from 1 with the header.
    pub row: u64,
    texts: [String; COLUMNS.len()],
    /// Whether every cell could be read.
    pub whole: bool,
}

impl Cells {
    fn new(row: u64) -> Self {
        Self {
            row,
            texts: Default::default(),
            whole: true,
        }
    }

    /// The cell of a column.
    pub fn text(&self, column: &str) -> &str {
        let at = COLUMNS.iter().position(|name| *name == column);
        at.map_or("", |at| self.texts[at].as_str())
    }
}

/// The rows of a file.
pub(super) struct Rows<'f> {
    input: BufReader<&'f mut dyn Upload>,
    line: Vec<u8>,
    row: u64,
    rows: u64,
    shape: Shape,
}

enum Shape {
    Csv {
        reader: Box<csv_core::Reader>,
        /// For each cell of a row, the place of its column.
        columns: Vec<usize>,
    },
    JsonLines,
}

impl<'f> Rows<'f> {
    /// Begins at the file's beginning. None where its header is refused.
    pub fn open(
        file: &'f mut dyn Upload,
        format: Format,
        problems: &mut Problems,
    ) -> io::Result<Option<Self>> {
        file.seek(SeekFrom::Start(0))?;
        let mut rows = Self {
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
                problems.add(Problem::new("file", "a header and rows: the file is empty"));
            }
            return Ok(None);
        }
        let Some(shape) = header(&rows.line, rows.row, problems) else {
            return Ok(None);
        };
        rows.shape = shape;
        Ok(Some(rows))
    }

    /// The next row; none at the end. What cannot be read is told, and what is left of the row follows.
    pub fn next(&mut self, problems: &mut Problems) -> io::Result<Option<Cells>> {
        loop {
            if !self.next_line(problems)? {
                return Ok(None);
            }
            let (row, line) = (self.row, self.line.as_slice());
            let cells = match &mut self.shape {
                Shape::JsonLines => object(row, line, problems),
                Shape::Csv { reader, columns } => record(reader, columns, row, line, problems),
            };
            // Spreadsheets leave rows of empty cells at the end.
            if cells.whole && cells.texts.iter().all(String::is_empty) {
                continue;
            }
            self.rows += 1;
            if self.rows > ROWS {
                let message = format!("at most {ROWS} rows: send the rest in another file");
                problems.add(at(row, "file", message));
                return Ok(None);
            }
            return Ok(Some(cells));
        }
    }

    /// Reads on to the next line that is not blank. False at the end, and at a line beyond the bound.
    fn next_line(&mut self, problems: &mut Problems) -> io::Result<bool> {
        loop {
            self.line.clear();
            self.row += 1;
            let mut bounded = (&mut self.input).take(LINE_BYTES + 1);
            if bounded.read_until(b'\n', &mut self.line)? == 0 {
                return Ok(false);
            }
            if self.line.len() as u64 > LINE_BYTES {
                let message = format!(
                    "a line of at most {LINE_BYTES} bytes; the file was not read any further"
                );
                problems.add(at(self.row, "row", message));
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

fn at(row: u64, field: &str, message: impl Into<String>) -> Problem {
    Problem {
        row: Some(row),
        ..Problem::new(field, message)
    }
}

/// Which column each cell is of. None where that cannot be known; all reasons are told.
fn header(line: &[u8], row: u64, problems: &mut Problems) -> Option<Shape> {
    let count = |wanted: u8| line.iter().filter(|byte| **byte == wanted).count();
    let delimiter = if count(b';') > count(b',') {
        b';'
    } else {
        b','
    };
    let mut reader = csv_core::ReaderBuilder::new().delimiter(delimiter).build();
    let before = problems.total;
    let mut columns: Vec<usize> = Vec::new();
    split(&mut reader, line, row, problems, |cell| {
        let name = String::from_utf8_lossy(cell).trim().to_ascii_lowercase();
        match COLUMNS.iter().position(|known| *known == name) {
            Some(place) if columns.contains(&place) => {
                Some((name, "a column once; this is its second".to_owned()))
            }
            Some(place) => {
                columns.push(place);
                None
            }
            None => Some((shown(&name), format!("one of {}", COLUMNS.join(", ")))),
        }
    });
    for name in REQUIRED {
        if !columns.iter().any(|place| COLUMNS[*place] == name) {
            problems.add(at(row, name, "a column of this name; there is none"));
        }
    }
    (problems.total == before).then(|| Shape::Csv {
        reader: Box::new(reader),
        columns,
    })
}

/// A name as it may be told: in one line, and short.
fn shown(text: &str) -> String {
    let short: String = text.chars().take(40).collect();
    short.escape_debug().to_string()
}

fn record(
    reader: &mut csv_core::Reader,
    columns: &[usize],
    row: u64,
    line: &[u8],
    problems: &mut Problems,
) -> Cells {
    let mut cells = Cells::new(row);
    let (mut next, before) = (0, problems.total);
    let texts = &mut cells.texts;
    split(reader, line, row, problems, |cell| {
        let place = columns.get(next);
        next += 1;
        let place = *place?;
        match std::str::from_utf8(cell) {
            Ok(text) => texts[place].push_str(text.trim()),
            Err(_) => return Some((COLUMNS[place].to_owned(), "text in UTF-8".to_owned())),
        }
        None
    });
    if problems.total == before && next != columns.len() {
        let message = format!(
            "{} cells, as the header has; here are {next}",
            columns.len()
        );
        problems.add(at(row, "row", message));
    }
    cells.whole = problems.total == before;
    cells
}

/// Hands over the cells of a line; what is answered is told as a problem of the row.
fn split(
    reader: &mut csv_core::Reader,
    line: &[u8],
    row: u64,
    problems: &mut Problems,
    mut each: impl FnMut(&[u8]) -> Option<(String, String)>,
) {
    if line.iter().filter(|byte| **byte == b'"').count() % 2 == 1 {
        let message =
            "quotes that are closed on their line; within a cell a quote is written twice";
        problems.add(at(row, "row", message));
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
        problems.add(at(row, "row", format!("at most {CELLS} cells")));
        return;
    }
    let mut begin = 0;
    for end in &ends[..count] {
        if let Some((field, message)) = each(&out[begin..*end]) {
            problems.add(at(row, &field, message));
        }
        begin = *end;
    }
}

fn object(row: u64, line: &[u8], problems: &mut Problems) -> Cells {
    let mut cells = Cells::new(row);
    let before = problems.total;
    match serde_json::from_slice::<Value>(line) {
        Ok(Value::Object(fields)) => {
            for (name, value) in fields {
                let Some(place) = COLUMNS.iter().position(|known| *known == name) else {
                    let message = format!("one of {}", COLUMNS.join(", "));
                    problems.add(at(row, &shown(&name), message));
                    continue;
                };
                match text_of(&value) {
                    Ok(text) => cells.texts[place] = text.trim().to_owned(),
                    Err(message) => problems.add(at(row, &name, message)),
                }
            }
        }
        // A parser's message tells the place in the line.
        Err(error) => problems.add(at(
            row,
            "row",
            format!("a JSON object on one line: {error}"),
        )),
        Ok(_) => problems.add(at(row, "row", "a JSON object")),
    }
    cells.whole = problems.total == before;
    cells
}

/// A JSON value as a cell would have it. Numbers are refused: what reads them may round them.
fn text_of(value: &Value) -> Result<String, &'static str> {
    let decimal = |fields: &serde_json::Map<String, Value>| {
        let unscaled = fields.get("unscaled")?.as_i64()?;
        let scale = fields.get("scale")?.as_u64().filter(|scale| *scale <= 18)?;
        let scale = usize::try_from(scale).ok()?;
        let digits = format!("{:0>width$}", unscaled.unsigned_abs(), width = scale + 1);
        let (whole, part) = digits.split_at(digits.len() - scale);
        let sign = if unscaled < 0 { "-" } else { "" };
        let mark = if part.is_empty() { "" } else { "." };
        (fields.len() == 2).then(|| format!("{sign}{whole}{mark}{part}"))
    };
    match value {
        Value::Null => Ok(String::new()),
        Value::String(text) => Ok(text.clone()),
        Value::Bool(true) => Ok("true".into()),
        Value::Bool(false) => Ok("false".into()),
        Value::Object(fields) => {
            decimal(fields).ok_or("text, or a decimal such as {\"unscaled\": 1299, \"scale\": 2}")
        }
        Value::Number(_) | Value::Array(_) => Err("text in quotes, such as \"12.99\""),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Cursor;

    fn read(bytes: &[u8], format: Format) -> (Vec<(u64, String, String)>, Vec<String>) {
        let mut problems = Problems::default();
        let mut file = Cursor::new(bytes.to_vec());
        let mut found = Vec::new();
        let rows = Rows::open(&mut file, format, &mut problems).expect("read");
        if let Some(mut rows) = rows {
            while let Some(cells) = rows.next(&mut problems).expect("read") {
                let texts = (cells.text("sku"), cells.text("price"));
                found.push((cells.row, texts.0.to_owned(), texts.1.to_owned()));
            }
        }
        let told = problems.told.iter().map(ToString::to_string).collect();
        (found, told)
    }

    fn rows(of: &[(u64, &str, &str)]) -> Vec<(u64, String, String)> {
        of.iter()
            .map(|(row, sku, price)| (*row, (*sku).to_owned(), (*price).to_owned()))
            .collect()
    }

    #[test]
    fn order_delimiter_mark_quotes_and_blank_lines_do_not_matter() {
        let expected = rows(&[(2, "a,b", "1.5"), (4, "c\"d", "2")]);
        for text in [
            "sku,name,price,currency\n\"a,b\",x,1.5,EUR\n\n\"c\"\"d\",y,2,EUR\n",
            "\u{feff}Currency;PRICE;sku;name\r\nEUR;1.5;a,b;x\r\n  \r\nEUR;\"2\";\"c\"\"d\";y",
            "name,store,sku,price,currency\nx,,\"a,b\",1.5,EUR\n,,,,\ny,s,\"c\"\"d\", 2 ,EUR\n,,,,\n",
        ] {
            assert_eq!(
                read(text.as_bytes(), Format::Csv),
                (expected.clone(), vec![]),
                "{text}"
            );
        }
        let lines = concat!(
            r#"{"sku":"a,b","price":"1.5"}"#,
            "\n\n",
            r#"{"price":{"unscaled":2,"scale":0},"sku":"c\"d"}"#,
        );
        let expected = rows(&[(1, "a,b", "1.5"), (3, "c\"d", "2")]);
        assert_eq!(
            read(lines.as_bytes(), Format::JsonLines),
            (expected, vec![])
        );
    }

    #[test]
    fn a_header_is_refused_with_all_that_is_wrong_with_it() {
        let (found, told) = read(b"sku,colour,sku\na,b,c\n", Format::Csv);
        assert!(found.is_empty());
        let fields: Vec<_> = told
            .iter()
            .map(|text| text.split(':').next().expect("a field"))
            .collect();
        assert_eq!(
            fields,
            [
                "row 1, colour",
                "row 1, sku",
                "row 1, name",
                "row 1, price",
                "row 1, currency"
            ]
        );
        assert_eq!(read(b"", Format::Csv).1.len(), 1);
    }

    #[test]
    fn what_cannot_be_read_is_told_by_row() {
        let mut text = b"sku,name,price,currency\n".to_vec();
        text.extend(b"a,b\n\"x,y,1,EUR\n\xff,n,1,EUR\na,b,1,EUR,,\n");
        let (_, told) = read(&text, Format::Csv);
        let rows: Vec<_> = told
            .iter()
            .map(|text| text.split(':').next().expect("a field"))
            .collect();
        assert_eq!(
            rows,
            ["row 2, row", "row 3, row", "row 4, sku", "row 5, row"]
        );
        let (_, told) = read(
            b"[1]\n{\"sku\":\n{\"price\":1.5,\"size\":\"L\"}\n",
            Format::JsonLines,
        );
        assert_eq!(told.len(), 4, "{told:?}");
    }

    #[test]
    fn a_line_without_end_is_not_held_in_memory() {
        let mut file = Endless::default();
        let mut problems = Problems::default();
        let mut rows = Rows::open(&mut file, Format::Csv, &mut problems)
            .expect("read")
            .expect("a header");
        assert!(rows.next(&mut problems).expect("read").is_none());
        drop(rows);
        assert!(problems.told[0].to_string().contains("65536 bytes"));
        assert!(file.given < 1 << 20, "{} bytes were read", file.given);
    }

    /// A header and then one cell that never ends.
    #[derive(Default)]
    struct Endless {
        given: usize,
    }

    impl Read for Endless {
        fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
            let header = b"sku,name,price,currency\n";
            if self.given == 0 {
                out[..header.len()].copy_from_slice(header);
                self.given = header.len();
                return Ok(header.len());
            }
            out.fill(b'x');
            self.given += out.len();
            Ok(out.len())
        }
    }

    impl Seek for Endless {
        fn seek(&mut self, _: SeekFrom) -> io::Result<u64> {
            Ok(0)
        }
    }
}
