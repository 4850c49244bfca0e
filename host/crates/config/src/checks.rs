//! Collects problems while `retailer.toml` and `plugin.toml` become typed values, and the problems of
//! `host.toml` that concern several keys.

use crate::{suggest, units};
use galleria_domain::Problem;
use galleria_domain::plugin::ConfigError;
use std::path::Path;
use std::time::Duration;

/// The problems found so far.
#[derive(Default)]
pub(crate) struct Checks {
    pub(crate) problems: Vec<Problem>,
}

impl Checks {
    /// Adds a problem, unless the key has one already: the second usually follows from the first.
    pub(crate) fn wrong(&mut self, key: impl Into<String>, message: impl Into<String>) {
        let problem = Problem::new(key, message);
        if self
            .problems
            .iter()
            .all(|other| other.field != problem.field)
        {
            self.problems.push(problem);
        }
    }

    /// Adds the problems to the errors of a file. A problem is left out if the value at its key, or below
    /// it, could not even be read: it follows from that.
    pub(crate) fn into_errors(self, file: &Path, errors: &mut Vec<ConfigError>) {
        // Rows belong to tables that a guest reads; in a file, the key gives the position.
        for Problem {
            field,
            message,
            row: _,
        } in self.problems
        {
            let unread = |error: &ConfigError| {
                error.file == file
                    && error
                        .key
                        .strip_prefix(&field)
                        .is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
            };
            if !errors.iter().any(unread) {
                errors.push(ConfigError::new(file, field, message));
            }
        }
    }

    /// Adds a problem unless a condition holds.
    pub(crate) fn check(&mut self, holds: bool, key: &str, message: &str) {
        if !holds {
            self.wrong(key, message);
        }
    }

    /// Parses a duration. Adds a problem and returns zero for another text.
    pub(crate) fn duration(&mut self, key: &str, text: &str) -> Duration {
        units::duration(text).unwrap_or_else(|| {
            let form = units::DURATION_FORM;
            self.wrong(key, format!("must be a duration, {form}, got {text:?}"));
            Duration::ZERO
        })
    }

    /// Parses one of a closed set of words.
    pub(crate) fn word<T: Copy>(
        &mut self,
        key: &str,
        text: &str,
        words: &[(&str, T)],
    ) -> Option<T> {
        let value = words
            .iter()
            .find(|(word, _)| *word == text)
            .map(|(_, value)| *value);
        if value.is_none() {
            let known: Vec<&str> = words.iter().map(|(word, _)| *word).collect();
            let expected = suggest::one_of(text, &known);
            // The value may be a secret in the wrong key of its declaration: do not show it.
            let got = match key.starts_with("secrets.") {
                true => String::new(),
                false => format!(", got {text:?}"),
            };
            self.wrong(key, format!("must be {expected}{got}"));
        }
        value
    }

    /// Finds the value of a word of the contract. Rejects a word that this host does not serve.
    pub(crate) fn served_word<T: Copy>(
        &mut self,
        key: &str,
        text: &str,
        words: &[(&str, T)],
        is_served: impl Fn(T) -> bool,
    ) -> Option<T> {
        let (served, planned): (Vec<_>, Vec<_>) =
            words.iter().partition(|(_, value)| is_served(*value));
        if planned.iter().any(|(word, _)| *word == text) {
            let message = format!("this version of the host does not serve `{text}`: remove it");
            self.wrong(key, message);
            return None;
        }
        self.word(key, text, &served)
    }
}
