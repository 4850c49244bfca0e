//! The outcome of a call, and its golden files.

use super::event::convert;
use super::host::WrittenFile;
use crate::{Decision, Fault, Identity, Member, StatementHeader, StatementLine, Totals};
use galleria_fixtures::golden::Files;
use galleria_fixtures::{Run, answer_files, decision_files, fault_files, run_files};
use serde_json::{Value, json};

/// The outcome of a call: its answer, and what it wrote.
#[derive(Clone, Debug, PartialEq)]
pub struct Outcome {
    /// The answer.
    pub answer: Answer,
    /// The files of a run.
    pub files: Vec<WrittenFile>,
    /// The statement's header, if the run sent one.
    pub statement_header: Option<StatementHeader>,
    /// The statement's lines.
    pub statement: Vec<StatementLine>,
}

/// The answer of an extension point.
#[derive(Clone, Debug, PartialEq)]
pub enum Answer {
    /// React points.
    Decision(Decision),
    /// Stream points.
    Totals(Totals),
    /// Answer points: a member or an identity as JSON, or `null`.
    Value(Value),
    /// A fault, at any point.
    Fault(Fault),
}

impl From<Decision> for Answer {
    fn from(decision: Decision) -> Self {
        Self::Decision(decision)
    }
}

impl From<Totals> for Answer {
    fn from(totals: Totals) -> Self {
        Self::Totals(totals)
    }
}

impl From<Option<Member>> for Answer {
    fn from(member: Option<Member>) -> Self {
        Self::Value(json!(member))
    }
}

impl From<Option<Identity>> for Answer {
    fn from(identity: Option<Identity>) -> Self {
        Self::Value(json!(identity))
    }
}

impl<T: Into<Answer>> From<Result<T, Fault>> for Answer {
    fn from(result: Result<T, Fault>) -> Self {
        match result {
            Ok(answer) => answer.into(),
            Err(fault) => Self::Fault(fault),
        }
    }
}

impl Outcome {
    /// Returns the files under `decision/`, by path.
    ///
    /// After a fault there is only `decision.json`: what a run wrote before is discarded.
    pub fn files(&self) -> Files {
        match &self.answer {
            Answer::Fault(fault) => fault_files(fault),
            Answer::Decision(decision) => decision_files(&convert(decision)),
            Answer::Value(value) => answer_files(value),
            Answer::Totals(totals) => {
                let file = |file: &WrittenFile| {
                    let path = [&file.directory, "/", &*file.name].concat();
                    (path, file.body.clone())
                };
                run_files(Run {
                    totals,
                    files: self.files.iter().map(file).collect(),
                    header: self.statement_header.as_ref(),
                    lines: &self.statement,
                })
            }
        }
    }
}
