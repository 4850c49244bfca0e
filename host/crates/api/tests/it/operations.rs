//! Operators' views within their reach, and the audit log of their actions.

use crate::host::{Host, order, payment};
use crate::log::log_lines;
use crate::stage::Stage;
use galleria_domain::Event;
use galleria_ports::in_tx;
use galleria_ports::records::{
    DocumentRow, DocumentState, OutgoingRow, ParkedEvent, ParkedState, ReceiptRow,
};
use reqwest::Method;
use serde_json::{Value, json};

on_both!(
    parked_events_are_listed_within_reach,
    a_parked_event_is_retried_in_the_order_of_its_lane,
    queued_receipts_and_requests_are_listed_without_personal_data,
    plugins_are_listed_for_whole_retailers_in_reach,
    the_timeline_of_any_id_is_sorted_by_time,
    a_timeline_contains_only_what_is_in_reach,
    actions_on_runs_lines_and_stores_are_recorded,
);

/// Parks an event of the slot `poslog`. The lane is the store; the id ends with its position.
pub async fn park(host: &Host, id: &str, store: &str, state: ParkedState) {
    let position = i64::from(id.bytes().last().expect("a digit"));
    let at = "2026-11-24T10:00:00Z".parse().expect("an instant");
    let parked = ParkedEvent {
        group: "PAYMENT_GROUP".into(),
        subscriber: "poslog".into(),
        lane: store.into(),
        event: Event {
            position,
            id: id.into(),
            topic: "t".into(),
            key: None,
            store: Some(store.into()),
            data: Value::Null,
            server_timestamp: 0,
            origin: galleria_domain::trace::Origin::default(),
        },
        state,
        attempts: 1,
        due_at: "2026-11-24T13:00:00Z".parse().expect("an instant"),
        since: at,
        waits_for: None,
        cause: "printer out of paper".into(),
    };
    let put = host
        .app
        .core
        .records()
        .write(in_tx!(|tx, parked| tx.parked_put(&parked).await));
    put.await.expect("parked");
}

/// Stores `s2` of the same retailer as `s1`, and `t1` of another.
async fn three_stores(host: &Host) {
    host.add_store_and_shift().await;
    let mut store = host.get("/v1/stores/s1").await.expect(200);
    store.as_object_mut().expect("a store").remove("id");
    for (id, retailer) in [("s2", "example"), ("t1", "other")] {
        store["retailer"] = json!(retailer);
        let path = format!("/v1/stores/{id}");
        host.write(Method::PUT, &path, id, &store).await.expect(200);
    }
}

async fn get_as(host: &Host, path: &str, bearer: &str) -> crate::host::Answer {
    let request = host.request(Method::GET, path);
    host.send(request.header("authorization", format!("Bearer {bearer}")))
        .await
}

/// The ids of all pages of a list.
async fn list_ids(
    host: &Host,
    path: &str,
    field: (&str, &str),
    bearer: &str,
    limit: u32,
) -> String {
    let (mut ids, mut after) = (Vec::new(), String::new());
    loop {
        let path = format!("{path}limit={limit}{after}");
        let page = get_as(host, &path, bearer).await.expect(200);
        let rows = page[field.0].as_array().expect("rows");
        assert!(rows.len() <= limit as usize);
        ids.extend(
            rows.iter()
                .map(|row| row[field.1].as_str().expect("id").to_owned()),
        );
        match page["next"].as_str() {
            Some(next) => after = format!("&after={next}"),
            None => return ids.join(" "),
        }
    }
}

async fn parked_events_are_listed_within_reach(stage: &Stage) {
    let host = stage.host().await;
    three_stores(&host).await;
    for (id, store) in [("e1", "s1"), ("e2", "t1"), ("e3", "s2"), ("e4", "s1")] {
        park(&host, id, store, ParkedState::Retry).await;
    }
    let all = ("parked", "event_id");
    for limit in [1, 3, 100] {
        for (bearer, wanted) in [
            ("operator", "e1 e2 e3 e4"),
            ("operator;retailers=example", "e1 e3 e4"),
            ("operator;retailers=example,other;stores=s1", "e1 e2 e3 e4"),
            ("operator;stores=s2,t1,gone", "e2 e3"),
            ("operator;stores=gone", ""),
        ] {
            let found = list_ids(&host, "/v1/parked?", all, bearer, limit).await;
            assert_eq!(found, wanted, "{bearer}");
        }
    }
    // A caller that reaches one store of a retailer may name the retailer and still sees only that store.
    let path = "/v1/parked?retailer=example&";
    assert_eq!(
        list_ids(&host, path, all, "operator;stores=s2", 9).await,
        "e3"
    );
    for path in ["/v1/parked?retailer=other", "/v1/parked?store=t1"] {
        let rejected = get_as(&host, path, "operator;stores=s2").await;
        assert_eq!(rejected.code(), "not_found", "{path}");
    }
    let existing = get_as(&host, "/v1/parked/e2/poslog", "operator;stores=s2").await;
    let unknown = get_as(&host, "/v1/parked/e9/poslog", "operator;stores=s2").await;
    let detail = |answer: &crate::host::Answer| answer.json()["detail"].to_string();
    assert_eq!(detail(&existing).replace("e2", "e9"), detail(&unknown));
    host.stop().await;
}

async fn a_parked_event_is_retried_in_the_order_of_its_lane(stage: &Stage) {
    let host = stage.host().await;
    host.add_store_and_shift().await;
    park(&host, "e1", "s1", ParkedState::Waiting).await;
    park(&host, "e2", "s1", ParkedState::Behind).await;
    let why = json!({ "actor": "ana", "reason": "the printer has paper" });
    let retry = async |event: &str, key: &str| {
        let path = format!("/v1/parked/{event}/poslog/retry");
        host.post(&path, key, &why).await
    };
    let behind = retry("e2", "k2").await;
    assert_eq!(behind.code(), "not_retryable");
    let detail = behind.json()["detail"].to_string();
    assert!(detail.contains("lane"), "{detail}");
    let first = retry("e1", "k1").await;
    let parked = first.expect(200);
    assert_eq!(parked["next_at"], "2026-11-24T12:00:00Z");
    assert_eq!(
        (&parked["cause"], &parked["attempts"]),
        (&json!("waiting"), &json!(1))
    );
    assert!(retry("e1", "k1").await.replayed());
    let due = host.app.events.due("PAYMENT_GROUP", 9).await.expect("due");
    let due: Vec<_> = due.into_iter().map(|parked| parked.event.id).collect();
    assert_eq!(due, ["e1"]);
    let done = host
        .get("/v1/operations?action=parked_retry")
        .await
        .expect(200);
    let done = done["operations"].as_array().expect("a list").clone();
    assert_eq!(done.len(), 1);
    assert_eq!(done[0]["actor"], "ana by test-admin");
    assert_eq!(done[0]["subject"], "e1 of poslog");
    assert_eq!(done[0]["before"]["due_at"], "2026-11-24T13:00:00Z");
    assert_eq!(done[0]["after"]["due_at"], "2026-11-24T12:00:00Z");
    host.stop().await;
}

/// A receipt and a request of an order's payment.
async fn queue(host: &Host, id: &str, store: &str, order: &str) {
    let at = "2026-11-24T10:00:00Z".parse().expect("an instant");
    let receipt = ReceiptRow {
        id: id.into(),
        event_id: format!("payment:{id}"),
        subscriber: "receipts".into(),
        store_id: store.into(),
        order_id: Some(order.into()),
        receipt: json!({
            "template": "sale", "locale": "es-ES", "document": null,
            "attributes": [{ "name": "email", "value": "canary@example.com" }],
        })
        .to_string(),
        created_at: at,
    };
    let request = OutgoingRow {
        id: id.into(),
        event_id: format!("payment:{id}"),
        subscriber: "receipts".into(),
        store_id: store.into(),
        order_id: Some(order.into()),
        request: json!({
            "id": "1", "target": "office", "method": "POST", "path": "/sales",
            "headers": [{ "name": "x-token", "value": "canary" }], "body": b"canary",
        })
        .to_string(),
        created_at: at,
    };
    let put = host
        .app
        .core
        .records()
        .write(in_tx!(|tx, receipt, request| {
            tx.receipt_insert_many(std::slice::from_ref(&receipt))
                .await?;
            tx.outgoing_insert_many(std::slice::from_ref(&request))
                .await
        }));
    put.await.expect("queued");
}

async fn queued_receipts_and_requests_are_listed_without_personal_data(stage: &Stage) {
    let host = stage.host().await;
    three_stores(&host).await;
    for (id, store, order) in [("a", "s1", "o1"), ("b", "t1", "o2"), ("c", "s2", "o3")] {
        queue(&host, id, store, order).await;
    }
    for list in ["receipts", "requests"] {
        let path = format!("/v1/{list}?");
        for limit in [1, 2, 100] {
            for (bearer, wanted) in [
                ("operator", "a b c"),
                ("operator;retailers=example", "a c"),
                ("operator;stores=t1", "b"),
            ] {
                let found = list_ids(&host, &path, (list, "id"), bearer, limit).await;
                assert_eq!(found, wanted, "{list} {bearer}");
            }
        }
        for (filter, wanted) in [
            ("order=o2&", "b"),
            ("event=payment:c&", "c"),
            ("store=s1&", "a"),
            ("retailer=other&", "b"),
            ("retailer=other&order=o1&", ""),
        ] {
            let path = format!("{path}{filter}");
            let found = list_ids(&host, &path, (list, "id"), "operator", 9).await;
            assert_eq!(found, wanted, "{path}");
        }
        let page = host.get(&format!("/v1/{list}")).await;
        assert_eq!(page.expect(200)[list][0]["state"], "queued");
        assert!(!page.text.contains("canary"), "{}", page.text);
    }
    host.stop().await;
}

async fn plugins_are_listed_for_whole_retailers_in_reach(stage: &Stage) {
    let host = stage.host().await;
    three_stores(&host).await;
    let slots = async |query: &str, bearer: &str| {
        let path = format!("/v1/plugins?{query}");
        list_ids(&host, &path, ("plugins", "slot"), bearer, 1).await
    };
    let all = "daily-sales loyalty statements";
    assert_eq!(slots("", "operator").await, all);
    assert_eq!(slots("", "operator;retailers=example").await, all);
    assert_eq!(slots("", "operator;retailers=other").await, "");
    assert_eq!(slots("", "operator;stores=s1").await, "");
    assert_eq!(slots("point=report&", "operator").await, "daily-sales");
    assert_eq!(slots("retailer=other&", "operator").await, "");
    let rejected = get_as(
        &host,
        "/v1/plugins?retailer=example",
        "operator;retailers=other",
    )
    .await;
    assert_eq!(rejected.code(), "not_found");
    let none = host.get("/v1/plugins/example/poslog").await;
    assert_eq!(none.code(), "not_found");
    host.stop().await;
}

/// A document with any id and name.
async fn insert_document(host: &Host, id: &str, name: &str) {
    let document = DocumentRow {
        id: id.into(),
        event_id: "payment:p/1".into(),
        subscriber: "poslog".into(),
        retailer: "example".into(),
        store_id: "s1".into(),
        order_id: Some("o/1".into()),
        directory: "poslog".into(),
        folder: String::new(),
        name: name.into(),
        media_type: "application/xml".into(),
        size: 6,
        digest: "d".repeat(64),
        body: Some(b"<xml/>".to_vec()),
        state: DocumentState::Pending,
        created_at: "2026-11-24T12:00:01Z".parse().expect("an instant"),
    };
    let put = host.app.core.records().write(in_tx!(|tx, document| tx
        .document_insert_many(std::slice::from_ref(&document))
        .await));
    put.await.expect("written");
}

fn kinds(timeline: &Value) -> Vec<&str> {
    let entries = timeline["entries"].as_array().expect("entries").iter();
    entries
        .map(|entry| entry["what"].as_str().expect("text"))
        .collect()
}

async fn the_timeline_of_any_id_is_sorted_by_time(stage: &Stage) {
    let host = stage.host().await;
    host.add_store_and_shift().await;
    let mut placed = order("o-1");
    placed["external_id"] = json!("shop 1/7");
    host.post("/v1/orders", "o", &placed).await.expect(201);
    let mut paid = payment("p:1", 1210, Some("shift-1"));
    paid["tenders"] = json!([{
        "number": 1, "kind": "card", "amount": 1210, "tendered": 1210, "change": 0,
        "provider": "adyen", "psp_reference": "8836/1",
    }]);
    let request = host.request(Method::POST, "/v1/orders/o-1/payments");
    let request = request.header("Idempotency-Key", "p").json(&paid);
    let receipt = host
        .send(request.header("x-request-id", stage.id("timeline-1")))
        .await
        .expect(201);
    let receipt = receipt["entry"]["receipt"].as_str().expect("a number");
    insert_document(&host, "payment:p/1/poslog", "a b+\u{e9}%2F.xml").await;
    for (encoded, kind) in [
        ("o-1", "order"),
        ("shop%201%2F7", "order"),
        ("p:1", "order"),
        ("p%3A1", "order"),
        ("payment%3Ap%3A1", "order"),
        ("8836%2F1", "order"),
        (receipt, "order"),
        ("shift-1", "shift"),
        ("shift:shift-1", "shift"),
        ("payment%3Ap%2F1%2Fposlog", "document"),
        ("a%20b%2B%C3%A9%252F.xml", "document"),
    ] {
        let timeline = host
            .get(&format!("/v1/timeline/{encoded}"))
            .await
            .expect(200);
        let about = timeline["about"].as_array().expect("a list");
        let found = about.iter().any(|one| one["kind"] == kind);
        assert!(found, "{encoded}: {about:?}");
    }
    let timeline = host.get("/v1/timeline/o-1").await.expect(200);
    let expected = ["order", "payment", "tender", "fiscal_record", "event"];
    assert_eq!(kinds(&timeline), expected);
    // The trace of the event leads to the log lines of its request.
    let lines = log_lines().of(&stage.id("timeline-1"));
    let line = lines.last().expect("a line");
    assert_eq!(line["fields"]["message"], "request completed");
    assert_eq!(
        timeline["entries"][4]["facts"]["trace"],
        line["span"]["trace_id"]
    );
    let timeline = host
        .get("/v1/timeline/payment%3Ap%2F1%2Fposlog")
        .await
        .expect(200);
    assert_eq!(kinds(&timeline), ["document"]);
    for unknown in ["o-2", "%20", "a%2Fb", "payment:", "x.1"] {
        let none = host.get(&format!("/v1/timeline/{unknown}")).await;
        assert_eq!(none.code(), "not_found", "{unknown}");
    }
    assert_eq!(host.get("/v1/timeline/a%00b").await.code(), "bad_request");
    host.stop().await;
}

/// Two stores have the same receipt number.
async fn a_timeline_contains_only_what_is_in_reach(stage: &Stage) {
    let host = stage.host().await;
    three_stores(&host).await;
    for (id, store) in [("o1", "s1"), ("o2", "t1")] {
        let mut placed = order(id);
        placed["store_id"] = json!(store);
        host.post("/v1/orders", id, &placed).await.expect(201);
        let path = format!("/v1/orders/{id}/payments");
        let paid = payment(&format!("p-{id}"), 1210, None);
        host.post(&path, &format!("p-{id}"), &paid)
            .await
            .expect(201);
    }
    // Workstation and number, in both stores.
    let receipt = "w1-000001";
    let orders = async |id: &str, bearer: &str| {
        let answer = get_as(&host, &format!("/v1/timeline/{id}"), bearer).await;
        if answer.status == 404 {
            return answer.code();
        }
        let timeline = answer.expect(200);
        let about = timeline["about"].as_array().expect("a list").iter();
        let about = about.filter(|one| one["kind"] == "order");
        let ids: Vec<_> = about
            .map(|one| one["id"].as_str().expect("id").to_owned())
            .collect();
        ids.join(" ")
    };
    assert_eq!(orders(receipt, "back_office").await, "o1 o2");
    assert_eq!(orders(receipt, "back_office;stores=s1").await, "o1");
    assert_eq!(orders(receipt, "back_office;retailers=other").await, "o2");
    assert_eq!(orders(receipt, "back_office;stores=s2").await, "not_found");
    for id in ["o2", "p-o2", "payment:p-o2"] {
        assert_eq!(orders(id, "back_office;retailers=other").await, "o2");
        assert_eq!(
            orders(id, "back_office;stores=s1").await,
            "not_found",
            "{id}"
        );
    }
    let existing = get_as(&host, "/v1/timeline/o2", "back_office;stores=s1").await;
    let unknown = get_as(&host, "/v1/timeline/o9", "back_office;stores=s1").await;
    let detail = |answer: &crate::host::Answer| answer.json()["detail"].to_string();
    assert_eq!(detail(&existing).replace("o2", "o9"), detail(&unknown));
    // An event without an order belongs to its store.
    park(&host, "stock:1", "t1", ParkedState::Retry).await;
    let own = get_as(&host, "/v1/timeline/stock:1", "back_office;stores=t1").await;
    assert_eq!(kinds(&own.expect(200)), ["parked"]);
    let foreign = get_as(&host, "/v1/timeline/stock:1", "back_office;stores=s1").await;
    assert_eq!(foreign.code(), "not_found");
    host.stop().await;
}

/// Every action has actor, reason, and the state before and after.
async fn actions_on_runs_lines_and_stores_are_recorded(stage: &Stage) {
    let host = stage.host().await;
    host.add_store_and_shift().await;
    let recorded = async |action: &str| {
        let path = format!("/v1/operations?action={action}");
        let page = host.get(&path).await.expect(200);
        page["operations"].as_array().expect("a list").clone()
    };
    // Replacing a store with the same values records nothing.
    let mut store = host.get("/v1/stores/s1").await.expect(200);
    store.as_object_mut().expect("a store").remove("id");
    host.write(Method::PUT, "/v1/stores/s1", "again", &store)
        .await
        .expect(200);
    store["store_type"] = json!("kiosk");
    let path = "/v1/stores/s1?reason=the%20shop%20was%20rebuilt";
    host.write(Method::PUT, path, "moved", &store)
        .await
        .expect(200);
    let stores = recorded("store_put").await;
    assert_eq!(stores.len(), 2, "{stores:?}");
    assert_eq!(stores[1]["before"], Value::Null);
    assert_eq!(stores[1]["after"]["store_type"], "scan-and-go");
    assert_eq!(stores[0]["reason"], "the shop was rebuilt");
    assert_eq!(stores[0]["actor"], "test-admin");
    assert_eq!(stores[0]["before"]["store_type"], "scan-and-go");
    assert_eq!(stores[0]["after"]["store_type"], "kiosk");
    let long = format!("/v1/stores/s1?reason={}", "x".repeat(1_001));
    let rejected = host.write(Method::PUT, &long, "long", &store).await;
    assert_eq!(rejected.code(), "invalid");

    let request = json!({
        "retailer": "example", "plugin": "daily-sales", "first": "2026-11-23", "last": "2026-11-23",
    });
    let run = host.post("/v1/runs", "run", &request).await.expect(202);
    let id = run["id"].as_str().expect("an id");
    let why = json!({ "actor": "ana", "reason": "wrong day" });
    for action in ["cancel", "replay"] {
        let path = format!("/v1/runs/{id}/{action}");
        let without_reason = host.post(&path, "silent", &json!({ "reason": " " })).await;
        assert_eq!(without_reason.code(), "invalid");
        host.post(&path, action, &why).await.expect(200);
        assert!(host.post(&path, action, &why).await.replayed());
        let runs = recorded(&format!("run_{action}")).await;
        assert_eq!(runs.len(), 1, "{runs:?}");
        assert_eq!(runs[0]["actor"], "ana by test-admin");
        assert_eq!(runs[0]["subject"], id);
        assert_eq!(runs[0]["reason"], "wrong day");
    }
    let cancelled = &recorded("run_cancel").await[0];
    assert_eq!(cancelled["before"]["state"], "due");
    assert_eq!(cancelled["after"]["state"], "cancelled");
    let timeline = host.get(&format!("/v1/timeline/{id}")).await.expect(200);
    assert_eq!(
        kinds(&timeline),
        ["run_requested", "operation", "operation"]
    );

    let path = "/v1/retailers/example/statements?plugin=statements&file=a.csv";
    let sent = host
        .send(host.request(Method::POST, path).body("a statement"))
        .await;
    let sent = sent.expect(201);
    let lines = format!(
        "/v1/statements/{}/lines",
        sent["id"].as_str().expect("an id")
    );
    let lines = host.get(&lines).await.expect(200);
    let line = lines["lines"][0]["id"].as_str().expect("an id");
    let why = json!({ "actor": "ben", "reason": "confirmed by the bank" });
    for action in ["settle", "undo"] {
        let path = format!("/v1/statement-lines/{line}/{action}");
        host.post(&path, action, &why).await.expect(200);
        let lines = recorded(&format!("line_{action}")).await;
        assert_eq!(lines.len(), 1, "{lines:?}");
        assert_eq!(lines[0]["actor"], "ben by test-admin");
        assert_eq!(lines[0]["subject"], format!("statement line {line}"));
        assert_ne!(lines[0]["before"], lines[0]["after"]);
    }
    let of_ben = host
        .get("/v1/operations?actor=ben%20by%20test-admin")
        .await
        .expect(200);
    assert_eq!(of_ben["operations"].as_array().map(Vec::len), Some(2));
    host.stop().await;
}
