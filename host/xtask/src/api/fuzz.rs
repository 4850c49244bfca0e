//! One run of schemathesis over a group of routes.

use super::ApiArgs;
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
    pub args: &'a ApiArgs,
    pub tools: &'a Path,
    pub folder: &'a Path,
    pub url: &'a str,
    /// Headers of every request.
    pub headers: &'a [String],
    pub group: &'a str,
    pub operations: usize,
    pub seed: u64,
}

/// The result of a group.
pub struct Outcome {
    pub database: &'static str,
    group: String,
    /// Number of responses by class, such as `2xx`.
    responses: BTreeMap<String, u64>,
    pub findings: usize,
    /// The output of schemathesis.
    pub log: PathBuf,
}

impl Outcome {
    pub fn requests(&self) -> u64 {
        self.responses.values().sum()
    }

    /// Adds the result of another seed.
    pub fn add(&mut self, more: Self) {
        for (class, count) in more.responses {
            *self.responses.entry(class).or_default() += count;
        }
        self.findings += more.findings;
        self.log = more.log;
    }
}

impl Fuzz<'_> {
    /// Runs schemathesis and counts its findings.
    pub async fn run(&self) -> Result<Outcome> {
        let file = |what: &str| self.folder.join(format!("{}-{what}", self.group));
        let (log, counts, report) = (file("log.txt"), file("responses.json"), file("report.json"));
        let here = root().join("host/xtask/src/api");
        let out = File::create(&log)?;
        let each = self.args.examples.div_ceil(self.operations);
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
            // It writes files to its working directory.
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
                let log = fs::read_to_string(&log).unwrap_or_default();
                format!("schemathesis sent nothing ({status}):\n{log}")
            })?;
            Ok(serde_json::from_slice(&text)?)
        };
        let report = read(&report)?;
        let responses: BTreeMap<String, u64> = serde_json::from_value(read(&counts)?)?;
        let failures = report["test_cases"]["unique_failures"].as_u64();
        let errors = report["errors"].as_array().map_or(0, Vec::len);
        let findings = usize::try_from(failures.context("a report")?)? + errors;
        if !status.success() && findings == 0 {
            bail!("schemathesis: {status}; see {}", log.display());
        }
        Ok(Outcome {
            database: "",
            group: self.group.to_owned(),
            responses,
            findings,
            log,
        })
    }
}

/// Returns the number of operations by tag.
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
        bail!("--group: must be one of {}", known.join(", "));
    }
    Ok(groups)
}

/// Prints one row per group.
pub fn table(outcomes: &[Outcome]) {
    let header = [
        "Database", "Group", "Requests", "2xx", "3xx", "4xx", "5xx", "Findings",
    ];
    let rows = outcomes.iter().map(|one| {
        let count = |class: &str| {
            one.responses
                .get(class)
                .copied()
                .unwrap_or_default()
                .to_string()
        };
        vec![
            one.database.to_owned(),
            one.group.clone(),
            one.requests().to_string(),
            count("2xx"),
            count("3xx"),
            count("4xx"),
            count("5xx"),
            one.findings.to_string(),
        ]
    });
    show::table(&header, &rows.collect::<Vec<_>>(), 2..8);
}
