//! Names that the style guide replaced. They must not come back.
//!
//! Three lists, from narrow to wide:
//!
//! - [`PARTS`]: words of an identifier in Rust code, so that `house`, `HouseConfig` and `open_house` are
//!   all found. Comments and strings are not searched: there the same word may be ordinary English.
//! - [`IDENTIFIERS`]: whole identifiers in Rust code that are fine as part of a longer name.
//! - [`FILES`]: names of files and folders.
//!
//! A word that is a name in no language of the repository is in [`EVERYWHERE`], which is searched in the
//! full text of every source and document.

use super::source::{self, Token};
use anyhow::{Context, Result};
use std::collections::BTreeSet;
use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};

/// A name and what to write instead.
type Rule = (&'static str, &'static str);

const PARTS: &[Rule] = &[
    ("ask", "request, query or the type's own name"),
    (
        "asked",
        "QueryParams, CallSpec, PreparedCall or WriteCommand",
    ),
    ("bell", "notifier"),
    ("desk", "operations"),
    ("ear", "subscription"),
    ("fate", "retry"),
    ("heard", "notified"),
    ("house", "host"),
    ("household", "rate_limit_key"),
    ("reckon", "expected"),
    ("reckoned", "expected"),
    ("sheet", "tabular"),
    ("shelf", "DocumentReader or PluginFolder"),
    ("stories", "timelines"),
    ("story", "timeline"),
    ("telling", "telemetry"),
    ("thaw", "deserialize"),
    ("told", "what it is: status, problems, event, span"),
    ("trouble", "error or outage"),
    ("troubles", "errors or outages"),
    ("whose", "owner, or the type's own name"),
];

const IDENTIFIERS: &[Rule] = &[
    ("Became", "OrderOutcome"),
    ("Bound", "Resource or Destination"),
    ("By", "Authenticated"),
    ("Face", "ApiState"),
    ("Found", "Row"),
    ("Got", "Actual"),
    ("Held", "LeaseStatus"),
    ("Holding", "GroupLeases"),
    ("Kept", "RunCommit"),
    ("Leaving", "RunRecord"),
    ("Mistake", "ConfigError"),
    ("Occasion", "NonceContext"),
    ("Piled", "Backlog"),
    ("Prefix", "Watermark"),
    ("Standing", "StatusFilter"),
    ("Took", "Claim"),
    ("Two", "PathPair"),
    ("Way", "Channel"),
    ("Word", "SqlEnum"),
    ("books", "ledger"),
    ("came", "the value's own name"),
    ("figures", "metrics"),
    ("ring", "notify"),
];

const FILES: &[Rule] = &[
    ("argument", "prepare"),
    ("bell", "notify"),
    ("books", "ledger"),
    ("desk", "operations"),
    ("fate", "retry"),
    ("figures", "metrics"),
    ("hand", "manual_settlement"),
    ("house", "host"),
    ("keep", "finish"),
    ("letters", "dead_letters"),
    ("mistakes", "config_errors"),
    ("reckon", "expected"),
    ("sheet", "tabular"),
    ("shelf", "document_reader"),
    ("stories", "timelines"),
    ("story", "timeline"),
    ("telling", "telemetry"),
    ("thaw", "deserialize"),
    ("told", "what it holds"),
];

const EVERYWHERE: &[Rule] = &[
    ("HouseConfig", "HostConfig"),
    ("Shelf", "DocumentReader or PluginFolder"),
    ("Told", "what it is: WorkerStatus, RecordedEvent, ..."),
    ("galleria story", "galleria timeline"),
    ("/v1/story", "/v1/timeline"),
    ("words!", "sql_enum!"),
];

/// Places that may keep a name, each with the reason.
const ALLOWED: &[(&str, &str)] = &[
    // The list itself.
    ("host/xtask/src/check/names.rs", ""),
    // Applied migrations never change.
    ("host/crates/db/migrations/", ""),
    // Names what changed.
    ("CHANGELOG.md", ""),
];

const EXTENSIONS: &[&str] = &["rs", "toml", "md", "wit", "py", "js", "mjs", "sql", "yml"];

/// A name that must not be used.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Finding {
    pub file: PathBuf,
    /// 0 for the name of the file itself.
    pub line: usize,
    pub name: String,
    pub instead: &'static str,
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            file,
            line,
            name,
            instead,
        } = self;
        write!(f, "{}:{line}: `{name}`: use {instead}", file.display())
    }
}

/// Searches the repository.
pub fn find(root: &Path) -> Result<Vec<Finding>> {
    let mut found = BTreeSet::new();
    for file in source::files(root, EXTENSIONS).with_context(|| root.display().to_string())? {
        let path = file.strip_prefix(root).unwrap_or(&file).to_owned();
        let allowed = |(place, word): &(&str, &str)| path.starts_with(place) && word.is_empty();
        if ALLOWED.iter().any(allowed) {
            continue;
        }
        let text = fs::read_to_string(&file).with_context(|| file.display().to_string())?;
        let of_file = of_file(&path, &text);
        let kept = |one: &Finding| {
            !ALLOWED
                .iter()
                .any(|(place, word)| path.starts_with(place) && one.name == *word)
        };
        found.extend(of_file.into_iter().filter(kept));
    }
    Ok(found.into_iter().collect())
}

fn of_file(path: &Path, text: &str) -> Vec<Finding> {
    let finding = |line, name: &str, instead| Finding {
        file: path.to_owned(),
        line,
        name: name.to_owned(),
        instead,
    };
    let mut found = Vec::new();
    let rust = path.extension().is_some_and(|extension| extension == "rs");
    if rust {
        for part in path.components() {
            let part = part.as_os_str().to_string_lossy();
            let stem = part.strip_suffix(".rs").unwrap_or(&part);
            if let Some((name, instead)) = FILES.iter().find(|(name, _)| *name == stem) {
                found.push(finding(0, name, *instead));
            }
        }
        for one in source::tokens(text) {
            let Token::Identifier(word) = &one.token else {
                continue;
            };
            if let Some(instead) = rule_for(word) {
                found.push(finding(one.line, word, instead));
            }
        }
    }
    for (at, line) in text.lines().enumerate() {
        for (name, instead) in EVERYWHERE {
            if contains_word(line, name) {
                found.push(finding(at + 1, name, *instead));
            }
        }
    }
    found
}

/// What to write instead of an identifier of Rust code; none if it is good.
fn rule_for(identifier: &str) -> Option<&'static str> {
    let whole = IDENTIFIERS.iter().find(|(name, _)| *name == identifier);
    let mut parts = parts(identifier);
    // A retailer's word for a till.
    if let Some(at) = parts.windows(2).position(|pair| pair == ["cash", "desk"]) {
        parts.drain(at..at + 2);
    }
    let part = || {
        PARTS
            .iter()
            .find(|(name, _)| parts.iter().any(|part| part == name))
    };
    whole.or_else(part).map(|(_, instead)| *instead)
}

/// The words of an identifier, in lower case: `HouseConfig` and `house_config` have the same.
fn parts(identifier: &str) -> Vec<String> {
    let mut all: Vec<String> = Vec::new();
    let mut upper = false;
    for c in identifier.chars() {
        let begins = c.is_uppercase() && !upper;
        if c == '_' || begins || all.is_empty() {
            all.push(String::new());
        }
        upper = c.is_uppercase();
        if c != '_'
            && let Some(last) = all.last_mut()
        {
            last.extend(c.to_lowercase());
        }
    }
    all.retain(|part| !part.is_empty());
    all
}

/// Whether the text has the word with no letter, digit or `_` beside it.
fn contains_word(text: &str, word: &str) -> bool {
    let boundary = |c: Option<char>| c.is_none_or(|c| !c.is_alphanumeric() && c != '_');
    let begins = word.starts_with(char::is_alphanumeric);
    let ends = word.ends_with(char::is_alphanumeric);
    text.match_indices(word).any(|(at, _)| {
        let (before, after) = (&text[..at], &text[at + word.len()..]);
        (!begins || boundary(before.chars().next_back()))
            && (!ends || boundary(after.chars().next()))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(path: &str, text: &str) -> Vec<String> {
        of_file(Path::new(path), text)
            .into_iter()
            .map(|one| one.name)
            .collect()
    }

    #[test]
    fn identifiers_are_found_whole_and_in_parts() {
        let text = "struct HouseConfig; fn open_house() { let told = ROW_TOLD; asked(); }";
        let found = names("a.rs", text);
        for name in ["HouseConfig", "open_house", "told", "ROW_TOLD", "asked"] {
            assert!(found.contains(&name.to_owned()), "{name}: {found:?}");
        }
    }

    #[test]
    fn ordinary_english_and_longer_words_are_good() {
        let text = "// letters of the house, as we are told\n\
                    let warehouse = \"house rules\"; cash_desk(); fn year() {} dead_letters; task();";
        assert_eq!(names("a.rs", text), [""; 0]);
        assert_eq!(names("a.py", "sorted(letters, by=house) # told"), [""; 0]);
        assert_eq!(
            names("README.md", "The story of letters told at a desk."),
            [""; 0]
        );
    }

    #[test]
    fn types_and_commands_are_found_in_every_text() {
        assert_eq!(names("README.md", "`Told` and ToldBy"), ["Told"]);
        assert_eq!(
            names("a/b.md", "curl http://host/v1/story/1"),
            ["/v1/story"]
        );
        assert_eq!(names("a.sql", "-- made by words!(Kind)"), ["words!"]);
    }

    #[test]
    fn names_of_files_and_folders_are_found() {
        assert_eq!(names("host/src/desk/letters.rs", ""), ["desk", "letters"]);
        assert_eq!(names("host/src/dead_letters.rs", ""), [""; 0]);
        assert_eq!(names("docs/story.md", ""), [""; 0]);
    }

    #[test]
    fn an_identifier_has_its_words() {
        assert_eq!(parts("HouseConfig"), ["house", "config"]);
        assert_eq!(parts("open_house2"), ["open", "house2"]);
        assert_eq!(parts("HTTPServer"), ["httpserver"]);
        assert_eq!(parts("_ROW_TOLD"), ["row", "told"]);
    }
}
