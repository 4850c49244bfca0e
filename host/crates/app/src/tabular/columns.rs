//! The columns of a file, and the cells of a row.

use galleria_csv::{Position, unguarded};
use galleria_text::{comparable, escaped};

/// The maximum number of characters in the name of an additional column.
const NAME_CHARS: usize = 64;

/// The layout of a file.
#[derive(Debug)]
pub(crate) struct Layout {
    /// The names of the columns in the header.
    pub columns: &'static [&'static str],
    /// The columns that every file must have.
    pub required: &'static [&'static str],
    /// The columns that JSON may write as whole numbers. Other numbers must be text, because parsers may round them.
    pub integers: &'static [&'static str],
    /// The prefix of the names of additional columns; empty if there are none.
    pub further: &'static str,
    /// The maximum number of bytes of a row.
    pub row_bytes: usize,
    /// The maximum number of rows of a file.
    pub rows: u64,
}

impl Layout {
    pub(super) fn place(&self, name: &str) -> Option<usize> {
        self.columns.iter().position(|known| *known == name)
    }

    /// The rule for the name of a column.
    pub(super) fn names(&self) -> String {
        let known = self.columns.join(", ");
        match self.further {
            "" => format!("must be one of {known}"),
            further => format!("must be one of {known}, or {further} and a name"),
        }
    }

    /// The name of an additional column without its prefix.
    pub(super) fn further<'n>(&self, name: &'n str) -> Option<&'n str> {
        let (prefix, rest) = name.split_at(name.find(':')? + 1);
        (comparable(prefix) == self.further).then(|| rest.trim())
    }
}

/// A row: the text of each column, empty if the file does not have the column.
pub(crate) struct Cells {
    /// The place of the row; the header is row 1.
    pub at: Position,
    pub(super) layout: &'static Layout,
    /// The texts of the layout's columns, followed by those of additional columns.
    pub(super) texts: Vec<String>,
    /// Whether every cell was readable.
    pub whole: bool,
}

impl Cells {
    pub(super) fn new(at: Position, layout: &'static Layout, further: usize) -> Self {
        Self {
            at,
            layout,
            texts: vec![String::new(); layout.columns.len() + further],
            whole: true,
        }
    }

    /// Removes the guard of each cell that has one.
    pub(super) fn unguard(&mut self) {
        for text in &mut self.texts {
            if unguarded(text).len() < text.len() {
                text.remove(0);
            }
        }
    }

    /// The text of a column.
    pub fn text(&self, column: &str) -> &str {
        let place = self.layout.place(column);
        place.map_or("", |place| self.texts[place].as_str())
    }

    /// The texts of the additional columns, in the order of [`Rows::further`].
    pub fn further(&self) -> &[String] {
        &self.texts[self.layout.columns.len()..]
    }
}

/// The columns of a file.
#[derive(Default)]
pub(super) struct Columns {
    /// The index of the column of each cell in a row.
    pub(super) places: Vec<usize>,
    /// The names of additional columns, whose indexes follow those of the layout.
    pub(super) further: Vec<String>,
}

impl Columns {
    /// Returns the index of an additional column, and adds the column if it is new; none if the name is invalid.
    /// Names that differ only in case or in the composition of letters are the same.
    pub(super) fn place_of(&mut self, name: &str, layout: &Layout) -> Option<usize> {
        let plain = |c: char| !c.is_control() && c != char::REPLACEMENT_CHARACTER;
        let good = (1..=NAME_CHARS).contains(&name.chars().count()) && name.chars().all(plain);
        if !good {
            return None;
        }
        let same = |one: &String| comparable(one) == comparable(name);
        let known = self.further.iter().position(same);
        let at = known.unwrap_or_else(|| {
            self.further.push(name.to_owned());
            self.further.len() - 1
        });
        Some(layout.columns.len() + at)
    }

    /// The name of the column of a cell, by the cell's index in a row.
    pub(super) fn name_of_cell(&self, index: usize, layout: &Layout) -> String {
        match self.places.get(index) {
            Some(place) => self.name(*place, layout),
            None => format!("column {}", index + 1),
        }
    }

    fn name(&self, place: usize, layout: &Layout) -> String {
        match layout.columns.get(place) {
            Some(known) => (*known).to_owned(),
            None => {
                let name = &self.further[place - layout.columns.len()];
                format!("{}{name}", layout.further)
            }
        }
    }
}

/// Shortens and escapes a name for messages.
pub(super) fn shown(text: &str) -> String {
    escaped(&text.chars().take(40).collect::<String>())
}
