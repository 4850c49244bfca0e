//! Collecting what is wrong while raw values become typed ones.

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
    /// Notes a problem. What follows from another problem of the same key is left out.
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

    /// Adds what was found to the errors of a file, except where something at or below the key
    /// could not even be read: the problem follows from that.
    pub(crate) fn into_errors(self, file: &Path, errors: &mut Vec<ConfigError>) {
        // A row belongs to a table that a guest read; a file's key says where it is.
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

    /// Notes a problem unless something holds.
    pub(crate) fn check(&mut self, holds: bool, key: &str, message: &str) {
        if !holds {
            self.wrong(key, message);
        }
    }

    /// The value, or its kind's plain one with a problem noted.
    pub(crate) fn take<T: Default>(&mut self, key: &str, value: Result<T, String>) -> T {
        value.unwrap_or_else(|message| {
            self.wrong(key, message);
            T::default()
        })
    }

    /// A duration.
    pub(crate) fn duration(&mut self, key: &str, text: &str) -> Duration {
        self.take(key, units::duration(text))
    }

    /// A number that is not zero.
    pub(crate) fn positive(&mut self, key: &str, number: u32) -> usize {
        self.check(number > 0, key, "a whole number from 1");
        number as usize
    }

    /// One of a closed set of words.
    pub(crate) fn word<T: Copy>(
        &mut self,
        key: &str,
        text: &str,
        words: &[(&str, T)],
    ) -> Option<T> {
        let found = words
            .iter()
            .find(|(word, _)| *word == text)
            .map(|(_, value)| *value);
        if found.is_none() {
            let known: Vec<&str> = words.iter().map(|(word, _)| *word).collect();
            self.wrong(key, suggest::one_of(text, &known));
        }
        found
    }
}
