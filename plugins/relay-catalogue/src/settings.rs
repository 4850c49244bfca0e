//! Settings: products, columns, file format and file name.

use galleria_sdk::csv;
use galleria_sdk::file_name::{self, Pattern};
use galleria_sdk::prelude::*;
use serde::Deserialize;

const NAMES: [&str; 5] = ["mode", "scope", "first", "last", "window"];

/// The plugin's settings. An empty object is valid.
#[derive(Debug, Deserialize)]
#[serde(default)]
pub struct Settings {
    /// All products, or changed products only.
    pub mode: Mode,
    /// How discontinued products are handled. By default they are written in mode `changes`.
    pub inactive: Option<Inactive>,
    /// What to do if there are no rows.
    pub empty: Empty,
    /// The columns, in this order.
    pub columns: Vec<Titled>,
    /// Whether the first row contains the names of the columns.
    pub header: bool,
    /// The words of the columns `action` and `active`.
    pub words: Words,
    /// Delimiter, decimal mark, quotes, line ends, charset.
    pub csv: csv::Options,
    /// With `{mode}`, `{scope}` (retailer, or retailer and store), `{first}`, `{last}`, `{window}`.
    pub file_name: Pattern,
}

/// The products of a file.
#[derive(Clone, Copy, Debug, Default, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
pub enum Mode {
    /// All products.
    #[default]
    Full,
    /// Products that changed since the last successful run of this plugin and scope.
    Changes,
}

/// How discontinued products are handled.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
pub enum Inactive {
    /// They are rows too; `action` or `active` distinguishes them.
    Write,
    /// They are not in the file.
    LeaveOut,
}

/// What to do if there are no rows.
#[derive(Clone, Copy, Debug, Default, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
pub enum Empty {
    /// Write a file without rows: it shows that the run succeeded.
    #[default]
    Header,
    /// Write no file.
    NoFile,
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
#[expect(missing_docs, reason = "the README documents each")]
pub enum Column {
    Action,
    Store,
    Sku,
    Gtin,
    Name,
    Category,
    Unit,
    Price,
    Currency,
    TaxCode,
    Active,
    ChangedAt,
}

/// The words that the recipient expects.
#[derive(Clone, Debug, Deserialize)]
#[serde(default)]
pub struct Words {
    /// `action` of a product that is sold.
    pub upsert: String,
    /// `action` of a discontinued product.
    pub delete: String,
    /// `active` of a product that is sold.
    pub active: String,
    /// `active` of a discontinued product.
    pub inactive: String,
}

impl Default for Words {
    fn default() -> Self {
        Self {
            upsert: "upsert".to_owned(),
            delete: "delete".to_owned(),
            active: "1".to_owned(),
            inactive: "0".to_owned(),
        }
    }
}

impl Default for Settings {
    fn default() -> Self {
        let columns = [
            (Column::Action, "action"),
            (Column::Sku, "sku"),
            (Column::Gtin, "gtin"),
            (Column::Name, "name"),
            (Column::Category, "category"),
            (Column::Unit, "unit"),
            (Column::Price, "price"),
            (Column::Currency, "currency"),
            (Column::TaxCode, "tax_code"),
        ];
        let titled = |(column, header): (Column, &str)| Titled {
            column,
            header: header.to_owned(),
        };
        Self {
            mode: Mode::Full,
            inactive: None,
            empty: Empty::Header,
            columns: columns.map(titled).into(),
            header: true,
            words: Words::default(),
            csv: csv::Options::default(),
            file_name: Pattern::new("products-{mode}-{scope}-{first}-{last}.csv"),
        }
    }
}

impl Settings {
    /// Returns how discontinued products are handled.
    pub fn inactive(&self) -> Inactive {
        self.inactive.unwrap_or(match self.mode {
            Mode::Full => Inactive::LeaveOut,
            Mode::Changes => Inactive::Write,
        })
    }

    /// Returns the problems of settings with valid types.
    pub fn problems(&self) -> Vec<Problem> {
        let mut problems = self.csv.problems("csv");
        let named = |column| self.columns.iter().any(|titled| titled.column == column);
        if !named(Column::Sku) {
            let message = "must contain sku, which identifies the product of a row";
            problems.push(Problem::new("columns", message));
        }
        let apart = named(Column::Action) || named(Column::Active);
        if self.inactive() == Inactive::Write && !apart {
            let message = "write needs the column action or active, otherwise discontinued products cannot be recognised";
            problems.push(Problem::new("inactive", message));
        }
        let Words {
            upsert,
            delete,
            active,
            inactive,
        } = &self.words;
        if upsert == delete {
            problems.push(Problem::new("words.delete", "must differ from upsert"));
        }
        if active == inactive {
            problems.push(Problem::new("words.inactive", "must differ from active"));
        }
        problems.extend(self.file_name.problem("file_name", &NAMES));
        let days = self.file_name.names("first") && self.file_name.names("last");
        if !self.file_name.names("scope") || !(days || self.file_name.names("window")) {
            let message =
                "must contain {scope}, and {first} and {last} or {window}: a name is used once";
            problems.push(Problem::new("file_name", message));
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
        let mode = match self.mode {
            Mode::Full => "full",
            Mode::Changes => "changes",
        };
        let values = [
            ("mode", mode),
            ("scope", scope),
            ("first", &window.first),
            ("last", &window.last),
            ("window", &window.id),
        ];
        self.file_name.fill("file_name", &values)
    }
}
