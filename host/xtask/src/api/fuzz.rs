//! One run of schemathesis over a group of routes.

use super::ApiAsk;
use crate::root::root;
use crate::show;
use anyhow::{Context, Result, bail};
use serde_json::Value;
use std::collections::BTreeMap;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use tokio::process::Command;

/// A group of routes on a host.
#[derive(Clone, Copy)]
pub struct Fuzz<'a> {
    pub ask: &'a ApiAsk,
    pub tools: &'a Path,
    pub folder: &'a Path,
    pub url: &'a str,
    /// Sent with every request.
    pub headers: &'a [String],
    pub group: &'a str,
    pub operations: usize,
    pub seed: u64,
}

/// What came of it.
pub struct Outcome {
    pub database: &'static str,
    group: String,
    /// By class, such as `2xx`.
    answers: BTreeMap<String, u64>,
    pub findings: usize,
    /// Where all of it can be read.
    pub told: PathBuf,
}

impl Outcome {
    pub fn requests(&self) -> u64 {
        self.answers.values().sum()
    }

    /// Another round of the same group.
    pub fn add(&mut self, more: Self) {
        for (class, count) in more.answers {
            *self.answers.entry(class).or_default() += count;
        }
        self.findings += more.findings;
        self.told = more.told;
    }
}

impl Fuzz<'_> {
    /// Asks. What is found is counted; that nothing could be asked is an error.
    pub async fn run(&self) -> Result<Outcome> {
        let file = |what: &str| self.folder.join(format!("{}-{what}", self.group));
        let (told, counts, report) = (file("told.txt"), file("answers.json"), file("report.json"));
        let here = root().join("host/xtask/src/api");
        let out = File::create(&told)?;
        let each = self.ask.examples.div_ceil(self.operations);
        let mut command = Command::new(self.tools.join("bin/schemathesis"));
        command
            .arg("--config-file")
            .arg(here.join("schemathesis.toml"))
            .args(["run", &format!("{}/openapi.json", self.url), "--no-color"])
            .args(["--include-tag", self.group, "--continue-on-failure"])
            .args(["--max-examples", &each.to_string()])
            .args(["--seed", &self.seed.to_string()])
            .args(["--report", "json", "--report-json-path"])
            .arg(&report);
        for header in self.headers {
            command.args(["--header", header]);
        }
        let status = command
            .env("SCHEMATHESIS_HOOKS", "hooks")
            .env("PYTHONPATH", &here)
            .env("PYTHONDONTWRITEBYTECODE", "1")
            .env("GALLERIA_API_SEED", self.seed.to_string())
            .env("GALLERIA_API_COUNTS", &counts)
            .env("GALLERIA_API_KNOWN", self.folder.join("known.json"))
            // It keeps files beside where it stands.
            .current_dir(self.folder)
            .stdin(Stdio::null())
            .stdout(out.try_clone()?)
            .stderr(out)
            .kill_on_drop(true)
            .status()
            .await
            .context("schemathesis")?;
        let read = |path: &Path| -> Result<Value> {
            let text = fs::read(path).with_context(|| {
                let said = fs::read_to_string(&told).unwrap_or_default();
                format!("schemathesis asked nothing ({status}):\n{said}")
            })?;
            Ok(serde_json::from_slice(&text)?)
        };
        let report = read(&report)?;
        let answers: BTreeMap<String, u64> = serde_json::from_value(read(&counts)?)?;
        let failures = report["test_cases"]["unique_failures"].as_u64();
        let errors = report["errors"].as_array().map_or(0, Vec::len);
        let findings = usize::try_from(failures.context("a report")?)? + errors;
        if !status.success() && findings == 0 {
            bail!("schemathesis ended with {status}: {}", told.display());
        }
        Ok(Outcome {
            database: "",
            group: self.group.to_owned(),
            answers,
            findings,
            told,
        })
    }
}

/// Groups of routes by tag, each with how many operations it has.
pub fn groups(document: &Value, only: Option<&str>) -> Result<BTreeMap<String, usize>> {
    let mut groups = BTreeMap::new();
    let paths = document["paths"].as_object().context("paths")?;
    let operations = paths.values().filter_map(Value::as_object);
    for operation in operations.flat_map(|item| item.values()) {
        for tag in operation["tags"].as_array().into_iter().flatten() {
            let tag = tag.as_str().context("a tag")?.to_owned();
            *groups.entry(tag).or_default() += 1;
        }
    }
    let known: Vec<String> = groups.keys().cloned().collect();
    groups.retain(|tag, _| only.is_none_or(|only| only == tag));
    if groups.is_empty() {
        bail!("there is no such group; there are {}", known.join(", "));
    }
    Ok(groups)
}

/// One row for each group.
pub fn table(outcomes: &[Outcome]) {
    let header = [
        "Database", "Group", "Requests", "2xx", "3xx", "4xx", "5xx", "Findings",
    ];
    let rows = outcomes.iter().map(|one| {
        let of = |class: &str| {
            one.answers
                .get(class)
                .copied()
                .unwrap_or_default()
                .to_string()
        };
        vec![
            one.database.to_owned(),
            one.group.clone(),
            one.requests().to_string(),
            of("2xx"),
            of("3xx"),
            of("4xx"),
            of("5xx"),
            one.findings.to_string(),
        ]
    });
    show::table(&header, &rows.collect::<Vec<_>>(), 2..8);
}
