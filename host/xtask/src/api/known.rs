//! What is put into a fresh host, so that requests find something there; and the ids they may name.

mod made;

use crate::demo::client::Client;
use crate::retailers;
use anyhow::{Context, Result};
use galleria_domain::Store;
use galleria_simulator::catalogue;
use reqwest::Method;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::fs;

/// Enough for many refunds, voids and payments before all are spent.
const ORDERS: usize = 60;
/// Whose plugin makes a document of a sale, and whose statement is taken in.
const RETAILER: &str = "flying-tiger";

/// Puts the sample retailers' stores, a file of products, a shift, orders, every other one paid, and what
/// the host makes of them; answers with their ids as the hooks of schemathesis want them.
pub async fn put(client: &Client, document: &Value) -> Result<Value> {
    let (mut names, mut stores, mut skus) = (Vec::new(), Vec::new(), Vec::new());
    let mut store = None;
    for folder in retailers(None)? {
        let name = folder.file_name().context("a name")?.to_string_lossy();
        let text = fs::read_to_string(folder.join("stores.json"))?;
        let all: Vec<Store> = serde_json::from_str(&text)?;
        if name == RETAILER {
            store = all.first().map(|store| store.id.clone());
        }
        for store in all {
            let mut body = json!(store);
            body.as_object_mut().context("a store")?.remove("id");
            let path = format!("/v1/stores/{}", store.id);
            client.write(Method::PUT, &path, &store.id, &body).await?;
            stores.push(store.id);
        }
        let products = folder.join(catalogue::FILE);
        if products.is_file() {
            let text = fs::read_to_string(products)?;
            let first = text
                .lines()
                .nth(1)
                .and_then(|row| row.split([',', ';']).next());
            skus.extend(first.map(ToOwned::to_owned));
            let path = format!("/v1/retailers/{name}/products/import");
            client.upload(&path, "products", "text/csv", text).await?;
        }
        names.push(name.into_owned());
    }
    let here = Here {
        client,
        document,
        store: &store.with_context(|| format!("{RETAILER} has no store"))?,
    };
    let shift = here.sent("/v1/shifts", "shift-1").await?;
    let mut orders = Vec::new();
    for number in 1..=ORDERS {
        let order = format!("order-{number}");
        here.sent("/v1/orders", &order).await?;
        if number % 2 == 0 {
            here.paid(&order, &format!("payment-{number}")).await?;
        }
        orders.push(order);
    }
    let mut ids = here.made().await?;
    ids.extend([
        ("/v1/stores/{id} id", stores.clone()),
        ("/v1/orders/{id} id", orders.clone()),
        ("/v1/fiscal-records/{id} id", orders.clone()),
        ("/v1/timeline/{id} id", orders),
        ("/v1/shifts/{id} id", vec![shift]),
        // Every other order was paid.
        ("/v1/events/{id} id", vec!["payment:payment-2".to_owned()]),
        ("/v1/payments/{id} id", vec!["payment-2".to_owned()]),
        ("/v1/retailers/{retailer}/ retailer", names.clone()),
        ("/v1/retailers/{retailer}/products/{sku} sku", skus),
    ]);
    Ok(json!({
        "paths": by_parameter(document, &ids)?,
        "members": { "retailer": names, "store_id": stores },
    }))
}

/// A host, its document, and the store where things happen.
struct Here<'a> {
    client: &'a Client,
    document: &'a Value,
    store: &'a str,
}

impl Here<'_> {
    /// Sends an operation's example under another id, at the store.
    async fn sent(&self, path: &str, id: &str) -> Result<String> {
        let mut body = self.example(path)?;
        body["id"] = json!(id);
        body["store_id"] = json!(self.store);
        self.client.write(Method::POST, path, id, &body).await?;
        Ok(id.to_owned())
    }

    async fn paid(&self, order: &str, payment: &str) -> Result<()> {
        let mut body = self.example("/v1/orders/{id}/payments")?;
        body["id"] = json!(payment);
        let path = format!("/v1/orders/{order}/payments");
        self.client
            .write(Method::POST, &path, payment, &body)
            .await?;
        Ok(())
    }

    fn example(&self, path: &str) -> Result<Value> {
        let found =
            &self.document["paths"][path]["post"]["requestBody"]["content"]["application/json"];
        let found = found.get("example").cloned();
        found.with_context(|| format!("the document has no example of {path}"))
    }
}

/// What a parameter of a path may name, by the path's template; `ids` has a template's beginning and the
/// parameter's name.
fn by_parameter(document: &Value, ids: &[(&str, Vec<String>)]) -> Result<BTreeMap<String, Value>> {
    let mut found = BTreeMap::new();
    for path in document["paths"].as_object().context("paths")?.keys() {
        for (of, ids) in ids {
            let (root, parameter) = of.rsplit_once(' ').context("a path and a parameter")?;
            if path.starts_with(root) && !ids.is_empty() {
                found.insert(format!("{path} {parameter}"), json!(ids));
            }
        }
    }
    Ok(found)
}
