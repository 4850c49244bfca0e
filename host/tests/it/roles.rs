//! Processes on one database share the work of a host.

use crate::corner_shop;
use crate::host::{Database, Host};
use serde_json::Value;
use std::time::{Duration, Instant};

on_both!(
    processes_share_the_work_and_one_takes_over_from_a_killed_one,
    a_restarted_host_need_not_wait_for_its_own_lease,
);

/// The body of a probe, for any status.
async fn probe(host: &Host, path: &str) -> (u16, Value) {
    let answer = reqwest::get(host.url(path)).await.expect("an answer");
    let status = answer.status().as_u16();
    (status, answer.json().await.expect("JSON"))
}

/// The state of a role in a probe.
fn state<'a>(result: &'a Value, part: &str) -> Option<&'a str> {
    let parts = result["parts"].as_array().expect("parts");
    let found = parts.iter().find(|one| one["part"] == part)?;
    found["state"].as_str()
}

async fn processes_share_the_work_and_one_takes_over_from_a_killed_one(database: Database) {
    let folder = tempfile::tempdir().expect("a folder");
    let lease = Duration::from_secs(1);
    let mut front = corner_shop::host(folder.path()).on(database);
    front.set("groups.lease=1s");
    front.role("api");
    front.start().await;
    corner_shop::open(&front).await;
    let (status, result) = probe(&front, "/readyz").await;
    assert_eq!(
        (status, &result["roles"]),
        (200, &serde_json::json!(["api"]))
    );
    assert_eq!(state(&result, "http"), Some("running"));
    assert_eq!(state(&result, "consumer"), None, "{result}");

    corner_shop::sell(&front, "o-1").await;
    tokio::time::sleep(Duration::from_millis(700)).await;
    let status = front.get("/v1/status").await.expect("a status");
    assert_eq!(status["settled"], false, "no process consumes yet");

    let mut back = front.beside("consumer,deliver");
    back.start().await;
    let (status, result) = probe(&back, "/readyz").await;
    assert_eq!(status, 200, "{result}");
    for part in ["database", "plugins", "consumer", "deliverer", "matching"] {
        assert!(state(&result, part).is_some(), "{part} in {result}");
    }
    assert_eq!(
        (state(&result, "http"), state(&result, "runs")),
        (None, None)
    );
    corner_shop::delivered(&front, 1).await;
    assert_eq!(back.files().len(), 1, "the one document of the payment");
    assert_eq!(probe(&back, "/readyz").await.1["status"], "ready");
    assert_eq!(probe(&back, "/healthz").await.1["status"], "alive");
    let (status, result) = probe(&back, "/v1/status").await;
    assert_eq!((status, &result["code"]), (404, &"route_not_found".into()));
    let metrics = back.client.get(back.url("/metrics")).send().await;
    assert_eq!(metrics.expect("an answer").status(), 200);

    let mut next = front.beside("consumer,deliver");
    next.settings.push("groups.lease=5m".into());
    next.start().await;
    let (status, result) = probe(&next, "/readyz").await;
    assert_eq!(
        (status, state(&result, "consumer")),
        (200, Some("standing_by"))
    );

    back.kill();
    let killed = Instant::now();
    corner_shop::sell(&front, "o-2").await;
    while state(&probe(&next, "/readyz").await.1, "consumer") != Some("running") {
        let waited = killed.elapsed();
        assert!(waited < lease * 9, "no process took over:\n{}", next.log());
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    corner_shop::delivered(&front, 2).await;
    assert_eq!(next.files().len(), 1, "and nothing of the first");
    // A draining host releases its groups: the next one need not wait.
    next.stop();
    let mut last = front.beside("consumer");
    last.start().await;
    corner_shop::sell(&front, "o-3").await;
    // The event is decided at once, but no process delivers any more.
    front
        .until(|status| status["documents"]["pending"] == 1)
        .await;
    last.stop();
    front.stop();
}

async fn a_restarted_host_need_not_wait_for_its_own_lease(database: Database) {
    let folder = tempfile::tempdir().expect("a folder");
    let mut host = corner_shop::host(folder.path()).on(database);
    host.set("groups.lease=5m");
    host.start().await;
    corner_shop::open(&host).await;
    corner_shop::sell(&host, "o-1").await;
    corner_shop::delivered(&host, 1).await;
    host.kill();
    host.start().await;
    corner_shop::sell(&host, "o-2").await;
    corner_shop::delivered(&host, 2).await;
    host.stop();
}

#[test]
fn an_unknown_role_is_rejected_with_the_known_ones() {
    let folder = tempfile::tempdir().expect("a folder");
    let host = corner_shop::host(folder.path());
    for (role, wanted) in [
        (
            "till",
            "one of api, consumer, consumer:<group>, relay, deliver, schedule or tax",
        ),
        (
            "consumer:SALES",
            "one of PAYMENT_GROUP, COMMON_GROUP, GALLERIA_GROUP",
        ),
        (
            "relay",
            "requires a broker and topics; set kafka.bootstrap and kafka.topics",
        ),
    ] {
        let ran = host.run(&["serve", "--role", role]);
        let output = String::from_utf8_lossy(&ran.stderr).into_owned();
        assert!(!ran.status.success() && output.contains(wanted), "{output}");
    }
}
