//! The metrics of a working host.

use crate::host::Host;
use crate::{corner_shop, sample_days};
use galleria_ports::metrics::METRICS;
use galleria_test_database::TestDatabase;
use std::time::{Duration, Instant};

pub async fn scraped(client: &reqwest::Client, url: &str) -> String {
    let answer = client.get(url).send().await.expect("an answer");
    let answer = answer.error_for_status().expect("metrics");
    answer.text().await.expect("text")
}

/// The sum of a metric's series whose labels contain `label`.
pub fn sum(text: &str, name: &str, label: &str) -> f64 {
    let series = text.lines().filter_map(|line| line.strip_prefix(name));
    let result = series.filter(|rest| rest.starts_with(['{', ' ']) && rest.contains(label));
    result
        .filter_map(|rest| rest.rsplit_once(' ')?.1.parse::<f64>().ok())
        .sum()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_metrics_show_a_day_and_name_no_store() {
    let day = sample_days::all().into_iter().next().expect("a day");
    let mut host = Host::new();
    host.set("metrics.listen=127.0.0.1:0");
    host.start().await;
    day.feed(&mut host).await;
    host.settle().await;
    let ready = host.get("/readyz").await.expect("ready");
    for part in [
        "database",
        "plugins",
        "consumer",
        "deliverer",
        "pickups",
        "matching",
        "runs",
    ] {
        let parts = ready["parts"].as_array().expect("parts");
        let going = |one: &serde_json::Value| one["part"] == part && one["state"] == "running";
        assert!(parts.iter().any(going), "{part} in {ready}");
    }
    let path = format!(
        "/v1/retailers/{}/statements?plugin=nobody&file=f",
        day.retailer
    );
    let nobody = host.client.post(host.url(&path)).body("a line");
    nobody.send().await.expect("an answer");
    // Metrics have an address of their own here, which the log contains.
    let elsewhere = host.client.get(host.url("/metrics")).send().await;
    assert_eq!(elsewhere.expect("an answer").status(), 404);
    let log = host.log();
    let line = log
        .lines()
        .find(|line| line.contains("metrics listener started"));
    let line: serde_json::Value = serde_json::from_str(line.expect("a log line")).expect("JSON");
    let address = line["address"].as_str().expect("an address");

    let text = scraped(
        &reqwest::Client::new(),
        &format!("http://{address}/metrics"),
    )
    .await;
    for metric in METRICS {
        // No statement reached a plugin here, and no taxes were evaluated.
        let is_unused =
            metric.name == "galleria_statements_total" || metric.name.starts_with("galleria_tax_");
        let result = text.contains(&format!("# TYPE {} {}\n", metric.name, metric.kind.name()));
        assert!(result || is_unused, "{} in {text}", metric.name);
    }
    let applied = sum(&text, "galleria_events_total", r#"outcome="applied""#);
    let calls = sum(&text, "galleria_plugin_calls_total", r#"fault="none""#);
    assert!(
        applied > 0.0 && calls >= applied,
        "{applied} of {calls}: {text}"
    );
    assert!(
        sum(&text, "galleria_documents_delivered_total", "") > 0.0,
        "{text}"
    );
    assert_eq!(sum(&text, "galleria_group_lag_events", ""), 0.0, "{text}");
    assert_eq!(sum(&text, "galleria_parked_events", ""), 0.0);
    let status = host.get("/v1/status").await.expect("a status");
    for store in status["stores"].as_array().expect("stores") {
        let id = store["store"].as_str().expect("an id");
        assert!(!text.contains(&format!("\"{id}\"")), "{id} in {text}");
    }
    host.stop();
}

/// Inserts events, dead letters and documents of 1970.
const PILE: &str = "
INSERT INTO parked (event_id, subscriber, consumer_group, lane, position, topic, store_id, data,
    created_ms, state, attempts, due_ms, ready_ms, since_ms, cause)
VALUES ('payment:waits', 'papers', 'PAYMENT_GROUP', 'l', 1, 't', 's-corner', '{}',
    0, 'retry', 1, 9000000000000, 9000000000000, 0, '');
INSERT INTO dead_letters (event_id, subscriber, consumer_group, lane, position, topic, store_id, data,
    created_ms, code, detail, attempts, component, died_ms)
VALUES ('payment:dead', 'papers', 'PAYMENT_GROUP', 'k', 2, 't', 's-corner', '{}',
    0, 'trapped', '', 1, '', 0);
INSERT INTO documents (id, event_id, subscriber, retailer, store_id, directory, folder, name, media_type,
    size, digest, state, created_ms, moved_ms)
VALUES ('d', 'payment:old', 'papers', 'corner', 's-corner', 'poslog', '', 'old.txt', 'text/plain',
    0, '', 'blocked', 0, 0)";

async fn run(host: &Host, sql: &str) {
    let mut database = TestDatabase::connect(&host.database().url).await;
    database.run(sql).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn gauges_show_the_backlog_by_retailer_with_its_age() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut host = corner_shop::host(folder.path());
    host.start().await;
    corner_shop::open(&host).await;
    run(&host, PILE).await;
    let text = scraped(&host.client, &host.url("/metrics")).await;
    let ours = r#"retailer="corner""#;
    for gauge in ["galleria_parked_events", "galleria_dead_letters"] {
        assert_eq!(sum(&text, gauge, ours), 1.0, "{gauge} in {text}");
        assert_eq!(sum(&text, gauge, ""), 1.0, "{gauge} in {text}");
    }
    // Decades.
    let decades = 1e9;
    let waits = |group: &str| sum(&text, "galleria_oldest_parked_event_seconds", group);
    assert!(waits("PAYMENT_GROUP") > decades, "{text}");
    assert_eq!(waits("COMMON_GROUP"), 0.0, "{text}");
    for gauge in [
        "galleria_oldest_dead_letter_seconds",
        "galleria_oldest_undelivered_document_seconds",
    ] {
        assert!(sum(&text, gauge, "") > decades, "{gauge} in {text}");
    }
    assert_eq!(sum(&text, "galleria_build_info", "version=\""), 1.0);
    assert!(!text.contains(corner_shop::STORE), "{text}");

    // The next reading of the gauges does not contain what an operator has settled.
    run(&host, "DELETE FROM parked; DELETE FROM dead_letters").await;
    let begun = Instant::now();
    loop {
        let text = scraped(&host.client, &host.url("/metrics")).await;
        let left = |gauge: &str| sum(&text, gauge, "");
        let gone = left("galleria_parked_events") + left("galleria_dead_letters");
        let ages = left("galleria_oldest_parked_event_seconds")
            + left("galleria_oldest_dead_letter_seconds");
        if gone + ages == 0.0 {
            break;
        }
        assert!(begun.elapsed() < Duration::from_secs(60), "{text}");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    host.stop();
}
