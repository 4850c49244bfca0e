//! Every event has one effect, whatever is repeated.

use crate::host::TestHost;
use crate::script::{failed, later, slot};
use galleria_app::events::{HandlingOutcome, Progress};
use galleria_domain::plugin::OnDeadLetter;
use galleria_ports::clock::Clock as _;
use galleria_ports::in_tx;
use galleria_ports::records::{ParkedEvent, ParkedState, Records};
use std::time::Duration;

#[tokio::test(flavor = "multi_thread")]
async fn the_same_event_twice_has_one_effect() {
    let host = TestHost::new().await;
    host.store("s1").await;
    host.sell("s1", "o1").await;
    let item = host.item("payment:p1").await;
    let event = item.event.clone();
    // Concurrently, as on two replicas, and once more afterwards.
    let (one, other) = tokio::join!(
        host.app
            .events
            .handle(&item, Progress::to(event.position - 1, 0)),
        host.app
            .events
            .handle(&item, Progress::to(event.position - 1, 0))
    );
    for handled in [
        one,
        other,
        host.app
            .events
            .handle(&item, Progress::to(event.position, 0))
            .await,
    ] {
        assert_eq!(handled.expect("handled").outcome, HandlingOutcome::Done);
    }
    host.expect_documents("o1", &["payment:p1"]).await;
    let journal = host
        .app
        .events
        .journal_of_order("o1")
        .await
        .expect("a journal");
    assert_eq!(journal.len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn positions_are_stored_with_the_effects() {
    let mut host = TestHost::new().await;
    host.store("s1").await;
    for n in 1..=20 {
        host.sell("s1", &format!("o{n}")).await;
    }
    host.consume().await;
    host.until("settled positions", async || {
        let (position, closed) = host
            .app
            .events
            .resume("PAYMENT_GROUP")
            .await
            .expect("a position");
        position >= 20 && closed.is_empty()
    })
    .await;
    host.stop_consuming().await;
    assert_eq!(host.calls().len(), 20);
    host.consume().await;
    host.sell("s1", "o21").await;
    host.expect_documents("o21", &["payment:p21"]).await;
    assert_eq!(host.calls().len(), 21, "nothing was called again");
    host.stop_consuming().await;
    drop(host.app);
    host.db.close().await.expect("closed");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_event_is_settled_only_after_every_subscriber() {
    let slots = ["papers", "copies"].map(|name| slot(name, OnDeadLetter::Hold));
    let mut host = TestHost::of(slots.into()).await;
    host.store("s1").await;
    host.store("s2").await;
    host.sell("s1", "o1").await;
    // One subscriber is retried while the other is still in its first attempt.
    host.fail_with("payment:p1", [later(1)]);
    let copies = host.hold("payment:p1/copies");
    host.consume().await;
    let written = async |order, count| {
        host.until(&format!("{count} documents of {order}"), async || {
            host.advance(Duration::from_millis(500)).await;
            let found = host.app.documents.list_by_order(order).await;
            found.expect("documents").len() == count
        })
        .await;
    };
    written("o1", 1).await;
    host.sell("s2", "o2").await;
    written("o2", 2).await;
    host.sell("s2", "o3").await;
    written("o3", 2).await;
    let open = host.item("payment:p1").await.event.position;
    let (settled, _) = host
        .app
        .events
        .resume("PAYMENT_GROUP")
        .await
        .expect("a position");
    assert!(
        settled < open,
        "{settled}: a crash would lose the event at {open}"
    );
    copies.open();
    written("o1", 2).await;
    host.stop_consuming().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failure_after_the_effect_parks_nothing() {
    let host = TestHost::new().await;
    host.store("s1").await;
    host.sell("s1", "o1").await;
    let item = host.item("payment:p1").await;
    let gate = host.hold("payment:p1");
    let slow = tokio::spawn({
        let (app, item) = (host.app.clone(), item.clone());
        async move { app.events.handle(&item, Progress::default()).await }
    });
    host.until("the slow call", async || host.calls().len() == 1)
        .await;
    host.stop_holding("payment:p1");
    host.app
        .events
        .handle(&item, Progress::default())
        .await
        .expect("handled");
    host.fail_with("payment:p1", [later(10)]);
    gate.open();
    let slow = slow.await.expect("no panic").expect("handled");
    assert_eq!(slow.outcome, HandlingOutcome::Done);
    assert_eq!(
        host.app.operations.status().await.expect("status").parked,
        0
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn an_event_parked_after_its_effect_leaves_its_lane() {
    let mut host = TestHost::new().await;
    host.store("s1").await;
    host.sell("s1", "o1").await;
    let item = host.item("payment:p1").await;
    let parked = ParkedEvent {
        group: item.group.clone(),
        subscriber: item.subscriber.clone(),
        lane: item.lane.clone(),
        event: item.event.clone(),
        state: ParkedState::Retry,
        attempts: 1,
        due_at: host.clock.now(),
        since: host.clock.now(),
        waits_for: None,
        cause: "failed on another host".into(),
    };
    host.app
        .events
        .handle(&item, Progress::default())
        .await
        .expect("handled");
    let records: &dyn Records = &host.db;
    let put = records.write(in_tx!(|tx, parked| tx.parked_put(&parked).await));
    put.await.expect("parked");
    host.consume().await;
    host.until("no parked events", async || {
        host.advance(Duration::from_millis(250)).await;
        host.app.operations.status().await.expect("status").parked == 0
    })
    .await;
    host.stop_consuming().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dead_letter_that_is_read_again_is_not_retried() {
    let mut host = TestHost::with(OnDeadLetter::Continue).await;
    host.store("s1").await;
    host.sell("s1", "o1").await;
    host.fail_with("payment:p1", failed(1));
    let mut item = host.item("payment:p1").await;
    item.attempts = 2;
    host.app
        .events
        .handle(&item, Progress::default())
        .await
        .expect("handled");
    assert_eq!(host.dead_letters().await.len(), 1);
    // The position was not stored, so the log is read again.
    host.consume().await;
    host.sell("s1", "o2").await;
    host.expect_documents("o2", &["payment:p2"]).await;
    host.expect_documents("o1", &[]).await;
    assert_eq!(host.calls().len(), 2, "{:?}", host.calls());
    host.stop_consuming().await;
}
