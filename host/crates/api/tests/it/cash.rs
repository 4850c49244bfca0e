//! Refunds in cash, in a currency whose smallest coin is larger than its smallest unit.

use crate::host::{Host, end, order, payment, refund};
use crate::stage::Stage;
use futures_util::future::join_all;
use reqwest::Method;
use serde_json::{Value, json};

on_both!(
    partial_cash_refunds_are_paid_in_coins,
    cash_off_the_step_is_rejected_with_the_nearest_amounts,
    concurrent_cash_refunds_end_at_what_was_paid,
    a_free_article_alone_is_returned,
    the_cash_step_of_a_store_replaces_that_of_its_currency,
);

/// A host with a store and an open shift.
async fn open(stage: &Stage, store: Value) -> Host {
    let host = stage.host().await;
    let mut body = json!({
        "external_id": "0042", "retailer": "example", "store_type": "scan-and-go",
        "country": "DK", "currency": "DKK", "minor_digits": 2, "zone": "Europe/Copenhagen",
    });
    let fields = store.as_object().expect("fields").clone();
    body.as_object_mut().expect("fields").extend(fields);
    let put = host.write(Method::PUT, "/v1/stores/s1", "store", &body);
    put.await.expect(200);
    let shift = json!({
        "id": "shift-1", "store_id": "s1", "workstation": "w1", "till": "t1",
        "opened_at": "2026-11-24T08:00:00Z", "opening_float": 10000,
    });
    host.post("/v1/shifts", "shift", &shift).await.expect(201);
    host
}

/// A line without tax.
fn line(number: u32, amount: i64, discount: i64) -> Value {
    let mut line = order("o")["lines"][0].clone();
    let price = format!("{}.{:02}", amount / 100, amount % 100);
    line["number"] = json!(number);
    (line["unit_price"], line["regular_price"]) = (json!(price), json!(price));
    (line["amount"], line["taxes"]) = (json!(amount - discount), json!([]));
    if discount > 0 {
        line["discounts"] =
            json!([{ "id": "d", "reason": "a gift", "amount": discount, "basket": false }]);
    }
    line
}

/// Pays `amount` in cash for lines.
async fn sell(host: &Host, id: &str, lines: Value, gross: i64, amount: i64) {
    let mut placed = order(id);
    placed["lines"] = lines;
    host.post("/v1/orders", id, &placed).await.expect(201);
    let mut paid = payment(&format!("p-{id}"), amount, Some("shift-1"));
    paid["rounding"] = json!(amount - gross);
    let path = format!("/v1/orders/{id}/payments");
    host.post(&path, &format!("p-{id}"), &paid)
        .await
        .expect(201);
}

fn part(id: &str, extent: Value) -> Value {
    let mut part = refund(id);
    part["extent"] = extent;
    part["shift_id"] = json!("shift-1");
    part
}

fn cash(amount: i64) -> Value {
    json!([{ "number": 1, "kind": "cash", "amount": amount, "tendered": amount, "change": 0 }])
}

fn paid(refund: &Value) -> i64 {
    let tenders = refund["tenders"].as_array().expect("tenders").iter();
    tenders.filter_map(|tender| tender["amount"].as_i64()).sum()
}

async fn partial_cash_refunds_are_paid_in_coins(stage: &Stage) {
    let host = open(stage, json!({})).await;
    // 81.39 DKK, paid with 81.50.
    sell(&host, "o1", json!([line(1, 8139, 0)]), 8139, 8150).await;
    let mut pays = Vec::new();
    for (id, extent) in [
        ("r1", json!({ "amount": 2713 })),
        ("r2", json!({ "amount": 2713 })),
        ("r3", json!("full")),
    ] {
        let back = host
            .post("/v1/orders/o1/refunds", id, &part(id, extent))
            .await;
        let back = back.expect(201);
        assert_eq!(back["gross"], 2713);
        assert_eq!(
            paid(&back) - 2713,
            back["rounding"].as_i64().expect("a number")
        );
        let detail = host.get(&format!("/v1/refunds/{id}")).await.expect(200);
        for field in ["tenders", "rounding", "gross"] {
            assert_eq!(detail[field], back[field], "{field}");
        }
        let event = host
            .app
            .core
            .records()
            .read(galleria_ports::in_tx!(|tx, id| {
                Ok(tx.refund_get(id).await?.and_then(|row| row.refund))
            }));
        let event = event.await.expect("a read").expect("a refund");
        assert_eq!(json!(event.rounding), back["rounding"]);
        pays.push(paid(&back));
    }
    assert_eq!(pays, [2700, 2700, 2750]);
    let closed = host.post("/v1/shifts/shift-1/end", "e", &end()).await;
    assert_eq!(closed.expect(200)["expected"], 10_000);
    host.stop().await;
}

async fn cash_off_the_step_is_rejected_with_the_nearest_amounts(stage: &Stage) {
    let host = open(stage, json!({})).await;
    sell(&host, "o1", json!([line(1, 8139, 0)]), 8139, 8150).await;
    let mut unpaid = order("o2");
    unpaid["lines"] = json!([line(1, 8139, 0)]);
    host.post("/v1/orders", "o2", &unpaid).await.expect(201);
    for order in ["o1", "o2"] {
        let mut named = part("r1", json!({ "amount": 2713 }));
        (named["tenders"], named["shift_id"]) = (cash(2713), json!(null));
        let path = format!("/v1/orders/{order}/refunds");
        let answer = host.post(&path, &format!("off-{order}"), &named).await;
        assert_eq!(answer.status, 422, "{}", answer.text);
        assert!(answer.text.contains("tenders.0.amount"), "{}", answer.text);
        assert!(
            answer.text.contains("2700 and 2750, got 2713"),
            "{}",
            answer.text
        );
    }
    for (id, amount, rounding) in [("r1", 2700, -13), ("r2", 2750, 37)] {
        let mut named = part(id, json!({ "amount": 2713 }));
        named["tenders"] = cash(amount);
        let back = host
            .post("/v1/orders/o1/refunds", id, &named)
            .await
            .expect(201);
        assert_eq!((paid(&back), &back["rounding"]), (amount, &json!(rounding)));
    }
    // For a sale, the till decides how much cash it accepts.
    sell(&host, "o3", json!([line(1, 2713, 0)]), 2713, 2713).await;
    host.stop().await;
}

async fn concurrent_cash_refunds_end_at_what_was_paid(stage: &Stage) {
    let host = open(stage, json!({})).await;
    for (order, part_of) in [("o1", 905), ("o2", 930), ("o3", 24), ("o4", 25)] {
        sell(&host, order, json!([line(1, 10_003, 0)]), 10_003, 10_000).await;
        let path = format!("/v1/orders/{order}/refunds");
        let requests: Vec<_> = (0..14)
            .map(|n| {
                let id = format!("{order}-r{n}");
                let mut back = part(&id, json!({ "amount": part_of }));
                // Different workstations do not wait for each other's numbers.
                (back["workstation"], back["shift_id"]) = (json!(format!("w{n}")), json!(null));
                (id, back)
            })
            .collect();
        let calls = requests.iter().map(|(id, back)| host.post(&path, id, back));
        let answers = join_all(calls).await;
        let mut refunded = 0;
        let mut paid_back = 0;
        for answer in answers {
            assert!([201, 422].contains(&answer.status), "{}", answer.text);
            if answer.status == 201 {
                let back = answer.expect(201);
                refunded += back["gross"].as_i64().expect("a number");
                paid_back += paid(&back);
                assert_eq!(paid(&back) % 50, 0);
            }
        }
        assert_eq!(refunded, part_of * (10_003 / part_of).min(14), "{order}");
        assert!(paid_back <= 10_000);
        let id = format!("{order}-rest");
        let full = part(&id, json!("full"));
        let rest = host.post(&path, &id, &full).await.expect(201);
        assert_eq!(paid_back + paid(&rest), 10_000, "{order}");
        assert_eq!(refunded + rest["gross"].as_i64().expect("a number"), 10_003);
        let id = format!("{order}-more");
        let more = part(&id, json!({ "amount": 1 }));
        assert_eq!(host.post(&path, &id, &more).await.status, 422);
    }
    host.stop().await;
}

async fn a_free_article_alone_is_returned(stage: &Stage) {
    let host = open(stage, json!({})).await;
    let lines = json!([line(1, 1000, 0), line(2, 500, 500)]);
    sell(&host, "o1", lines, 1000, 1000).await;
    let free = part("r1", json!({ "lines": [{ "line": 2 }] }));
    let free = host
        .post("/v1/orders/o1/refunds", "r1", &free)
        .await
        .expect(201);
    assert_eq!((&free["gross"], &free["rounding"]), (&json!(0), &json!(0)));
    assert_eq!(free["tenders"], json!([]));
    let again = part("r2", json!({ "lines": [{ "line": 2 }] }));
    let again = host.post("/v1/orders/o1/refunds", "r2", &again).await;
    assert_eq!(again.status, 422);
    let rest = host
        .post("/v1/orders/o1/refunds", "r3", &part("r3", json!("full")))
        .await;
    assert_eq!(paid(&rest.expect(201)), 1000);
    host.stop().await;
}

async fn the_cash_step_of_a_store_replaces_that_of_its_currency(stage: &Stage) {
    let euros = json!({ "country": "NL", "currency": "EUR", "zone": "Europe/Amsterdam" });
    let mut own = euros.clone();
    own["cash_step"] = json!("0.05");
    let host = open(stage, own).await;
    let mut store = host.get("/v1/stores/s1").await.expect(200);
    assert_eq!(store["cash_step"], "0.05");
    sell(&host, "o1", json!([line(1, 1003, 0)]), 1003, 1005).await;
    let back = part("r1", json!({ "amount": 502 }));
    let back = host
        .post("/v1/orders/o1/refunds", "r1", &back)
        .await
        .expect(201);
    assert_eq!((paid(&back), &back["rounding"]), (500, &json!(-2)));

    store.as_object_mut().expect("fields").remove("id");
    for (n, bad) in ["0", "-0.05", "0.001", "2000000"].iter().enumerate() {
        store["cash_step"] = json!(bad);
        let put = host
            .write(Method::PUT, "/v1/stores/s1", &format!("bad-{n}"), &store)
            .await;
        assert_eq!(put.status, 422, "{bad}: {}", put.text);
        assert!(put.text.contains("cash_step"), "{}", put.text);
    }
    // Without it, the euro has no step.
    store.as_object_mut().expect("fields").remove("cash_step");
    let put = host.write(Method::PUT, "/v1/stores/s1", "none", &store);
    assert_eq!(put.await.expect(200)["cash_step"], json!(null));
    let back = part("r2", json!({ "amount": 102 }));
    let back = host
        .post("/v1/orders/o1/refunds", "r2", &back)
        .await
        .expect(201);
    assert_eq!((paid(&back), &back["rounding"]), (102, &json!(0)));
    let rest = host
        .post("/v1/orders/o1/refunds", "r3", &part("r3", json!("full")))
        .await;
    assert_eq!(paid(&rest.expect(201)), 1005 - 500 - 102);
    host.stop().await;
}
