//! `--check`: uses each service once.

use super::kafka;
use super::postgres::Database;
use crate::client::Client;
use crate::show;
use anyhow::{Context, Result, bail};
use galleria_domain::event::topic;
use reqwest::Method;
use serde_json::{Value, json};

/// Ids of the order and its payment.
const ORDER: &str = "xtask-check-order";
const PAYMENT: &str = "xtask-check-payment";

/// Uses each service once.
pub async fn use_services(client: Option<(&Client, &str)>, kafka: Option<&str>) -> Result<()> {
    show::step("using each service");
    if let Some(address) = kafka {
        kafka::round_trip(address).await?;
        show::line("    record written to Kafka and read back");
    }
    if let Some((client, store)) = client {
        place_order(client, store).await?;
        show::line("    order placed and paid over HTTP");
        if let Some(address) = kafka {
            kafka::wait_for_record(address, topic::POST_PAYMENT_SUCCESS).await?;
            show::line("    payment published to Kafka");
        }
    }
    Ok(())
}

/// Places and pays the example order of the OpenAPI document, and reads it.
async fn place_order(client: &Client, store: &str) -> Result<()> {
    let document = client.get("/openapi.json").await?;
    let post = &document["paths"]["/v1/orders"]["post"];
    let example = &post["requestBody"]["content"]["application/json"]["example"];
    let mut order: Value = example.clone();
    let fields = order.as_object_mut();
    let fields = fields.context("openapi.json: no example of an order")?;
    fields.insert("id".into(), json!(ORDER));
    fields.insert("store_id".into(), json!(store));
    client
        .write(Method::POST, "/v1/orders", ORDER, &order)
        .await?;
    let total: i64 = order["lines"]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(|line| line["amount"].as_i64())
        .sum();
    let tender =
        json!({"number": 1, "kind": "card", "amount": total, "tendered": total, "change": 0});
    let payment = json!({"id": PAYMENT, "at": order["begun_at"], "tenders": [tender]});
    let path = format!("/v1/orders/{ORDER}/payments");
    client.write(Method::POST, &path, PAYMENT, &payment).await?;
    let read = client.get(&format!("/v1/orders/{ORDER}")).await?;
    if read["id"] != ORDER {
        bail!("expected the order {ORDER}, got {read}");
    }
    Ok(())
}

/// Looks for the order in the data folder after the server has stopped, without any code of the host.
pub fn find_in_database(database: &Database) -> Result<()> {
    let rows = database.single(&format!("SELECT store_id FROM orders WHERE id = '{ORDER}'"))?;
    if rows.matches("store_id = ").count() != 1 {
        bail!("the order is missing in PostgreSQL: {rows}");
    }
    show::line("    order found in PostgreSQL");
    Ok(())
}
