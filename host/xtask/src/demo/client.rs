//! Talking to the host over HTTP.

use anyhow::{Context, Result, bail};
use reqwest::header::{AUTHORIZATION, HeaderMap};
use reqwest::{Method, RequestBuilder, Response, StatusCode};
use serde_json::Value;
use std::time::Duration;

/// Times a write is sent when nobody answers: its key makes that safe.
const TRIES: u32 = 5;

/// Times a request is put off that came too soon.
const PATIENCE: u32 = 20;

/// A client of one host.
#[derive(Clone)]
pub struct Client {
    http: reqwest::Client,
    url: String,
}

impl Client {
    /// For the host at `url`, with a key of it.
    pub fn keyed(url: &str, key: &str) -> Result<Self> {
        let bearer = format!("Bearer {key}").parse().context("a key")?;
        let headers: HeaderMap = [(AUTHORIZATION, bearer)].into_iter().collect();
        // Nothing between us and a host on this machine.
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

    /// A write under a key.
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
            match patient(request).await {
                Ok(response) if response.status().is_server_error() && tries < TRIES => {}
                Ok(response) => return read(response, &method, path).await,
                Err(error) if tries < TRIES && !error.is_builder() => {}
                Err(error) => return Err(error).with_context(|| format!("{method} {path}")),
            }
            tokio::time::sleep(Duration::from_millis(100 << tries)).await;
        }
    }

    /// A question that may be refused: the answer, or the refusal's body.
    pub async fn ask(&self, path: &str, body: &Value) -> Result<Result<Value, String>> {
        let request = self.http.post(format!("{}{path}", self.url)).json(body);
        let sent = patient(request).await;
        let response = sent.with_context(|| format!("POST {path}"))?;
        let status = response.status();
        let text = response.text().await?;
        if status.is_success() {
            let answer = serde_json::from_str(&text);
            return Ok(Ok(
                answer.with_context(|| format!("the answer to POST {path}"))?
            ));
        }
        if status.is_client_error() {
            return Ok(Err(text));
        }
        bail!("POST {path} was answered with {status}: {text}");
    }

    /// Sends a file under a key.
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
        let sent = patient(request).await;
        let response = sent.with_context(|| format!("POST {path}"))?;
        read(response, &Method::POST, path).await
    }

    /// A question.
    pub async fn get(&self, path: &str) -> Result<Value> {
        let sent = patient(self.http.get(format!("{}{path}", self.url))).await;
        read(
            sent.with_context(|| format!("GET {path}"))?,
            &Method::GET,
            path,
        )
        .await
    }
}

/// Sends a request, again where it came too soon: all tills of the demo are one client.
async fn patient(request: RequestBuilder) -> reqwest::Result<Response> {
    for _ in 0..PATIENCE {
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
        bail!("{method} {path} was answered with {status}: {text}");
    }
    serde_json::from_str(&text).with_context(|| format!("the answer to {method} {path}"))
}
