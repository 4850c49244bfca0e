//! The metrics that a Datadog agent receives over UDP.

use crate::corner_shop;
use crate::listeners::Agent;
use std::collections::BTreeSet;
use std::time::{Duration, Instant};

#[tokio::test(flavor = "multi_thread")]
async fn an_agent_gets_the_same_metrics_with_tags() {
    let agent = Agent::start().await;
    let folder = tempfile::tempdir().expect("a folder");
    let mut host = corner_shop::host(folder.path());
    host.set(&format!("metrics.statsd={}", agent.address));
    host.set("metrics.statsd_prefix=shops");
    host.start().await;
    corner_shop::open(&host).await;
    corner_shop::sell(&host, "secret-order").await;
    corner_shop::delivered(&host, 1).await;

    let wanted = [
        // A counter with labels, one without, a duration, and a gauge from the database.
        ("shops.galleria_events_total:1|c", "outcome:applied"),
        ("shops.galleria_documents_delivered_total:1|c", ""),
        (
            "shops.galleria_http_requests_total:1|c",
            "route:/v1/orders/{id}/payments",
        ),
        ("shops.galleria_http_request_seconds:", "method:POST"),
        ("shops.galleria_dead_letters:0.0|g", ""),
    ];
    let (mut lines, begun) = (BTreeSet::new(), Instant::now());
    let found = |lines: &BTreeSet<String>, (name, tag): (&str, &str)| {
        let named = |line: &&String| line.starts_with(name) && line.contains(tag);
        lines.iter().any(|line| named(&line))
    };
    while !wanted.iter().all(|one| found(&lines, *one)) {
        assert!(begun.elapsed().as_secs() < 40, "{lines:#?}");
        tokio::time::sleep(Duration::from_millis(100)).await;
        let text = String::from_utf8_lossy(&agent.bytes()).into_owned();
        lines = text.lines().map(str::to_owned).collect();
    }
    let text = lines.iter().cloned().collect::<Vec<_>>().join("\n");
    assert!(text.contains("|#"), "{text}");
    for private in [corner_shop::STORE, "store:", "secret", "gk_"] {
        assert!(!text.contains(private), "{private} in {text}");
    }
    // A scrape contains the same.
    let scraped = host.client.get(host.url("/metrics")).send().await;
    let scraped = scraped.expect("an answer").text().await.expect("text");
    assert!(
        scraped.contains("galleria_documents_delivered_total 1"),
        "{scraped}"
    );
    host.stop();
}

#[test]
fn an_agent_without_an_address_is_reported_at_the_start() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut host = corner_shop::host(folder.path());
    host.set("metrics.statsd=no_host..:8125");
    let ran = host.run(&["serve"]);
    let output = String::from_utf8_lossy(&ran.stderr).into_owned();
    assert!(
        !ran.status.success() && output.contains("metrics.statsd"),
        "{output}"
    );
}
