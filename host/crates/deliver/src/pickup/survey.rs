//! Sorts the files of a pickup directory: statements, and files that no pickup takes, with the reason.

use super::files::{Candidate, open};
use cap_std::fs::{Dir, MetadataExt as _};
use galleria_domain::{Complete, Pickup};
use std::collections::{BTreeSet, HashMap};
use std::io;
use std::time::{Duration, SystemTime};

/// Suffix of the empty file that marks a file as complete.
const MARKER: &str = ".complete";

/// The folders to which files are moved after their import.
pub(super) const PROCESSED: [&str; 2] = ["done", "refused"];

/// A younger file may still be uploaded under a temporary name.
const UPLOAD: Duration = Duration::from_secs(60);

/// A younger file may still get its marker.
const MARKED_WITHIN: Duration = Duration::from_secs(15 * 60);

/// The files of a folder.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Survey {
    /// Sorted by name.
    pub candidates: Vec<Candidate>,
    /// Names and reasons, sorted by name.
    pub untaken: Vec<(String, String)>,
}

/// Sorts the entries of a retailer's folder. `pickups` are the pickups of this folder. Hidden files and the folders
/// of processed files are skipped.
pub(super) fn survey(folder: &Dir, pickups: &[&Pickup], now: SystemTime) -> io::Result<Survey> {
    let mut survey = Survey::default();
    let (mut files, mut markers) = (Vec::new(), Vec::new());
    for entry in folder.entries()? {
        let name = entry?.file_name();
        let Ok(metadata) = folder.symlink_metadata(&name) else {
            // It was moved away meanwhile.
            continue;
        };
        let age = age(&metadata, now);
        let mut untaken = |reason: &str| {
            if age >= UPLOAD {
                let name = name.to_string_lossy().into_owned();
                survey.untaken.push((name, reason.to_owned()));
            }
        };
        let Some(text) = name.to_str() else {
            untaken("its name must be UTF-8");
            continue;
        };
        if text.starts_with('.') || (metadata.is_dir() && PROCESSED.contains(&text)) {
            continue;
        }
        if metadata.is_dir() {
            untaken("files in subdirectories are not picked up");
        } else if !metadata.is_file() {
            untaken("must be a regular file: links are not followed");
        } else if let Some(stem) = without_suffix(text, MARKER) {
            markers.push((text.to_owned(), stem.to_owned(), age));
        } else {
            files.push((text.to_owned(), age));
        }
    }
    let mut marker_of = paired(&files, markers, &mut survey.untaken);
    for (name, age) in files {
        let pickup = pickups
            .iter()
            .find(|one| without_suffix(&name, &one.suffix).is_some());
        let marker = marker_of.remove(&name);
        let Some(pickup) = pickup else {
            if age >= UPLOAD {
                survey.untaken.push((name, suffixes(pickups)));
            }
            continue;
        };
        if let Err(error) = open(folder, &name) {
            survey
                .untaken
                .push((name.clone(), format!("cannot be opened: {error}")));
        } else if pickup.complete == Complete::Marker && marker.is_none() && age >= MARKED_WITHIN {
            let reason = format!("its marker {name}{MARKER} is missing");
            survey.untaken.push((name.clone(), reason));
        }
        survey.candidates.push(Candidate {
            plugin: pickup.plugin.clone(),
            name,
            marker,
        });
    }
    survey
        .candidates
        .sort_by(|one, other| one.name.cmp(&other.name));
    survey.untaken.sort();
    Ok(survey)
}

/// The entries of a pickup directory that belong to none of `retailers`, with the reason: files in the directory
/// itself, and other folders that have files. Hidden ones are skipped, and folders that are `written` by plugins.
pub(super) fn elsewhere(
    root: &Dir,
    retailers: &BTreeSet<&str>,
    written: impl Fn(&str) -> bool,
    now: SystemTime,
) -> io::Result<Vec<(String, String)>> {
    let names: Vec<&str> = retailers.iter().copied().collect();
    let rule = format!(
        "must be in the folder of a retailer that has a pickup: {}",
        names.join(", ")
    );
    let mut found = Vec::new();
    for entry in root.entries()? {
        let name = entry?.file_name();
        let text = name.to_string_lossy().into_owned();
        if text.starts_with('.') || retailers.contains(text.as_str()) || written(&text) {
            continue;
        }
        let Ok(metadata) = root.symlink_metadata(&name) else {
            // It was moved away meanwhile.
            continue;
        };
        if !metadata.is_dir() {
            if age(&metadata, now) >= UPLOAD {
                found.push((text, rule.clone()));
            }
            continue;
        }
        let inside = root.open_dir(&name);
        match inside.and_then(|folder| survey(&folder, &[], now)) {
            Ok(inside) if inside.untaken.is_empty() => {}
            Ok(inside) => {
                let files = inside.untaken.len();
                found.push((text, format!("its files ({files}) {rule}")));
            }
            Err(error) => found.push((text, format!("cannot be listed: {error}"))),
        }
    }
    found.sort();
    Ok(found)
}

/// The marker of each file. Its name may differ in case, if it still belongs to one file only.
fn paired(
    files: &[(String, Duration)],
    markers: Vec<(String, String, Duration)>,
    untaken: &mut Vec<(String, String)>,
) -> HashMap<String, String> {
    let mut of = HashMap::new();
    for (marker, stem, age) in markers {
        let same: Vec<&String> = files
            .iter()
            .map(|(name, _)| name)
            .filter(|name| name.eq_ignore_ascii_case(&stem))
            .collect();
        let exact = same.iter().find(|name| **name == &stem);
        match (exact, same.as_slice()) {
            (Some(name), _) | (None, [name]) => {
                // An exact marker takes precedence over one that differs in case.
                if exact.is_some() || !of.contains_key(*name) {
                    of.insert((*name).clone(), marker);
                }
            }
            (None, _) if age < UPLOAD => {}
            (None, []) => {
                let reason = format!("marks {stem}, which is missing");
                untaken.push((marker, reason));
            }
            (None, _) => {
                let reason = "marks several files, whose names differ only in case";
                untaken.push((marker, reason.to_owned()));
            }
        }
    }
    of
}

/// The name without the suffix, which is compared without case. A name that is only the suffix does not match.
fn without_suffix<'n>(name: &'n str, suffix: &str) -> Option<&'n str> {
    let start = name
        .len()
        .checked_sub(suffix.len())
        .filter(|start| *start > 0)?;
    let (stem, end) = name.split_at_checked(start)?;
    end.eq_ignore_ascii_case(suffix).then_some(stem)
}

fn suffixes(pickups: &[&Pickup]) -> String {
    let suffixes: Vec<&str> = pickups.iter().map(|one| one.suffix.as_str()).collect();
    format!("its name must end with {}", suffixes.join(" or "))
}

/// The time since the last change. A time of change in the future is not used.
fn age(metadata: &cap_std::fs::Metadata, now: SystemTime) -> Duration {
    let changed = [metadata.mtime(), metadata.ctime()].into_iter().min();
    let seconds = u64::try_from(changed.unwrap_or_default()).unwrap_or_default();
    let changed = SystemTime::UNIX_EPOCH + Duration::from_secs(seconds);
    now.duration_since(changed).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::Path;

    fn pickup(plugin: &str, suffix: &str, complete: Complete) -> Pickup {
        Pickup {
            retailer: "r".into(),
            plugin: plugin.into(),
            directory: "statements".into(),
            suffix: suffix.into(),
            complete,
        }
    }

    fn put(folder: &Path, names: &[&str]) {
        for name in names {
            std::fs::write(folder.join(name), name).expect("written");
        }
    }

    fn after(folder: &Path, seconds: u64) -> Survey {
        // The time of the last new file.
        let changed = folder.metadata().and_then(|folder| folder.modified());
        let now = changed.expect("a time") + Duration::from_secs(seconds);
        let folder = Dir::open_ambient_dir(folder, cap_std::ambient_authority());
        let unchanged = Complete::Unchanged(Duration::from_secs(30));
        let pickups = [
            pickup("csv", ".csv", Complete::Marker),
            pickup("txt", ".Txt", unchanged),
        ];
        let pickups: Vec<&Pickup> = pickups.iter().collect();
        survey(&folder.expect("a folder"), &pickups, now).expect("a survey")
    }

    fn taken(survey: &Survey) -> Vec<(&str, &str, Option<&str>)> {
        let all = survey.candidates.iter();
        all.map(|one| {
            (
                one.name.as_str(),
                one.plugin.as_str(),
                one.marker.as_deref(),
            )
        })
        .collect()
    }

    fn untaken(survey: &Survey) -> Vec<&str> {
        survey
            .untaken
            .iter()
            .map(|(name, _)| name.as_str())
            .collect()
    }

    #[test]
    fn suffixes_and_markers_are_compared_without_case() {
        let temp = tempfile::tempdir().expect("a folder");
        put(
            temp.path(),
            &[
                "A.CSV",
                "A.CSV.COMPLETE",
                "b.csv",
                "B.csv.Complete",
                "c.TXT",
                "d.Csv",
            ],
        );
        let survey = after(temp.path(), 0);
        let expected = [
            ("A.CSV", "csv", Some("A.CSV.COMPLETE")),
            ("b.csv", "csv", Some("B.csv.Complete")),
            ("c.TXT", "txt", None),
            ("d.Csv", "csv", None),
        ];
        assert_eq!(taken(&survey), expected);
        assert_eq!(untaken(&survey), [""; 0]);
        assert_eq!(untaken(&after(temp.path(), 899)), [""; 0]);
        assert_eq!(untaken(&after(temp.path(), 901)), ["d.Csv"]);
    }

    #[test]
    fn names_that_differ_only_in_case_keep_their_own_markers() {
        let temp = tempfile::tempdir().expect("a folder");
        put(
            temp.path(),
            &["a.csv", "A.csv", "A.csv.complete", "a.CSV.complete"],
        );
        let survey = after(temp.path(), 61);
        let expected = [
            ("A.csv", "csv", Some("A.csv.complete")),
            ("a.csv", "csv", None),
        ];
        assert_eq!(taken(&survey), expected);
        assert_eq!(
            survey.untaken,
            [(
                "a.CSV.complete".to_owned(),
                "marks several files, whose names differ only in case".to_owned()
            )]
        );
    }

    #[test]
    fn a_file_that_no_pickup_takes_has_a_reason_after_a_minute() {
        use std::os::unix::ffi::OsStrExt as _;
        let temp = tempfile::tempdir().expect("a folder");
        let names = [
            "a.csv.gz",
            "b.xlsx",
            "csv",
            "lone.csv.complete",
            ".hidden.doc",
            ".csv",
        ];
        put(temp.path(), &names);
        for name in ["done", "refused", "archive"] {
            std::fs::create_dir(temp.path().join(name)).expect("a folder");
        }
        std::os::unix::fs::symlink("b.xlsx", temp.path().join("link.csv")).expect("a link");
        let name = std::ffi::OsStr::from_bytes(b"\xff.csv");
        std::fs::write(temp.path().join(name), "").expect("written");
        assert_eq!(after(temp.path(), 0), Survey::default());
        let survey = after(temp.path(), 61);
        let end = "its name must end with .csv or .Txt";
        let expected = [
            ("a.csv.gz", end),
            ("archive", "files in subdirectories are not picked up"),
            ("b.xlsx", end),
            ("csv", end),
            ("link.csv", "must be a regular file: links are not followed"),
            ("lone.csv.complete", "marks lone.csv, which is missing"),
            ("\u{fffd}.csv", "its name must be UTF-8"),
        ];
        let expected = expected.map(|(name, reason)| (name.to_owned(), reason.to_owned()));
        assert_eq!(survey.untaken, expected);
        assert_eq!(taken(&survey), []);
    }

    #[test]
    fn a_file_in_no_folder_of_a_retailer_is_reported() {
        let temp = tempfile::tempdir().expect("a folder");
        for name in ["r", "R", "other", "output", "empty", ".hidden"] {
            std::fs::create_dir(temp.path().join(name)).expect("a folder");
        }
        put(temp.path(), &["a.csv", ".b.csv"]);
        put(&temp.path().join("r"), &["c.csv"]);
        put(&temp.path().join("R"), &["d.csv", "d.csv.complete"]);
        put(&temp.path().join("other"), &["e.txt", ".f"]);
        put(&temp.path().join("output"), &["g.csv"]);
        put(&temp.path().join(".hidden"), &["h.csv"]);
        let changed = temp.path().join("output").metadata();
        let changed = changed
            .and_then(|folder| folder.modified())
            .expect("a time");
        let found = |seconds: u64| {
            let root = Dir::open_ambient_dir(temp.path(), cap_std::ambient_authority());
            let (root, retailers) = (root.expect("a folder"), BTreeSet::from(["r", "s"]));
            let now = changed + Duration::from_secs(seconds);
            elsewhere(&root, &retailers, |name| name == "output", now).expect("files")
        };
        assert_eq!(found(0), []);
        let rule = "must be in the folder of a retailer that has a pickup: r, s";
        let expected = [
            ("R", format!("its files (1) {rule}")),
            ("a.csv", rule.to_owned()),
            ("other", format!("its files (1) {rule}")),
        ];
        let expected = expected.map(|(name, reason)| (name.to_owned(), reason));
        assert_eq!(found(62), expected);
    }
}
