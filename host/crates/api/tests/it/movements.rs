//! Movements of cash between opening and end of a shift.

use crate::host::{Host, end};
use crate::stage::Stage;
use serde_json::{Value, json};

on_both!(
    movements_count_towards_the_expected_cash,
    an_invalid_movement_is_rejected_with_its_field,
);

const MOVEMENTS: &str = "/v1/shifts/shift-1/movements";

fn movement(id: &str, kind: &str, amount: i64) -> Value {
    json!({
        "id": id, "kind": kind, "amount": amount, "reason": "change", "cashier": "ana",
        "at": "2026-11-24T12:00:00Z",
    })
}

async fn record(host: &Host, id: &str, kind: &str, amount: i64) -> Value {
    let answer = host.post(MOVEMENTS, id, &movement(id, kind, amount)).await;
    answer.expect(201)
}

async fn movements_count_towards_the_expected_cash(stage: &Stage) {
    let host = stage.host().await;
    host.add_store_and_shift().await;
    record(&host, "m1", "pay_in", 5000).await;
    record(&host, "m2", "pay_out", 700).await;
    let first = record(&host, "m3", "pick_up", 2000).await;
    let expected = json!({
        "id": "m3", "shift_id": "shift-1", "kind": "pick_up", "amount": 2000,
        "paid_in": 5000, "paid_out": 700, "pickups": 2000,
    });
    assert_eq!(first, expected);
    record(&host, "m4", "pay_in", 1).await;
    let body = movement("m3", "pick_up", 2000);
    let again = host.post(MOVEMENTS, "m3", &body).await;
    assert!(again.replayed());
    assert_eq!(again.expect(201), first, "the first response");
    let taken = host.post(MOVEMENTS, "another", &body).await;
    assert_eq!(taken.code(), "exists");

    // The end adds its own movements.
    let mut closing = end();
    closing["pickups"] = json!(300);
    let closed = host.post("/v1/shifts/shift-1/end", "end", &closing).await;
    let closed = closed.expect(200);
    assert_eq!(closed["expected"], 10_000 + 5001 - 700 - 2300);
    assert_eq!(
        [&closed["paid_in"], &closed["paid_out"], &closed["pickups"]],
        [&json!(5001), &json!(700), &json!(2300)]
    );

    let late = host
        .post(MOVEMENTS, "m5", &movement("m5", "pay_in", 1))
        .await;
    assert_eq!(late.code(), "shift_closed");
    let again = host.post(MOVEMENTS, "m3", &body).await;
    assert!(again.replayed());
    assert_eq!(again.expect(201), first);
    host.stop().await;
}

async fn an_invalid_movement_is_rejected_with_its_field(stage: &Stage) {
    let host = stage.host().await;
    host.add_store_and_shift().await;
    let send_with = async |change: (&str, Value)| {
        let mut body = movement("m1", "pay_in", 1);
        body[change.0] = change.1;
        host.post(MOVEMENTS, "k", &body).await
    };
    let long = "x".repeat(201);
    for (field, value) in [
        ("amount", json!(0)),
        ("amount", json!(-1)),
        ("amount", json!(i64::MAX)),
        ("reason", json!("")),
        ("reason", json!(long)),
        ("id", json!("a b")),
        ("at", json!("2026-11-24T07:59:59Z")),
    ] {
        let answer = send_with((field, value.clone())).await;
        assert_eq!(answer.code(), "invalid", "{field} {value}");
        assert_eq!(answer.json()["errors"][0]["field"], field);
    }
    assert_eq!(send_with(("kind", json!("loan"))).await.code(), "bad_json");
    let body = movement("m1", "pay_in", 1);
    let unknown = host.post("/v1/shifts/gone/movements", "k", &body).await;
    assert_eq!(unknown.code(), "not_found");
    record(&host, "m1", "pay_in", 1).await;
    host.stop().await;
}
