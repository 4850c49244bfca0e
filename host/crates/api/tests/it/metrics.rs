//! Metrics for Prometheus.

use crate::host::{Host, order, payment, test_config};
use crate::stage::Stage;
use galleria_api::{HttpConfig, Metrics, serve_metrics};
use galleria_ports::metrics::METRICS;
use std::time::Duration;
use tokio::io::AsyncReadExt as _;
use tokio::net::TcpStream;
use tokio_util::sync::CancellationToken;

on_both!(
    requests_and_database_gauges_are_exported,
    rejected_connections_are_counted,
    metrics_can_have_their_own_address,
);

/// Every scrape reads the database.
fn metrics() -> Metrics {
    Metrics::record(Duration::ZERO, None).expect("a recorder")
}

/// The value of a line, such as `galleria_runs{state="due"}`.
fn value(text: &str, series: &str) -> Option<f64> {
    let line = text.lines().find_map(|line| line.strip_prefix(series))?;
    line.trim().parse().ok()
}

async fn scrape(host: &Host) -> String {
    let answer = host.get("/metrics").await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    let media_type = answer.header("content-type").expect("a type");
    assert!(media_type.starts_with("text/plain"), "{media_type}");
    answer.text
}

async fn requests_and_database_gauges_are_exported(stage: &Stage) {
    let config = HttpConfig {
        metrics: Some(metrics()),
        ..test_config()
    };
    let host = stage.host_with(config).await;
    host.add_store_and_shift().await;
    host.post("/v1/orders", "o", &order("metrics-order"))
        .await
        .expect(201);
    let (path, paid) = (
        "/v1/orders/metrics-order/payments",
        payment("p", 1210, None),
    );
    host.post(path, "p", &paid).await.expect(201);
    host.get("/v1/orders/metrics-missing").await;
    let strange = reqwest::Method::from_bytes(b"BREW").expect("a method");
    host.send(host.request(strange, "/v1/orders/metrics-order"))
        .await;

    let text = scrape(&host).await;
    let count = |series: &str| value(&text, series).unwrap_or_default();
    // Other tests of this process count into the same recorder.
    assert!(
        count(r#"galleria_http_requests_total{method="POST",route="/v1/orders",status="201"}"#)
            >= 1.0
    );
    assert!(
        count(r#"galleria_http_request_seconds_count{method="POST",route="/v1/orders"}"#) >= 1.0
    );
    assert!(
        count(r#"galleria_http_problems_total{route="/v1/orders/{id}",code="not_found"}"#) >= 1.0
    );
    if stage.is_sqlite() {
        // Only SQLite has group commit.
        assert!(count("galleria_commit_works_count") >= 4.0, "{text}");
    }
    assert!(
        text.contains(r#"method="other""#) && !text.contains("BREW"),
        "{text}"
    );
    // There is no consumer: the payment waits in the log.
    assert_eq!(
        value(&text, r#"galleria_group_lag_events{group="PAYMENT_GROUP"}"#),
        Some(1.0)
    );
    assert_eq!(
        value(&text, r#"galleria_group_lag_events{group="COMMON_GROUP"}"#),
        Some(0.0)
    );
    let series: Vec<String> = ["parked_events", "dead_letters"]
        .into_iter()
        .flat_map(|gauge| ["example", "none"].map(|name| (gauge, name)))
        .map(|(gauge, name)| format!(r#"galleria_{gauge}{{retailer="{name}"}}"#))
        .collect();
    for series in &series {
        assert_eq!(value(&text, series), Some(0.0), "{series} in {text}");
    }
    let version = concat!(
        r#"galleria_build_info{version=""#,
        env!("CARGO_PKG_VERSION"),
        r#""}"#
    );
    assert_eq!(value(&text, version), Some(1.0), "{text}");
    assert!(
        text.contains("galleria_http_connections_refused_total "),
        "{text}"
    );
    for gauge in [
        "held_events",
        "statements_unfinished",
        "oldest_dead_letter_seconds",
        "oldest_undelivered_document_seconds",
        r#"oldest_parked_event_seconds{group="PAYMENT_GROUP"}"#,
    ] {
        assert_eq!(
            value(&text, &format!("galleria_{gauge}")),
            Some(0.0),
            "{gauge}"
        );
    }
    for state in ["due", "running", "ended", "failed", "dead", "cancelled"] {
        let series = format!(r#"galleria_runs{{state="{state}"}}"#);
        assert_eq!(value(&text, &series), Some(0.0), "{state}");
    }
    assert_eq!(value(&text, "galleria_database_answers"), Some(1.0));
    for private in ["metrics-order", "metrics-missing", "s1", "madrid"] {
        assert!(!text.contains(private), "{private} in {text}");
    }
    host.stop().await;
}

async fn rejected_connections_are_counted(stage: &Stage) {
    let config = HttpConfig {
        metrics: Some(metrics()),
        connections_per_client: 1,
        ..test_config()
    };
    let host = stage.host_with(config).await;
    let rejected = "galleria_http_connections_refused_total ";
    let before = value(&scrape(&host).await, rejected).expect("exported from the start");
    // The scraping client holds the only connection.
    let mut more = TcpStream::connect(host.address).await.expect("connected");
    let read = more.read(&mut [0]).await;
    assert!(read.is_ok_and(|read| read == 0), "a second connection");
    let after = value(&scrape(&host).await, rejected).expect("exported");
    assert!(after > before, "{before} {after}");
    host.stop().await;
}

async fn metrics_can_have_their_own_address(stage: &Stage) {
    let host = stage.host().await;
    assert_eq!(host.get("/metrics").await.code(), "route_not_found");
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await;
    let listener = listener.expect("a free port");
    let url = format!(
        "http://{}/metrics",
        listener.local_addr().expect("an address")
    );
    let stop = CancellationToken::new();
    let served = serve_metrics(listener, host.app.clone(), metrics(), stop.clone());
    let served = tokio::spawn(served);
    let text = reqwest::get(&url).await.expect("an answer");
    let text = text.text().await.expect("a body");
    assert!(text.contains("galleria_database_answers 1"), "{text}");
    stop.cancel();
    served.await.expect("no panic").expect("stopped");
    host.stop().await;
}

#[test]
fn labels_have_few_values() {
    for metric in METRICS {
        assert!(metric.name.starts_with("galleria_") && !metric.help.is_empty());
        for label in metric.labels {
            let few = [
                "method", "route", "status", "code", "group", "outcome", "plugin", "point",
                "fault", "state", "retailer", "version",
            ];
            assert!(few.contains(label), "{}: {label}", metric.name);
        }
    }
}

#[test]
fn the_example_of_the_document_names_known_metrics() {
    let document = serde_json::to_value(galleria_api::openapi()).expect("JSON");
    let content = &document["paths"]["/metrics"]["get"]["responses"]["200"]["content"];
    let text = content["text/plain"]["example"].as_str().expect("text");
    let names = text.lines().filter(|line| !line.starts_with('#'));
    let names: Vec<_> = names
        .filter_map(|line| line.split([' ', '{']).next())
        .collect();
    let known = |name: &&str| METRICS.iter().any(|metric| metric.name == *name);
    assert!(!names.is_empty() && names.iter().all(known), "{names:?}");
}
