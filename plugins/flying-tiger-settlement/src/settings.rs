//! Settings: columns, file format and file name.

use crate::columns::{self, Column, Titled};
use galleria_sdk::csv;
use galleria_sdk::file_name;
use galleria_sdk::prelude::*;
use serde::Deserialize;

/// The longest file name in the contract, in bytes.
const LONGEST: usize = 200;

/// The plugin's settings. An empty object is valid.
#[derive(Clone, Debug, Deserialize)]
#[serde(default)]
pub struct Settings {
    /// The columns, in this order.
    pub columns: Vec<Titled>,
    /// Whether the first row contains the names of the columns.
    pub header: bool,
    /// Whether each statement ends with a row of its totals.
    pub totals: bool,
    /// Delimiter, decimal mark, quotes, line ends, byte order mark.
    pub csv: csv::Options,
    /// With `{scope}` (retailer, or retailer and store), `{first}`, `{last}` and `{window}`.
    pub file_name: String,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            columns: columns::default(),
            header: true,
            totals: true,
            csv: csv::Options::default(),
            file_name: "settlement_{scope}_{first}_{last}.csv".to_owned(),
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
        if self.totals && !self.columns.is_empty() && !named(Column::Record) {
            let message =
                "needs the column record, otherwise totals and days cannot be distinguished";
            problems.push(Problem::new("totals", message));
        }
        if let Some(message) = self.file_name_problem() {
            problems.push(Problem::new("file_name", message));
        }
        problems
    }

    fn file_name_problem(&self) -> Option<&'static str> {
        let name = &self.file_name;
        let days = name.contains("{first}") && name.contains("{last}");
        if !name.contains("{scope}") || !(days || name.contains("{window}")) {
            return Some(
                "must contain {scope}, and {first} and {last} or {window}: a name is used once",
            );
        }
        let known = ["{scope}", "{first}", "{last}", "{window}"];
        let rest = known
            .iter()
            .fold(name.clone(), |rest, known| rest.replace(known, ""));
        if rest.contains(['{', '}']) {
            return Some("may contain only {scope}, {first}, {last} and {window}");
        }
        let segment = !name.starts_with('.') && !rest.contains(['/', '\\', '\0']);
        (!segment).then_some("must be one file name: no slash and no leading dot")
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
        // The retailer chooses the ids: characters that could lead out of the directory become
        // dashes.
        let safe = |text: &str| text.replace(['/', '\\', '\0'], "-");
        let name = self
            .file_name
            .replace("{scope}", &safe(scope))
            .replace("{first}", &window.first)
            .replace("{last}", &window.last)
            .replace("{window}", &safe(&window.id));
        if name.len() > LONGEST {
            let message = ["`", &name, "` is longer than 200 bytes"].concat();
            return Err(Fault::misconfigured("file_name", message));
        }
        Ok(name)
    }
}
