//! Recognises records by their beginning.

use crate::field::{Content, Record};
use crate::settings::{Kinds, Settings};
use galleria_sdk::statement::unknown_word;
use galleria_sdk::{Problem, quoted};

/// The meaning of a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    Header,
    Detail,
    Trailer,
    Ignored,
}

/// The beginnings of all records.
pub struct Marks {
    marks: Vec<(Role, String)>,
    delimiter: Option<char>,
    /// Row and number of cells of the first record with each mark.
    first: Vec<Option<(u64, usize)>>,
}

impl Marks {
    pub fn new(settings: &Settings) -> Self {
        let Kinds {
            header,
            detail,
            trailer,
            ignored,
        } = &settings.records;
        let all = [
            (Role::Header, std::slice::from_ref(header)),
            (Role::Detail, detail.as_slice()),
            (Role::Trailer, std::slice::from_ref(trailer)),
            (Role::Ignored, ignored),
        ];
        let marks = all
            .into_iter()
            .flat_map(|(role, marks)| marks.iter().map(move |mark| (role, mark.clone())));
        let marks: Vec<_> = marks.collect();
        Self {
            delimiter: settings.delimiter,
            first: vec![None; marks.len()],
            marks,
        }
    }

    /// Returns the role of a record. All records of cells with the same mark must have the same number of
    /// cells: otherwise a delimiter within a text has moved the cells after it.
    pub fn role(&mut self, record: &Record<'_>) -> Result<Role, Problem> {
        let is = |(_, mark): &(Role, String)| starts_with(record.content, mark, self.delimiter);
        let Some(index) = self.marks.iter().position(is) else {
            let known: Vec<String> = self.marks.iter().map(|(_, mark)| quoted(mark)).collect();
            let found = self.beginning(record.content);
            let known = known.iter().map(String::as_str);
            return Err(unknown_word(
                record.row,
                crate::RECORD,
                &found,
                "records",
                known,
            ));
        };
        let (role, mark) = &self.marks[index];
        if let Content::Cells(row) = record.content {
            let (first, count) = *self.first[index].get_or_insert((record.row, row.len()));
            if count != row.len() && *role != Role::Ignored {
                let message = format!(
                    "has {} cells, but the first record {}, row {first}, has {count}",
                    row.len(),
                    quoted(mark)
                );
                return Err(Problem::in_row(record.row, crate::RECORD, message));
            }
        }
        Ok(*role)
    }

    /// The first characters or cells of a record, as many as the first mark has.
    fn beginning(&self, content: Content<'_>) -> String {
        let mark = self.marks.first().map_or("", |(_, mark)| mark);
        match (content, self.delimiter) {
            (Content::Cells(row), Some(delimiter)) => {
                let count = mark.split(delimiter).count();
                let cells: Vec<&str> = (0..count).map(|index| row.cell(index)).collect();
                cells.join(&delimiter.to_string())
            }
            (Content::Cells(row), None) => row.cell(0).to_owned(),
            (Content::Line(text, _), _) => text.chars().take(mark.chars().count()).collect(),
        }
    }
}

fn starts_with(content: Content<'_>, mark: &str, delimiter: Option<char>) -> bool {
    match (content, delimiter) {
        (Content::Cells(row), Some(delimiter)) => {
            let mut parts = mark.split(delimiter).enumerate();
            parts.all(|(index, part)| row.cell(index) == part.trim())
        }
        (Content::Cells(row), None) => row.cell(0) == mark,
        (Content::Line(text, _), _) => text.starts_with(mark),
    }
}
