//! The settings of a shop.

use galleria_sdk::{Decimal, Problem};

/// How entries of a training workstation are handled.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Training {
    /// Add a note only.
    #[default]
    Skip,
    /// Handle them like other entries.
    Write,
}

/// The settings.
#[derive(Clone, Debug, serde::Deserialize)]
pub struct Settings {
    /// The topic of the published sales.
    pub topic: String,
    /// With `{store}`, `{date}`, `{workstation}` and `{sequence}`.
    #[serde(default = "file_name_pattern")]
    pub file_name: String,
    /// `;`, `,`, `|` or a tab.
    #[serde(default = "semicolon")]
    pub delimiter: char,
    /// `,` or `.`.
    #[serde(default = "comma")]
    pub decimal_mark: char,
    /// Points for one unit of currency, as decimal text.
    #[serde(default = "no_points")]
    pub points_per_unit: String,
    /// The delay until the next look for a provider's reference.
    #[serde(default = "half_a_minute")]
    pub provider_wait_s: u32,
    /// How entries of a training workstation are handled.
    #[serde(default)]
    pub training: Training,
}

fn file_name_pattern() -> String {
    "{store}-{date}-{workstation}-{sequence}.csv".to_owned()
}

const fn semicolon() -> char {
    ';'
}

const fn comma() -> char {
    ','
}

fn no_points() -> String {
    "0".to_owned()
}

const fn half_a_minute() -> u32 {
    30
}

impl Settings {
    /// Returns the problems of settings with valid types.
    pub fn problems(&self) -> Vec<Problem> {
        let mut problems = Vec::new();
        let mut check = |good: bool, field: &str, message: String| {
            if !good {
                problems.push(Problem::new(field, message));
            }
        };
        check(!self.topic.is_empty(), "topic", "must be text".into());
        let delimits = matches!(self.delimiter, ';' | ',' | '|' | '\t');
        check(
            delimits,
            "delimiter",
            "must be one of `;`, `,`, `|`, `\t`".into(),
        );
        let marks = matches!(self.decimal_mark, ',' | '.');
        check(marks, "decimal_mark", "must be one of `,`, `.`".into());
        let points = Decimal::parse(&self.points_per_unit).is_ok();
        let message = "must be a decimal in quotes, such as \"0.05\"";
        check(points, "points_per_unit", message.into());
        let waits = (1..=3600).contains(&self.provider_wait_s);
        let message = "must be a whole number from 1 to 3600";
        check(waits, "provider_wait_s", message.into());
        for piece in ["{workstation}", "{sequence}"] {
            let message = format!("must contain {piece}, or two sales share a name");
            check(self.file_name.contains(piece), "file_name", message);
        }
        let unknown = file_name(&self.file_name, "", "", "", "").contains(['{', '}']);
        let message = "may contain only {store}, {date}, {workstation} and {sequence}";
        check(!unknown, "file_name", message.into());
        let differs = self.delimiter != self.decimal_mark;
        check(
            differs,
            "decimal_mark",
            "must differ from the delimiter".into(),
        );
        problems
    }
}

/// Fills the pattern. Characters other than letters, digits, `.`, `_` and `-` become `-`.
pub fn file_name(
    pattern: &str,
    store: &str,
    date: &str,
    workstation: &str,
    sequence: &str,
) -> String {
    let plain = |value: &str| -> String {
        let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-');
        value
            .chars()
            .map(|c| if plain(c) { c } else { '-' })
            .collect()
    };
    pattern
        .replace("{store}", &plain(store))
        .replace("{date}", &plain(date))
        .replace("{workstation}", &plain(workstation))
        .replace("{sequence}", &plain(sequence))
}
