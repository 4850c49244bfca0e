//! A store without tax settings and tax table: its orders have no taxes, and everything works without them.

use crate::host::{Host, end, order, payment, refund, void};
use crate::stage::Stage;
use reqwest::Method;
use serde_json::{Value, json};

on_both!(
    a_store_without_taxes_sells_refunds_and_voids,
    the_tax_resources_of_a_store_without_taxes_are_empty,
    a_store_returns_to_no_taxes,
);

async fn host(stage: &Stage) -> Host {
    let host = stage.host().await;
    host.add_store_and_shift().await;
    host
}

fn untaxed(id: &str) -> Value {
    let mut order = order(id);
    order["lines"][0]["taxes"] = json!([]);
    order
}

async fn paid(host: &Host, id: &str) {
    let placed = host.post("/v1/orders", id, &untaxed(id)).await.expect(201);
    assert_eq!(
        (&placed["gross"], &placed["net"], &placed["taxes"]),
        (&json!(1210), &json!(1210), &json!([]))
    );
    assert_eq!(placed["tax_evaluation"], Value::Null);
    let path = format!("/v1/orders/{id}/payments");
    let payment = payment(&format!("{id}-p"), 1210, Some("shift-1"));
    host.post(&path, &format!("{id}-p"), &payment)
        .await
        .expect(201);
}

async fn a_store_without_taxes_sells_refunds_and_voids(stage: &Stage) {
    let host = host(stage).await;
    for id in ["o1", "o2", "o3"] {
        paid(&host, id).await;
    }
    let stored = host.get("/v1/orders/o1").await.expect(200);
    assert_eq!(stored["status"], "paid");
    assert_eq!(stored["lines"][0]["taxes"], json!([]));
    host.post("/v1/orders/o1/refunds", "r1", &refund("r1"))
        .await
        .expect(201);
    let mut amount = refund("r2");
    amount["extent"] = json!({"amount": 210});
    let part = host.post("/v1/orders/o2/refunds", "r2", &amount).await;
    part.expect(201);
    for (id, gross) in [("r1", 1210), ("r2", 210)] {
        let shown = host.get(&format!("/v1/refunds/{id}")).await.expect(200);
        assert_eq!(
            (&shown["gross"], &shown["net"], &shown["taxes"]),
            (&json!(gross), &json!(gross), &json!([])),
            "{shown:#}"
        );
    }
    host.post("/v1/orders/o3/voids", "v1", &void("v1", "post_void"))
        .await
        .expect(201);
    host.post("/v1/shifts/shift-1/end", "end", &end())
        .await
        .expect(200);
    let timeline = host.get("/v1/timeline/o1").await.expect(200);
    let entries = timeline["entries"].as_array().expect("entries").iter();
    let kinds: Vec<&str> = entries.filter_map(|entry| entry["what"].as_str()).collect();
    assert!(
        kinds.contains(&"payment") && kinds.contains(&"refund"),
        "{kinds:?}"
    );
    assert!(!kinds.contains(&"order_taxes"), "{kinds:?}");
    host.stop().await;
}

async fn the_tax_resources_of_a_store_without_taxes_are_empty(stage: &Stage) {
    let host = host(stage).await;
    let get = async |path: &str| {
        let path = format!("/v1/stores/s1/{path}");
        host.get(&path).await.expect(200)
    };
    assert_eq!(get("tax-settings").await["route"], "embedded");
    assert_eq!(get("tax-table").await["rows"], json!([]));
    assert_eq!(get("tax-evaluations").await["evaluations"], json!([]));
    let comparisons = get("tax-comparisons").await;
    assert_eq!(comparisons["comparisons"], json!([]));
    assert_eq!(comparisons["summary"]["readiness"], Value::Null);
    let timeline = host.get("/v1/timeline/s1").await.expect(200);
    assert_eq!(timeline["about"], json!([{"kind": "store", "id": "s1"}]));

    let basket = json!({
        "store_data": {"store_id": "s1"},
        "items": [{"item_id": "1", "total_amount": "1.00", "tax_code": "STD"}],
    });
    let evaluated = host
        .write(Method::POST, "/v1/taxes/evaluate", "e", &basket)
        .await;
    assert_eq!(evaluated.code(), "invalid");
    let refused = host
        .post("/v1/stores/s1/tax-move", "m", &json!({"route": "http"}))
        .await;
    assert_eq!(refused.code(), "tax_move_refused");
    let missing = host.get("/v1/stores/s1/tax-evaluations/none").await;
    assert_eq!((missing.status, missing.code()), (404, "not_found".into()));
    host.stop().await;
}

async fn a_store_returns_to_no_taxes(stage: &Stage) {
    let host = host(stage).await;
    let settings = "/v1/stores/s1/tax-settings";
    let put = host.write(Method::PUT, settings, "put", &json!({})).await;
    put.expect(200);
    // The store has no table, so an order without taxes is rejected.
    let rejected = host.post("/v1/orders", "o1", &untaxed("o1")).await;
    assert_eq!(rejected.code(), "invalid");
    let delete = async |key: &str, reason: &str| {
        let path = format!("{settings}?reason={reason}");
        let request = host.request(Method::DELETE, &path);
        host.send(request.header("Idempotency-Key", key)).await
    };
    let long = delete("long", &"x".repeat(1_001)).await;
    assert_eq!(long.code(), "invalid");
    let deleted = delete("d", "tills").await;
    let again = delete("d", "tills").await;
    assert!(!deleted.replayed() && again.replayed());
    let deleted = deleted.expect(200);
    assert_eq!(deleted["before"]["route"], "embedded");
    assert_eq!(deleted["has_table"], false);
    paid(&host, "o1").await;
    let none = delete("d2", "tills").await.expect(200);
    assert_eq!(none, json!({"before": null, "has_table": false}));
    let log = host.get("/v1/operations?action=tax_settings_delete").await;
    let log = log.expect(200);
    let log = log["operations"].as_array().expect("operations");
    assert_eq!((log.len(), &log[0]["reason"]), (1, &json!("tills")));
    assert_eq!(
        (&log[0]["subject"], &log[0]["after"]),
        (&json!("store s1"), &Value::Null)
    );
    host.stop().await;
}
