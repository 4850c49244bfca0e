//! A retailer with one store, whose plugin writes one document for each payment.

use crate::configuration::{ASKS, retailer};
use crate::host::Host;
use serde_json::json;
use std::path::Path;

/// Its store.
pub const STORE: &str = "s-corner";

/// A host with only this retailer.
pub fn host(folder: &Path) -> Host {
    let slot = format!(
        "[plugins.papers.grants]\n{ASKS}\n[plugins.papers.settings]\nbehave = \"Decide\"\n"
    );
    retailer(folder, ASKS, &slot)
}

pub async fn open(host: &Host) {
    let body = json!({
        "external_id": STORE, "retailer": "corner", "store_type": "kiosk", "country": "ES",
        "currency": "EUR", "minor_digits": 2, "zone": "Europe/Madrid",
    });
    let path = format!("/v1/stores/{STORE}");
    let (status, answer) = host.send("PUT", &path, STORE, &body).await.expect("sent");
    assert_eq!(status, 200, "{answer:#}");
}

/// Places an order and pays it.
pub async fn sell(host: &Host, order: &str) {
    place(host, order).await;
    let at = "2026-11-24T10:00:00Z";
    let tender =
        json!({"number": 1, "kind": "card", "amount": 1000, "tendered": 1000, "change": 0});
    let paid = json!({"id": format!("p-{order}"), "at": at, "tenders": [tender]});
    let path = format!("/v1/orders/{order}/payments");
    send(host, &path, &format!("p-{order}"), &paid).await;
}

pub async fn place(host: &Host, order: &str) {
    let line = json!({
        "number": 1, "sku": "1", "description": "a thing", "unit": "EA", "amount": 1000,
        "quantity": "1",
        "regular_price": "10",
        "unit_price": "10",
    });
    let placed = json!({
        "id": order, "store_id": STORE, "workstation": "w1", "begun_at": "2026-11-24T10:00:00Z",
        "lines": [line],
    });
    send(host, "/v1/orders", &format!("o-{order}"), &placed).await;
}

async fn send(host: &Host, path: &str, key: &str, body: &serde_json::Value) {
    let (status, answer) = host.send("POST", path, key, body).await.expect("sent");
    assert_eq!(status, 201, "{answer:#}");
}

/// Waits until this many documents are delivered.
pub async fn delivered(host: &Host, documents: u64) {
    host.until(|status| status["documents"]["delivered"] == documents)
        .await;
}
