//! Idempotency keys: one key, one effect, one response.

use crate::host::{order, payment};
use crate::stage::Stage;
use reqwest::Method;
use std::collections::BTreeSet;

on_both!(
    a_repeated_request_has_one_effect_and_one_response,
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
