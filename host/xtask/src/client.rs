//! An HTTP client of a host.

use anyhow::{Context, Result, bail};
use reqwest::header::{AUTHORIZATION, HeaderMap};
use reqwest::{Method, RequestBuilder, Response, StatusCode};
use serde_json::Value;
use std::time::Duration;

/// Attempts for a write without a response. Its idempotency key makes that safe.
const TRIES: u32 = 5;

/// Attempts for a request that the rate limit rejects.
const RATE_LIMITED_TRIES: u32 = 20;

/// A client of one host.
#[derive(Clone)]
pub struct Client {
    http: reqwest::Client,
    url: String,
}

/// The response to a query.
pub enum QueryResponse {
    /// The body of a success.
    Accepted(Value),
    /// The text of a client error.
    Rejected(String),
}

impl Client {
    /// Creates a client of the host at `url` with an API key.
    pub fn new(url: &str, key: &str) -> Result<Self> {
        let bearer = format!("Bearer {key}").parse().context("API key")?;
        let headers: HeaderMap = [(AUTHORIZATION, bearer)].into_iter().collect();
        // The host is on this machine, so no proxy applies.
        let http = reqwest::Client::builder()
            .no_proxy()
            .default_headers(headers)
            .timeout(Duration::from_secs(60))
            .build()?;
        Ok(Self {
            http,
            url: url.to_owned(),
        })
    }

    /// Returns whether the host at `url` is ready.
    pub async fn ready(url: &str) -> bool {
        let Ok(http) = reqwest::Client::builder().no_proxy().build() else {
            return false;
        };
        let request = http.get(format!("{url}/readyz"));
        let response = request.timeout(Duration::from_secs(5)).send().await;
        response.is_ok_and(|response| response.status().is_success())
    }

    /// Sends a write with an idempotency key.
    pub async fn write(
        &self,
        method: Method,
        path: &str,
        key: &str,
        body: &Value,
    ) -> Result<Value> {
        let mut tries = 0;
        loop {
            tries += 1;
            let request = self
                .http
                .request(method.clone(), format!("{}{path}", self.url))
                .header("Idempotency-Key", key)
                .json(body);
            match send(request).await {
                Ok(response) if response.status().is_server_error() && tries < TRIES => {}
                Ok(response) => return read(response, &method, path).await,
                Err(error) if tries < TRIES && !error.is_builder() => {}
                Err(error) => return Err(error).with_context(|| format!("{method} {path}")),
            }
            tokio::time::sleep(Duration::from_millis(100 << tries)).await;
        }
    }

    /// Sends a query that the host may reject.
    pub async fn query(&self, path: &str, body: &Value) -> Result<QueryResponse> {
        let request = self.http.post(format!("{}{path}", self.url)).json(body);
        let response = send(request).await;
        let response = response.with_context(|| format!("POST {path}"))?;
        let status = response.status();
        let text = response.text().await?;
        if status.is_success() {
            let body = serde_json::from_str(&text);
            let body = body.with_context(|| format!("response to POST {path}"))?;
            return Ok(QueryResponse::Accepted(body));
        }
        if status.is_client_error() {
            return Ok(QueryResponse::Rejected(text));
        }
        bail!("POST {path}: {status}: {text}");
    }

    /// Uploads a file with an idempotency key.
    pub async fn upload(
        &self,
        path: &str,
        key: &str,
        media_type: &str,
        file: String,
    ) -> Result<Value> {
        let request = self.http.post(format!("{}{path}", self.url));
        let request = request
            .header("Content-Type", media_type)
            .header("Idempotency-Key", key)
            .body(file);
        let response = send(request).await;
        let response = response.with_context(|| format!("POST {path}"))?;
        read(response, &Method::POST, path).await
    }

    /// Reads a resource.
    pub async fn get(&self, path: &str) -> Result<Value> {
        let response = send(self.http.get(format!("{}{path}", self.url))).await;
        let response = response.with_context(|| format!("GET {path}"))?;
        read(response, &Method::GET, path).await
    }
}

/// Sends a request, and again after the time that the rate limit demands: all tills of the demo share one
/// client address.
async fn send(request: RequestBuilder) -> reqwest::Result<Response> {
    for _ in 0..RATE_LIMITED_TRIES {
        let Some(again) = request.try_clone() else {
            break;
        };
        let response = again.send().await?;
        if response.status() != StatusCode::TOO_MANY_REQUESTS {
            return Ok(response);
        }
        let after = response.headers().get("retry-after");
        let seconds = after.and_then(|text| text.to_str().ok()?.parse().ok());
        tokio::time::sleep(Duration::from_secs(seconds.unwrap_or(1))).await;
    }
    request.send().await
}

async fn read(response: Response, method: &Method, path: &str) -> Result<Value> {
    let status = response.status();
    let text = response.text().await?;
    if !status.is_success() {
        bail!("{method} {path}: {status}: {text}");
    }
    serde_json::from_str(&text).with_context(|| format!("response to {method} {path}"))
}
