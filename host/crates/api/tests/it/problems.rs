//! Every problem code, produced by a request.

mod failures;

use crate::doubles::FailingRecords;
use crate::host::{Answer, Host, end, order, payment, refund, test_config, void};
use crate::stage::Stage;
use galleria_api::{CODES, HttpConfig, RateConfig};
use galleria_app::tax::TaxFailure;
use galleria_domain::tax::TaxRoute;
use galleria_domain::{CallFault, Fault};
use galleria_ports::Error;
use galleria_ports::in_tx;
use galleria_ports::records::ParkedState;
use galleria_ports::tax::TaxFault;
use reqwest::Method;
use serde_json::json;
use std::collections::BTreeSet;
use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

on_both!(every_code_is_produced_by_a_request);

/// The codes that responses had.
#[derive(Default)]
struct SeenCodes(BTreeSet<String>);

impl SeenCodes {
    #[track_caller]
    fn note(&mut self, answer: &Answer, code: &str) {
        assert_eq!(answer.code(), code);
        let listed = CODES.iter().find(|kind| kind.code == code);
        assert_eq!(listed.expect("a listed code").status, answer.status);
        self.0.insert(code.to_owned());
    }
}

async fn every_code_is_produced_by_a_request(stage: &Stage) {
    let mut seen = SeenCodes::default();
    let host = stage.host().await;
    host.add_store_and_shift().await;
    request_problems(&host, &mut seen).await;
    access_problems(&host, &mut seen).await;
    state_problems(&host, &mut seen).await;
    member_problems(&host, &mut seen).await;
    reload_problems(&host, &mut seen).await;
    run_problems(&host, &mut seen).await;
    parked_problems(&host, &mut seen).await;
    statement_problems(&host, &mut seen).await;
    crate::listed::documents(&host).await;
    let gone = host.get("/v1/documents/d2/content").await;
    seen.note(&gone, "document_gone");
    host.stop().await;
    failures::host_problems(stage, &mut seen).await;
    let missing = CODES.iter().filter(|kind| !seen.0.contains(kind.code));
    let missing: Vec<_> = missing.map(|kind| kind.code).collect();
    assert!(missing.is_empty(), "{missing:?} were not produced");
}

async fn request_problems(host: &Host, seen: &mut SeenCodes) {
    let post = |path: &str| host.request(Method::POST, path);
    let keyless = post("/v1/orders").json(&order("o"));
    seen.note(&host.send(keyless).await, "idempotency_key_missing");
    let basket = json!({ "store_data": { "store_id": "s1" }, "items": [] });
    let looping = post("/v1/taxes/evaluate").header("galleria-tax-hops", "3");
    seen.note(&host.send(looping.json(&basket)).await, "tax_route_loop");
    let target = json!({ "route": "http" });
    let early = host.post("/v1/stores/s1/tax-move", "move", &target);
    seen.note(&early.await, "tax_move_refused");
    let odd = post("/v1/orders")
        .header("Idempotency-Key", "a b")
        .json(&order("o"));
    seen.note(&host.send(odd).await, "idempotency_key_invalid");
    let text = post("/v1/orders").header("Idempotency-Key", "k").body("{}");
    seen.note(&host.send(text).await, "unsupported_media_type");

    let mut wrong = order("o");
    wrong["lines"][0]["amount"] = json!("1210");
    let answer = host.post("/v1/orders", "k", &wrong).await;
    seen.note(&answer, "bad_json");
    assert_eq!(answer.json()["errors"][0]["field"], "lines.0.amount");
    assert!(
        answer.json()["detail"]
            .as_str()
            .expect("a text")
            .contains("at line 1 column ")
    );

    // SQLite accepts NUL and PostgreSQL does not: reject it before it reaches the database.
    let mut nul = order("o");
    nul["lines"][0]["description"] = json!("a\u{0}b");
    seen.note(&host.post("/v1/orders", "k", &nul).await, "bad_json");
    nul["lines"][0]["description"] = json!("a\\u0000b");
    nul["lines"][0]["amount"] = json!(1209);
    seen.note(&host.post("/v1/orders", "k", &nul).await, "invalid");

    wrong["lines"][0]["amount"] = json!(1209);
    let answer = host.post("/v1/orders", "k", &wrong).await;
    seen.note(&answer, "invalid");
    assert_eq!(answer.json()["errors"][0]["field"], "lines.0.amount");

    seen.note(&host.get("/v1/stores/%ff").await, "bad_request");
    seen.note(&host.get("/v1/statements/a%00b").await, "bad_request");
    let product = "/v1/retailers/r/products/a%00b";
    seen.note(&host.get(product).await, "bad_request");
    seen.note(&host.get("/v1/statements?retailer=%00").await, "bad_query");
    seen.note(&host.get("/v1/stores?limit=many").await, "bad_query");
    seen.note(&host.get("/v1/stores?colour=red").await, "bad_query");
    for limit in [0, 1001] {
        let answer = host.get(&format!("/v1/stores?limit={limit}")).await;
        seen.note(&answer, "invalid");
        assert_eq!(answer.json()["errors"][0]["field"], "limit");
    }
    seen.note(&host.get("/v1/store/s1").await, "route_not_found");
    seen.note(&host.get("/v1/orders/").await, "route_not_found");
    let answer = host
        .send(host.request(Method::DELETE, "/v1/stores/s1"))
        .await;
    seen.note(&answer, "method_not_allowed");
    assert_eq!(answer.header("allow"), Some("GET,HEAD,PUT"));
    for path in [
        "/v1/stores/x",
        "/v1/orders/x",
        "/v1/orders/x/documents",
        "/v1/orders/x/journal",
        "/v1/events/x/journal",
        "/v1/events/x/journal/y",
    ] {
        seen.note(&host.get(path).await, "not_found");
    }
}

async fn access_problems(host: &Host, seen: &mut SeenCodes) {
    let get_status = async |bearer: &str| {
        let request = host.request(Method::GET, "/v1/status");
        host.send(request.header("authorization", bearer)).await
    };
    seen.note(&get_status("Bearer nobody").await, "unauthorized");
    seen.note(&get_status("Bearer back_office").await, "forbidden");
    seen.note(&get_status("Bearer away").await, "issuer_unavailable");
}

async fn state_problems(host: &Host, seen: &mut SeenCodes) {
    for id in ["o1", "o2"] {
        host.post("/v1/orders", id, &order(id)).await.expect(201);
    }
    seen.note(&host.post("/v1/orders", "k", &order("o1")).await, "exists");
    seen.note(
        &host.post("/v1/orders", "o1", &order("o9")).await,
        "idempotency_key_reused",
    );
    let undo = void("v1", "post_void");
    seen.note(
        &host.post("/v1/orders/o1/voids", "k", &undo).await,
        "order_not_paid",
    );
    let paid = payment("p1", 1210, None);
    host.post("/v1/orders/o1/payments", "p1", &paid)
        .await
        .expect(201);
    // The id of another payment.
    let taken = host.post("/v1/orders/o2/payments", "k", &paid).await;
    seen.note(&taken, "exists");
    let twice = payment("p2", 1210, None);
    seen.note(
        &host.post("/v1/orders/o1/payments", "k", &twice).await,
        "order_paid",
    );
    host.post("/v1/orders/o1/refunds", "r1", &refund("r1"))
        .await
        .expect(201);
    seen.note(
        &host.post("/v1/orders/o1/voids", "k", &undo).await,
        "order_refunded",
    );
    host.post("/v1/orders/o2/voids", "v2", &void("v2", "abandoned"))
        .await
        .expect(201);
    seen.note(
        &host.post("/v1/orders/o2/refunds", "k", &refund("r2")).await,
        "order_voided",
    );
    host.post("/v1/shifts/shift-1/end", "e", &end())
        .await
        .expect(200);
    seen.note(
        &host.post("/v1/shifts/shift-1/end", "k", &end()).await,
        "shift_closed",
    );
    for (mark, applied) in [("400001", true), ("400002", false)] {
        let body = json!({ "scheme": "mydata", "mark": mark, "issued_at": "2026-11-24T10:06:00Z" });
        let answer = host.post("/v1/fiscal-records/o1/marks", mark, &body).await;
        match applied {
            true => drop(answer.expect(201)),
            false => seen.note(&answer, "mark_conflict"),
        }
    }
    products(host, seen).await;
    let mut store = host.get("/v1/stores/s1").await.expect(200);
    store.as_object_mut().expect("a record").remove("id");
    store["currency"] = json!("DKK");
    let other = host.write(Method::PUT, "/v1/stores/s1", "k", &store).await;
    seen.note(&other, "store_identity");
}

async fn member_problems(host: &Host, seen: &mut SeenCodes) {
    let identify = async |store: &str| {
        let path = format!("/v1/stores/{store}/members/identify");
        let request = host.request(Method::POST, &path);
        host.send(request.json(&json!({ "code": "unknown" }))).await
    };
    let mut other = host.get("/v1/stores/s1").await.expect(200);
    other.as_object_mut().expect("a record").remove("id");
    other["retailer"] = json!("other");
    host.write(Method::PUT, "/v1/stores/s2", "s2", &other)
        .await
        .expect(200);
    seen.note(&identify("s2").await, "not_served");
    seen.note(&identify("s9").await, "not_found");
    // The body is always the same, so it has no request id.
    let unknown = identify("s1").await;
    assert_eq!(
        (unknown.status, &unknown.json()["code"]),
        (404, &json!("member_unknown"))
    );
    assert!(unknown.json().get("request_id").is_none());
    seen.0.insert("member_unknown".into());
    for _ in 0..100 {
        let answer = identify("s1").await;
        if answer.status == 429 {
            seen.note(&answer, "too_many_attempts");
            return;
        }
    }
    panic!("attempts are not limited");
}

/// The retailer `other` has a store and no folder.
async fn reload_problems(host: &Host, seen: &mut SeenCodes) {
    let why = json!({ "reason": "a test" });
    for (retailer, code) in [
        ("other", "retailer_folder_missing"),
        ("..%2Fother", "not_found"),
    ] {
        let path = format!("/v1/retailers/{retailer}/reload");
        seen.note(&host.post(&path, code, &why).await, code);
    }
    let path = "/v1/retailers/example/reload";
    let no_reason = host.post(path, "no-reason", &json!({ "reason": "" })).await;
    seen.note(&no_reason, "invalid");
    let unknown = host.get("/v1/retailers/unknown").await;
    seen.note(&unknown, "not_found");
}

async fn run_problems(host: &Host, seen: &mut SeenCodes) {
    let mut request = json!({
        "retailer": "example", "plugin": "daily-sales", "first": "2026-11-23", "last": "2026-11-24",
    });
    let too_early = host.post("/v1/runs", "early", &request).await;
    seen.note(&too_early, "invalid");
    assert_eq!(too_early.json()["errors"][0]["field"], "last");
    request["last"] = json!("2026-11-23");
    let mut broken = request.clone();
    broken["retailer"] = json!("broken");
    let refused = host.post("/v1/runs", "broken", &broken).await;
    seen.note(&refused, "retailer_out_of_service");
    let run = host.post("/v1/runs", "run", &request).await.expect(202);
    let run = format!("/v1/runs/{}", run["id"].as_str().expect("an id"));
    let (replay, cancel) = (format!("{run}/replay"), format!("{run}/cancel"));
    let why = json!({ "reason": "a test" });
    seen.note(&host.post(&replay, "r", &why).await, "run_not_dead");
    host.post(&cancel, "c", &why).await.expect(200);
    seen.note(&host.post(&cancel, "again", &why).await, "run_ended");
}

async fn parked_problems(host: &Host, seen: &mut SeenCodes) {
    crate::operations::park(host, "e1", "s1", ParkedState::Blocking).await;
    let path = "/v1/parked/e1/poslog/retry";
    let why = json!({ "reason": "a test" });
    seen.note(&host.post(path, "w", &why).await, "not_retryable");
    let odd = host.get("/v1/parked?cause=lost").await;
    seen.note(&odd, "invalid");
    assert_eq!(odd.json()["errors"][0]["field"], "cause");
    let odd = host.get("/v1/plugins?point=on-lunch").await;
    seen.note(&odd, "invalid");
    assert_eq!(odd.json()["errors"][0]["field"], "point");
    for list in ["parked", "receipts", "requests", "plugins"] {
        let none = host.get(&format!("/v1/{list}?limit=0")).await;
        seen.note(&none, "invalid");
        assert_eq!(none.json()["errors"][0]["field"], "limit");
    }
    for list in ["parked", "receipts", "requests"] {
        let odd = host.get(&format!("/v1/{list}?after=x")).await;
        seen.note(&odd, "invalid");
        assert_eq!(odd.json()["errors"][0]["field"], "after");
    }
}

async fn statement_problems(host: &Host, seen: &mut SeenCodes) {
    let send = async |file: &'static str| {
        let path = "/v1/retailers/example/statements?plugin=statements&file=a.csv";
        let request = host.request(Method::POST, path);
        host.send(request.body(file)).await
    };
    host.post("/v1/orders", "o3", &order("o3"))
        .await
        .expect(201);
    let mut paid = payment("p3", 1210, None);
    paid["tenders"] = json!([{
        "number": 1, "kind": "card", "amount": 1210, "tendered": 1210, "change": 0, "provider": "adyen", "psp_reference": "8836-1",
    }]);
    host.post("/v1/orders/o3/payments", "p3", &paid)
        .await
        .expect(201);
    let sent = send("a statement").await.expect(201);
    seen.note(&send("another file").await, "payout_exists");
    let lines = format!("/v1/statements/{}/lines", sent["id"].as_str().expect("one"));
    let lines = host.get(&lines).await.expect(200);
    assert_eq!(lines["lines"][0]["outcome"], "matched", "{lines}");
    let id = lines["lines"][0]["id"].as_str().expect("an id");
    let line = format!("/v1/statement-lines/{id}");
    let why = json!({ "actor": "ana", "reason": "a test" });
    let settled = host.post(&format!("{line}/settle"), "s", &why).await;
    seen.note(&settled, "line_matched");
    let undone = host.post(&format!("{line}/undo"), "u", &why).await;
    seen.note(&undone, "not_settled_manually");
}

async fn products(host: &Host, seen: &mut SeenCodes) {
    let path = "/v1/retailers/example/products/import";
    let wrong = "sku,name,price,currency\na,A,1,EUR\nb,,-1,EUR\n";
    let answer = host.upload(path, "k", "text/csv", wrong).await;
    seen.note(&answer, "file_refused");
    let errors = answer.json()["errors"].clone();
    assert_eq!(errors[0]["row"], 3);
    assert_eq!(errors[1]["field"], "price");
    assert_eq!(errors.as_array().map(Vec::len), Some(2));
    seen.note(
        &host.upload(path, "k", "application/json", wrong).await,
        "unsupported_media_type",
    );
    let typo = "/v1/retailers/exmaple/products/import";
    seen.note(
        &host.upload(typo, "k", "text/csv", wrong).await,
        "not_found",
    );
    let odd = format!("{path}?missing=perhaps");
    seen.note(
        &host.upload(&odd, "k", "text/csv", wrong).await,
        "bad_query",
    );
    let now = host.app.core.clock().now();
    let until = galleria_ports::clock::later(now, Duration::from_secs(60));
    let import = host.app.core.records().write(in_tx!(|tx| tx
        .catalogue_draft_begin("example", "another", now, until)
        .await
        .map(drop)));
    import.await.expect("an import in progress");
    let right = "sku,name,price,currency\na,A,1,EUR\n";
    seen.note(
        &host.upload(path, "k", "text/csv", right).await,
        "catalogue_busy",
    );
    let one = host.request(Method::PUT, "/v1/retailers/example/products/a");
    let one = one
        .header("Idempotency-Key", "one")
        .json(&json!({ "name": "A" }));
    seen.note(&host.send(one).await, "catalogue_busy");
}

/// Sends bytes and reads the first part of the response.
async fn raw(host: &Host, bytes: &[u8]) -> String {
    let mut io = tokio::net::TcpStream::connect(host.address)
        .await
        .expect("a connection");
    io.write_all(bytes).await.expect("sent");
    let mut read = vec![0; 4096];
    let n = io.read(&mut read).await.expect("an answer");
    String::from_utf8_lossy(&read[..n]).into_owned()
}

#[tokio::test]
async fn chunked_bodies_are_limited_and_slow_bodies_time_out() {
    let config = HttpConfig {
        max_body_bytes: 1000,
        timeout: Duration::from_millis(300),
        ..test_config()
    };
    let host = Host::start(Arc::new(FailingRecords::Panics), config).await;
    let head = "POST /v1/orders HTTP/1.1\r\nHost: h\r\nContent-Type: application/json\r\nIdempotency-Key: k\r\nAuthorization: Bearer admin\r\n";
    let chunk = "x".repeat(600);
    let chunked = format!(
        "{head}Transfer-Encoding: chunked\r\n\r\n258\r\n{chunk}\r\n258\r\n{chunk}\r\n0\r\n\r\n"
    );
    let answer = raw(&host, chunked.as_bytes()).await;
    assert!(
        answer.starts_with("HTTP/1.1 413") && answer.contains("body_too_large"),
        "{answer}"
    );
    let slow = raw(
        &host,
        format!("{head}Content-Length: 900\r\n\r\n{{").as_bytes(),
    )
    .await;
    assert!(
        slow.starts_with("HTTP/1.1 503") && slow.contains("\"timeout\""),
        "{slow}"
    );
}

#[tokio::test]
async fn idle_connections_and_incomplete_heads_are_closed() {
    let config = HttpConfig {
        idle: Duration::from_millis(300),
        ..test_config()
    };
    let host = Host::start(Arc::new(FailingRecords::Panics), config).await;
    let complete = "GET /healthz HTTP/1.1\r\nHost: h\r\n\r\n";
    for sent in ["", "GET /healthz HTTP/1.1\r\nHost: h\r\n", complete] {
        let io = tokio::net::TcpStream::connect(host.address).await;
        let mut io = io.expect("a connection");
        io.write_all(sent.as_bytes()).await.expect("sent");
        let mut received = String::new();
        let read = tokio::time::timeout(Duration::from_secs(20), io.read_to_string(&mut received));
        read.await.expect("it is closed").expect("an end");
        assert_eq!(
            received.starts_with("HTTP/1.1 200"),
            sent == complete,
            "{received}"
        );
    }
    host.stop().await;
}
