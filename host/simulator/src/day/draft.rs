//! A request before the day gives it a time and a lane.

use crate::request::{EventKind, MemberExpectation};
use serde_json::Value;

/// A request without time and lane.
pub(super) struct Draft {
    pub path: String,
    pub key: String,
    pub counts: Option<EventKind>,
    pub body: Value,
    pub member: Option<MemberExpectation>,
}

impl Draft {
    /// A request that does not depend on a member.
    pub fn new(path: &str, key: &str, counts: Option<EventKind>, body: Value) -> Self {
        Self {
            path: path.into(),
            key: key.into(),
            counts,
            body,
            member: None,
        }
    }
}
