//! `docker-compose.yml`, as far as what is started without containers has to be the same.

use crate::root::root;
use anyhow::{Context, Result};
use serde_json::Value;
use std::fs;

/// The whole file, anchors followed.
pub fn read() -> Result<Value> {
    let file = root().join("docker-compose.yml");
    let text = fs::read_to_string(&file).with_context(|| file.display().to_string())?;
    serde_saphyr::from_str(&text).with_context(|| file.display().to_string())
}

/// The topics that its broker begins with.
pub fn topics(compose: &Value) -> Result<Vec<String>> {
    let text = compose["services"]["kafka-topics"]["environment"]["TOPICS"].as_str();
    let text = text.context("docker-compose.yml: kafka-topics has no TOPICS")?;
    Ok(text.split_whitespace().map(ToOwned::to_owned).collect())
}

#[cfg(test)]
#[path = "compose_test.rs"]
mod tests;
