//! What dashboards read of a host that does its work.

use crate::days;
use crate::house::House;
use galleria_app::figures::METRICS;

async fn scraped(url: &str) -> String {
    let answer = reqwest::get(url).await.expect("an answer");
    let answer = answer.error_for_status().expect("metrics");
    answer.text().await.expect("text")
}

/// The sum of a metric's series whose labels contain `label`.
fn sum(text: &str, name: &str, label: &str) -> f64 {
    let series = text.lines().filter_map(|line| line.strip_prefix(name));
    let told = series.filter(|rest| rest.starts_with(['{', ' ']) && rest.contains(label));
    told.filter_map(|rest| rest.rsplit_once(' ')?.1.parse::<f64>().ok())
        .sum()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_day_is_seen_in_the_metrics_and_no_store_is_named() {
    let day = days::all().into_iter().next().expect("a day");
    let mut house = House::new();
    house.set("metrics.listen=127.0.0.1:0");
    house.start().await;
    day.feed(&mut house).await;
    house.settle().await;
    let ready = house.get("/readyz").await.expect("ready");
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
        let going = |one: &serde_json::Value| one["part"] == part && one["state"] == "going";
        assert!(parts.iter().any(going), "{part} in {ready}");
    }
    let path = format!(
        "/v1/retailers/{}/statements?plugin=nobody&file=f",
        day.retailer
    );
    let nobody = house.client.post(house.url(&path)).body("a line");
    nobody.send().await.expect("an answer");
    // Scrapes have an address of their own here, which the log tells.
    let elsewhere = house.client.get(house.url("/metrics")).send().await;
    assert_eq!(elsewhere.expect("an answer").status(), 404);
    let log = house.log();
    let line = log.lines().find(|line| line.contains("metrics are at"));
    let line: serde_json::Value = serde_json::from_str(line.expect("told")).expect("JSON");
    let address = line["address"].as_str().expect("an address");

    let text = scraped(&format!("http://{address}/metrics")).await;
    for metric in METRICS {
        // No statement reached a plugin here.
        let told = text.contains(&format!("# TYPE {} {}\n", metric.name, metric.kind.name()));
        assert!(
            told || metric.name == "galleria_statements_total",
            "{} in {text}",
            metric.name
        );
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
    let status = house.get("/v1/status").await.expect("a status");
    for store in status["stores"].as_array().expect("stores") {
        let id = store["store"].as_str().expect("an id");
        assert!(!text.contains(&format!("\"{id}\"")), "{id} in {text}");
    }
    house.stop();
}
