//! Fiscal records: created with the payment, marked once, in conflict if two marks differ.

use crate::host::{Answer, Host, order, payment, refund};
use crate::stage::Stage;
use serde_json::{Value, json};

on_both!(
    a_sale_keeps_its_first_mark,
    a_mark_may_arrive_before_its_payment,
    a_refund_has_its_own_record_and_mark,
    records_are_paged_and_filtered,
);

async fn paid(host: &Host, id: &str) {
    host.post("/v1/orders", id, &order(id)).await.expect(201);
    pay(host, id).await;
}

async fn pay(host: &Host, id: &str) {
    let path = format!("/v1/orders/{id}/payments");
    let body = payment(&format!("pay-{id}"), 1210, None);
    host.post(&path, &format!("pay-{id}"), &body)
        .await
        .expect(201);
}

async fn mark(host: &Host, key: &str, order: &str, mark: &str) -> Answer {
    let path = format!("/v1/fiscal-records/{order}/marks");
    let body = json!({ "scheme": "mydata", "mark": mark, "issued_at": "2026-11-24T10:06:00Z" });
    host.post(&path, key, &body).await
}

async fn record(host: &Host, order: &str) -> Value {
    let answer = host.get(&format!("/v1/fiscal-records/{order}")).await;
    answer.expect(200)["records"].clone()
}

async fn orders(host: &Host, query: &str) -> String {
    let page = host.get(&format!("/v1/fiscal-records?{query}")).await;
    let page = page.expect(200);
    let records = page["records"].as_array().expect("a list").iter();
    let ids = records.map(|one| one["order_id"].as_str().expect("an id"));
    ids.collect::<Vec<_>>().join(" ")
}

async fn a_sale_keeps_its_first_mark(stage: &Stage) {
    let host = stage.host().await;
    host.add_store_and_shift().await;
    paid(&host, "o1").await;
    let waiting = record(&host, "o1").await;
    assert_eq!(waiting[0]["record"]["state"], "waiting");
    assert_eq!(waiting[0]["record"]["entry_id"], "pay-o1");
    let before = host.events().await;
    let first = mark(&host, "1", "o1", "400001").await.expect(201);
    assert_eq!(
        (&first["state"], &first["event_id"]),
        (&json!("applied"), &json!("mark:o1:400001"))
    );
    assert_eq!(
        mark(&host, "again", "o1", "400001").await.expect(201),
        first
    );
    assert_eq!(host.events().await, before + 1);
    let marked = record(&host, "o1").await;
    assert_eq!(marked[0]["record"]["state"], "marked");

    // A different mark is stored, rejected and listed.
    let other = mark(&host, "2", "o1", "400002").await;
    assert_eq!(other.code(), "mark_conflict");
    assert_eq!(
        mark(&host, "2", "o1", "400002").await.code(),
        "mark_conflict"
    );
    assert_eq!(
        mark(&host, "3", "o1", "400002").await.code(),
        "mark_conflict"
    );
    assert_eq!(mark(&host, "4", "o1", "400001").await.expect(201), first);
    assert_eq!(host.events().await, before + 1);
    let conflict = record(&host, "o1").await;
    assert_eq!(conflict[0]["record"]["state"], "conflict");
    let marks = conflict[0]["marks"].as_array().expect("marks").iter();
    let marks: Vec<_> = marks.map(|one| (&one["mark"], &one["state"])).collect();
    assert_eq!(
        marks,
        [
            (&json!("400001"), &json!("applied")),
            (&json!("400002"), &json!("conflict"))
        ]
    );
    host.stop().await;
}

async fn a_mark_may_arrive_before_its_payment(stage: &Stage) {
    let host = stage.host().await;
    host.add_store_and_shift().await;
    let early = mark(&host, "1", "o1", "400001").await.expect(201);
    assert_eq!(
        (&early["state"], &early["event_id"]),
        (&json!("early"), &Value::Null)
    );
    assert_eq!(orders(&host, "state=early").await, "o1");
    paid(&host, "o1").await;
    let found = record(&host, "o1").await;
    assert_eq!(found[0]["record"]["state"], "marked");
    assert_eq!(found[0]["record"]["store_id"], "s1");
    assert_eq!(found[0]["marks"][0]["event_id"], "mark:o1:400001");
    assert_eq!(orders(&host, "state=early").await, "");
    // Two early marks conflict too.
    mark(&host, "2", "o2", "400002").await.expect(201);
    mark(&host, "3", "o2", "400003").await.expect(201);
    paid(&host, "o2").await;
    assert_eq!(orders(&host, "state=conflict").await, "o2");
    host.stop().await;
}

async fn a_refund_has_its_own_record_and_mark(stage: &Stage) {
    let host = stage.host().await;
    host.add_store_and_shift().await;
    paid(&host, "o1").await;
    mark(&host, "1", "o1", "400001").await.expect(201);
    host.post("/v1/orders/o1/refunds", "r1", &refund("r1"))
        .await
        .expect(201);
    let body = json!({
        "scheme": "mydata", "mark": "400002", "issued_at": "2026-11-24T12:00:00Z", "refund_id": "r1",
    });
    let path = "/v1/fiscal-records/o1/marks";
    let second = host.post(path, "2", &body).await.expect(201);
    assert_eq!(second["state"], "applied");
    let found = record(&host, "o1").await;
    let states: Vec<_> = found
        .as_array()
        .expect("records")
        .iter()
        .map(|one| (&one["record"]["refund_id"], &one["record"]["state"]))
        .collect();
    let marked = json!("marked");
    assert_eq!(states, [(&Value::Null, &marked), (&json!("r1"), &marked)]);
    // A mark belongs to one entry.
    let mut wrong = body.clone();
    wrong["mark"] = json!("400001");
    assert_eq!(host.post(path, "3", &wrong).await.code(), "mark_conflict");
    for (field, value) in [
        ("mark", "a b"),
        ("mark", "a:b"),
        ("scheme", ""),
        ("refund_id", "/"),
    ] {
        let mut wrong = body.clone();
        wrong[field] = json!(value);
        let rejected = host.post(path, "4", &wrong).await;
        assert_eq!(rejected.code(), "invalid");
        assert_eq!(rejected.json()["errors"][0]["field"], field);
    }
    host.stop().await;
}

async fn records_are_paged_and_filtered(stage: &Stage) {
    let host = stage.host().await;
    host.add_store_and_shift().await;
    for n in 1..=5 {
        paid(&host, &format!("o{n}")).await;
    }
    mark(&host, "m", "o3", "400003").await.expect(201);
    assert_eq!(orders(&host, "").await, "o5 o4 o3 o2 o1");
    assert_eq!(
        orders(&host, "state=waiting&retailer=example").await,
        "o5 o4 o2 o1"
    );
    assert_eq!(orders(&host, "state=marked&store=s1").await, "o3");
    assert_eq!(orders(&host, "order=o2").await, "o2");
    assert_eq!(orders(&host, "order=o2&state=marked").await, "");
    let unknown = host.get("/v1/fiscal-records?retailer=other").await;
    assert_eq!(unknown.code(), "not_found");
    let page = host.get("/v1/fiscal-records?limit=2").await.expect(200);
    let next = page["next"].as_str().expect("a next page").to_owned();
    let rest = host
        .get(&format!("/v1/fiscal-records?limit=3&after={next}"))
        .await;
    let rest = rest.expect(200);
    assert_eq!(rest["records"].as_array().map(Vec::len), Some(3));
    assert_eq!(rest["next"], Value::Null);
    assert_eq!(
        host.get("/v1/fiscal-records?state=lost").await.code(),
        "invalid"
    );
    assert_eq!(host.get("/v1/fiscal-records/o9").await.code(), "not_found");
    host.stop().await;
}
