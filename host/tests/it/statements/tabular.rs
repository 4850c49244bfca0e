//! A sample statement split into cells without a plugin, to read or change single cells.

use super::Sample;

/// A file as rows of cells.
#[derive(Clone)]
pub struct Grid {
    rows: Vec<Vec<String>>,
    form: Form,
}

#[derive(Clone)]
enum Form {
    /// Delimited cells, with a header in one of the rows.
    Table { header: usize, delimiter: u8 },
    /// One cell for each row, with fields at fixed positions.
    Records(Vec<Place>),
}

/// The position of a field in records that begin with a mark.
#[derive(Clone)]
struct Place {
    mark: String,
    name: String,
    begin: usize,
    end: usize,
}

impl Grid {
    pub fn of(sample: &Sample) -> Self {
        let text = std::fs::read_to_string(&sample.file).expect("a statement");
        let text = text.trim_start_matches('\u{feff}');
        let skipped = sample.settings.get("skip_rows");
        let header = skipped.and_then(toml::Value::as_integer).unwrap_or(0);
        match sample.plugin.as_str() {
            "fixed-statement" => Self {
                rows: text.lines().map(|line| vec![line.to_owned()]).collect(),
                form: Form::Records(places(&sample.settings)),
            },
            "delimited-statement" => Self::table(text, b';', header as usize),
            _ => Self::table(text, b',', header as usize),
        }
    }

    fn table(text: &str, delimiter: u8, header: usize) -> Self {
        let mut reader = csv::ReaderBuilder::new()
            .delimiter(delimiter)
            .has_headers(false)
            .flexible(true)
            .from_reader(text.as_bytes());
        let cells = |row: csv::StringRecord| row.iter().map(str::to_owned).collect();
        let rows = reader.records().map(|row| cells(row.expect("a row")));
        Self {
            rows: rows.collect(),
            form: Form::Table { header, delimiter },
        }
    }

    /// The file's bytes.
    pub fn bytes(&self) -> Vec<u8> {
        let Form::Table { delimiter, .. } = self.form else {
            return [self.rows.concat().join("\n"), "\n".into()]
                .concat()
                .into_bytes();
        };
        let mut writer = csv::WriterBuilder::new()
            .delimiter(delimiter)
            .flexible(true)
            .from_writer(Vec::new());
        for row in &self.rows {
            writer.write_record(row).expect("a row");
        }
        writer.into_inner().expect("a file")
    }

    /// Everything up to the header.
    pub fn head(&self) -> String {
        let mut head = self.clone();
        head.rows.truncate(self.first());
        String::from_utf8(head.bytes()).expect("text")
    }

    /// The delimiter.
    pub fn delimiter(&self) -> char {
        match self.form {
            Form::Table { delimiter, .. } => char::from(delimiter),
            Form::Records(_) => ' ',
        }
    }

    fn first(&self) -> usize {
        match self.form {
            Form::Table { header, .. } => header + 1,
            Form::Records(_) => 1,
        }
    }

    /// The names of the columns. Empty for records with fields at fixed positions.
    pub fn columns(&self) -> &[String] {
        match self.form {
            Form::Table { header, .. } => &self.rows[header],
            Form::Records(_) => &[],
        }
    }

    /// The indices of the rows after the header.
    pub fn body(&self) -> std::ops::Range<usize> {
        self.first()..self.rows.len()
    }

    pub fn last(&self) -> usize {
        self.rows.len() - 1
    }

    /// A trimmed cell. Empty if the row has no such field.
    pub fn cell(&self, row: usize, column: &str) -> &str {
        let text = match &self.form {
            Form::Table { header, .. } => {
                let at = self.rows[*header].iter().position(|name| name == column);
                let at = at.unwrap_or_else(|| panic!("no column {column}"));
                self.rows[row].get(at).map_or("", String::as_str)
            }
            Form::Records(places) => {
                let text = &self.rows[row][0];
                place(places, text, column).map_or("", |place| &text[place.begin..place.end])
            }
        };
        text.trim()
    }

    /// The first row after the header that has these cells.
    pub fn find(&self, cells: &[(&str, &str)]) -> usize {
        let has = |row: &usize| cells.iter().all(|(name, is)| self.cell(*row, name) == *is);
        let found = self.body().find(has);
        found.unwrap_or_else(|| panic!("no row with {cells:?}"))
    }

    /// Replaces a cell. A cell longer than its field moves the following fields.
    pub fn with(&self, row: usize, column: &str, value: &str) -> Self {
        let mut other = self.clone();
        match &self.form {
            Form::Table { header, .. } => {
                let at = self.rows[*header].iter().position(|name| name == column);
                other.rows[row][at.unwrap_or_else(|| panic!("no column {column}"))] = value.into();
            }
            Form::Records(places) => {
                let text = &mut other.rows[row][0];
                let place = place(places, text, column);
                let Place { begin, end, .. } = place.unwrap_or_else(|| panic!("no {column}"));
                let width = end - begin;
                text.replace_range(begin..end, &format!("{value:<width$}"));
            }
        }
        other
    }

    /// Repeats a row before another one, or at the end.
    pub fn again(&self, row: usize, before: usize) -> Self {
        let mut other = self.clone();
        other.rows.insert(before, self.rows[row].clone());
        other
    }
}

fn places(settings: &toml::Table) -> Vec<Place> {
    let mut found = Vec::new();
    for record in ["header", "detail", "trailer"] {
        let fields = settings[record].as_table().expect("fields");
        for (name, field) in fields {
            let number = |key: &str| field[key].as_integer().expect("a number") as usize;
            let begin = number("at") - 1;
            found.push(Place {
                mark: settings["records"][record].as_str().expect("a mark").into(),
                name: name.clone(),
                begin,
                end: begin + number("length"),
            });
        }
    }
    found
}

fn place<'p>(places: &'p [Place], text: &str, name: &str) -> Option<&'p Place> {
    let mut of = places.iter().filter(|place| place.name == name);
    of.find(|place| text.starts_with(&place.mark))
}
