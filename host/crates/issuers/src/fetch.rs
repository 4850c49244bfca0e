//! Fetches the keys of an issuer: over TLS, limited in time and size, without redirects.

use crate::ClientError;
use galleria_domain::access::is_trustworthy;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use std::time::Duration;

/// Limit on one request: a till waits for it.
const TIMEOUT: Duration = Duration::from_secs(5);

/// Limit on a response. A realm publishes a few keys of a few kilobytes.
const MAX_BYTES: usize = 1 << 20;

/// Why no keys could be fetched; for the log.
#[derive(Debug, thiserror::Error)]
pub(crate) enum FetchError {
    #[error("{url}: {source}")]
    Http { url: String, source: reqwest::Error },
    #[error("{url}: response exceeds {MAX_BYTES} bytes")]
    TooLarge { url: String },
    #[error("{url}: invalid response: {source}")]
    Json {
        url: String,
        source: serde_json::Error,
    },
    #[error("{url}: describes another issuer, {issuer}")]
    OtherIssuer { url: String, issuer: String },
    #[error("jwks_uri must be an https:// URL or on this machine, got {0}")]
    Untrusted(String),
}

/// The fields we read of OpenID Connect Discovery 1.0.
#[derive(Deserialize)]
struct Discovery {
    issuer: String,
    jwks_uri: String,
}

#[derive(Deserialize)]
struct KeySet {
    keys: Vec<Value>,
}

pub(crate) fn client() -> Result<reqwest::Client, ClientError> {
    let client = reqwest::Client::builder()
        .timeout(TIMEOUT)
        .redirect(reqwest::redirect::Policy::none())
        .build()?;
    Ok(client)
}

/// Fetches the keys that an issuer publishes, unparsed.
pub(crate) async fn keys(
    client: &reqwest::Client,
    issuer: &str,
    jwks_url: Option<&str>,
) -> Result<Vec<Value>, FetchError> {
    let url = match jwks_url {
        Some(url) => url.to_owned(),
        None => discover(client, issuer).await?,
    };
    let KeySet { keys } = read(client, &url).await?;
    Ok(keys)
}

async fn discover(client: &reqwest::Client, issuer: &str) -> Result<String, FetchError> {
    let issuer = issuer.trim_end_matches('/');
    let url = format!("{issuer}/.well-known/openid-configuration");
    let discovery: Discovery = read(client, &url).await?;
    if discovery.issuer.trim_end_matches('/') != issuer {
        let issuer = discovery.issuer;
        return Err(FetchError::OtherIssuer { url, issuer });
    }
    if !is_trustworthy(&discovery.jwks_uri) {
        return Err(FetchError::Untrusted(discovery.jwks_uri));
    }
    Ok(discovery.jwks_uri)
}

async fn read<T: DeserializeOwned>(client: &reqwest::Client, url: &str) -> Result<T, FetchError> {
    // Remove the URL from the error: ours already has it.
    let failed = |source: reqwest::Error| FetchError::Http {
        url: url.to_owned(),
        source: source.without_url(),
    };
    let response = client.get(url).send().await.map_err(failed)?;
    let mut response = response.error_for_status().map_err(failed)?;
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(failed)? {
        body.extend_from_slice(&chunk);
        if body.len() > MAX_BYTES {
            let url = url.to_owned();
            return Err(FetchError::TooLarge { url });
        }
    }
    serde_json::from_slice(&body).map_err(|source| FetchError::Json {
        url: url.to_owned(),
        source,
    })
}
