//! One line of a sample day: an HTTP request, its time, and the event it causes.

use anyhow::{Context, Result};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

/// The kind of event that a request causes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum EventKind {
    Payment,
    Refund,
    Void,
    Shift,
    Verification,
}

/// How a request depends on the identification of a member, which only the host can do.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum MemberExpectation {
    /// The host must answer with this member number.
    Known(String),
    /// The host must reject the code.
    Nobody,
    /// The member that the host returned for the request with this key; none if it rejected the code.
    AnswerTo(String),
}

/// A request of the day.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct Request {
    /// RFC 3339, UTC.
    pub at: String,
    /// Requests of one lane keep their order: a till, or the app of a store.
    pub lane: String,
    pub path: String,
    /// The idempotency key.
    pub key: String,
    pub body: Value,
    /// None if the request only prepares an event.
    pub counts: Option<EventKind>,
    #[serde(default)]
    pub member: Option<MemberExpectation>,
}

/// A request and the response body of the host.
#[derive(Debug)]
pub struct Exchange {
    pub request: Request,
    pub response: Value,
}

impl Request {
    /// The request as one line of JSON.
    pub fn line(&self) -> Result<String> {
        let mut line = json!(self);
        line["method"] = json!("POST");
        if self.member.is_none()
            && let Some(line) = line.as_object_mut()
        {
            line.remove("member");
        }
        Ok(serde_json::to_string(&sorted(line))?)
    }
}

/// Parses a day: one request on each line.
pub fn read(text: &str) -> Result<Vec<Request>> {
    let lines = text.lines().enumerate();
    lines
        .map(|(at, line)| {
            serde_json::from_str(line).with_context(|| format!("line {} of the day", at + 1))
        })
        .collect()
}

/// Converts a value to JSON and omits nulls, empty lists and false flags, which are the host's defaults.
/// With them a day would be twice as long.
pub(crate) fn lean(value: &impl Serialize) -> Result<Value> {
    Ok(pruned(serde_json::to_value(value)?))
}

fn pruned(value: Value) -> Value {
    /// Flags that default to false.
    const FLAGS: [&str; 4] = ["returned", "voided", "basket", "training"];
    let is_default = |key: &str, value: &Value| match value {
        Value::Null => true,
        Value::Array(items) => items.is_empty(),
        Value::Bool(false) => FLAGS.contains(&key),
        _ => false,
    };
    match value {
        Value::Object(map) => map
            .into_iter()
            .filter(|(key, value)| !is_default(key, value))
            .map(|(key, value)| (key, pruned(value)))
            .collect::<Map<_, _>>()
            .into(),
        Value::Array(items) => items.into_iter().map(pruned).collect(),
        other => other,
    }
}

/// Sorts the keys of all objects, so that the output does not depend on the map type of serde_json.
fn sorted(value: Value) -> Value {
    match value {
        Value::Object(map) => {
            let mut pairs: Vec<(String, Value)> = map.into_iter().collect();
            pairs.sort_by(|a, b| a.0.cmp(&b.0));
            let pairs = pairs.into_iter().map(|(key, value)| (key, sorted(value)));
            Value::Object(pairs.collect())
        }
        Value::Array(items) => items.into_iter().map(sorted).collect(),
        other => other,
    }
}
