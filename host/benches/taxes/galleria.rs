//! Galleria as a process, over HTTP and over gRPC.

use super::Target;
use crate::serving::{Host, Process};
use anyhow::{Context as _, Result};
use galleria_tax::proto::tax_client::TaxClient;
use galleria_tax::proto::{RequestItem, StoreData, TaxEvaluateRequest};
use serde_json::Value;
use tempfile::TempDir;
use tonic::transport::Channel;

/// The id of the store.
pub const STORE: &str = "madrid-1";

const STORES: &str = "\
id,external_id,retailer,store_type,country,currency,minor_digits,zone
madrid-1,1,bench,shop,ES,EUR,2,Europe/Madrid
";

/// A serving host without plugins, with one store and its table.
pub struct Galleria {
    host: Host,
    grpc: String,
    _retailers: TempDir,
}

impl Galleria {
    /// Starts a host and imports a table.
    pub async fn start(table: &str) -> Result<Self> {
        let retailers = tempfile::tempdir()?;
        let retailer = retailers.path().join("bench");
        std::fs::create_dir(&retailer)?;
        std::fs::write(retailer.join("retailer.toml"), "name = \"bench\"\n")?;
        let settings = [
            format!("retailers={}", retailers.path().display()),
            "tax.server.grpc_listen=127.0.0.1:0".to_owned(),
            "tax.server.identity.name=bench".to_owned(),
            "tax.server.identity.retailers=[\"*\"]".to_owned(),
        ];
        let host = Host::start(&settings).await?;
        host.import(&["stores", "import", "FILE"], STORES)?;
        host.import(&["tax", "import", "FILE", "--store", STORE], table)?;
        let grpc = std::fs::read_to_string(host.folder.path().join("tax.server.grpc.addr"))?;
        Ok(Self {
            host,
            grpc,
            _retailers: retailers,
        })
    }

    /// The API over HTTP.
    pub fn http<'a>(&'a self, request: &'a Value) -> Http<'a> {
        Http {
            galleria: self,
            request,
        }
    }

    /// The gRPC service.
    pub async fn grpc(&self, request: &Value) -> Result<Grpc<'_>> {
        let channel = Channel::from_shared(format!("http://{}", self.grpc.trim()))?;
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let items = request["items"].as_array().context("items")?;
        let items = items.iter().map(|item| RequestItem {
            item_id: text(&item["item_id"]),
            total_amount: text(&item["total_amount"]),
            tax_code: text(&item["tax_code"]),
            quantity: String::new(),
        });
        Ok(Grpc {
            galleria: self,
            client: TaxClient::new(channel.connect().await?),
            request: TaxEvaluateRequest {
                store_data: Some(StoreData {
                    store_id: STORE.to_owned(),
                    tax_included_in_price: Some(true),
                    tax_calculator: String::new(),
                }),
                items: items.collect(),
                ..TaxEvaluateRequest::default()
            },
        })
    }
}

/// The API over HTTP.
pub struct Http<'a> {
    galleria: &'a Galleria,
    request: &'a Value,
}

#[async_trait::async_trait]
impl Target for Http<'_> {
    fn process(&self) -> &Process {
        &self.galleria.host.process
    }

    async fn evaluate(&self) -> Result<Vec<String>> {
        let Host { client, url, .. } = &self.galleria.host;
        let request = client.post(format!("{url}/v1/taxes/evaluate"));
        let response = request.json(self.request).send().await?;
        super::taxes_of(&response.error_for_status()?.bytes().await?)
    }
}

/// The gRPC service.
pub struct Grpc<'a> {
    galleria: &'a Galleria,
    client: TaxClient<Channel>,
    request: TaxEvaluateRequest,
}

#[async_trait::async_trait]
impl Target for Grpc<'_> {
    fn process(&self) -> &Process {
        &self.galleria.host.process
    }

    async fn evaluate(&self) -> Result<Vec<String>> {
        let mut client = self.client.clone();
        let request = tonic::Request::new(self.request.clone());
        let response = client.evaluate_tax(request).await?.into_inner();
        let items = response.item_tax.into_iter().map(|item| item.total_tax);
        Ok(std::iter::once(response.total_tax).chain(items).collect())
    }
}
