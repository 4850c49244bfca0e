//! A day in a store, over HTTP.

use crate::host::{end, fresh, order, payment, refund, void};
use reqwest::Method;
use serde_json::json;

#[tokio::test]
async fn an_order_is_placed_paid_and_given_back_and_the_drawer_closed() {
    let (_folder, host) = fresh().await;
    host.furnish().await;
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

    let mut back = refund("r1");
    back["shift_id"] = json!("shift-1");
    back["extent"] = json!({ "amount": 210 });
    let given = host
        .post("/v1/orders/o1/refunds", "r", &back)
        .await
        .expect(201);
    assert_eq!(
        (&given["gross"], &given["entry"]["sequence"]),
        (&json!(210), &json!(2))
    );

    host.post("/v1/orders", "o2", &order("o2"))
        .await
        .expect(201);
    let gone = host
        .post("/v1/orders/o2/voids", "v", &void("v1", "abandoned"))
        .await;
    assert_eq!(gone.expect(201)["entry"]["sequence"], 3);
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

#[tokio::test]
async fn a_refund_may_come_before_its_payment() {
    let (_folder, host) = fresh().await;
    host.furnish().await;
    host.post("/v1/orders", "o", &order("o1")).await.expect(201);
    let early = host
        .post("/v1/orders/o1/refunds", "r", &refund("r1"))
        .await
        .expect(201);
    assert_eq!(early["gross"], json!(null));
    host.post("/v1/orders/o1/payments", "p", &payment("p1", 1210, None))
        .await
        .expect(201);
    let worked_out = host.app.records().read(|tx| {
        Box::pin(async move { Ok(tx.refund_get("r1").await?.and_then(|row| row.refund)) })
    });
    let refund = worked_out.await.expect("a snapshot").expect("worked out");
    assert_eq!(refund.gross, 1210);
    host.stop().await;
}

#[tokio::test]
async fn a_closed_shift_does_not_move_but_answers_again() {
    let (_folder, host) = fresh().await;
    host.furnish().await;
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
    // A refused payment takes no number: the next one has no gap before it.
    let paid = host
        .post("/v1/orders/o2/payments", "p3", &payment("p2", 1210, None))
        .await;
    assert_eq!(paid.expect(201)["entry"]["sequence"], 3);
    host.stop().await;
}

#[tokio::test]
async fn stores_come_in_parts() {
    let (_folder, host) = fresh().await;
    host.furnish().await;
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
