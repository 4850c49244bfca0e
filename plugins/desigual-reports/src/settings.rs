//! Settings: the report, its columns, its format and its file names.

use crate::columns::{Column, Report, Role};
use galleria_sdk::csv;
use galleria_sdk::file_name::{self, Pattern};
use galleria_sdk::prelude::*;
use serde::Deserialize;

/// The plugin's settings. Only `report` is required.
#[derive(Debug, Deserialize)]
pub struct Settings {
    /// The report of this slot.
    pub report: Report,
    /// The columns, in this order. The default is all columns.
    #[serde(default)]
    pub columns: Vec<Titled>,
    /// Whether a row covers one day or the whole window.
    #[serde(default)]
    pub period: Option<Period>,
    /// One file for each store, or one for all.
    #[serde(default)]
    pub file: FileOf,
    /// With `{report}`, `{retailer}`, `{scope}`, `{store}`, `{first}`, `{last}` and `{window}`.
    #[serde(default)]
    pub file_name: Option<Pattern>,
    /// Whether the first row contains the names of the columns.
    #[serde(default = "yes")]
    pub header: bool,
    /// Whether the last rows contain totals, one row for each currency.
    #[serde(default)]
    pub totals: bool,
    /// The first text in a row of totals.
    #[serde(default = "total")]
    pub totals_label: String,
    /// Levels of a category from the top; 0 for all levels.
    #[serde(default)]
    pub category_depth: usize,
    /// Delimiter, decimal mark, quotes, line ends, byte order mark, charset.
    #[serde(default)]
    pub csv: csv::Options,
}

/// A column and its header.
#[derive(Clone, Debug, Deserialize)]
pub struct Titled {
    /// One of the report's columns.
    pub column: String,
    /// The default is the name of the column.
    #[serde(default)]
    pub header: Option<String>,
}

/// The period of a row.
#[derive(Clone, Copy, Debug, Default, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
pub enum Period {
    /// One business day.
    Day,
    /// All days of the window.
    #[default]
    Window,
}

/// The scope of a file.
#[derive(Clone, Copy, Debug, Default, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
pub enum FileOf {
    /// One store.
    PerStore,
    /// The whole scope of the run.
    #[default]
    One,
}

/// The names that a run replaces in a file name.
const NAMES: [&str; 7] = [
    "report", "retailer", "scope", "store", "first", "last", "window",
];

fn yes() -> bool {
    true
}

fn total() -> String {
    "Total".to_owned()
}

impl Settings {
    /// The period, if the report allows both.
    pub fn period(&self) -> Period {
        match self.report.always_by_day() {
            true => Period::Day,
            false => self.period.unwrap_or_default(),
        }
    }

    /// The pattern of file names.
    pub fn file_name(&self) -> Pattern {
        let usual = match self.file {
            FileOf::PerStore => "{report}-{retailer}-{store}-{first}-{last}.csv",
            FileOf::One => "{report}-{scope}-{first}-{last}.csv",
        };
        self.file_name
            .clone()
            .unwrap_or_else(|| Pattern::new(usual))
    }

    /// Returns a problem if two runs of the schedules would write files with the same name. A run over all
    /// stores writes the same names as one of each store if each file is of one store.
    pub fn repeated(&self, schedules: &[RunSchedule]) -> Option<Problem> {
        let name = self.file_name();
        file_name::repeated("file_name", schedules, |scope, window| {
            let values = [
                ("report", self.report.name()),
                ("retailer", "retailer"),
                ("scope", scope),
                ("store", "store"),
                ("first", &*window.first),
                ("last", &*window.last),
                ("window", &*window.id),
            ];
            name.fill("file_name", &values)
                .unwrap_or_else(|_| window.id.clone())
        })
    }

    /// The possible columns.
    fn known(&self) -> impl Iterator<Item = &'static Column> {
        let by_day = self.period() == Period::Day;
        let columns = self.report.columns().iter();
        columns.filter(move |column| by_day || column.role != Role::Date)
    }

    /// The columns with their headers. An unknown column is left out, because `problems` reports
    /// it.
    pub fn chosen(&self) -> Vec<(Column, String)> {
        if self.columns.is_empty() {
            return self
                .known()
                .map(|column| (*column, column.name.to_owned()))
                .collect();
        }
        let named = self.columns.iter().filter_map(|titled| {
            let column = self.known().find(|column| column.name == titled.column)?;
            let header = titled.header.as_deref().unwrap_or(column.name);
            Some((*column, header.to_owned()))
        });
        named.collect()
    }

    /// Returns the problems of settings with valid types.
    pub fn problems(&self) -> Vec<Problem> {
        let mut problems = self.csv.problems("csv");
        self.wrong_columns(&mut problems);
        if self.period == Some(Period::Window) && self.report.always_by_day() {
            let message = "must be day, or left out: the rows of this report are of one day each";
            problems.push(Problem::new("period", message));
        }
        if self.totals && self.totals_label.is_empty() {
            let message = "must not be empty, otherwise rows of totals cannot be recognised";
            problems.push(Problem::new("totals_label", message));
        }
        let name = self.file_name();
        problems.extend(name.problem("file_name", &NAMES));
        let days = name.names("first") && name.names("last");
        let of = match self.file {
            FileOf::PerStore => name.names("store"),
            FileOf::One => name.names("scope") && !name.names("store"),
        };
        if !of || !(days || name.names("window")) {
            let message = match self.file {
                FileOf::PerStore => {
                    "must contain {store}, and {first} and {last} or {window}: a name is used once"
                }
                FileOf::One => {
                    "must contain {scope}, not {store}, and {first} and {last} or {window}: a name is used once"
                }
            };
            problems.push(Problem::new("file_name", message));
        }
        problems
    }

    fn wrong_columns(&self, problems: &mut Vec<Problem>) {
        for (at, titled) in self.columns.iter().enumerate() {
            let field = ["columns.", &at.to_string(), ".column"].concat();
            let same = |other: &&Titled| other.column == titled.column;
            if !self.known().any(|column| column.name == titled.column) {
                let names: Vec<&str> = self.known().map(|column| column.name).collect();
                let message = [
                    "is not a column of this report, which has ",
                    &names.join(", "),
                ]
                .concat();
                problems.push(Problem::new(field, message));
            } else if self.columns[..at].iter().any(|other| same(&other)) {
                problems.push(Problem::new(field, "is named twice"));
            }
        }
        let chosen = self.chosen();
        let has = |role: fn(Role) -> bool| chosen.iter().any(|(column, _)| role(column.role));
        if has(Role::is_amount) && !has(|role| role == Role::Currency) {
            let message =
                "must contain currency: amounts of different currencies are never added up";
            problems.push(Problem::new("columns", message));
        }
        if self.file == FileOf::One && !has(|role| role == Role::Store) {
            let message = "must contain store: rows of different stores must be distinguishable";
            problems.push(Problem::new("columns", message));
        }
        if self.period() == Period::Day && !has(|role| role == Role::Date) {
            let message =
                "must contain business_date: rows of different days must be distinguishable";
            problems.push(Problem::new("columns", message));
        }
    }
}
