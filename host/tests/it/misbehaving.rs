//! Plugins that loop, use too much memory, crash or return garbage do not affect other stores.

use crate::configuration::{ASKS, retailer};
use crate::host::{Database, Host};
use serde_json::{Value, json};
use std::time::Duration;

/// Stores, each with the behaviour of its plugin. One plugin works.
const BEHAVIOURS: [(&str, &str); 6] = [
    ("s-loop", "Loop"),
    ("s-memory", "AllocateMemory"),
    ("s-crash", "Crash"),
    ("s-garbage", "BadJson"),
    ("s-large", "DecideTooMuch"),
    ("s-good", "Decide"),
];

const ORDERS: usize = 12;

/// The requests of a till for one sale: path, idempotency key and body of each.
pub fn sale(store: &str, workstation: &str, order: &str) -> [(String, String, Value); 2] {
    let at = "2026-11-24T10:00:00Z";
    let line = json!({
        "number": 1, "sku": "1", "description": "a thing", "unit": "EA", "amount": 1000,
        "quantity": "1",
        "regular_price": "10",
        "unit_price": "10",
    });
    let placed = json!({
        "id": order, "store_id": store, "workstation": workstation, "begun_at": at, "lines": [line],
    });
    let tender =
        json!({"number": 1, "kind": "card", "amount": 1000, "tendered": 1000, "change": 0});
    let paid = json!({"id": format!("p-{order}"), "at": at, "tenders": [tender]});
    let path = format!("/v1/orders/{order}/payments");
    [
        ("/v1/orders".into(), format!("o-{order}"), placed),
        (path, format!("p-{order}"), paid),
    ]
}

pub async fn sell(host: &Host, store: &str, n: usize) {
    for (path, key, body) in sale(store, "w1", &format!("{store}-{n}")) {
        loop {
            match host.send("POST", &path, &key, &body).await.expect("sent") {
                (201, _) => break,
                // The database is unavailable for a moment: the till retries.
                (503, _) => tokio::time::sleep(Duration::from_millis(20)).await,
                (status, answer) => panic!("{status} {answer:#}"),
            }
        }
    }
}

fn store_status<'a>(status: &'a Value, store: &str) -> &'a Value {
    let stores = status["stores"].as_array().expect("stores");
    let found = stores.iter().find(|one| one["store"] == store);
    found.expect("the store has events")
}

async fn journal_of(host: &Host, order: &str) -> Vec<Value> {
    let journal = host.get(&format!("/v1/orders/{order}/journal")).await;
    let journal = journal.expect("a journal");
    let attempts = journal.as_array().or(journal["attempts"].as_array());
    attempts.expect("attempts").clone()
}

on_both!(a_misbehaving_plugin_affects_only_its_store);

async fn a_misbehaving_plugin_affects_only_its_store(database: Database) {
    let folder = tempfile::tempdir().expect("a folder");
    let mut slot = format!(
        "on_dead_letter = \"hold\"\n[plugins.papers.grants]\n{ASKS}\n[plugins.papers.limits]\ncpu_ms = 100\nmemory_bytes = 16777216\noutput_bytes = 1048576\n[plugins.papers.settings]\nbehave = \"Decide\"\n"
    );
    for (store, behave) in BEHAVIOURS {
        slot += &format!(
            "[[plugins.papers.for]]\nstores = [\"{store}\"]\nsettings = {{ behave = \"{behave}\" }}\n"
        );
    }
    let mut host = retailer(folder.path(), ASKS, &slot).on(database);
    host.start().await;
    for (store, _) in BEHAVIOURS {
        let body = json!({
            "external_id": store, "retailer": "corner", "store_type": "kiosk", "country": "ES",
            "currency": "EUR", "minor_digits": 2, "zone": "Europe/Madrid",
        });
        let path = format!("/v1/stores/{store}");
        let (status, answer) = host.send("PUT", &path, store, &body).await.expect("sent");
        assert_eq!(status, 200, "{answer:#}");
    }
    for n in 0..ORDERS {
        if n == ORDERS / 2 {
            host.outage().await;
        }
        for (store, _) in BEHAVIOURS {
            sell(&host, store, n).await;
        }
    }
    let good = ORDERS as u64;
    host.until(|status| store_status(status, "s-good")["documents"] == good)
        .await;
    let bad = (BEHAVIOURS.len() - 1) as u64;
    let status = host
        .until(|status| status["dead_letters"] == bad * good && status["parked"] == 0)
        .await;
    assert_eq!(status["documents"]["delivered"], good, "{status:#}");
    for (store, _) in BEHAVIOURS.iter().filter(|(store, _)| *store != "s-good") {
        assert_eq!(store_status(&status, store)["documents"], 0, "{store}");
    }
    assert_eq!(journal_of(&host, "s-good-0").await.len(), 1);
    let loops = journal_of(&host, "s-loop-0").await;
    let twice = |pair: &[Value]| pair.iter().all(|one| one["outcome"] == "out_of_cpu");
    let first = loops.windows(2).position(twice);
    assert_eq!(first, loops.len().checked_sub(2), "{loops:#?}");
    host.stop();
}
