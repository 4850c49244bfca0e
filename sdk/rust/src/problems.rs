//! Collects problems, so that the author of a file can correct all of them at once.

use crate::{Fault, Problem};

/// The maximum number of problems that are reported. A file with more of them has the wrong format, and reading on
/// would waste time.
pub const MAX_PROBLEMS: usize = 50;

/// The problems so far.
///
/// ```
/// use galleria_sdk::{Problem, Problems};
///
/// let mut problems = Problems::default();
/// let gross: Option<i64> = problems.take(Err(Problem::in_row(7, "gross", "is not an amount")));
/// assert_eq!(gross, None);
/// assert!(problems.finish().is_err());
/// ```
#[derive(Clone, Debug, Default)]
pub struct Problems(Vec<Problem>);

impl Problems {
    /// Adds a problem; beyond [`MAX_PROBLEMS`] it is dropped.
    pub fn push(&mut self, problem: Problem) {
        if !self.is_full() {
            self.0.push(problem);
        }
    }

    /// Returns the value, or adds the problem and returns `None`.
    pub fn take<T>(&mut self, result: Result<T, Problem>) -> Option<T> {
        match result {
            Ok(value) => Some(value),
            Err(problem) => {
                self.push(problem);
                None
            }
        }
    }

    /// Returns whether the limit is reached, so that reading on is useless.
    pub fn is_full(&self) -> bool {
        self.0.len() >= MAX_PROBLEMS
    }

    /// Returns whether there is no problem so far.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Returns the number of problems.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Returns `invalid` with all problems, if there are any.
    pub fn finish(self) -> Result<(), Fault> {
        match self.0.is_empty() {
            true => Ok(()),
            false => Err(Fault::Invalid(self.0)),
        }
    }
}

/// Quotes text of a file for a message: in `` ` ``, cut if it is long, without characters that would
/// break a log line.
///
/// ```
/// assert_eq!(galleria_sdk::quoted("a\nb"), "`a\u{fffd}b`");
/// ```
pub fn quoted(text: &str) -> String {
    const SHOWN: usize = 80;
    let mut quoted = String::with_capacity(text.len().min(SHOWN) + 8);
    quoted.push('`');
    for (count, letter) in text.chars().enumerate() {
        if count == SHOWN {
            quoted.push('…');
            break;
        }
        quoted.push(if letter.is_control() {
            '\u{fffd}'
        } else {
            letter
        });
    }
    quoted.push('`');
    quoted
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn problems_are_collected_up_to_a_limit() {
        let mut problems = Problems::default();
        assert_eq!(problems.take(Ok(1)), Some(1));
        assert_eq!(problems.clone().finish(), Ok(()));
        for row in 0..80 {
            problems.push(Problem::in_row(row, "net", "is wrong"));
        }
        assert!(problems.is_full());
        let Err(Fault::Invalid(found)) = problems.finish() else {
            panic!("problems are invalid");
        };
        assert_eq!((found.len(), found[49].row), (50, Some(49)));
    }

    #[test]
    fn quoted_text_is_short() {
        assert_eq!(quoted(&"é".repeat(81)).chars().count(), 83);
    }
}
