//! Stores whose taxes a service evaluates: settings over HTTP and by command, a service that is killed, a fallback, and
//! a store that moves while requests run, on two hosts.

use crate::host::{Database, Host};
use crate::listeners::Collector;
use axum::{Json, Router, routing::post};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use tokio::task::JoinHandle;

on_both!(
    a_store_moves_between_routes_while_requests_run,
    a_killed_service_is_named_and_a_fallback_is_marked,
);

const EVALUATE: &str = "/v1/taxes/evaluate";

/// A tax service that levies 1.00 on each item.
pub struct Service {
    pub address: String,
    serving: JoinHandle<()>,
}

impl Service {
    pub async fn start() -> Self {
        let router =
            Router::new().route(EVALUATE, post(async |Json(request)| Json(taxed(&request))));
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await;
        let listener = listener.expect("a free port");
        let address = format!("http://{}", listener.local_addr().expect("an address"));
        let serving =
            tokio::spawn(async move { axum::serve(listener, router).await.expect("served") });
        Self { address, serving }
    }
}

fn taxed(request: &Value) -> Value {
    let items = request["items"].as_array().expect("items");
    let tax = json!({"tax_code": "ONE", "tax_percent": "10", "included": true, "taxable_amount": "9.00",
        "tax_amount": "1.00"});
    let item = |item: &Value| {
        json!({"item_id": item["item_id"], "total_amount": "10.00", "taxable_amount": "9.00", "total_tax": "1.00",
            "total_amount_after_tax": "10.00", "taxes": [tax]})
    };
    let count = items.len();
    let mut breakup = tax.clone();
    breakup["tax_amount"] = json!(format!("{count}.00"));
    json!({"total_basket_amount": format!("{count}0.00"), "total_taxable_amount": format!("{}.00", 9 * count),
        "total_tax": format!("{count}.00"), "total_basket_amount_after_tax": format!("{count}0.00"),
        "tax_breakup": [breakup], "item_tax": items.iter().map(item).collect::<Vec<_>>()})
}

fn basket() -> Value {
    json!({"store_data": {"store_id": "s1"}, "items": [{"item_id": "1", "total_amount": "10.00", "tax_code": "X"}]})
}

/// A host with one store, whose default tax is 25 %, and the service as its route `http`.
async fn open(database: Database, service: &Service) -> (tempfile::TempDir, Host) {
    let folder = tempfile::tempdir().expect("a folder");
    let [retailers, plugins] = ["retailers", "plugins"].map(|name| folder.path().join(name));
    let example = retailers.join("example");
    for folder in [&example, &plugins] {
        std::fs::create_dir_all(folder).expect("a folder");
    }
    std::fs::write(example.join("retailer.toml"), "name = \"example\"\n").expect("a retailer");
    let mut host = Host::with(retailers, plugins).on(database);
    host.set(&format!("tax.http.address={}", service.address));
    host.set("tax.http.breaker_failures=3");
    host.set("tax.http.breaker_pause=1h");
    host.start().await;
    let store = json!({"external_id": "1", "retailer": "example", "store_type": "kiosk", "country": "FR",
        "currency": "EUR", "minor_digits": 2, "zone": "Europe/Paris"});
    let stored = host.send("PUT", "/v1/stores/s1", "store", &store).await;
    assert_eq!(stored.expect("an answer").0, 200);
    let settings = json!({"default_taxes": [
        {"tax_code": "ANY", "tax_level": "TVA", "retailer_tax_level_id": "1", "tax_percent": "25"}]});
    let path = "/v1/stores/s1/tax-settings?reason=start";
    let stored = host.send("PUT", path, "settings", &settings).await;
    assert_eq!(stored.expect("an answer").0, 200);
    (folder, host)
}

/// Runs a command that succeeds, and returns its output.
pub fn command(host: &Host, arguments: &[&str]) -> String {
    let output = host.run(arguments);
    let text = [output.stdout, output.stderr].map(|text| String::from_utf8(text).expect("text"));
    assert!(output.status.success(), "{arguments:?}: {text:?}");
    text.concat()
}

fn set(host: &Host, arguments: &[&str]) -> String {
    let by = ["--actor", "ana", "--reason", "ticket 12"];
    command(
        host,
        &[&["tax", "settings", "set", "--store", "s1"], arguments, &by].concat(),
    )
}

/// Status, route, fallback and tax.
async fn evaluated(host: &Host) -> (u16, String) {
    let (status, body) = host
        .send("POST", EVALUATE, "k", &basket())
        .await
        .expect("an answer");
    let text = |field: &str| body[field].as_str().unwrap_or_default().to_owned();
    match status {
        200 => (
            200,
            format!(
                "{} {} {}",
                text("route"),
                body["fallback"],
                text("total_tax")
            ),
        ),
        status => (status, format!("{}: {}", text("code"), text("detail"))),
    }
}

async fn a_store_moves_between_routes_while_requests_run(database: Database) {
    let service = Service::start().await;
    let (_folder, host) = open(database, &service).await;
    let mut other = host.beside("api");
    other.start().await;
    let hosts = Arc::new([host, other]);
    let stop = Arc::new(AtomicBool::new(false));
    let clients: Vec<_> = (0..4)
        .map(|client: usize| {
            let (hosts, stop) = (Arc::clone(&hosts), Arc::clone(&stop));
            tokio::spawn(async move {
                let mut outcomes = BTreeSet::new();
                while !stop.load(Ordering::Relaxed) {
                    outcomes.insert(evaluated(&hosts[client % 2]).await);
                }
                outcomes
            })
        })
        .collect();
    let changed = set(&hosts[0], &["--shadow", "none", "--route", "http"]);
    assert_eq!(changed, "store s1: route embedded to http\n");
    for round in 0..6 {
        let (route, expected) = match round % 2 {
            0 => ("embedded", "embedded false 2.00"),
            _ => ("http", "http false 1.00"),
        };
        let settings = json!({"route": route, "default_taxes": [
            {"tax_code": "ANY", "tax_level": "TVA", "retailer_tax_level_id": "1", "tax_percent": "25"}]});
        let path = "/v1/stores/s1/tax-settings";
        let key = format!("move-{round}");
        let moved = hosts[round % 3 % 2].send("PUT", path, &key, &settings);
        assert_eq!(moved.await.expect("an answer").0, 200);
        // The acknowledged move applies to the next evaluation of either host.
        for host in hosts.iter() {
            assert_eq!(
                evaluated(host).await,
                (200, expected.to_owned()),
                "round {round}"
            );
        }
    }
    stop.store(true, Ordering::Relaxed);
    let mut outcomes = BTreeSet::new();
    for client in clients {
        outcomes.extend(client.await.expect("no panic"));
    }
    let expected = ["embedded false 2.00", "http false 1.00"].map(|text| (200, text.to_owned()));
    assert_eq!(outcomes, BTreeSet::from(expected), "no request failed");

    let table = command(&hosts[1], &["tax", "settings", "show"]);
    assert!(
        table.contains("│ s1    ┆ example  ┆ http  ┆ none "),
        "{table}"
    );
    let json = command(
        &hosts[1],
        &["tax", "settings", "show", "--store", "s1", "--json"],
    );
    let json: Value = serde_json::from_str(&json).expect("JSON");
    assert_eq!(json[0]["route"], "http");
    let log = hosts[0]
        .get("/v1/operations?action=tax_settings_put")
        .await
        .expect("a log");
    let moved = &log["operations"].as_array().expect("operations")[6];
    assert_eq!(
        (
            &moved["actor"],
            &moved["reason"],
            &moved["before"]["route"],
            &moved["after"]["route"]
        ),
        (
            &json!("ana"),
            &json!("ticket 12"),
            &json!("embedded"),
            &json!("http")
        )
    );
}

async fn a_killed_service_is_named_and_a_fallback_is_marked(database: Database) {
    let service = Service::start().await;
    let (_folder, mut host) = open(database, &service).await;
    let collector = Collector::start().await;
    host.stop();
    host.set(&format!("traces.endpoint={}", collector.endpoint));
    host.start().await;
    set(&host, &["--route", "http"]);
    assert_eq!(evaluated(&host).await, (200, "http false 1.00".into()));
    let connected = command(&host, &["tax", "upstreams"]);
    assert!(
        connected.contains(&format!("│ http  ┆ {} ┆ yes ", service.address)),
        "{connected}"
    );

    service.serving.abort();
    // axum still answers on open connections: the host opens a new one after the first failure.
    let begun = std::time::Instant::now();
    let unavailable = "tax_service_unavailable: the tax service of the route http is unavailable";
    while evaluated(&host).await != (503, unavailable.into()) {
        assert!(
            begun.elapsed() < Duration::from_secs(60),
            "{:?}",
            evaluated(&host).await
        );
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    // The log, which is written in the background, has the reason that callers do not get.
    while !host.log().contains("Connection refused") {
        assert!(begun.elapsed() < Duration::from_secs(60), "{}", host.log());
        tokio::time::sleep(Duration::from_millis(10)).await;
    }

    // Three failed calls opened the breaker.
    let (status, text) = evaluated(&host).await;
    assert_eq!(status, 503);
    assert!(
        text.contains("failed repeatedly and is not called for the next"),
        "{text}"
    );
    let upstreams = host.get("/v1/taxes/upstreams").await.expect("services");
    let http = &upstreams["upstreams"][0];
    assert_eq!(
        (&http["route"], &http["breaker"]),
        (&json!("http"), &json!("open"))
    );
    assert_eq!(http["last_failure"]["kind"], "unavailable");
    let ready = host.get("/readyz").await.expect("ready");
    let parts = ready["parts"].as_array().expect("parts");
    let part = parts
        .iter()
        .find(|part| part["part"] == "tax_http")
        .expect("a part");
    assert_eq!(part["state"], "unavailable");
    assert!(
        !part["detail"]
            .as_str()
            .expect("a detail")
            .contains("127.0.0.1"),
        "{part}"
    );

    let changed = set(&host, &["--fallback", "embedded"]);
    assert_eq!(changed, "store s1: fallback none to embedded\n");
    assert_eq!(evaluated(&host).await, (200, "embedded true 2.00".into()));
    let metrics = host
        .client
        .get(host.url("/metrics"))
        .send()
        .await
        .expect("metrics");
    let metrics = metrics.text().await.expect("text");
    for line in [
        "galleria_tax_fallbacks_total{route=\"http\",outcome=\"evaluated\"} 1",
        "galleria_tax_evaluations_total{route=\"embedded\",outcome=\"evaluated\"} 1",
        "galleria_tax_breaker_open{route=\"http\"} 1",
        "galleria_tax_retries_total{route=\"http\"} 2",
    ] {
        assert!(metrics.contains(line), "{line}\n{metrics}");
    }

    let status = command(&host, &["status"]);
    assert!(
        status.contains("tax service http") && status.contains("galleria tax upstreams"),
        "{status}"
    );
    let failed = host.run(&["tax", "upstreams"]);
    let text = String::from_utf8(failed.stdout).expect("text");
    assert!(
        !failed.status.success() && text.contains("unavailable: is unavailable: "),
        "{text}"
    );
    let rejected = host.run(&[
        "tax", "settings", "set", "--store", "s1", "--route", "grpc", "--reason", "x",
    ]);
    let text = String::from_utf8(rejected.stderr).expect("text");
    assert!(
        text.contains("route: must be a route of this host")
            && text.contains("set tax.grpc.address"),
        "{text}"
    );
    let missing = host.run(&[
        "tax", "settings", "set", "--store", "s2", "--route", "http", "--reason", "x",
    ]);
    let text = String::from_utf8(missing.stderr).expect("text");
    assert!(text.contains("there is no store s2"), "{text}");

    host.stop();
    let spans = collector.spans();
    let named = |name: &str| {
        spans
            .iter()
            .find(|span| span.name == name)
            .expect(name)
            .clone()
    };
    let (request, evaluate) = (named("POST /v1/taxes/evaluate"), named("evaluate taxes"));
    assert_eq!(evaluate.parent_span_id, request.span_id);
    assert_eq!(named("call tax service").parent_span_id, evaluate.span_id);
}
