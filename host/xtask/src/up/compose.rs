//! Reads the settings in `docker-compose.yml` that services without containers share.

use crate::root::root;
use anyhow::{Context, Result};
use serde_json::Value;
use std::fs;

/// Reads the file and resolves its anchors.
pub fn read() -> Result<Value> {
    let file = root().join("docker-compose.yml");
    let text = fs::read_to_string(&file).with_context(|| file.display().to_string())?;
    serde_saphyr::from_str(&text).with_context(|| file.display().to_string())
}

/// Returns the topics to create.
pub fn topics(compose: &Value) -> Result<Vec<String>> {
    let text = compose["services"]["kafka-topics"]["environment"]["TOPICS"].as_str();
    let text = text.context("docker-compose.yml: kafka-topics has no TOPICS")?;
    Ok(text.split_whitespace().map(ToOwned::to_owned).collect())
}

/// Returns the topics that the host publishes, as the value of its setting `kafka.topics`.
pub fn published_topics(compose: &Value) -> Result<&str> {
    let text = compose["services"]["galleria"]["environment"]["GALLERIA_KAFKA__TOPICS"].as_str();
    text.context("docker-compose.yml: galleria has no GALLERIA_KAFKA__TOPICS")
}

#[cfg(test)]
#[path = "compose_test.rs"]
mod tests;
