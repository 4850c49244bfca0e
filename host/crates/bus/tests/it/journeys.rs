//! Once: whatever is repeated.

use super::House;
use galleria_app::handling::Settled;
use galleria_domain::event::topic;

#[tokio::test(flavor = "multi_thread")]
async fn the_same_event_twice_has_one_effect() {
    let house = House::new().await;
    house.store("s1").await;
    house.sell("s1", "o1").await;
    let groups = house.app.groups();
    let payments = groups
        .iter()
        .find(|group| group.topics() == [topic::POST_PAYMENT_SUCCESS])
        .expect("the payment group");
    let events = house.app.events_after(payments, 0, 10).await;
    let event = events.expect("events").remove(0);
    let items = house.app.route(&payments.name, &event).await;
    let item = items.expect("items").remove(0);
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
