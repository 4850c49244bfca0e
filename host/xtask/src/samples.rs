//! The sample retailers of the repository: their folders, secrets and stores.

use crate::client::Client;
use crate::root::root;
use anyhow::{Context, Result};
use galleria_domain::Store;
use reqwest::Method;
use serde_json::json;
use std::fs;
use std::path::PathBuf;

/// Lists the folders of the sample retailers, or only the named one.
pub fn retailers(name: Option<&str>) -> Result<Vec<PathBuf>> {
    galleria_simulator::retailers(&root().join("retailers"), name)
}

/// Reads the sample secrets of all retailers, because a host loads all of `retailers/`.
pub fn secrets() -> Result<Vec<(String, String)>> {
    let mut secrets = Vec::new();
    let all = root().join("retailers");
    for entry in fs::read_dir(&all).with_context(|| all.display().to_string())? {
        let file = entry?.path().join("sample.env");
        let Ok(text) = fs::read_to_string(&file) else {
            continue;
        };
        let lines = text.lines().filter(|line| !line.starts_with('#'));
        let pairs = lines.filter_map(|line| line.split_once('='));
        secrets
            .extend(pairs.map(|(name, value)| (name.trim().to_owned(), value.trim().to_owned())));
    }
    Ok(secrets)
}

/// Creates or replaces stores on a host.
pub async fn put_stores(client: &Client, stores: impl IntoIterator<Item = &Store>) -> Result<()> {
    for store in stores {
        let mut body = json!(store);
        body.as_object_mut().context("a store")?.remove("id");
        let path = format!("/v1/stores/{}", store.id);
        let key = format!("store:{}", store.id);
        client.write(Method::PUT, &path, &key, &body).await?;
    }
    Ok(())
}
