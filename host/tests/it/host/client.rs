//! Requests to a host, each searched for secrets.

use super::Host;
use serde_json::Value;
use std::time::{Duration, Instant};

impl Host {
    /// A client with an API key.
    pub fn client_with(key: &str) -> reqwest::Client {
        let bearer = format!("Bearer {key}").parse().expect("a header");
        let headers = [(reqwest::header::AUTHORIZATION, bearer)];
        let builder = reqwest::Client::builder().default_headers(headers.into_iter().collect());
        builder.build().expect("a client")
    }

    pub fn url(&self, path: &str) -> String {
        let address = std::fs::read_to_string(self.data().join("http.addr")).unwrap_or_default();
        format!("http://{address}{path}")
    }

    pub async fn get(&self, path: &str) -> reqwest::Result<Value> {
        let response = self.client.get(self.url(path)).send().await?;
        let text = response.error_for_status()?.text().await?;
        self.holds_no_secret(text.as_bytes(), path);
        Ok(serde_json::from_str(&text).expect("JSON"))
    }

    /// Sends a write. Returns the status and the body, or an error if there is no response.
    pub async fn send(
        &self,
        method: &str,
        path: &str,
        key: &str,
        body: &Value,
    ) -> reqwest::Result<(u16, Value)> {
        let method = method.parse().expect("a method");
        let request = self.client.request(method, self.url(path));
        let response = request
            .header("idempotency-key", key)
            .json(body)
            .send()
            .await?;
        let status = response.status().as_u16();
        let text = response.text().await?;
        self.holds_no_secret(text.as_bytes(), path);
        Ok((status, serde_json::from_str(&text).expect("JSON")))
    }

    /// Waits until every event has been applied.
    pub async fn settle(&self) -> Value {
        self.until(|status| status["settled"] == true).await
    }

    /// Waits until the status meets a condition.
    pub async fn until(&self, wanted: impl Fn(&Value) -> bool) -> Value {
        let begun = Instant::now();
        loop {
            // While its database is unavailable, the host responds with an error.
            let status = self.get("/v1/status").await;
            match &status {
                Ok(status) if wanted(status) => return status.clone(),
                _ => {}
            }
            assert!(
                begun.elapsed().as_secs() < 120,
                "never as wanted: {status:#?}\n{}",
                self.log()
            );
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }
}
