//! What a call came to, and the golden files it is written down in.

use super::golden::Files;
use super::host::WrittenFile;
use crate::{
    Attribute, Decision, Document, Fault, Identity, Member, StatementHeader, StatementLine, Totals,
};
use serde::Serialize;
use serde_json::{Value, json};

/// What a call came to: what it answered, and what it wrote while it ran.
#[derive(Clone, Debug, PartialEq)]
pub struct Outcome {
    /// What it answered.
    pub answer: Answer,
    /// Files that a run wrote.
    pub files: Vec<WrittenFile>,
    /// What a run said of its statement.
    pub statement_header: Option<StatementHeader>,
    /// Statement lines that a run pushed.
    pub statement: Vec<StatementLine>,
}

/// What an extension point answered.
#[derive(Clone, Debug, PartialEq)]
pub enum Answer {
    /// React points.
    Decision(Decision),
    /// Stream points.
    Totals(Totals),
    /// Answer points: a member or an identity as JSON, or `null`.
    Value(Value),
    /// It could not decide.
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

/// `decision.json`: a decision without the bodies of its documents.
#[derive(Serialize)]
struct Written {
    documents: Vec<Value>,
    publications: Vec<Value>,
    requests: Vec<Value>,
    receipts: Vec<Value>,
    notes: Vec<Attribute>,
}

impl Outcome {
    /// What stands under `decision/`, by path.
    ///
    /// After a fault there is nothing but `decision.json`: what a run wrote before it is discarded.
    pub fn files(&self) -> Files {
        let mut files = Files::new();
        match &self.answer {
            Answer::Fault(fault) => {
                files.insert("decision.json".into(), pretty(&json!({ "fault": fault })));
                return files;
            }
            Answer::Decision(decision) => {
                let written = write(decision, &mut files);
                files.insert("decision.json".into(), pretty(&written));
            }
            Answer::Totals(totals) => {
                files.insert("totals.json".into(), pretty(totals));
            }
            Answer::Value(value) => {
                files.insert("answer.json".into(), pretty(value));
            }
        }
        for file in &self.files {
            files.insert(path(&file.directory, &file.name), file.body.clone());
        }
        if let Some(header) = &self.statement_header {
            let statement = json!({ "header": header, "lines": self.statement });
            files.insert("statement.json".into(), pretty(&statement));
        }
        files
    }
}

fn write(decision: &Decision, files: &mut Files) -> Written {
    // Destructured, so that a new field of the contract fails to compile here.
    let Decision {
        documents,
        publications,
        requests,
        receipts,
        notes,
    } = decision;
    let mut document = |document: &Document| {
        let Document {
            directory,
            name,
            media_type,
            body,
        } = document;
        files.insert(path(directory, name), body.clone());
        let file = [directory, "/", name].concat();
        json!({ "directory": directory, "name": name, "media_type": media_type, "file": file })
    };
    let documents = documents.iter().map(&mut document).collect();
    let receipts = receipts.iter().map(|receipt| {
        json!({
            "template": receipt.template,
            "locale": receipt.locale,
            "document": receipt.document.as_ref().map(&mut document),
            "attributes": receipt.attributes,
        })
    });
    let receipts = receipts.collect();
    let publications = publications.iter().map(|publication| {
        // Text that is no JSON stays text, and the host will refuse it.
        let data = serde_json::from_str(&publication.data);
        let data: Value = data.unwrap_or_else(|_| json!(publication.data));
        json!({ "topic": publication.topic, "key": publication.key, "data": data })
    });
    let requests = requests.iter().map(|request| {
        let body = match std::str::from_utf8(&request.body) {
            Ok(text) => json!(text),
            Err(_) => json!(request.body),
        };
        json!({
            "id": request.id, "target": request.target, "method": request.method,
            "path": request.path, "headers": request.headers, "body": body,
        })
    });
    Written {
        documents,
        publications: publications.collect(),
        requests: requests.collect(),
        receipts,
        notes: notes.clone(),
    }
}

fn path(directory: &str, name: &str) -> String {
    ["files/", directory, "/", name].concat()
}

fn pretty(value: &impl Serialize) -> Vec<u8> {
    // Plain data: nothing in it can fail to be JSON.
    let mut text = serde_json::to_vec_pretty(value).unwrap_or_default();
    text.push(b'\n');
    text
}
