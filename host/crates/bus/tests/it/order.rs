//! Who waits for whom, and who does not.

use super::{House, failed, later, slot};
use galleria_domain::plugin::OnDeadLetter;
use std::time::Duration;

#[tokio::test(flavor = "multi_thread")]
async fn a_retry_delays_no_other_key_and_its_own_stays_behind() {
    let mut house = House::new().await;
    house.store("s1").await;
    house.answers("payment:p1", [later(60)]);
    house.sell("s1", "o1").await;
    house.refund("o1", "r1").await;
    house.sell("s1", "o2").await;
    house.sell("s1", "o3").await;
    house.consume().await;
    house.documents("o2", &["payment:p2"]).await;
    house.documents("o3", &["payment:p3"]).await;
    house.pass(Duration::from_secs(30)).await;
    assert_eq!(house.calls().len(), 3, "{:?}", house.calls());
    house.documents("o1", &[]).await;
    house.pass(Duration::from_secs(31)).await;
    house.documents("o1", &["payment:p1", "refund:r1"]).await;
    assert_eq!(
        house.calls()[3..],
        [("payment:p1".into(), 2), ("refund:r1".into(), 1)]
    );
    house.stop_consuming().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn later_events_of_a_lane_queue_behind_the_first() {
    let mut house = House::new().await;
    house.store("s1").await;
    house.sell("s1", "o1").await;
    house.answers("refund:r1", [later(10)]);
    house.consume().await;
    house.documents("o1", &["payment:p1"]).await;
    for refund in ["r1", "r2", "r3"] {
        house.refund("o1", refund).await;
    }
    house.pass(Duration::from_secs(9)).await;
    assert_eq!(house.called(), ["payment:p1", "refund:r1"]);
    house.pass(Duration::from_secs(3)).await;
    let all = ["payment:p1", "refund:r1", "refund:r2", "refund:r3"];
    house
        .until("all refunds in order", async || {
            house.pass(Duration::from_millis(250)).await;
            house.called() == all
        })
        .await;
    house.documents("o1", &all).await;
    house.stop_consuming().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refund_before_its_payment_waits_for_it() {
    let mut house = House::new().await;
    house.store("s1").await;
    house.order("s1", "o1").await;
    house.refund("o1", "r1").await;
    house.sell("s1", "o2").await;
    house.consume().await;
    house.documents("o2", &["payment:p2"]).await;
    house.pass(Duration::from_secs(5)).await;
    assert_eq!(house.called(), ["payment:p2"]);
    house.pay("o1").await;
    house.pass(Duration::from_secs(1)).await;
    house.documents("o1", &["payment:p1", "refund:r1"]).await;
    assert_eq!(house.called(), ["payment:p2", "payment:p1", "refund:r1"]);
    house.stop_consuming().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_verification_waits_for_the_payment_there_is_and_for_no_other() {
    let mut house = House::new().await;
    house.store("s1").await;
    house.order("s1", "o1").await;
    let early = house.verify("o1", "f1").await;
    // Two within one millisecond of the clock.
    let twice = house.verify("o1", "f2").await;
    assert_ne!(early, twice);
    house.answers("payment:p2", [later(10)]);
    house.sell("s1", "o2").await;
    let late = house.verify("o2", "f3").await;
    house.consume().await;
    house.documents("o1", &[&*early, &*twice]).await;
    house.pass(Duration::from_secs(9)).await;
    assert!(!house.called().contains(&late), "{:?}", house.calls());
    house.pass(Duration::from_secs(2)).await;
    house.documents("o2", &["payment:p2", &*late]).await;
    let calls = house.calls();
    assert_eq!(
        calls[calls.len() - 2..],
        [("payment:p2".into(), 2), (late, 1)]
    );
    house.stop_consuming().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_waits_between_tries_grow_and_end_in_a_dead_letter() {
    let mut house = House::new().await;
    house.store("s1").await;
    house.answers("payment:p1", failed(3));
    house.sell("s1", "o1").await;
    house.consume().await;
    house
        .until("the first try", async || house.calls().len() == 1)
        .await;
    // The first wait is 2 s and up to as much again in jitter, the second twice that.
    house.pass(Duration::from_millis(1_750)).await;
    assert_eq!(house.calls().len(), 1);
    house.pass(Duration::from_millis(2_750)).await;
    house
        .until("the second try", async || {
            house.pass(Duration::from_millis(250)).await;
            house.calls().len() == 2
        })
        .await;
    house.pass(Duration::from_millis(3_500)).await;
    assert_eq!(house.calls().len(), 2);
    house.pass(Duration::from_secs(5)).await;
    house
        .until("the third try", async || {
            house.pass(Duration::from_millis(250)).await;
            house.calls().len() == 3
        })
        .await;
    house
        .until("a dead letter", async || house.letters().await.len() == 1)
        .await;
    house.stop_consuming().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn standing_behind_another_uses_up_no_time_to_try() {
    let mut house = House::new().await;
    house.store("s1").await;
    house.sell("s1", "o1").await;
    house.consume().await;
    house.documents("o1", &["payment:p1"]).await;
    // The first waits nearly as long as a retry may; then the second is asked to come again, too.
    house.answers("refund:r1", [later(3_500), later(200)]);
    house.answers("refund:r2", [later(10)]);
    house.refund("o1", "r1").await;
    house.refund("o1", "r2").await;
    house
        .until("both parked", async || {
            house.app.status().await.expect("status").parked == 2
        })
        .await;
    for (wait, calls) in [(3_500, 3), (200, 5)] {
        house.clock.advance(Duration::from_secs(wait));
        house
            .until(&format!("{calls} calls"), async || {
                // Slowly: on a busy machine the clock must not run away from the calls.
                house.pass(Duration::from_millis(250)).await;
                tokio::time::sleep(Duration::from_millis(50)).await;
                house.calls().len() >= calls
            })
            .await;
    }
    house.pass(Duration::from_secs(12)).await;
    let all = ["payment:p1", "refund:r1", "refund:r2"];
    house.documents("o1", &all).await;
    house.stop_consuming().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refund_does_not_wait_for_a_payment_its_plugin_was_never_asked_about() {
    let mut house = House::new().await;
    house.store("s1").await;
    house.sell("s1", "o1").await;
    house.consume().await;
    house.documents("o1", &["payment:p1"]).await;
    house
        .until("a settled payment", async || {
            let at = house.item("payment:p1").await.event.position;
            house
                .app
                .resume("PAYMENT_GROUP")
                .await
                .expect("a position")
                .0
                >= at
        })
        .await;
    house.stop_consuming().await;
    house.refit(vec![slot("archive", OnDeadLetter::Hold)]);
    house.refund("o1", "r1").await;
    house.consume().await;
    house.documents("o1", &["payment:p1", "refund:r1"]).await;
    house.stop_consuming().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refund_whose_payment_never_comes_becomes_a_dead_letter() {
    let mut house = House::new().await;
    house.store("s1").await;
    house.order("s1", "o1").await;
    house.refund("o1", "r1").await;
    house.consume().await;
    house
        .until("a parked refund", async || {
            house.app.status().await.expect("status").parked == 1
        })
        .await;
    house.clock.advance(Duration::from_secs(25 * 3_600));
    house
        .until("a dead letter", async || {
            house.pass(Duration::from_secs(1)).await;
            house.letters().await.len() == 1
        })
        .await;
    house.stop_consuming().await;
}
