//! The messages of `proto/tax.proto` as the values of the domain, and back. No other code names their fields.

mod evaluation;
mod rows;
mod words;

use galleria_domain::Problem;
use std::str::FromStr;

/// Collects every violated rule of a message, so that they are reported together.
#[derive(Default)]
struct Reader(Vec<Problem>);

impl Reader {
    /// Parses a text. If it is invalid, adds the rule as a problem of `field` and returns `instead`.
    fn parse<T: FromStr>(
        &mut self,
        field: impl FnOnce() -> String,
        text: &str,
        rule: &str,
        instead: T,
    ) -> T {
        text.parse().unwrap_or_else(|_| {
            self.reject(field(), format!("{rule}, got {}", shown(text)));
            instead
        })
    }

    fn reject(&mut self, field: impl Into<String>, message: impl Into<String>) {
        self.0.push(Problem::new(field, message));
    }

    fn finish<T>(self, value: T) -> Result<T, Vec<Problem>> {
        match self.0.is_empty() {
            true => Ok(value),
            false => Err(self.0),
        }
    }
}

const DECIMAL: &str = "must be a decimal in plain notation, such as \"12.50\"";
const DATE: &str = "must be a date such as 2026-11-30";

/// The beginning of a text, for a message.
fn shown(text: &str) -> String {
    const MAX: usize = 40;
    match text.char_indices().nth(MAX) {
        Some((end, _)) => format!("{:?}...", &text[..end]),
        None => format!("{text:?}"),
    }
}

/// `None` for an empty text.
fn filled(text: String) -> Option<String> {
    (!text.is_empty()).then_some(text)
}
