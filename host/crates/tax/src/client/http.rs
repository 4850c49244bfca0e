//! The newer tax service, over HTTP with JSON.

use super::config::{ConfigError, UpstreamConfig};
use super::connection::Connection;
use super::fault::{chain, connection, safe_text};
use super::response::MAX_BYTES;
use super::upstream::{HOPS, KEY, Sent, TRACE, Transport};
use async_trait::async_trait;
use galleria_domain::Problem;
use galleria_domain::tax::{TaxRequest, TaxResponse};
use galleria_ports::tax::TaxFault;
use reqwest::{Certificate, Client, Identity, Response, StatusCode, redirect};
use serde::Deserialize;
use serde_json::Value;
use std::time::Instant;

pub(crate) struct HttpTransport {
    url: String,
    connection: Connection<Client>,
}

impl HttpTransport {
    pub(crate) fn new(config: &UpstreamConfig) -> Result<Self, ConfigError> {
        config.ca_certificates()?;
        if config.identity.is_some() {
            // Only TLS itself finds a key that does not belong to the certificate.
            client(config)?;
        }
        let of_client = config.clone();
        let open = move || client(&of_client);
        Ok(Self {
            url: format!("{}/v1/taxes/evaluate", config.address.trim_end_matches('/')),
            connection: Connection::new(Box::new(open), config.lifetime),
        })
    }

    fn client(&self) -> Result<Client, TaxFault> {
        let client = self.connection.client(Instant::now());
        client.map_err(|error| TaxFault::Unavailable {
            cause: error.to_string(),
        })
    }
}

fn client(config: &UpstreamConfig) -> Result<Client, ConfigError> {
    let mut builder = Client::builder()
        .redirect(redirect::Policy::none())
        .no_proxy()
        .connect_timeout(config.timeout);
    if let Some(resolver) = &config.resolver {
        builder = builder.dns_resolver(std::sync::Arc::clone(resolver));
    }
    let invalid = |error: reqwest::Error| match &config.identity {
        Some(files) => files.error(&error),
        None => ConfigError(chain(&error)),
    };
    if let Some(pem) = config.identity_pem()? {
        builder = builder.identity(Identity::from_pem(&pem.join(&b'\n')).map_err(invalid)?);
    }
    match config.ca_certificates()? {
        Some(pem) => {
            let certificates = Certificate::from_pem_bundle(&pem).map_err(invalid)?;
            builder = builder.tls_certs_only(certificates);
        }
        // Reading the certificates of the system takes a while.
        None if !config.is_secure() => builder = builder.tls_certs_only([]),
        None => {}
    }
    builder.build().map_err(invalid)
}

#[async_trait]
impl Transport for HttpTransport {
    async fn evaluate(
        &self,
        request: &TaxRequest,
        sent: &Sent<'_>,
    ) -> Result<TaxResponse, TaxFault> {
        let call = self.client()?.post(&self.url).json(request);
        let mut call = call.header(HOPS, sent.call.hops);
        let key = sent.call.idempotency_key.as_ref();
        for (name, value) in [(KEY, key), (TRACE, sent.traceparent.as_ref())] {
            if let Some(value) = value {
                call = call.header(name, value);
            }
        }
        let response = call
            .send()
            .await
            .map_err(|error| failed(&error.without_url()))?;
        let status = response.status();
        let body = body(response).await?;
        if status.is_success() {
            return serde_json::from_slice(&body).map_err(|error| TaxFault::InvalidResponse {
                rule: "the body must be the JSON of evaluated taxes".into(),
                cause: error.to_string(),
            });
        }
        Err(rejected(status, &body))
    }

    async fn check(&self) -> Result<(), TaxFault> {
        let call = self.client()?.head(&self.url).send().await;
        // Every answer shows that the service is there.
        call.map(drop).map_err(|error| failed(&error.without_url()))
    }

    fn reconnect(&self) {
        self.connection.failed();
    }
}

fn failed(error: &reqwest::Error) -> TaxFault {
    connection(error)
}

/// The body, at most [`MAX_BYTES`] of it.
async fn body(mut response: Response) -> Result<Vec<u8>, TaxFault> {
    let mut body = Vec::new();
    loop {
        let chunk = response.chunk().await;
        let Some(chunk) = chunk.map_err(|error| failed(&error.without_url()))? else {
            return Ok(body);
        };
        if body.len() + chunk.len() > MAX_BYTES {
            return Err(TaxFault::InvalidResponse {
                rule: format!("the body must have at most {MAX_BYTES} bytes"),
                cause: String::new(),
            });
        }
        body.extend_from_slice(&chunk);
    }
}

/// Problem details: those of this host, or those of FastAPI.
#[derive(Deserialize)]
struct Details {
    detail: Value,
    #[serde(default)]
    errors: Vec<FieldDetail>,
}

#[derive(Deserialize)]
struct FieldDetail {
    field: String,
    message: String,
}

/// An invalid field as FastAPI reports it.
#[derive(Deserialize)]
struct Location {
    loc: Vec<Value>,
    msg: String,
}

/// The fault of a response that reports an error.
fn rejected(status: StatusCode, body: &[u8]) -> TaxFault {
    let text = safe_text(&String::from_utf8_lossy(body));
    if status.is_server_error()
        || [StatusCode::REQUEST_TIMEOUT, StatusCode::TOO_MANY_REQUESTS].contains(&status)
    {
        let cause = format!("HTTP status {status}: {text}");
        return TaxFault::Unavailable { cause };
    }
    let details: Option<Details> = serde_json::from_slice(body).ok();
    let of_request = [
        StatusCode::BAD_REQUEST,
        StatusCode::NOT_FOUND,
        StatusCode::PAYLOAD_TOO_LARGE,
        StatusCode::UNPROCESSABLE_ENTITY,
    ];
    match details.filter(|_| of_request.contains(&status)) {
        // FastAPI's answer to an unknown path.
        Some(details) if status != StatusCode::NOT_FOUND || details.detail != "Not Found" => {
            TaxFault::Rejected(problems(details))
        }
        _ => TaxFault::InvalidResponse {
            rule: format!("the status must be 200, got {status}"),
            cause: text,
        },
    }
}

fn problems(details: Details) -> Vec<Problem> {
    let problem = |field: &str, message: &str| Problem::new(safe_text(field), safe_text(message));
    if !details.errors.is_empty() {
        let errors = details.errors.iter();
        return errors
            .map(|error| problem(&error.field, &error.message))
            .collect();
    }
    if let Ok(locations) = serde_json::from_value::<Vec<Location>>(details.detail.clone()) {
        let field = |loc: &[Value]| {
            let parts = loc.iter().filter(|part| **part != "body");
            let texts = parts.map(|part| {
                part.as_str()
                    .map_or_else(|| part.to_string(), str::to_owned)
            });
            texts.collect::<Vec<_>>().join(".")
        };
        return locations
            .iter()
            .map(|one| problem(&field(&one.loc), &one.msg))
            .collect();
    }
    let text = details
        .detail
        .as_str()
        .map_or_else(|| details.detail.to_string(), str::to_owned);
    vec![problem("", &text)]
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn fault(status: u16, body: &Value) -> TaxFault {
        let status = StatusCode::from_u16(status).expect("a status");
        rejected(status, body.to_string().as_bytes())
    }

    #[test]
    fn invalid_fields_are_those_of_the_service() {
        let ours = json!({"detail": "x", "errors": [{"field": "items.0.tax_code", "message": "must be known"}]});
        let fastapi = json!({"detail": [{"loc": ["body", "items", 0, "tax_code"], "msg": "must be known", "type": "v"}]});
        for body in [ours, fastapi] {
            assert_eq!(
                fault(422, &body),
                TaxFault::Rejected(vec![Problem::new("items.0.tax_code", "must be known")])
            );
        }
        let text = json!({"detail": "unknown store\u{7}"});
        assert_eq!(
            fault(404, &text),
            TaxFault::Rejected(vec![Problem::new("", "unknown store ")])
        );
    }

    #[test]
    fn other_statuses_are_failures_of_the_service() {
        for (status, body, name) in [
            (500, json!({}), "unavailable"),
            (503, json!({"detail": "x"}), "unavailable"),
            (429, json!({"detail": "x"}), "unavailable"),
            (404, json!({"detail": "Not Found"}), "invalid_response"),
            (404, json!("no route"), "invalid_response"),
            (401, json!({"detail": "x"}), "invalid_response"),
            (
                409,
                json!({"detail": "x", "code": "tax_route_loop"}),
                "invalid_response",
            ),
            (302, json!({"detail": "x"}), "invalid_response"),
        ] {
            assert_eq!(fault(status, &body).name(), name, "{status} {body}");
        }
    }
}
