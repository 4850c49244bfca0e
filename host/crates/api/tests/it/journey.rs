//! A day in a store.

use crate::host::{end, order, payment, refund, void};
use crate::stage::Stage;
use galleria_ports::in_tx;
use reqwest::Method;
use serde_json::json;

on_both!(
    an_order_is_placed_paid_and_refunded_and_the_shift_closed,
    a_refund_may_arrive_before_its_payment,
    a_closed_shift_rejects_new_payments_but_replays_responses,
    stores_are_paged,
    a_basket_is_verified_before_and_after_its_payment,
    an_invalid_verification_is_rejected,
);

async fn an_order_is_placed_paid_and_refunded_and_the_shift_closed(stage: &Stage) {
    let host = stage.host().await;
    host.add_store_and_shift().await;
    let placed = host.post("/v1/orders", "o", &order("o1")).await.expect(201);
    assert_eq!(
        (&placed["status"], &placed["gross"], &placed["net"]),
        (&json!("open"), &json!(1210), &json!(1000))
    );

    let body = payment("p1", 1210, Some("shift-1"));
    let paid = host
        .post("/v1/orders/o1/payments", "p", &body)
        .await
        .expect(201);
    assert_eq!(paid["event_id"], "payment:p1");
    assert_eq!(paid["entry"]["sequence"], 1);
    assert_eq!(paid["entry"]["ended_at"], "2026-11-24T11:05:00.000+01:00");
    assert_eq!(
        host.get("/v1/orders/o1").await.expect(200)["status"],
        "paid"
    );

    let mut partial = refund("r1");
    partial["shift_id"] = json!("shift-1");
    partial["extent"] = json!({ "amount": 210 });
    let refunded = host
        .post("/v1/orders/o1/refunds", "r", &partial)
        .await
        .expect(201);
    assert_eq!(
        (&refunded["gross"], &refunded["entry"]["sequence"]),
        (&json!(210), &json!(2))
    );

    host.post("/v1/orders", "o2", &order("o2"))
        .await
        .expect(201);
    let voided = host
        .post("/v1/orders/o2/voids", "v", &void("v1", "abandoned"))
        .await;
    assert_eq!(voided.expect(201)["entry"]["sequence"], 3);
    assert_eq!(
        host.get("/v1/orders/o2").await.expect(200)["status"],
        "voided"
    );

    let mut count = end();
    (count["counted"], count["paid_in"]) = (json!(11500), json!(400));
    let closed = host
        .post("/v1/shifts/shift-1/end", "e", &count)
        .await
        .expect(200);
    assert_eq!(closed["expected"], 10000 + 1210 - 210 + 400);
    assert_eq!(closed["difference"], 100);
    assert_eq!(host.events().await, 4);
    host.stop().await;
}

async fn a_refund_may_arrive_before_its_payment(stage: &Stage) {
    let host = stage.host().await;
    host.add_store_and_shift().await;
    host.post("/v1/orders", "o", &order("o1")).await.expect(201);
    let early = host
        .post("/v1/orders/o1/refunds", "r", &refund("r1"))
        .await
        .expect(201);
    assert_eq!(early["gross"], json!(null));
    host.post("/v1/orders/o1/payments", "p", &payment("p1", 1210, None))
        .await
        .expect(201);
    let stored = host.app.core.records().read(in_tx!(|tx| Ok(tx
        .refund_get("r1")
        .await?
        .and_then(|row| row.refund))));
    let refund = stored
        .await
        .expect("a snapshot")
        .expect("a computed refund");
    assert_eq!(refund.gross, 1210);
    host.stop().await;
}

async fn a_closed_shift_rejects_new_payments_but_replays_responses(stage: &Stage) {
    let host = stage.host().await;
    host.add_store_and_shift().await;
    for id in ["o1", "o2"] {
        host.post("/v1/orders", id, &order(id)).await.expect(201);
    }
    let body = payment("p1", 1210, Some("shift-1"));
    let first = host.post("/v1/orders/o1/payments", "p1", &body).await;
    host.post("/v1/shifts/shift-1/end", "e", &end())
        .await
        .expect(200);
    let again = host.post("/v1/orders/o1/payments", "p1", &body).await;
    assert_eq!((again.status, &again.text), (201, &first.text));
    let late = payment("p2", 1210, Some("shift-1"));
    let late = host.post("/v1/orders/o2/payments", "p2", &late).await;
    assert_eq!((late.status, late.code().as_str()), (409, "shift_closed"));
    // A rejected payment uses no number: there is no gap.
    let paid = host
        .post("/v1/orders/o2/payments", "p3", &payment("p2", 1210, None))
        .await;
    assert_eq!(paid.expect(201)["entry"]["sequence"], 3);
    host.stop().await;
}

async fn stores_are_paged(stage: &Stage) {
    let host = stage.host().await;
    host.add_store_and_shift().await;
    let mut store = host.get("/v1/stores/s1").await.expect(200);
    store.as_object_mut().expect("a record").remove("id");
    for id in ["s2", "s3"] {
        let path = format!("/v1/stores/{id}");
        host.write(Method::PUT, &path, id, &store).await.expect(200);
    }
    let ids = |page: &serde_json::Value| -> Vec<String> {
        let stores = page["stores"].as_array().expect("stores").iter();
        stores
            .map(|store| store["id"].as_str().expect("an id").to_owned())
            .collect()
    };
    let first = host.get("/v1/stores?limit=2").await.expect(200);
    assert_eq!(
        (ids(&first), &first["next"]),
        (vec!["s1".into(), "s2".into()], &json!("s2"))
    );
    let last = host.get("/v1/stores?limit=2&after=s2").await.expect(200);
    assert_eq!(
        (ids(&last), &last["next"]),
        (vec!["s3".into()], &json!(null))
    );
    let whole = host.get("/v1/stores?limit=3").await.expect(200);
    assert_eq!((ids(&whole).len(), &whole["next"]), (3, &json!(null)));
    host.stop().await;
}

fn verification(id: Option<&str>, at: &str, outcome: &str, refused: &[u32]) -> serde_json::Value {
    json!({ "id": id, "at": at, "cashier": "0815", "outcome": outcome, "refused_lines": refused })
}

async fn a_basket_is_verified_before_and_after_its_payment(stage: &Stage) {
    let host = stage.host().await;
    host.add_store_and_shift().await;
    host.post("/v1/orders", "o", &order("o1")).await.expect(201);
    let path = "/v1/orders/o1/verifications";
    let early = verification(Some("f1"), "2026-11-24T10:04:00Z", "corrected", &[1]);
    let early = host.post(path, "f1", &early).await.expect(201);
    assert_eq!(
        (&early["id"], &early["paid"]),
        (&json!("f1"), &json!(false))
    );
    let paid = host
        .post("/v1/orders/o1/payments", "p", &payment("p1", 1210, None))
        .await
        .expect(201);
    assert_eq!(
        paid["entry"]["sequence"], 1,
        "a verification uses no number"
    );
    // After midnight in the store, without an id from the caller.
    let late = verification(None, "2026-11-24T23:30:00Z", "passed", &[]);
    let late_view = host.post(path, "f2", &late).await.expect(201);
    assert_eq!(late_view["paid"], true);
    assert_eq!(late_view["business_date"], "2026-11-25");
    let event_id = late_view["event_id"].as_str().expect("an id").to_owned();
    assert!(event_id.starts_with("verification:o1:"), "{event_id}");
    assert_eq!(
        event_id,
        format!("verification:{}", late_view["id"].as_str().expect("an id"))
    );
    let again = host.post(path, "f2", &late).await.expect(201);
    assert_eq!(again, late_view);

    let id = late_view["id"].as_str().expect("an id").to_owned();
    let found = host.app.core.records().read(in_tx!(|tx, id, event_id| {
        let event = tx.event_get(&event_id).await?.expect("an event");
        assert_eq!(event.topic, "mishi.streams.common");
        assert_eq!(event.key.as_deref(), Some("o1"));
        assert_eq!(
            event.text("consumer_identifier_key"),
            Some("POST_DASHBOARD_VERIFICATION_SUCCESS")
        );
        assert_eq!(
            event_id,
            format!("verification:o1:{}", event.server_timestamp)
        );
        Ok((
            tx.verification_get("f1").await?,
            tx.verification_get(&id).await?,
        ))
    }));
    let (early, late) = found.await.expect("a snapshot");
    let (early, late) = (
        early.expect("stored").verification,
        late.expect("stored").verification,
    );
    let numbers = |entry: &galleria_domain::Entry| (entry.id.clone(), entry.sequence);
    assert_eq!(numbers(&early.sale.entry), (String::new(), 0));
    assert_eq!((early.sale.gross, early.sale.tenders.len()), (1210, 0));
    assert_eq!(numbers(&late.sale.entry), ("p1".into(), 1));
    assert_eq!(late.at, "2026-11-25T00:30:00.000+01:00");
    host.stop().await;
}

async fn an_invalid_verification_is_rejected(stage: &Stage) {
    let host = stage.host().await;
    host.add_store_and_shift().await;
    for id in ["o1", "o2"] {
        host.post("/v1/orders", id, &order(id)).await.expect(201);
    }
    host.post("/v1/orders/o2/voids", "v", &void("v1", "abandoned"))
        .await
        .expect(201);
    let at = "2026-11-24T10:04:00Z";
    let cases = [
        (
            "o1",
            verification(None, at, "passed", &[1]),
            422,
            "refused_lines",
        ),
        (
            "o1",
            verification(None, at, "refused", &[1, 7]),
            422,
            "refused_lines.1",
        ),
        (
            "o1",
            verification(None, at, "refused", &[1, 1]),
            422,
            "refused_lines.1",
        ),
        ("o1", verification(None, at, "", &[]), 422, "outcome"),
        (
            "o2",
            verification(None, at, "passed", &[]),
            409,
            "order_voided",
        ),
        ("o3", verification(None, at, "passed", &[]), 404, "order"),
    ];
    let events = host.events().await;
    for (order, body, status, expected) in cases {
        let path = format!("/v1/orders/{order}/verifications");
        let answer = host.post(&path, &body.to_string(), &body).await;
        assert_eq!(answer.status, status, "{body}: {}", answer.text);
        assert!(answer.text.contains(expected), "{body}: {}", answer.text);
    }
    let body = verification(Some("f1"), at, "passed", &[]);
    let path = "/v1/orders/o1/verifications";
    host.post(path, "f1", &body).await.expect(201);
    let twice = host.post(path, "other", &body).await;
    assert_eq!((twice.status, twice.code().as_str()), (409, "exists"));
    assert_eq!(host.events().await, events + 1);
    host.stop().await;
}
