//! A server on a free port, and a client that checks every response against the OpenAPI document.

use crate::doubles::{OneMember, TestTokens, TwoTaxServices};
use galleria_api::{AccessConfig, HttpConfig, openapi, serve};
use galleria_app::App;
use galleria_app::Policy;
use galleria_app::members::MemberPolicy;
use galleria_app::sensitive::DigestKey;
use galleria_deliver::{Directories, StatementVault};
use galleria_ports::clock::DrivenClock;
use galleria_ports::plugins::Plugins;
use galleria_ports::records::Records;
use reqwest::Method;
use reqwest::header::{AUTHORIZATION, HeaderMap, HeaderValue};
use serde_json::{Value, json};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;
use tempfile::TempDir;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

pub struct Host {
    pub app: App,
    pub address: std::net::SocketAddr,
    pub stop: CancellationToken,
    pub served: JoinHandle<std::io::Result<()>>,
    document: Value,
    client: reqwest::Client,
    /// The directory `poslog`, with a folder for each retailer.
    pub poslogs: PathBuf,
    _files: TempDir,
}

/// A response.
#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    pub headers: HeaderMap,
    pub text: String,
}

impl Answer {
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|error| panic!("{error}: {}", self.text))
    }

    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    pub fn replayed(&self) -> bool {
        self.header("idempotency-replayed") == Some("true")
    }

    /// The body, after checking the status.
    #[track_caller]
    pub fn expect(&self, status: u16) -> Value {
        assert_eq!(self.status, status, "{}", self.text);
        self.json()
    }

    /// The code of a problem, after checking its form.
    #[track_caller]
    pub fn code(&self) -> String {
        assert_eq!(
            self.header("content-type"),
            Some("application/problem+json")
        );
        let body = self.json();
        let text = |field: &str| body[field].as_str().expect("a text").to_owned();
        assert_eq!(body["status"], self.status);
        assert_eq!(
            text("type"),
            format!("urn:galleria:problem:{}", text("code"))
        );
        assert_eq!(
            Some(text("request_id").as_str()),
            self.header("x-request-id")
        );
        assert!(!text("title").is_empty() && !text("detail").is_empty());
        assert!(body["errors"].is_array());
        text("code")
    }
}

pub fn test_config() -> HttpConfig {
    HttpConfig {
        drain_notice: Duration::ZERO,
        drain_within: Duration::from_secs(5),
        ..HttpConfig::default()
    }
}

impl Host {
    /// Starts a host whose clock stands still.
    pub async fn start(records: Arc<dyn Records>, config: HttpConfig) -> Self {
        let policy = Policy {
            members: MemberPolicy {
                floor: Duration::ZERO,
                ..MemberPolicy::with(DigestKey::random())
            },
            ..Policy::default()
        };
        let plugins = Arc::new(OneMember::default());
        Self::with(records, plugins, policy, config).await.0
    }

    pub async fn with(
        records: Arc<dyn Records>,
        plugins: Arc<dyn Plugins>,
        policy: Policy,
        config: HttpConfig,
    ) -> (Self, Arc<DrivenClock>) {
        crate::log::log_lines();
        let access = AccessConfig {
            tokens: Some(Arc::new(TestTokens)),
            ..config.access
        };
        let config = HttpConfig { access, ..config };
        let now = "2026-11-24T12:00:00Z".parse().expect("an instant");
        let clock = Arc::new(DrivenClock::new(now));
        let folder = TempDir::new().expect("a folder");
        let vault = folder.path().join("statements");
        let vault = StatementVault::open(&vault, 1 << 20).expect("a vault");
        let poslogs = folder.path().join("poslog");
        let directories = Directories::open(&[("poslog".to_owned(), poslogs.clone())].into());
        let app = App::new(records, plugins, clock.clone(), policy)
            .with_vault(Arc::new(vault))
            .with_document_reader(Arc::new(directories.expect("a directory")))
            .with_tax_upstreams(Arc::new(TwoTaxServices));
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await;
        let listener = listener.expect("a free port");
        let address = listener.local_addr().expect("an address");
        let stop = CancellationToken::new();
        let served = tokio::spawn(serve(listener, app.clone(), config, stop.clone()));
        // The default caller may do everything.
        let admin = HeaderValue::from_static("Bearer admin");
        let client = reqwest::Client::builder()
            .no_proxy()
            .default_headers(HeaderMap::from_iter([(AUTHORIZATION, admin)]))
            .build();
        let host = Self {
            app,
            address,
            stop,
            served,
            document: serde_json::to_value(openapi()).expect("a document"),
            client: client.expect("a client"),
            poslogs,
            _files: folder,
        };
        (host, clock)
    }

    /// Stops it and waits until it has drained.
    pub async fn stop(self) {
        self.stop.cancel();
        self.served.await.expect("no panic").expect("a drain");
    }

    pub fn request(&self, method: Method, path: &str) -> reqwest::RequestBuilder {
        self.client
            .request(method, format!("http://{}{path}", self.address))
    }

    /// Sends a request. The document must list the status of its response.
    pub async fn send(&self, request: reqwest::RequestBuilder) -> Answer {
        let request = request.build().expect("a request");
        let (method, path) = (request.method().clone(), request.url().path().to_owned());
        let response = self.client.execute(request).await.expect("an answer");
        let answer = Answer {
            status: response.status().as_u16(),
            headers: response.headers().clone(),
            text: response.text().await.expect("a body"),
        };
        if let Some(operation) = operation(&self.document, &method, &path) {
            let documented = &operation["responses"][answer.status.to_string()];
            assert!(
                documented.is_object(),
                "{method} {path}: the document does not list the status {}",
                answer.status
            );
        }
        assert!(answer.header("x-request-id").is_some());
        answer
    }

    pub async fn get(&self, path: &str) -> Answer {
        self.send(self.request(Method::GET, path)).await
    }

    /// Sends a write with an idempotency key.
    pub async fn write(&self, method: Method, path: &str, key: &str, body: &Value) -> Answer {
        let request = self.request(method, path).header("Idempotency-Key", key);
        self.send(request.json(body)).await
    }

    pub async fn post(&self, path: &str, key: &str, body: &Value) -> Answer {
        self.write(Method::POST, path, key, body).await
    }

    /// Uploads a file with an idempotency key.
    pub async fn upload(&self, path: &str, key: &str, kind: &str, text: &str) -> Answer {
        let request = self
            .request(Method::POST, path)
            .header("Idempotency-Key", key)
            .header("Content-Type", kind);
        self.send(request.body(text.to_owned())).await
    }

    /// Creates a store and an open shift.
    pub async fn add_store_and_shift(&self) {
        let store = json!({
            "external_id": "0042", "retailer": "example", "store_type": "scan-and-go",
            "country": "ES", "currency": "EUR", "minor_digits": 2, "zone": "Europe/Madrid",
        });
        self.write(Method::PUT, "/v1/stores/s1", "store", &store)
            .await
            .expect(200);
        let shift = json!({
            "id": "shift-1", "store_id": "s1", "workstation": "w1", "till": "t1",
            "opened_at": "2026-11-24T08:00:00Z", "opening_float": 10000,
        });
        self.post("/v1/shifts", "shift", &shift).await.expect(201);
    }

    /// The number of events in the log.
    pub async fn events(&self) -> u64 {
        let status = self.get("/v1/status").await.expect(200);
        status["events"].as_u64().expect("a number")
    }
}

/// One piece for 12.10, including 2.10 of tax.
pub fn order(id: &str) -> Value {
    json!({
        "id": id, "store_id": "s1", "workstation": "w1", "begun_at": "2026-11-24T10:00:00Z",
        "lines": [{
            "number": 1, "sku": "sku-1", "description": "a thing",
            "quantity": "1", "unit": "EA",
            "regular_price": "12.10",
            "unit_price": "12.10",
            "amount": 1210,
            "taxes": [{
                "code": "VAT-STD", "authority": "ES", "rate": "21",
                "taxable": 1000, "amount": 210, "included": true, "treatment": "standard",
            }],
        }],
    })
}

pub fn payment(id: &str, amount: i64, shift: Option<&str>) -> Value {
    json!({
        "id": id, "at": "2026-11-24T10:05:00Z", "shift_id": shift,
        "tenders": [{ "number": 1, "kind": "cash", "amount": amount, "tendered": amount, "change": 0 }],
    })
}

pub fn refund(id: &str) -> Value {
    json!({ "id": id, "at": "2026-11-24T11:00:00Z", "reason": "defect", "extent": "full" })
}

pub fn void(id: &str, cause: &str) -> Value {
    json!({ "id": id, "at": "2026-11-24T11:30:00Z", "cause": cause })
}

pub fn end() -> Value {
    json!({ "at": "2026-11-24T20:00:00Z", "counted": 10000 })
}

/// The operation of the document for a request.
fn operation<'d>(document: &'d Value, method: &Method, path: &str) -> Option<&'d Value> {
    let fits = |template: &str| {
        let (mut wanted, mut given) = (template.split('/'), path.split('/'));
        loop {
            match (wanted.next(), given.next()) {
                (None, None) => return true,
                (Some(wanted), Some(given)) if wanted == given || wanted.starts_with('{') => {}
                _ => return false,
            }
        }
    };
    let paths = document["paths"].as_object().expect("paths");
    let (_, item) = paths.iter().find(|(template, _)| fits(template))?;
    item.get(method.as_str().to_lowercase())
}
