//! Creates sample data on a fresh host, and lists the ids that generated requests may use.

mod made;

use crate::client::Client;
use crate::samples::{put_stores, retailers};
use anyhow::{Context, Result};
use galleria_simulator::{assortment, catalogue};
use reqwest::Method;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::fs;

/// Enough for many refunds, voids and payments before all are spent.
const ORDERS: usize = 60;
/// A retailer with a plugin that writes documents of sales, and with statements.
const RETAILER: &str = "flying-tiger";

/// Creates stores, products, a shift, orders of which every other one is paid, and the results of these.
/// Returns the ids in the format of the schemathesis hooks.
pub async fn create(client: &Client, document: &Value) -> Result<Value> {
    let (mut names, mut stores, mut skus) = (Vec::new(), Vec::new(), Vec::new());
    let mut store = None;
    for folder in retailers(None)? {
        let name = folder.file_name().context("name")?.to_string_lossy();
        let all = assortment::stores(&folder)?;
        if name == RETAILER {
            store = all.first().map(|store| store.id.clone());
        }
        put_stores(client, &all).await?;
        stores.extend(all.into_iter().map(|store| store.id));
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
    let setup = Setup {
        client,
        document,
        store: &store.with_context(|| format!("{RETAILER}: no store"))?,
    };
    let shift = setup.create("/v1/shifts", "shift-1").await?;
    let mut orders = Vec::new();
    for number in 1..=ORDERS {
        let order = format!("order-{number}");
        setup.create("/v1/orders", &order).await?;
        if number % 2 == 0 {
            setup.pay(&order, &format!("payment-{number}")).await?;
        }
        orders.push(order);
    }
    let mut ids = setup.results().await?;
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

/// A host, its document, and the store of the orders.
struct Setup<'a> {
    client: &'a Client,
    document: &'a Value,
    store: &'a str,
}

impl Setup<'_> {
    /// Sends the example of an operation with another id and the store.
    async fn create(&self, path: &str, id: &str) -> Result<String> {
        let mut body = self.example(path)?;
        body["id"] = json!(id);
        body["store_id"] = json!(self.store);
        self.client.write(Method::POST, path, id, &body).await?;
        Ok(id.to_owned())
    }

    async fn pay(&self, order: &str, payment: &str) -> Result<()> {
        let mut body = self.example("/v1/orders/{id}/payments")?;
        body["id"] = json!(payment);
        let path = format!("/v1/orders/{order}/payments");
        self.client
            .write(Method::POST, &path, payment, &body)
            .await?;
        Ok(())
    }

    fn example(&self, path: &str) -> Result<Value> {
        let content =
            &self.document["paths"][path]["post"]["requestBody"]["content"]["application/json"];
        let example = content.get("example").cloned();
        example.with_context(|| format!("openapi.json: no example for {path}"))
    }
}

/// Returns the values of path parameters, by `<path template> <parameter>`. `ids` has the beginning of a
/// template instead.
fn by_parameter(document: &Value, ids: &[(&str, Vec<String>)]) -> Result<BTreeMap<String, Value>> {
    let mut values = BTreeMap::new();
    for path in document["paths"].as_object().context("paths")?.keys() {
        for (target, ids) in ids {
            let (root, parameter) = target.rsplit_once(' ').context("path and parameter")?;
            if path.starts_with(root) && !ids.is_empty() {
                values.insert(format!("{path} {parameter}"), json!(ids));
            }
        }
    }
    Ok(values)
}
