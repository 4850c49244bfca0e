//! Fetching an issuer's keys: bounded in time and size, over TLS, and never led elsewhere.

use crate::ClientError;
use galleria_domain::access::is_trustworthy;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use std::time::Duration;

/// A till waits for it.
const WITHIN: Duration = Duration::from_secs(5);

/// A realm publishes a handful of keys of a few kilobytes.
const MOST: usize = 1 << 20;

/// Why there are no keys; for the operator.
#[derive(Debug, thiserror::Error)]
pub(crate) enum FetchError {
    #[error("{url}: {source}")]
    Http { url: String, source: reqwest::Error },
    #[error("{url}: more than {MOST} bytes")]
    TooLarge { url: String },
    #[error("{url}: not what it should be: {source}")]
    Json {
        url: String,
        source: serde_json::Error,
    },
    #[error("{url}: it is about the issuer {found}")]
    OtherIssuer { url: String, found: String },
    #[error("the issuer's keys are at {0}: neither https:// nor this machine")]
    Untrusted(String),
}

/// What we read of OpenID Connect Discovery 1.0.
#[derive(Deserialize)]
struct Discovered {
    issuer: String,
    jwks_uri: String,
}

#[derive(Deserialize)]
struct KeySet {
    keys: Vec<Value>,
}

pub(crate) fn client() -> Result<reqwest::Client, ClientError> {
    let client = reqwest::Client::builder()
        .timeout(WITHIN)
        .redirect(reqwest::redirect::Policy::none())
        .build()?;
    Ok(client)
}

/// The keys that an issuer publishes, each as it stands.
pub(crate) async fn keys(
    client: &reqwest::Client,
    issuer: &str,
    jwks_url: Option<&str>,
) -> Result<Vec<Value>, FetchError> {
    let url = match jwks_url {
        Some(url) => url.to_owned(),
        None => discovered(client, issuer).await?,
    };
    let KeySet { keys } = read(client, &url).await?;
    Ok(keys)
}

async fn discovered(client: &reqwest::Client, issuer: &str) -> Result<String, FetchError> {
    let issuer = issuer.trim_end_matches('/');
    let url = format!("{issuer}/.well-known/openid-configuration");
    let found: Discovered = read(client, &url).await?;
    if found.issuer.trim_end_matches('/') != issuer {
        let found = found.issuer;
        return Err(FetchError::OtherIssuer { url, found });
    }
    if !is_trustworthy(&found.jwks_uri) {
        return Err(FetchError::Untrusted(found.jwks_uri));
    }
    Ok(found.jwks_uri)
}

async fn read<T: DeserializeOwned>(client: &reqwest::Client, url: &str) -> Result<T, FetchError> {
    // Its own words name the URL as well.
    let failed = |source: reqwest::Error| FetchError::Http {
        url: url.to_owned(),
        source: source.without_url(),
    };
    let response = client.get(url).send().await.map_err(failed)?;
    let mut response = response.error_for_status().map_err(failed)?;
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(failed)? {
        body.extend_from_slice(&chunk);
        if body.len() > MOST {
            let url = url.to_owned();
            return Err(FetchError::TooLarge { url });
        }
    }
    serde_json::from_slice(&body).map_err(|source| FetchError::Json {
        url: url.to_owned(),
        source,
    })
}
