//! File names in settings, with `{names}` that a run replaces.

use crate::{Fault, Problem};

/// The longest name that the host accepts, in bytes.
const LONGEST: usize = 200;

/// A file name with names in braces, such as `sales-{scope}-{first}-{last}.csv`.
///
/// ```
/// use galleria_sdk::file_name::Pattern;
///
/// let pattern = Pattern::new("sales-{store}-{first}.csv");
/// assert!(pattern.problem("file_name", &["store", "first", "last"]).is_none());
/// assert!(pattern.names("store"));
/// let name = pattern.fill("file_name", &[("store", "0042"), ("first", "2026-11-24")])?;
/// assert_eq!(name, "sales-0042-2026-11-24.csv");
/// # Ok::<(), galleria_sdk::Fault>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, serde::Deserialize, serde::Serialize)]
#[serde(transparent)]
pub struct Pattern(String);

impl Pattern {
    /// Returns a pattern. [`problem`](Self::problem) reports whether it is valid.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// Returns whether the pattern contains `{name}`.
    pub fn names(&self, name: &str) -> bool {
        self.0.contains(&braced(name))
    }

    /// Returns the problem of the pattern, if a run replaces the `known` names.
    pub fn problem(&self, field: &str, known: &[&str]) -> Option<Problem> {
        let rest = known
            .iter()
            .fold(self.0.clone(), |rest, name| rest.replace(&braced(name), ""));
        if rest.contains(['{', '}']) {
            let known: Vec<String> = known.iter().map(|name| braced(name)).collect();
            let message = ["knows ", &known.join(", "), " only"].concat();
            return Some(Problem::new(field, message));
        }
        let segment = !self.0.is_empty()
            && !self.0.starts_with('.')
            && !rest
                .chars()
                .any(|letter| letter.is_control() || "/\\:*?\"<>|".contains(letter));
        (!segment).then(|| {
            let message = "must be one file name: no leading dot, and none of / \\ : * ? \" < > |";
            Problem::new(field, message)
        })
    }

    /// Returns the file name. `field` is the pattern's place in the settings; the fault names it if
    /// the host would not accept the name.
    pub fn fill(&self, field: &str, values: &[(&str, &str)]) -> Result<String, Fault> {
        let name = values.iter().fold(self.0.clone(), |name, (of, value)| {
            name.replace(&braced(of), value)
        });
        if name.len() > LONGEST || name.contains(['/', '\\', ':']) {
            let message = ["`", &name, "` is not a file name of at most 200 bytes"].concat();
            return Err(Fault::misconfigured(field, message));
        }
        Ok(name)
    }
}

fn braced(name: &str) -> String {
    ["{", name, "}"].concat()
}
