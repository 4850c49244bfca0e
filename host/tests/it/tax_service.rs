//! The tax service of a host: gRPC and HTTP on listeners of its own, with keys, an identity, TLS, limits and a drain.

mod clients;
mod grpc;
mod imports;
mod listeners;
mod tls;

use crate::host::{Database, Host};
use galleria_tax::proto::tax_client::TaxClient;
use galleria_tax::proto::{RequestItem, StoreData, TaxEvaluateRequest, TaxKind, TaxRow};
use serde_json::{Value, json};
use std::path::Path;
use tonic::metadata::MetadataValue;
use tonic::service::Interceptor;
use tonic::service::interceptor::InterceptedService;
use tonic::transport::{Channel, Endpoint};
use tonic::{Request, Status};
use tonic_types::StatusExt as _;

pub const STORE: &str = "tax-1";

/// A host without retailers, with these settings.
pub fn host(folder: &Path, database: Database, settings: &[&str]) -> Host {
    let part = |name: &str| {
        let part = folder.join(name);
        std::fs::create_dir_all(&part).expect("a folder");
        part
    };
    let mut host = Host::with(part("retailers"), part("plugins")).on(database);
    let grpc = "tax.server.grpc_listen=127.0.0.1:0";
    for pair in [grpc].iter().chain(settings) {
        host.set(pair);
    }
    host
}

async fn open_stores(host: &Host) {
    for (id, retailer) in [(STORE, "corner"), ("tax-2", "other")] {
        let body = json!({
            "external_id": id, "retailer": retailer, "store_type": "kiosk", "country": "ES", "currency": "EUR",
            "minor_digits": 2, "zone": "Europe/Madrid",
        });
        let put = host
            .send("PUT", &format!("/v1/stores/{id}"), id, &body)
            .await;
        let (status, answer) = put.expect("sent");
        assert_eq!(status, 200, "{answer:#}");
    }
}

/// The address of a listener, from the file that the host wrote.
pub fn address(host: &Host, name: &str) -> String {
    let file = host.data().join(format!("tax.server.{name}.addr"));
    std::fs::read_to_string(file).expect("an address")
}

/// Adds an API key to each call.
#[derive(Clone)]
struct Bearer(Option<String>);

impl Interceptor for Bearer {
    fn call(&mut self, mut request: Request<()>) -> Result<Request<()>, Status> {
        if let Some(key) = &self.0 {
            let value: MetadataValue<_> = format!("Bearer {key}").parse().expect("ASCII");
            request.metadata_mut().insert("authorization", value);
        }
        Ok(request)
    }
}

type Client = TaxClient<InterceptedService<Channel, Bearer>>;

async fn channel(host: &Host) -> Channel {
    let endpoint = Endpoint::from_shared(format!("http://{}", address(host, "grpc")));
    let endpoint = endpoint.expect("an address");
    endpoint.connect().await.expect("a connection")
}

async fn client(host: &Host, key: Option<&str>) -> Client {
    TaxClient::with_interceptor(channel(host).await, Bearer(key.map(ToOwned::to_owned)))
}

fn basket(amount: &str, commit: bool) -> TaxEvaluateRequest {
    TaxEvaluateRequest {
        store_data: Some(StoreData {
            store_id: STORE.into(),
            tax_included_in_price: Some(true),
            tax_calculator: String::new(),
        }),
        commit,
        items: vec![RequestItem {
            item_id: "1".into(),
            total_amount: amount.into(),
            tax_code: "STANDARD".into(),
            quantity: String::new(),
        }],
        ..Default::default()
    }
}

/// The same basket over HTTP.
fn basket_json(amount: &str, commit: bool) -> Value {
    json!({
        "store_data": {"store_id": STORE, "tax_included_in_price": true}, "commit": commit,
        "items": [{"item_id": "1", "total_amount": amount, "tax_code": "STANDARD"}],
    })
}

fn row(code: &str, percent: &str) -> TaxRow {
    TaxRow {
        tax_code: code.into(),
        tax_level: "IVA".into(),
        retailer_tax_level_id: code.into(),
        tax_percent: percent.into(),
        authority: "ES".into(),
        kind: TaxKind::Percent.into(),
        ..Default::default()
    }
}

/// A request with metadata.
fn with<T>(message: T, metadata: &[(&'static str, &'static str)]) -> Request<T> {
    let mut request = Request::new(message);
    for (name, value) in metadata {
        request
            .metadata_mut()
            .insert(*name, MetadataValue::from_static(value));
    }
    request
}

/// The stable code of a status.
fn reason(status: &Status) -> String {
    let info = status.get_details_error_info();
    info.map(|info| info.reason).unwrap_or_default()
}
