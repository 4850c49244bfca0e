//! Settings: columns, file format and file name.

use galleria_sdk::csv;
use galleria_sdk::file_name::{self, Pattern};
use galleria_sdk::prelude::*;
use serde::Deserialize;

/// The plugin's settings. An empty object is valid.
#[derive(Debug, Deserialize)]
#[serde(default)]
pub struct Settings {
    /// The columns, in this order.
    pub columns: Vec<Titled>,
    /// Whether the first row contains the names of the columns.
    pub header: bool,
    /// How a returned line is written.
    pub returns: Returns,
    /// Delimiter, decimal mark, quotes, line ends, byte order mark.
    pub csv: csv::Options,
    /// With `{scope}` (retailer, or retailer and store), `{first}`, `{last}` and `{window}`.
    pub file_name: Pattern,
}

/// A column and its header.
#[derive(Clone, Debug, Deserialize)]
pub struct Titled {
    /// The content of the cells.
    pub column: Column,
    /// The name in the first row.
    pub header: String,
}

/// The content of a cell.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
#[expect(missing_docs, reason = "the feed `sale-lines` documents each")]
pub enum Column {
    Store,
    BusinessDate,
    BegunAt,
    Entry,
    Number,
    Returned,
    Sku,
    Category,
    Quantity,
    Currency,
    Amount,
    Discount,
    TaxCode,
    Tax,
}

/// How quantity, amount, discount and tax of a returned line are written.
#[derive(Clone, Copy, Debug, Default, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
pub enum Returns {
    /// Negative, so that the sum of a column is correct.
    #[default]
    Negative,
    /// Positive; the column `returned` distinguishes the lines.
    Positive,
}

impl Default for Settings {
    fn default() -> Self {
        let columns = [
            (Column::Store, "store"),
            (Column::BusinessDate, "business_date"),
            (Column::Entry, "entry"),
            (Column::Number, "number"),
            (Column::Sku, "sku"),
            (Column::Category, "category"),
            (Column::Quantity, "quantity"),
            (Column::Currency, "currency"),
            (Column::Amount, "amount"),
            (Column::TaxCode, "tax_code"),
            (Column::Tax, "tax"),
        ];
        let titled = |(column, header): (Column, &str)| Titled {
            column,
            header: header.to_owned(),
        };
        Self {
            columns: columns.map(titled).into(),
            header: true,
            returns: Returns::Negative,
            csv: csv::Options::default(),
            file_name: Pattern::new("sales-{scope}-{first}-{last}.csv"),
        }
    }
}

impl Settings {
    /// Returns the problems of settings with valid types.
    pub fn problems(&self) -> Vec<Problem> {
        let mut problems = self.csv.problems("csv");
        if self.columns.is_empty() {
            problems.push(Problem::new("columns", "must name at least one column"));
        }
        let named = |column| self.columns.iter().any(|titled| titled.column == column);
        if self.returns == Returns::Positive && !named(Column::Returned) {
            let message = "positive needs the column returned, otherwise returns and sales cannot be distinguished";
            problems.push(Problem::new("returns", message));
        }
        let name = &self.file_name;
        let days = name.names("first") && name.names("last");
        if !name.names("scope") || !(days || name.names("window")) {
            let message =
                "must contain {scope}, and {first} and {last} or {window}: a name is used once";
            problems.push(Problem::new("file_name", message));
        } else {
            problems.extend(name.problem("file_name", &["scope", "first", "last", "window"]));
        }
        problems
    }

    /// Returns a problem if two runs of the schedules would write files with the same name.
    pub fn repeated(&self, schedules: &[RunSchedule]) -> Option<Problem> {
        file_name::repeated("file_name", schedules, |scope, window| {
            self.fill(scope, window)
                .unwrap_or_else(|_| window.id.clone())
        })
    }

    /// Returns the file name of a run.
    pub fn file_name(&self, cx: &Context<Self>, window: &Window) -> Result<String, Fault> {
        let scope = match cx.scope() {
            Scope::Store(store) => [&store.retailer, "-", &store.external_id].concat(),
            Scope::Retailer(name) => name.clone(),
        };
        self.fill(&scope, window)
    }

    fn fill(&self, scope: &str, window: &Window) -> Result<String, Fault> {
        let values = [
            ("scope", scope),
            ("first", &*window.first),
            ("last", &*window.last),
            ("window", &*window.id),
        ];
        self.file_name.fill("file_name", &values)
    }
}
