//! One line of a day: an HTTP request, when it happens, and what it counts as.

use anyhow::Result;
use serde::Serialize;
use serde_json::{Map, Value, json};

/// What a request is in the day's figures.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Counts {
    Payment,
    Refund,
    Void,
    Shift,
    Verification,
    /// It prepares an event and is none.
    Nothing,
}

impl Counts {
    /// The word in the file.
    pub const fn name(self) -> Option<&'static str> {
        match self {
            Self::Payment => Some("payment"),
            Self::Refund => Some("refund"),
            Self::Void => Some("void"),
            Self::Shift => Some("shift"),
            Self::Verification => Some("verification"),
            Self::Nothing => None,
        }
    }
}

/// What a request has to do with a member whom only the host can tell.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum MemberIs {
    /// The host must answer with this one.
    Known(String),
    /// The host must refuse.
    Nobody,
    /// Whoever the host answered to the request of that key; nobody where it refused.
    AnswerTo(String),
}

/// What is asked of the host.
pub struct Asked {
    pub path: String,
    pub key: String,
    pub counts: Counts,
    pub body: Value,
    pub member: Option<MemberIs>,
}

impl Asked {
    /// A request that has nothing to do with a member.
    pub fn new(path: &str, key: &str, counts: Counts, body: Value) -> Self {
        Self {
            path: path.into(),
            key: key.into(),
            counts,
            body,
            member: None,
        }
    }
}

/// A request of the day.
pub struct Request {
    /// Seconds since the epoch, by which the day is sorted.
    pub second: i64,
    /// RFC 3339, UTC.
    pub at: String,
    /// What must keep its order: a till, or the app of a store.
    pub lane: String,
    pub path: String,
    pub key: String,
    pub body: Value,
    pub counts: Counts,
    pub member: Option<MemberIs>,
}

impl Request {
    /// As one line of the file.
    pub fn line(&self) -> Result<String> {
        let mut line = json!({
            "at": self.at,
            "lane": self.lane,
            "method": "POST",
            "path": self.path,
            "key": self.key,
            "body": self.body,
            "counts": self.counts.name(),
        });
        if let Some(member) = &self.member {
            line["member"] = json!(member);
        }
        Ok(serde_json::to_string(&sorted(line))?)
    }
}

/// The value as JSON without what the host assumes anyway: a day of nulls is twice as long.
pub fn lean(value: &impl Serialize) -> Result<Value> {
    Ok(pruned(serde_json::to_value(value)?))
}

fn pruned(value: Value) -> Value {
    /// False where nothing is said.
    const FLAGS: [&str; 4] = ["returned", "voided", "basket", "training"];
    let assumed = |key: &str, value: &Value| match value {
        Value::Null => true,
        Value::Array(items) => items.is_empty(),
        Value::Bool(false) => FLAGS.contains(&key),
        _ => false,
    };
    match value {
        Value::Object(map) => map
            .into_iter()
            .filter(|(key, value)| !assumed(key, value))
            .map(|(key, value)| (key, pruned(value)))
            .collect::<Map<_, _>>()
            .into(),
        Value::Array(items) => items.into_iter().map(pruned).collect(),
        other => other,
    }
}

/// Keys in the order of their names, whichever map serde_json was built with.
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
