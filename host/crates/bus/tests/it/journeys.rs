//! Once: whatever is repeated.

use super::{House, failed, later, slot};
use galleria_app::handling::Settled;
use galleria_domain::plugin::OnDeadLetter;
use galleria_ports::clock::Clock as _;
use galleria_ports::records::{ParkedEvent, ParkedState, Records};
use std::time::Duration;

#[tokio::test(flavor = "multi_thread")]
async fn the_same_event_twice_has_one_effect() {
    let house = House::new().await;
    house.store("s1").await;
    house.sell("s1", "o1").await;
    let item = house.item("payment:p1").await;
    let event = item.event.clone();
    // At once, as two replicas might, and once more afterwards.
    let (one, other) = tokio::join!(
        house.app.handle(&item, event.position - 1),
        house.app.handle(&item, event.position - 1)
    );
    for handled in [one, other, house.app.handle(&item, event.position).await] {
        assert_eq!(handled.expect("handled").settled, Settled::Done);
    }
    house.documents("o1", &["payment:p1"]).await;
    let journal = house.app.journal_of_order("o1").await.expect("a journal");
    assert_eq!(journal.len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn positions_are_kept_with_the_effects() {
    let mut house = House::new().await;
    house.store("s1").await;
    for n in 1..=20 {
        house.sell("s1", &format!("o{n}")).await;
    }
    house.consume().await;
    house
        .until("settled positions", async || {
            let (position, closed) = house.app.resume("PAYMENT_GROUP").await.expect("a position");
            position >= 20 && closed.is_empty()
        })
        .await;
    house.stop_consuming().await;
    assert_eq!(house.calls().len(), 20);
    house.consume().await;
    house.sell("s1", "o21").await;
    house.documents("o21", &["payment:p21"]).await;
    assert_eq!(house.calls().len(), 21, "nothing was called again");
    house.stop_consuming().await;
    drop(house.app);
    house.db.close().await.expect("closed");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_event_is_settled_only_when_every_subscriber_has_done() {
    let slots = ["papers", "copies"].map(|name| slot(name, OnDeadLetter::Hold));
    let mut house = House::of(slots.into()).await;
    house.store("s1").await;
    house.store("s2").await;
    house.sell("s1", "o1").await;
    // One subscriber is tried again while the other is still at its first attempt.
    house.answers("payment:p1", [later(1)]);
    let copies = house.hold("payment:p1/copies");
    house.consume().await;
    let written = async |order, count| {
        house
            .until(&format!("{count} documents of {order}"), async || {
                house.pass(Duration::from_millis(500)).await;
                let found = house.app.documents_of_order(order).await;
                found.expect("documents").len() == count
            })
            .await;
    };
    written("o1", 1).await;
    house.sell("s2", "o2").await;
    written("o2", 2).await;
    house.sell("s2", "o3").await;
    written("o3", 2).await;
    let open = house.item("payment:p1").await.event.position;
    let (settled, _) = house.app.resume("PAYMENT_GROUP").await.expect("a position");
    assert!(
        settled < open,
        "{settled}: a crash would lose the event at {open}"
    );
    copies.open();
    written("o1", 2).await;
    house.stop_consuming().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failure_after_the_effect_parks_nothing() {
    let house = House::new().await;
    house.store("s1").await;
    house.sell("s1", "o1").await;
    let item = house.item("payment:p1").await;
    let gate = house.hold("payment:p1");
    let slow = tokio::spawn({
        let (app, item) = (house.app.clone(), item.clone());
        async move { app.handle(&item, 0).await }
    });
    house
        .until("the slow call", async || house.calls().len() == 1)
        .await;
    house.hold_no_more("payment:p1");
    house.app.handle(&item, 0).await.expect("handled");
    house.answers("payment:p1", [later(10)]);
    gate.open();
    let slow = slow.await.expect("no panic").expect("handled");
    assert_eq!(slow.settled, Settled::Done);
    assert_eq!(house.app.status().await.expect("status").parked, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_parked_after_its_effect_leaves_its_lane() {
    let mut house = House::new().await;
    house.store("s1").await;
    house.sell("s1", "o1").await;
    let item = house.item("payment:p1").await;
    let parked = ParkedEvent {
        group: item.group.clone(),
        subscriber: item.subscriber.clone(),
        lane: item.lane.clone(),
        event: item.event.clone(),
        state: ParkedState::Retry,
        attempts: 1,
        due_at: house.clock.now(),
        since: house.clock.now(),
        waits_for: None,
        cause: "another host saw it fail".into(),
    };
    house.app.handle(&item, 0).await.expect("handled");
    let records: &dyn Records = &house.db;
    let put = records.write(move |tx| {
        let parked = parked.clone();
        Box::pin(async move { tx.parked_put(&parked).await })
    });
    put.await.expect("parked");
    house.consume().await;
    house
        .until("an empty park", async || {
            house.pass(Duration::from_millis(250)).await;
            house.app.status().await.expect("status").parked == 0
        })
        .await;
    house.stop_consuming().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dead_letter_that_is_read_again_stays_one() {
    let mut house = House::with(OnDeadLetter::Continue).await;
    house.store("s1").await;
    house.sell("s1", "o1").await;
    house.answers("payment:p1", failed(1));
    let mut item = house.item("payment:p1").await;
    item.attempts = 2;
    house.app.handle(&item, 0).await.expect("handled");
    assert_eq!(house.letters().await.len(), 1);
    // The position was not stored: the log is read again.
    house.consume().await;
    house.sell("s1", "o2").await;
    house.documents("o2", &["payment:p2"]).await;
    house.documents("o1", &[]).await;
    assert_eq!(house.calls().len(), 2, "{:?}", house.calls());
    house.stop_consuming().await;
}
