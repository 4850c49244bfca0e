//! What is put into a fresh host, so that requests find something there.

use crate::catalogue;
use crate::demo::client::Client;
use crate::retailers;
use anyhow::{Context, Result};
use galleria_domain::Store;
use reqwest::Method;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::fs;

/// Enough for many refunds, voids and payments before all are spent.
const ORDERS: usize = 60;

/// Puts the sample retailers' stores, a file of products, a shift and orders, every other one paid;
/// answers with their ids as the hooks of schemathesis want them.
pub async fn put(client: &Client, document: &Value) -> Result<Value> {
    let (mut names, mut stores, mut skus) = (Vec::new(), Vec::new(), Vec::new());
    for folder in retailers(None)? {
        let name = folder.file_name().context("a name")?.to_string_lossy();
        let text = fs::read_to_string(folder.join("stores.json"))?;
        let all: Vec<Store> = serde_json::from_str(&text)?;
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
    let store = stores.first().context("a store")?;
    let shift = sent(client, document, "/v1/shifts", "shift-1", store).await?;
    let mut orders = Vec::new();
    for number in 1..=ORDERS {
        let order = format!("order-{number}");
        sent(client, document, "/v1/orders", &order, store).await?;
        if number % 2 == 0 {
            let mut body = example(document, "/v1/orders/{id}/payments")?;
            let payment = format!("payment-{number}");
            body["id"] = json!(payment);
            let path = format!("/v1/orders/{order}/payments");
            client.write(Method::POST, &path, &payment, &body).await?;
        }
        orders.push(order);
    }
    Ok(json!({
        "paths": by_parameter(document, &names, &stores, &skus, &orders, &shift)?,
        "members": { "retailer": names, "store_id": stores },
    }))
}

/// Sends an operation's example under another id and store.
async fn sent(
    client: &Client,
    document: &Value,
    path: &str,
    id: &str,
    store: &str,
) -> Result<String> {
    let mut body = example(document, path)?;
    body["id"] = json!(id);
    body["store_id"] = json!(store);
    client.write(Method::POST, path, id, &body).await?;
    Ok(id.to_owned())
}

fn example(document: &Value, path: &str) -> Result<Value> {
    let found = &document["paths"][path]["post"]["requestBody"]["content"]["application/json"];
    let found = found.get("example").cloned();
    found.with_context(|| format!("the document has no example of {path}"))
}

/// What a parameter of a path may name, by the path's template.
fn by_parameter(
    document: &Value,
    names: &[String],
    stores: &[String],
    skus: &[String],
    orders: &[String],
    shift: &str,
) -> Result<BTreeMap<String, Value>> {
    let mut found = BTreeMap::new();
    for path in document["paths"].as_object().context("paths")?.keys() {
        if path.contains("{retailer}") {
            found.insert(format!("{path} retailer"), json!(names));
        }
        if path.contains("{sku}") && !skus.is_empty() {
            found.insert(format!("{path} sku"), json!(skus));
        }
        for (root, ids) in [
            ("/v1/stores/{id}", json!(stores)),
            ("/v1/orders/{id}", json!(orders)),
            ("/v1/fiscal-records/{id}", json!(orders)),
            ("/v1/shifts/{id}", json!([shift])),
            // Every other order was paid.
            ("/v1/payments/{id}", json!(["payment-2"])),
            ("/v1/story/{id}", json!(orders)),
        ] {
            if path.starts_with(root) {
                found.insert(format!("{path} id"), ids);
            }
        }
    }
    Ok(found)
}
