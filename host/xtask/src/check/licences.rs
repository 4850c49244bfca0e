//! Checks that `.cargo/deny.toml` allows the licences of all dependencies.

use anyhow::{Context, Result, bail};
use serde::Deserialize;
use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

#[derive(Deserialize)]
struct Deny {
    licenses: Licences,
}

#[derive(Deserialize)]
struct Licences {
    allow: BTreeSet<String>,
}

#[derive(Deserialize)]
struct Metadata {
    packages: Vec<Package>,
}

#[derive(Deserialize)]
struct Package {
    name: String,
    version: String,
    license: Option<String>,
}

/// Checks the output of `cargo metadata`. Returns the number of packages.
pub fn check(metadata: &str, deny: &Path) -> Result<usize> {
    let text = fs::read_to_string(deny).with_context(|| deny.display().to_string())?;
    let Deny { licenses } = toml::from_str(&text).with_context(|| deny.display().to_string())?;
    let Metadata { packages } = serde_json::from_str(metadata)?;
    let rejected: Vec<String> = packages
        .iter()
        .filter_map(|package| {
            let licence = package.license.as_deref().unwrap_or("none");
            let is_allowed = allowed(licence, &licenses.allow);
            (!is_allowed).then(|| format!("{} {}: {licence}", package.name, package.version))
        })
        .collect();
    if !rejected.is_empty() {
        bail!(
            "licences not allowed by {}:\n  {}",
            deny.display(),
            rejected.join("\n  ")
        );
    }
    Ok(packages.len())
}

/// Evaluates an SPDX expression. `/` is an old notation of `OR`.
fn allowed(expression: &str, allow: &BTreeSet<String>) -> bool {
    let spaced = expression
        .replace('/', " OR ")
        .replace('(', " ( ")
        .replace(')', " ) ");
    let words: Vec<&str> = spaced.split_whitespace().collect();
    let mut at = 0;
    let good = any(&words, &mut at, allow);
    good && at == words.len()
}

fn any(words: &[&str], at: &mut usize, allow: &BTreeSet<String>) -> bool {
    let mut good = all(words, at, allow);
    while words.get(*at) == Some(&"OR") {
        *at += 1;
        good |= all(words, at, allow);
    }
    good
}

fn all(words: &[&str], at: &mut usize, allow: &BTreeSet<String>) -> bool {
    let mut good = one(words, at, allow);
    while words.get(*at) == Some(&"AND") {
        *at += 1;
        good &= one(words, at, allow);
    }
    good
}

fn one(words: &[&str], at: &mut usize, allow: &BTreeSet<String>) -> bool {
    let Some(word) = words.get(*at) else {
        return false;
    };
    *at += 1;
    if *word == "(" {
        let good = any(words, at, allow);
        let closed = words.get(*at) == Some(&")");
        *at += 1;
        return good && closed;
    }
    let mut name = (*word).to_owned();
    if words.get(*at) == Some(&"WITH") {
        name = format!("{name} WITH {}", words.get(*at + 1).unwrap_or(&""));
        *at += 2;
    }
    allow.contains(&name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_licences_of_all_dependencies_are_allowed() {
        let mut metadata = crate::process::cargo();
        metadata.args(["metadata", "--format-version", "1"]);
        let metadata = crate::process::read(&mut metadata).expect("cargo's metadata");
        let deny = crate::root::root().join(".cargo/deny.toml");
        assert!(check(&metadata, &deny).expect("allowed licences") > 100);
        let other = metadata.replacen("\"license\":\"MIT\"", "\"license\":\"GPL-3.0\"", 1);
        let refused = check(&other, &deny).expect_err("one is not");
        assert!(refused.to_string().contains(": GPL-3.0"), "{refused}");
    }

    #[test]
    fn expressions_follow_spdx() {
        let allow = ["MIT", "Unicode-3.0", "Apache-2.0 WITH LLVM-exception"];
        let allow = allow.map(str::to_owned).into();
        for good in [
            "MIT",
            "GPL-3.0 OR MIT",
            "Apache-2.0/MIT",
            "(MIT OR Apache-2.0) AND Unicode-3.0",
            "Apache-2.0 WITH LLVM-exception OR GPL-2.0",
        ] {
            assert!(allowed(good, &allow), "{good}");
        }
        for bad in [
            "",
            "none",
            "GPL-3.0",
            "MIT AND GPL-3.0",
            "Apache-2.0",
            "MIT)",
            "(MIT",
            "MIT MIT",
        ] {
            assert!(!allowed(bad, &allow), "{bad}");
        }
    }
}
