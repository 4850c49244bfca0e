//! File names in settings, with `{names}` that a run replaces.

use crate::{Fault, Problem, RunSchedule, Window};
use std::collections::BTreeMap;

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

/// Returns a problem if two runs of the slot's schedules would have the same file name. `name` returns the name for a
/// scope and a window. The scope is an example: `store` if the schedule is per store, otherwise `retailer`.
///
/// ```
/// use galleria_sdk::{RunSchedule, Window, file_name::repeated};
///
/// let window = |id: &str, as_of: &str| Window {
///     id: id.into(),
///     first: "2026-11-23".into(),
///     last: "2026-11-23".into(),
///     as_of: as_of.into(),
///     stores: 1,
/// };
/// let twice_a_day = RunSchedule {
///     name: "catalogue".into(),
///     point: "export-catalogue".into(),
///     at: "0 6,18 * * *".into(),
///     zone: None,
///     per_store: true,
///     windows: vec![window("1", "2026-11-24T06:00:00.000+01:00"), window("2", "2026-11-24T18:00:00.000+01:00")],
/// };
/// let schedules = [twice_a_day];
/// let by_day = repeated("file_name", &schedules, |_, window| format!("products-{}.csv", window.first));
/// assert!(by_day.expect("a problem").message.contains("a name is used once"));
/// assert!(repeated("file_name", &schedules, |_, window| format!("products-{}.csv", window.id)).is_none());
/// ```
pub fn repeated(
    field: &str,
    schedules: &[RunSchedule],
    name: impl Fn(&str, &Window) -> String,
) -> Option<Problem> {
    let mut known: BTreeMap<String, (&RunSchedule, &Window)> = BTreeMap::new();
    let runs = schedules.iter();
    let runs = runs.flat_map(|schedule| {
        schedule
            .windows
            .iter()
            .map(move |window| (schedule, window))
    });
    for (schedule, window) in runs {
        let scope = match schedule.per_store {
            true => "store",
            false => "retailer",
        };
        let name = name(scope, window);
        match known.get(&name) {
            Some((_, before)) if before.id == window.id => {}
            Some((other, before)) => {
                let message = [
                    "must distinguish the runs of schedule ",
                    &other.name,
                    " at ",
                    &before.as_of,
                    " and schedule ",
                    &schedule.name,
                    " at ",
                    &window.as_of,
                    ": both would write `",
                    &name,
                    "`, and a name is used once. Add {window} to the name, or schedule fewer runs",
                ];
                return Some(Problem::new(field, message.concat()));
            }
            None => _ = known.insert(name, (schedule, window)),
        }
    }
    None
}

fn braced(name: &str) -> String {
    ["{", name, "}"].concat()
}
