//! Dead letters, restarts, and stores that keep everybody busy.

use super::{House, failed, later};
use galleria_app::handling::{Settled, Verdict};
use galleria_bus::ConsumerConfig;
use galleria_domain::plugin::OnDeadLetter;
use galleria_domain::{CallFault, Fault, Problem};
use std::time::Duration;

fn invalid() -> CallFault {
    CallFault::Guest(Fault::Invalid(vec![Problem::new("lines", "too many")]))
}

async fn with_dead_payment(on_dead_letter: OnDeadLetter) -> House {
    let mut house = House::with(on_dead_letter).await;
    house.store("s1").await;
    house.answers("payment:p1", [invalid()]);
    house.sell("s1", "o1").await;
    house.refund("o1", "r1").await;
    house.consume().await;
    house
        .until("a dead letter", async || house.letters().await.len() == 1)
        .await;
    house.pass(Duration::from_secs(2)).await;
    house
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dead_letter_holds_what_depends_on_it_until_it_is_replayed() {
    let mut house = with_dead_payment(OnDeadLetter::Hold).await;
    assert_eq!(house.calls().len(), 1);
    let settle = house.settle("payment:p1", Verdict::Replay);
    settle.await.expect("replayed");
    house.pass(Duration::from_secs(2)).await;
    house.documents("o1", &["payment:p1", "refund:r1"]).await;
    assert!(house.letters().await.is_empty());
    house.stop_consuming().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_discarded_letter_lets_the_next_pass_and_never_comes_back() {
    let mut house = with_dead_payment(OnDeadLetter::Hold).await;
    let settle = house.settle("payment:p1", Verdict::Discard);
    settle.await.expect("discarded");
    house.pass(Duration::from_secs(2)).await;
    house.documents("o1", &["refund:r1"]).await;
    let again = house.settle("payment:p1", Verdict::Replay).await;
    assert!(again.is_err());
    house.stop_consuming().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_retailer_may_let_the_next_pass_at_once() {
    let mut house = with_dead_payment(OnDeadLetter::Continue).await;
    house.documents("o1", &["refund:r1"]).await;
    let settle = house.settle("payment:p1", Verdict::Replay);
    settle.await.expect("replayed");
    house.pass(Duration::from_secs(2)).await;
    house.documents("o1", &["payment:p1", "refund:r1"]).await;
    house.stop_consuming().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_restart_keeps_attempts_and_goes_on_where_it_stopped() {
    let mut house = House::new().await;
    house.store("s1").await;
    house.answers("payment:p1", failed(2));
    house.sell("s1", "o1").await;
    house.sell("s1", "o2").await;
    house.consume().await;
    house.documents("o2", &["payment:p2"]).await;
    house
        .until("the first try", async || {
            house.calls().contains(&("payment:p1".into(), 1))
        })
        .await;
    house.stop_consuming().await;
    house.consume().await;
    house.sell("s1", "o3").await;
    house.documents("o3", &["payment:p3"]).await;
    house.pass(Duration::from_secs(60)).await;
    house.documents("o1", &["payment:p1"]).await;
    let mut calls = house.calls();
    calls.sort();
    let expected = [
        ("payment:p1", 1),
        ("payment:p1", 2),
        ("payment:p1", 3),
        ("payment:p2", 1),
        ("payment:p3", 1),
    ];
    assert_eq!(calls, expected.map(|(event, n)| (event.to_owned(), n)));
    house.stop_consuming().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_store_with_much_to_do_is_set_aside_and_still_gets_everything_done() {
    let mut house = House::new().await;
    house.store("busy").await;
    house.store("calm").await;
    for n in 1..=40 {
        house.sell("busy", &format!("o{n}")).await;
    }
    house.sell("calm", "o99").await;
    let mut config = ConsumerConfig::new(2, 1);
    config.store_backlog = 3;
    house.consume_with(config).await;
    house.documents("o99", &["payment:p99"]).await;
    house
        .until("everything done", async || {
            house.pass(Duration::from_secs(3)).await;
            house.called().len() == 41 && house.app.status().await.expect("status").parked == 0
        })
        .await;
    assert_eq!(house.calls().len(), 41, "each exactly once");
    house.stop_consuming().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_store_with_much_parked_does_not_hide_what_others_have_parked() {
    let mut house = House::new().await;
    house.store("busy").await;
    house.store("calm").await;
    house.answers("payment:p999", [later(10)]);
    house.sell("calm", "o999").await;
    let calm = house.item("payment:p999").await;
    let parked = house.app.handle(&calm, 0).await.expect("handled");
    assert_eq!(parked.settled, Settled::Parked);
    for n in 1..=250 {
        house.sell("busy", &format!("o{n}")).await;
    }
    for n in 1..=250 {
        let item = house.item(&format!("payment:p{n}")).await;
        house.app.park_aside(&item, 0).await.expect("parked");
    }
    // All of the busy store is due before the other's retry, and its one call never ends.
    let busy = house.hold("busy");
    let mut config = ConsumerConfig::new(2, 1);
    config.store_backlog = 1_000;
    house.consume_with(config).await;
    house.pass(Duration::from_secs(12)).await;
    house
        .until("the calm store's retry", async || {
            house.pass(Duration::from_secs(1)).await;
            let found = house.app.documents_of_order("o999").await;
            found.expect("documents").len() == 1
        })
        .await;
    busy.open();
    house.stop_consuming().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn stores_that_fill_the_window_make_way_for_others() {
    let mut house = House::new().await;
    let mut gates = Vec::new();
    for store in ["slow1", "slow2", "slow3"] {
        house.store(store).await;
        gates.push(house.hold(store));
        // Together more than is read in two pages.
        for n in 0..135 {
            house.sell(store, &format!("{store}-o{n}")).await;
        }
    }
    house.store("calm").await;
    house.sell("calm", "o999").await;
    let mut config = ConsumerConfig::new(4, 1);
    config.window = 12;
    house.consume_with(config).await;
    house
        .until("the calm store's document", async || {
            house.pass(Duration::from_millis(500)).await;
            let found = house.app.documents_of_order("o999").await;
            found.expect("documents").len() == 1
        })
        .await;
    for gate in gates {
        gate.open();
    }
    house.stop_consuming().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_decision_that_cannot_be_applied_keeps_nobody_waiting() {
    let mut house = House::new().await;
    house.store("s1").await;
    house.unusable("payment:p1");
    house.sell("s1", "o1").await;
    house.consume().await;
    house
        .until("the first call", async || house.calls().len() == 1)
        .await;
    // No time passes: nobody may sleep over it.
    house.sell("s1", "o2").await;
    house.documents("o2", &["payment:p2"]).await;
    house.documents("o1", &[]).await;
    house.stop_consuming().await;
}
