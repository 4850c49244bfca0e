//! Problems of a file, collected: an author of a file mends all of them at once, not one a day.

use crate::{Fault, Problem};

/// The most that are told. A file that has more is of another kind than was thought, and reading on
/// would only take time.
pub const MAX_PROBLEMS: usize = 50;

/// What is wrong so far.
///
/// ```
/// use galleria_sdk::{Problem, Problems};
///
/// let mut problems = Problems::default();
/// let gross: Option<i64> = problems.take(Err(Problem::in_row(7, "gross", "is no amount")));
/// assert_eq!(gross, None);
/// assert!(problems.finish().is_err());
/// ```
#[derive(Clone, Debug, Default)]
pub struct Problems(Vec<Problem>);

impl Problems {
    /// Adds one; beyond [`MAX_PROBLEMS`] it is dropped.
    pub fn push(&mut self, problem: Problem) {
        if !self.is_full() {
            self.0.push(problem);
        }
    }

    /// The value, or nothing and one problem more.
    pub fn take<T>(&mut self, result: Result<T, Problem>) -> Option<T> {
        match result {
            Ok(value) => Some(value),
            Err(problem) => {
                self.push(problem);
                None
            }
        }
    }

    /// Whether there is no use in reading on.
    pub fn is_full(&self) -> bool {
        self.0.len() >= MAX_PROBLEMS
    }

    /// Whether all is well so far.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// `invalid` with all of them, where there are any.
    pub fn finish(self) -> Result<(), Fault> {
        match self.0.is_empty() {
            true => Ok(()),
            false => Err(Fault::Invalid(self.0)),
        }
    }
}

/// A piece of a file inside a message: in `` ` ``, cut where it is long, and without what would break a
/// line of a log.
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
    fn problems_are_collected_up_to_a_bound() {
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
    fn what_is_quoted_is_short() {
        assert_eq!(quoted(&"é".repeat(81)).chars().count(), 83);
    }
}
