//! Lists over a day of three stores: paged, filtered, and limited to the reach of the caller.

use crate::host::{Answer, Host, order, payment, refund, void};
use crate::stage::Stage;
use galleria_app::Policy;
use galleria_domain::Digest;
use galleria_ports::in_tx;
use galleria_ports::records::{DocumentRow, DocumentState};
use reqwest::Method;
use serde_json::{Value, json};
use std::time::Duration;

on_both!(
    lists_are_paged_filtered_and_limited_to_the_reach,
    an_unknown_retailer_is_an_error_in_every_list,
    a_page_continues_after_the_previous_despite_new_rows,
    invalid_list_parameters_are_named,
    an_order_shows_its_payment_refunds_and_void,
    documents_are_listed_and_downloaded_unchanged,
);

/// Stores `s1` and `s2` of `example`, `t1` of `other`. Orders, earliest first: `a1` and `b1` at the same
/// time, `c1`, `a2`, `b2`, `a3`; the letter denotes the store. `a1` is paid and partly refunded, `b1` and
/// `c1` are paid, `a2` is voided.
async fn a_day(stage: &Stage) -> Host {
    let (host, clock) = stage.driven(Policy::default()).await;
    host.add_store_and_shift().await;
    let mut store = host.get("/v1/stores/s1").await.expect(200);
    store.as_object_mut().expect("a store").remove("id");
    for (id, retailer) in [("s2", "example"), ("t1", "other")] {
        store["retailer"] = json!(retailer);
        let path = format!("/v1/stores/{id}");
        host.write(Method::PUT, &path, id, &store).await.expect(200);
    }
    let second = Duration::from_secs(1);
    for (id, store, wait) in [
        ("a1", "s1", false),
        ("b1", "s2", true),
        ("c1", "t1", true),
        ("a2", "s1", true),
        ("b2", "s2", true),
        ("a3", "s1", true),
    ] {
        let mut body = order(id);
        body["store_id"] = json!(store);
        host.post("/v1/orders", id, &body).await.expect(201);
        if wait {
            clock.advance(second);
        }
    }
    for (order, id, shift) in [
        ("a1", "pa", Some("shift-1")),
        ("b1", "pb", None),
        ("c1", "pc", None),
    ] {
        let path = format!("/v1/orders/{order}/payments");
        let body = payment(id, 1210, shift);
        host.post(&path, id, &body).await.expect(201);
        clock.advance(second);
    }
    for (order, id, amount) in [("a1", "ra", 200), ("a1", "rb", 300), ("b1", "rc", 100)] {
        let mut body = refund(id);
        body["extent"] = json!({ "amount": amount });
        let path = format!("/v1/orders/{order}/refunds");
        host.post(&path, id, &body).await.expect(201);
    }
    host.post("/v1/orders/a2/voids", "va", &void("va", "abandoned"))
        .await
        .expect(201);
    let verification = json!({
        "id": "fa", "at": "2026-11-24T10:06:00Z", "cashier": "0815", "outcome": "passed",
    });
    host.post("/v1/orders/a1/verifications", "fa", &verification)
        .await
        .expect(201);
    host
}

async fn get_as(host: &Host, bearer: &str, path: &str) -> Answer {
    let request = host.request(Method::GET, path);
    host.send(request.header("authorization", format!("Bearer {bearer}")))
        .await
}

/// The ids of all pages of a list; `query` begins with `&`.
async fn ids_of(host: &Host, bearer: &str, what: &str, query: &str, limit: usize) -> String {
    let (mut ids, mut after) = (Vec::new(), String::new());
    loop {
        let path = format!("/v1/{what}?limit={limit}{query}{after}");
        let page = get_as(host, bearer, &path).await.expect(200);
        let rows = page[what].as_array().expect("a list");
        assert!(rows.len() <= limit);
        let id = |row: &Value| row["id"].as_str().expect("an id").to_owned();
        ids.extend(rows.iter().map(id));
        match page["next"].as_str() {
            Some(next) => after = format!("&after={next}"),
            None => return ids.join(" "),
        }
        assert_eq!(rows.len(), limit, "only the last page is shorter");
    }
}

async fn an_unknown_retailer_is_an_error_in_every_list(stage: &Stage) {
    let host = a_day(stage).await;
    let lists = [
        "orders",
        "payments",
        "refunds",
        "voids",
        "verifications",
        "shifts",
        "documents",
        "runs",
        "statements",
        "statements/rejected",
        "statements/uncovered",
        "dead-letters",
        "parked",
        "receipts",
        "requests",
        "plugins",
        "fiscal-records",
    ];
    for list in lists {
        for query in ["retailer=unknown", "retailer=unknown&store=s1"] {
            let answer = host.get(&format!("/v1/{list}?{query}")).await;
            if query.contains("store") && answer.status == 400 {
                continue; // The list has no filter by store.
            }
            assert_eq!(
                answer.code(),
                "not_found",
                "{list}?{query}: {}",
                answer.text
            );
            assert!(answer.text.contains("unknown"), "{list}");
        }
    }
}

async fn lists_are_paged_filtered_and_limited_to_the_reach(stage: &Stage) {
    let host = a_day(stage).await;
    let all = "a3 b2 a2 c1 b1 a1";
    for limit in [1, 2, 3, 500] {
        let orders =
            async |bearer: &str, query: &str| ids_of(&host, bearer, "orders", query, limit).await;
        for (query, expected) in [
            ("", all),
            ("&store=s1", "a3 a2 a1"),
            ("&retailer=example", "a3 b2 a2 b1 a1"),
            ("&retailer=other", "c1"),
            ("&retailer=other&store=s1", ""),
            ("&status=open", "a3 b2"),
            ("&status=paid", "c1 b1 a1"),
            ("&status=voided&store=s1", "a2"),
            ("&status=open&retailer=example&store=s2", "b2"),
            ("&from=2026-11-24T12:00:01Z", "a3 b2 a2 c1"),
            ("&until=2026-11-24T12:00:01Z", "b1 a1"),
            (
                "&from=2026-11-24T12:00:01Z&until=2026-11-24T12:00:03Z",
                "a2 c1",
            ),
        ] {
            assert_eq!(orders("admin", query).await, expected, "{query} by {limit}");
        }
        for (bearer, query, expected) in [
            ("till;stores=s1", "", "a3 a2 a1"),
            ("till;stores=s1,t1", "", "a3 a2 c1 a1"),
            ("till;retailers=example", "", "a3 b2 a2 b1 a1"),
            ("till;retailers=other;stores=s2", "", "b2 c1 b1"),
            ("till;retailers=example;stores=s1", "", "a3 b2 a2 b1 a1"),
            ("till;stores=s1,t1", "&retailer=other", "c1"),
            ("till;stores=s1,t1", "&retailer=example&status=open", "a3"),
            ("till;stores=gone", "", ""),
        ] {
            assert_eq!(orders(bearer, query).await, expected, "{query} by {bearer}");
        }
        for (bearer, what, query, expected) in [
            ("admin", "payments", "", "pc pb pa"),
            ("till;stores=s2", "payments", "", "pb"),
            ("till;retailers=example", "payments", "&order=a1", "pa"),
            ("admin", "refunds", "", "rc rb ra"),
            ("admin", "refunds", "&order=a1", "rb ra"),
            ("admin", "refunds", "&order=a1&store=s2", ""),
            ("till;stores=s1", "refunds", "", "rb ra"),
            ("till;retailers=other", "refunds", "", ""),
            ("till;stores=s1", "voids", "", "va"),
            ("till;stores=s2", "voids", "", ""),
            ("till;stores=s1", "verifications", "&order=a1", "fa"),
            ("till;stores=s2", "verifications", "", ""),
            ("till;stores=s1", "shifts", "&status=open", "shift-1"),
            ("till;stores=s1", "shifts", "&status=closed", ""),
            ("till;stores=s2,t1", "shifts", "", ""),
        ] {
            let found = ids_of(&host, bearer, what, query, limit).await;
            assert_eq!(found, expected, "{what}{query} by {bearer}");
        }
    }
    for (bearer, path) in [
        ("till;stores=s1", "orders?store=t1"),
        ("till;stores=s1", "orders?retailer=other"),
        ("till;stores=s1", "refunds?order=b1"),
        ("till;stores=s1", "payments/pb"),
        ("till;stores=s2", "refunds/ra"),
        ("till;retailers=other", "shifts/shift-1"),
        ("admin", "orders?store=gone"),
        ("admin", "voids?order=gone"),
        ("admin", "payments/gone"),
        ("admin", "refunds/gone"),
        ("admin", "shifts/gone"),
    ] {
        let rejected = get_as(&host, bearer, &format!("/v1/{path}")).await;
        assert_eq!(rejected.code(), "not_found", "{path} by {bearer}");
    }
    host.stop().await;
}

async fn a_page_continues_after_the_previous_despite_new_rows(stage: &Stage) {
    let host = a_day(stage).await;
    let first = host.get("/v1/orders?limit=2").await.expect(200);
    host.post("/v1/orders", "a4", &order("a4"))
        .await
        .expect(201);
    let next = first["next"].as_str().expect("more");
    let path = format!("/v1/orders?limit=2&after={next}");
    let second = host.get(&path).await.expect(200);
    let ids = [0, 1].map(|at| second["orders"][at]["id"].clone());
    assert_eq!(ids, ["a2", "c1"]);
    host.stop().await;
}

async fn invalid_list_parameters_are_named(stage: &Stage) {
    let host = a_day(stage).await;
    for (path, field) in [
        ("orders?limit=0", "limit"),
        ("payments?limit=501", "limit"),
        ("orders?status=lost", "status"),
        ("shifts?status=paid", "status"),
        ("documents?state=lost", "state"),
        ("voids?after=yesterday", "after"),
        (
            "refunds?from=2026-11-25T00:00:00Z&until=2026-11-24T00:00:00Z",
            "until",
        ),
    ] {
        let rejected = host.get(&format!("/v1/{path}")).await;
        assert_eq!(rejected.code(), "invalid", "{path}");
        assert_eq!(rejected.json()["errors"][0]["field"], field, "{path}");
    }
    for path in ["orders?order=a1", "orders?from=today", "shifts?shop=s1"] {
        let rejected = host.get(&format!("/v1/{path}")).await;
        assert_eq!(rejected.code(), "bad_query", "{path}");
    }
    host.stop().await;
}

async fn an_order_shows_its_payment_refunds_and_void(stage: &Stage) {
    let host = a_day(stage).await;
    let paid = host.get("/v1/orders/a1").await.expect(200);
    assert_eq!(paid["payment"]["id"], "pa");
    assert_eq!(paid["payment"]["tenders"][0]["kind"], "cash");
    assert_eq!(paid["lines"][0]["taxes"][0]["amount"], 210);
    assert_eq!(paid["refunds"], json!(["ra", "rb"]));
    assert_eq!(paid["verifications"], json!(["fa"]));
    assert_eq!(paid["void_id"], json!(null));
    let voided = host.get("/v1/orders/a2").await.expect(200);
    assert_eq!(
        (&voided["void_id"], &voided["payment"]),
        (&json!("va"), &json!(null))
    );

    let payment = host.get("/v1/payments/pa").await.expect(200);
    assert_eq!(payment["refunds"], json!(["ra", "rb"]));
    assert_eq!(
        (&payment["refunded"], &payment["left"]),
        (&json!(500), &json!(710))
    );
    let refund = host.get("/v1/refunds/ra").await.expect(200);
    assert_eq!(refund["extent"], json!({ "amount": 200 }));
    assert_eq!(
        (&refund["gross"], &refund["left"]),
        (&json!(200), &json!(710))
    );
    assert_eq!(refund["payment_id"], "pa");
    assert_eq!(refund["tenders"][0]["amount"], 200);

    let mut early = crate::host::refund("early");
    early["extent"] = json!({ "amount": 5 });
    host.post("/v1/orders/a3/refunds", "early", &early)
        .await
        .expect(201);
    let early = host.get("/v1/refunds/early").await.expect(200);
    assert_eq!(
        (&early["status"], &early["left"]),
        (&json!("waiting"), &json!(null))
    );
    let shift = host.get("/v1/shifts/shift-1").await.expect(200);
    assert_eq!(shift["tenders"][0]["sales"], 1210);
    host.stop().await;
}

/// Documents `d1` (pending) and `d2` (delivered) of `s1`, and `d3` of a run over all stores.
pub async fn documents(host: &Host) {
    let at = "2026-11-24T10:04:31Z".parse().expect("an instant");
    let document = |id: &str, store: &str, name: &str, state, stored: bool| DocumentRow {
        id: id.into(),
        event_id: "payment:pa".into(),
        subscriber: "poslog".into(),
        retailer: "example".into(),
        store_id: store.into(),
        order_id: (store == "s1").then(|| "a1".into()),
        directory: "poslog".into(),
        folder: String::new(),
        name: name.into(),
        media_type: "application/xml".into(),
        size: 6,
        digest: Digest::of(b"<xml/>").to_string(),
        body: stored.then(|| b"<xml/>".to_vec()),
        state,
        created_at: at,
    };
    let (pending, delivered) = (DocumentState::Pending, DocumentState::Delivered);
    let rows = [
        document("d1", "s1", "\u{e1}rbol \"1\".xml", pending, true),
        document("d2", "s1", "2.xml", delivered, false),
        document("d3", "", "3.xml", delivered, false),
    ];
    let put = host.app.core.records().write(in_tx!(|tx, rows| {
        for row in &rows {
            tx.document_insert_many(std::slice::from_ref(row)).await?;
        }
        Ok(())
    }));
    put.await.expect("documents");
}

async fn documents_are_listed_and_downloaded_unchanged(stage: &Stage) {
    let host = a_day(stage).await;
    documents(&host).await;
    for (bearer, query, expected) in [
        ("admin", "", "d3 d2 d1"),
        ("back_office;retailers=example", "", "d3 d2 d1"),
        ("back_office;stores=s1", "", "d2 d1"),
        ("back_office;stores=s2", "", ""),
        ("back_office;stores=s1", "&event=payment:pa", "d2 d1"),
        ("back_office;retailers=other", "&event=payment:pa", ""),
        ("admin", "&name=3.xml", "d3"),
        ("admin", "&order=a1&state=delivered", "d2"),
        ("admin", "&event=payment:pa&order=a1&name=2.xml", "d2"),
        ("admin", "&directory=poslog&store=s1", "d2 d1"),
        ("admin", "&directory=reconciliation", ""),
        ("admin", "&state=pending&retailer=example", "d1"),
    ] {
        for limit in [1, 2, 500] {
            let found = ids_of(&host, bearer, "documents", query, limit).await;
            assert_eq!(found, expected, "{query} by {bearer}");
        }
    }
    let stored = host.get("/v1/documents/d1/content").await;
    assert_eq!((stored.status, stored.text.as_str()), (200, "<xml/>"));
    assert_eq!(stored.header("content-type"), Some("application/xml"));
    assert_eq!(
        stored.header("content-disposition"),
        Some("attachment; filename=\"_rbol _1_.xml\"; filename*=UTF-8''%C3%A1rbol%20%221%22.xml")
    );
    assert_eq!(stored.header("x-content-type-options"), Some("nosniff"));

    // A missing file, an overwritten file, a file that is too long, and the right file.
    let (gone, path) = ("document_gone", "/v1/documents/d2/content");
    assert_eq!(host.get(path).await.code(), gone);
    let folder = host.poslogs.join("example");
    std::fs::create_dir_all(&folder).expect("a folder");
    for other in ["<css/>", "<xml/>\n"] {
        std::fs::write(folder.join("2.xml"), other).expect("a file");
        assert_eq!(host.get(path).await.code(), gone, "{other}");
    }
    std::fs::write(folder.join("2.xml"), "<xml/>").expect("a file");
    let file = host.get(path).await;
    assert_eq!((file.status, file.text.as_str()), (200, "<xml/>"));
    let digest = format!("\"{}\"", Digest::of(b"<xml/>"));
    assert_eq!(file.header("etag"), Some(digest.as_str()));
    assert_eq!(file.header("content-length"), Some("6"));

    for (bearer, path, code) in [
        ("till;stores=s1", "/v1/documents", "forbidden"),
        ("till;stores=s1", "/v1/documents/d1/content", "forbidden"),
        ("back_office;stores=s2", "/v1/documents/d1", "not_found"),
        (
            "back_office;stores=s2",
            "/v1/documents/d1/content",
            "not_found",
        ),
        // The document of a run over all stores belongs to the whole retailer.
        (
            "back_office;stores=s1",
            "/v1/documents/d3/content",
            "not_found",
        ),
        ("admin", "/v1/documents/d9", "not_found"),
        ("admin", "/v1/documents/d9/content", "not_found"),
    ] {
        assert_eq!(
            get_as(&host, bearer, path).await.code(),
            code,
            "{path} by {bearer}"
        );
    }
    host.stop().await;
}
