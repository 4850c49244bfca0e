//! `--check`: that what was started is what it says, and that nothing of it is left.

use super::kafka;
use super::postgres::Database;
use crate::demo::client::Client;
use crate::show;
use anyhow::{Context, Result, bail};
use galleria_domain::event::{header, topic};
use reqwest::Method;
use serde_json::{Value, json};

/// The order that is placed, and its payment.
const ORDER: &str = "order-of-the-check";
const PAYMENT: &str = "payment-of-the-check";

/// Uses each of them once.
pub async fn used(client: Option<(&Client, &str)>, kafka: Option<&str>) -> Result<()> {
    show::step("checking");
    if let Some(address) = kafka {
        kafka::round_trip(address).await?;
        show::line("    a record went to Kafka and came back");
    }
    if let Some((client, store)) = client {
        place_order(client, store).await?;
        show::line("    an order was placed and paid over HTTP");
        if let Some(address) = kafka {
            let (topic, event) = (topic::POST_PAYMENT_SUCCESS, format!("payment:{PAYMENT}"));
            kafka::carries(address, topic, header::EVENT_ID, &event).await?;
            show::line("    the payment was told to Kafka");
        }
    }
    Ok(())
}

/// Places the order that the document has as its example, pays it and reads it.
async fn place_order(client: &Client, store: &str) -> Result<()> {
    let document = client.get("/openapi.json").await?;
    let post = &document["paths"]["/v1/orders"]["post"];
    let example = &post["requestBody"]["content"]["application/json"]["example"];
    let mut order: Value = example.clone();
    let fields = order.as_object_mut();
    let fields = fields.context("the document has no example of an order")?;
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
        bail!("the order was placed, and this was read: {read}");
    }
    Ok(())
}

/// Looks for the order in the files of the database, whose server has stopped: no code of ours stands
/// between them and us.
pub fn in_the_database(database: &Database) -> Result<()> {
    let found = database.single(&format!("SELECT store_id FROM orders WHERE id = '{ORDER}'"))?;
    if found.matches("store_id = ").count() != 1 {
        bail!("PostgreSQL does not have the order that was placed: {found}");
    }
    show::line("    the order is in PostgreSQL");
    Ok(())
}
