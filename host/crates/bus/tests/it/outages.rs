//! The database fails once, at every place in turn.

use super::shaky::Failing;
use super::{House, failed, later};
use futures_util::future::join_all;
use galleria_bus::ConsumerConfig;
use std::time::Duration;

const EVENTS: usize = 5;

/// A morning in which something is tried again, something waits for its cause, and something is
/// set aside.
async fn morning() -> House {
    let house = House::new().await;
    house.store("s1").await;
    house.answers("payment:p1", [later(3)]);
    house.answers("payment:p2", failed(1));
    house.order("s1", "o1").await;
    house.refund("o1", "r1").await;
    house.refund("o1", "r2").await;
    house.pay("o1").await;
    house.sell("s1", "o2").await;
    house.sell("s1", "o3").await;
    house
}

/// Whether the database has failed before everything was done.
async fn survives(operations: usize, how: Failing) -> bool {
    let mut house = morning().await;
    let mut config = ConsumerConfig::new(2, 1);
    config.store_backlog = 2;
    house.shaky.fail_after(operations, how);
    house.consume_with(config).await;
    // What the test itself looks at does not fail.
    let eyes = house.eyes();
    house
        .until(
            &format!("everything, without operation {operations} ({how:?})"),
            async || {
                house.pass(Duration::from_secs(2)).await;
                let mut done = 0;
                for order in ["o1", "o2", "o3"] {
                    let found = eyes.documents_of_order(order).await;
                    done += found.expect("documents").len();
                }
                let parked = eyes.status().await.expect("status").parked;
                done == EVENTS && parked == 0
            },
        )
        .await;
    let failed = house.shaky.has_failed();
    house.shaky.never_fail();
    house.stop_consuming().await;
    let place = |event: &str| house.called().iter().position(|called| called == event);
    assert!(place("payment:p1") < place("refund:r1"));
    assert!(place("refund:r1") < place("refund:r2"));
    assert_eq!(eyes.status().await.expect("status").dead_letters, 0);
    failed
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failure_at_any_place_loses_and_repeats_nothing() {
    for how in [Failing::Before, Failing::After] {
        // The first six are the consumer's start, whose failure its caller hears of.
        let all: Vec<_> = (6..70).collect();
        for some in all.chunks(4) {
            let mornings = some.iter().map(|operations| survives(*operations, how));
            let failed = join_all(mornings).await;
            assert!(failed.iter().all(|failed| *failed), "{failed:?}");
        }
    }
}
