//! Which events wait for others.

use crate::host::TestHost;
use crate::script::{failed, later, slot};
use galleria_domain::plugin::OnDeadLetter;
use std::time::Duration;

/// An event that the host produces in place of the platform: its id, topic, key and identifier, and the fields of
/// its payload.
type Produced = (
    &'static str,
    &'static str,
    &'static str,
    Option<&'static str>,
    &'static [&'static str],
);

/// Consumers of the platform read these messages. A verification has `verification_id` in addition to the
/// platform's fields.
const PRODUCED: [Produced; 3] = [
    (
        "payment:p1",
        "mishi.streams.post-payment-success",
        "o1",
        None,
        &["order_id", "payment_id"],
    ),
    (
        "refund:r1",
        "mishi.streams.common",
        "o1",
        Some("POST_REFUND_SUCCESS"),
        &["consumer_identifier_key", "order_id", "refund_id"],
    ),
    (
        "verification:o1:",
        "mishi.streams.common",
        "o1",
        Some("POST_DASHBOARD_VERIFICATION_SUCCESS"),
        &["consumer_identifier_key", "order_id", "verification_id"],
    ),
];

#[tokio::test(flavor = "multi_thread")]
async fn produced_events_are_the_platforms() {
    let host = TestHost::new().await;
    host.store("s1").await;
    host.sell("s1", "o1").await;
    host.refund("o1", "r1").await;
    host.verify("o1", "v1").await;
    let mut found = Vec::new();
    for group in host.app.events.groups() {
        let events = host.app.events.events_after(&group, 0, 100).await;
        found.extend(events.expect("events"));
    }
    found.sort_by_key(|event| event.position);
    assert_eq!(found.len(), PRODUCED.len());
    for (event, (id, topic, key, identifier, fields)) in found.iter().zip(PRODUCED) {
        assert!(event.id.starts_with(id), "{}", event.id);
        assert_eq!((&*event.topic, event.key.as_deref()), (topic, Some(key)));
        assert_eq!(event.text("consumer_identifier_key"), identifier);
        let data = event.data.as_object().expect("an object");
        assert_eq!(data.keys().collect::<Vec<_>>(), fields);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_retry_delays_only_its_own_lane() {
    let mut host = TestHost::new().await;
    host.store("s1").await;
    host.fail_with("payment:p1", [later(60)]);
    host.sell("s1", "o1").await;
    host.refund("o1", "r1").await;
    host.sell("s1", "o2").await;
    host.sell("s1", "o3").await;
    host.consume().await;
    host.expect_documents("o2", &["payment:p2"]).await;
    host.expect_documents("o3", &["payment:p3"]).await;
    host.until("a parked payment", async || {
        host.app.operations.status().await.expect("status").parked > 0
    })
    .await;
    host.advance(Duration::from_secs(30)).await;
    assert_eq!(host.calls().len(), 3, "{:?}", host.calls());
    host.expect_documents("o1", &[]).await;
    host.advance(Duration::from_secs(31)).await;
    host.expect_documents("o1", &["payment:p1", "refund:r1"])
        .await;
    assert_eq!(
        host.calls()[3..],
        [("payment:p1".into(), 2), ("refund:r1".into(), 1)]
    );
    host.stop_consuming().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn later_events_of_a_lane_queue_behind_the_first() {
    let mut host = TestHost::new().await;
    host.store("s1").await;
    host.sell("s1", "o1").await;
    host.fail_with("refund:r1", [later(10)]);
    host.consume().await;
    host.expect_documents("o1", &["payment:p1"]).await;
    for refund in ["r1", "r2", "r3"] {
        host.refund("o1", refund).await;
    }
    host.advance(Duration::from_secs(9)).await;
    assert_eq!(host.called_events(), ["payment:p1", "refund:r1"]);
    host.advance(Duration::from_secs(3)).await;
    let all = ["payment:p1", "refund:r1", "refund:r2", "refund:r3"];
    host.until("all refunds in order", async || {
        host.advance(Duration::from_millis(250)).await;
        host.called_events() == all
    })
    .await;
    host.expect_documents("o1", &all).await;
    host.stop_consuming().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refund_before_its_payment_waits_for_it() {
    let mut host = TestHost::new().await;
    host.store("s1").await;
    host.order("s1", "o1").await;
    host.refund("o1", "r1").await;
    host.sell("s1", "o2").await;
    host.consume().await;
    host.expect_documents("o2", &["payment:p2"]).await;
    host.advance(Duration::from_secs(5)).await;
    assert_eq!(host.called_events(), ["payment:p2"]);
    host.pay("o1").await;
    host.advance(Duration::from_secs(1)).await;
    host.expect_documents("o1", &["payment:p1", "refund:r1"])
        .await;
    assert_eq!(
        host.called_events(),
        ["payment:p2", "payment:p1", "refund:r1"]
    );
    host.stop_consuming().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_verification_waits_only_for_an_existing_payment() {
    let mut host = TestHost::new().await;
    host.store("s1").await;
    host.order("s1", "o1").await;
    let early = host.verify("o1", "f1").await;
    // Two events in the same millisecond.
    let twice = host.verify("o1", "f2").await;
    assert_ne!(early, twice);
    host.fail_with("payment:p2", [later(10)]);
    host.sell("s1", "o2").await;
    let late = host.verify("o2", "f3").await;
    host.consume().await;
    host.expect_documents("o1", &[&*early, &*twice]).await;
    let first = ("payment:p2".to_owned(), 1);
    host.until("the first try", async || host.calls().contains(&first))
        .await;
    host.advance(Duration::from_secs(9)).await;
    assert!(!host.called_events().contains(&late), "{:?}", host.calls());
    host.advance(Duration::from_secs(2)).await;
    host.expect_documents("o2", &["payment:p2", &*late]).await;
    let calls = host.calls();
    assert_eq!(
        calls[calls.len() - 2..],
        [("payment:p2".into(), 2), (late, 1)]
    );
    host.stop_consuming().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_waits_between_tries_grow_and_end_in_a_dead_letter() {
    let mut host = TestHost::new().await;
    host.store("s1").await;
    host.fail_with("payment:p1", failed(3));
    host.sell("s1", "o1").await;
    host.consume().await;
    host.until("the first try", async || host.calls().len() == 1)
        .await;
    // The first wait is 2 s plus a jitter of up to 2 s; the second is twice that.
    host.advance(Duration::from_millis(1_750)).await;
    assert_eq!(host.calls().len(), 1);
    host.advance(Duration::from_millis(2_750)).await;
    host.until("the second try", async || {
        host.advance(Duration::from_millis(250)).await;
        host.calls().len() == 2
    })
    .await;
    host.advance(Duration::from_millis(3_500)).await;
    assert_eq!(host.calls().len(), 2);
    host.advance(Duration::from_secs(5)).await;
    host.until("the third try", async || {
        host.advance(Duration::from_millis(250)).await;
        host.calls().len() == 3
    })
    .await;
    host.until("a dead letter", async || {
        host.dead_letters().await.len() == 1
    })
    .await;
    host.stop_consuming().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn waiting_behind_another_event_does_not_use_up_retry_time() {
    let mut host = TestHost::new().await;
    host.store("s1").await;
    host.sell("s1", "o1").await;
    host.consume().await;
    host.expect_documents("o1", &["payment:p1"]).await;
    // The first event waits almost as long as a retry may; then the second one is postponed as well.
    host.fail_with("refund:r1", [later(3_500), later(200)]);
    host.fail_with("refund:r2", [later(10)]);
    host.refund("o1", "r1").await;
    host.refund("o1", "r2").await;
    host.until("both parked", async || {
        host.app.operations.status().await.expect("status").parked == 2
    })
    .await;
    for (wait, calls) in [(3_500, 3), (200, 5)] {
        host.clock.advance(Duration::from_secs(wait));
        host.until(&format!("{calls} calls"), async || {
            // Slowly, so that the clock does not outrun the calls on a busy machine.
            host.advance(Duration::from_millis(250)).await;
            tokio::time::sleep(Duration::from_millis(50)).await;
            host.calls().len() >= calls
        })
        .await;
    }
    host.advance(Duration::from_secs(12)).await;
    let all = ["payment:p1", "refund:r1", "refund:r2"];
    host.expect_documents("o1", &all).await;
    host.stop_consuming().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refund_does_not_wait_for_a_payment_that_its_plugin_never_received() {
    let mut host = TestHost::new().await;
    host.store("s1").await;
    host.sell("s1", "o1").await;
    host.consume().await;
    host.expect_documents("o1", &["payment:p1"]).await;
    host.until("a settled payment", async || {
        let at = host.item("payment:p1").await.event.position;
        host.app
            .events
            .resume("PAYMENT_GROUP")
            .await
            .expect("a position")
            .0
            >= at
    })
    .await;
    host.stop_consuming().await;
    host.replace_plugins(vec![slot("archive", OnDeadLetter::Hold)]);
    host.refund("o1", "r1").await;
    host.consume().await;
    host.expect_documents("o1", &["payment:p1", "refund:r1"])
        .await;
    host.stop_consuming().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refund_without_its_payment_becomes_a_dead_letter() {
    let mut host = TestHost::new().await;
    host.store("s1").await;
    host.order("s1", "o1").await;
    host.refund("o1", "r1").await;
    host.consume().await;
    host.until("a parked refund", async || {
        host.app.operations.status().await.expect("status").parked == 1
    })
    .await;
    host.clock.advance(Duration::from_secs(25 * 3_600));
    host.until("a dead letter", async || {
        host.advance(Duration::from_secs(1)).await;
        host.dead_letters().await.len() == 1
    })
    .await;
    host.stop_consuming().await;
}
