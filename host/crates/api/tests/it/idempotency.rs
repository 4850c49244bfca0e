//! Idempotency keys: one key, one effect, one response.

use crate::host::{order, payment};
use crate::stage::Stage;
use galleria_domain::Digest;
use galleria_ports::in_tx;
use galleria_ports::records::{Records, SavedResponse};
use jiff::Timestamp;
use reqwest::Method;
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::sync::Arc;

on_both!(
    a_repeated_request_has_one_effect_and_one_response,
    a_body_in_another_notation_is_the_same_request,
    a_response_of_an_earlier_version_is_found,
    a_replacement_does_not_need_a_key,
    a_key_cannot_be_used_for_another_request,
    a_rejected_request_does_not_use_up_its_key,
    twenty_concurrent_requests_have_one_effect_and_one_response,
    stored_responses_survive_a_restart,
    keys_of_callers_with_different_reach_do_not_collide,
);

async fn a_repeated_request_has_one_effect_and_one_response(stage: &Stage) {
    let host = stage.host().await;
    host.add_store_and_shift().await;
    let first = host.post("/v1/orders", "o", &order("o1")).await;
    let again = host.post("/v1/orders", "o", &order("o1")).await;
    first.expect(201);
    assert!(!first.replayed() && again.replayed());
    assert_eq!((first.status, &first.text), (again.status, &again.text));

    let path = "/v1/orders/o1/payments";
    let paid = host.post(path, "p", &payment("p1", 1210, None)).await;
    let repeated = host.post(path, "p", &payment("p1", 1210, None)).await;
    paid.expect(201);
    assert_eq!((paid.status, &paid.text), (repeated.status, &repeated.text));
    assert!(repeated.replayed());
    assert_eq!(host.events().await, 1);
    host.stop().await;
}

/// A body with the keys in reverse order and other whitespace.
fn rewritten(value: &Value) -> String {
    match value {
        Value::Object(fields) => {
            let fields = fields.iter().rev();
            let fields =
                fields.map(|(name, value)| format!("{} :\t{}", json!(name), rewritten(value)));
            format!("{{ {} }}", fields.collect::<Vec<_>>().join(" ,\n"))
        }
        Value::Array(values) => {
            let values: Vec<_> = values.iter().map(rewritten).collect();
            format!("[ {} ]", values.join(" , "))
        }
        value => value.to_string(),
    }
}

async fn a_body_in_another_notation_is_the_same_request(stage: &Stage) {
    let host = stage.host().await;
    host.add_store_and_shift().await;
    let send = async |key: &str, body: String| {
        let request = host.request(Method::POST, "/v1/orders").body(body);
        let request = request.header("Content-Type", "application/json");
        host.send(request.header("Idempotency-Key", key)).await
    };
    let body = order("o1");
    let first = send("o", body.to_string()).await;
    first.expect(201);
    let again = send("o", rewritten(&body)).await;
    assert!(again.replayed(), "{}", again.text);
    assert_eq!((first.status, &first.text), (again.status, &again.text));
    // A body with a repeated key is another request: parsers differ in the value that they use.
    let twice = rewritten(&body).replacen('{', "{\"x\":1,\"x\":2,", 1);
    let refused = send("o", twice).await;
    assert!(
        !refused.replayed() && refused.status >= 400,
        "{}",
        refused.text
    );
    let mut other = body.clone();
    other["id"] = json!("o2");
    let reused = send("o", rewritten(&other)).await;
    assert_eq!(reused.code(), "idempotency_key_reused");
    host.stop().await;
}

/// Earlier versions saved the digest of the unchanged body.
async fn a_response_of_an_earlier_version_is_found(stage: &Stage) {
    let host = stage.host().await;
    let body = rewritten(&order("o1"));
    let digest = Digest::of(format!("POST\n/v1/orders\n{body}").as_bytes());
    let saved = SavedResponse {
        key: "o".into(),
        request: digest.to_string(),
        status: 201,
        body: "{}".into(),
        at: Timestamp::UNIX_EPOCH,
    };
    let records: Arc<dyn Records> = stage.records().await;
    let saved = records.write(in_tx!(|tx, saved| tx.saved_response_insert(&saved).await));
    saved.await.expect("saved");
    let request = host.request(Method::POST, "/v1/orders").body(body);
    let request = request.header("Content-Type", "application/json");
    let again = host.send(request.header("Idempotency-Key", "o")).await;
    assert!(again.replayed() && again.text == "{}", "{}", again.text);
    host.stop().await;
}

async fn a_replacement_does_not_need_a_key(stage: &Stage) {
    let host = stage.host().await;
    host.add_store_and_shift().await;
    let mut store = host.get("/v1/stores/s1").await.expect(200);
    store.as_object_mut().expect("a store").remove("id");
    let put = async |path: &str, key: Option<&str>, body: &Value| {
        let request = host.request(Method::PUT, path).json(body);
        host.send(match key {
            Some(key) => request.header("Idempotency-Key", key),
            None => request,
        })
        .await
    };
    let mut types = Vec::new();
    for (key, kind) in [(None, "a"), (Some("k"), "b"), (None, "c"), (None, "c")] {
        store["store_type"] = json!(kind);
        let answer = put("/v1/stores/s9", key, &store).await;
        types.push(answer.expect(200)["store_type"].clone());
        assert!(!answer.replayed());
    }
    assert_eq!(types, ["a", "b", "c", "c"]);
    // With a key, a repetition gets the first response and changes nothing.
    store["store_type"] = json!("b");
    let again = put("/v1/stores/s9", Some("k"), &store).await;
    assert!(again.replayed() && again.expect(200)["store_type"] == "b");
    assert_eq!(
        host.get("/v1/stores/s9").await.expect(200)["store_type"],
        "c"
    );
    store["store_type"] = json!("d");
    let reused = put("/v1/stores/s9", Some("k"), &store).await;
    assert_eq!(reused.code(), "idempotency_key_reused");
    let malformed = put("/v1/stores/s9", Some("a b"), &store).await;
    assert_eq!(malformed.code(), "idempotency_key_invalid");
    let retailer = store["retailer"].as_str().expect("a retailer");
    let path = format!("/v1/retailers/{retailer}/products/sku-1");
    let product = json!({ "name": "Pen", "price": { "amount": "1.25", "currency": "EUR" } });
    for _ in 0..2 {
        let answer = put(&path, None, &product).await;
        assert_eq!(answer.expect(200)["product"]["name"], "Pen");
        assert!(!answer.replayed());
    }
    host.stop().await;
}

async fn a_key_cannot_be_used_for_another_request(stage: &Stage) {
    let host = stage.host().await;
    host.add_store_and_shift().await;
    host.post("/v1/orders", "k", &order("o1")).await.expect(201);
    let other_body = host.post("/v1/orders", "k", &order("o2")).await;
    assert_eq!(
        (other_body.status, other_body.code().as_str()),
        (422, "idempotency_key_reused")
    );
    let other_path = host
        .post("/v1/shifts/shift-1/end", "k", &crate::host::end())
        .await;
    assert_eq!(other_path.code(), "idempotency_key_reused");
    assert_eq!(host.get("/v1/orders/o2").await.code(), "not_found");
    host.stop().await;
}

async fn a_rejected_request_does_not_use_up_its_key(stage: &Stage) {
    let host = stage.host().await;
    host.add_store_and_shift().await;
    host.post("/v1/orders", "o", &order("o1")).await.expect(201);
    let path = "/v1/orders/o1/payments";
    let short = host.post(path, "p", &payment("p1", 1000, None)).await;
    assert_eq!(short.code(), "invalid");
    host.post(path, "p", &payment("p1", 1210, None))
        .await
        .expect(201);
    host.stop().await;
}

async fn twenty_concurrent_requests_have_one_effect_and_one_response(stage: &Stage) {
    let host = stage.host().await;
    host.add_store_and_shift().await;
    host.post("/v1/orders", "o", &order("o1")).await.expect(201);
    let body = payment("p1", 1210, Some("shift-1"));
    let calls = (0..20).map(|_| host.post("/v1/orders/o1/payments", "p", &body));
    let answers = futures_util::future::join_all(calls).await;
    let bodies: BTreeSet<_> = answers.iter().map(|answer| &answer.text).collect();
    assert_eq!(bodies.len(), 1, "{bodies:?}");
    assert!(answers.iter().all(|answer| answer.status == 201));
    assert_eq!(
        answers.iter().filter(|answer| !answer.replayed()).count(),
        1
    );
    assert_eq!(host.events().await, 1);
    let closed = host
        .post("/v1/shifts/shift-1/end", "e", &crate::host::end())
        .await;
    assert_eq!(closed.expect(200)["expected"], 10000 + 1210);
    host.stop().await;
}

async fn stored_responses_survive_a_restart(stage: &Stage) {
    let host = stage.host().await;
    host.add_store_and_shift().await;
    let first = host.post("/v1/orders", "o", &order("o1")).await;
    host.stop().await;
    let host = stage.host().await;
    let again = host
        .write(Method::POST, "/v1/orders", "o", &order("o1"))
        .await;
    assert!(again.replayed());
    assert_eq!((first.status, first.text), (again.status, again.text));
    host.stop().await;
}

async fn keys_of_callers_with_different_reach_do_not_collide(stage: &Stage) {
    let host = stage.host().await;
    host.add_store_and_shift().await;
    let mut store = host.get("/v1/stores/s1").await.expect(200);
    store.as_object_mut().expect("a store").remove("id");
    let put = host.write(Method::PUT, "/v1/stores/s2", "s2", &store).await;
    put.expect(200);
    let place = async |bound: &str, id: &str, store: &str| {
        let mut order = order(id);
        order["store_id"] = store.into();
        let request = host.request(Method::POST, "/v1/orders").json(&order);
        let request = request.header("Idempotency-Key", "1");
        let bearer = format!("Bearer till;{bound}");
        host.send(request.header("authorization", bearer)).await
    };
    place("stores=s1", "o1", "s1").await.expect(201);
    // The first order of another till, and a repetition of the first till's order.
    let other = place("stores=s2", "o2", "s2").await;
    other.expect(201);
    let again = place("stores=s1", "o1", "s1").await;
    assert!(again.replayed() && !other.replayed());
    let reused = place("stores=s1", "o3", "s1").await;
    assert_eq!(reused.code(), "idempotency_key_reused");
    host.stop().await;
}
