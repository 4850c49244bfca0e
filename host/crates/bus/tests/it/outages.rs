//! The database fails once, at each operation in turn.

use crate::host::TestHost;
use crate::script::{failed, later};
use crate::shaky::Failing;
use futures_util::future::join_all;
use galleria_bus::ConsumerConfig;
use std::time::Duration;

const EVENTS: usize = 5;

/// A sequence of events with a retry, an event that waits for its cause, and one that is set aside.
async fn scenario() -> TestHost {
    let host = TestHost::new().await;
    host.store("s1").await;
    host.fail_with("payment:p1", [later(3)]);
    host.fail_with("payment:p2", failed(1));
    host.order("s1", "o1").await;
    host.refund("o1", "r1").await;
    host.refund("o1", "r2").await;
    host.pay("o1").await;
    host.sell("s1", "o2").await;
    host.sell("s1", "o3").await;
    host
}

/// Runs the scenario with a failure after some operations; returns whether the failure occurred.
async fn survives(operations: usize, how: Failing) -> bool {
    let mut host = scenario().await;
    let mut config = ConsumerConfig::new(2, 1);
    config.store_backlog = 2;
    host.shaky.fail_after(operations, how);
    host.consume_with(config).await;
    // The test's own reads do not fail.
    let observer = host.observer();
    host.until(
        &format!("everything, without operation {operations} ({how:?})"),
        async || {
            host.advance(Duration::from_secs(2)).await;
            let mut done = 0;
            for order in ["o1", "o2", "o3"] {
                let found = observer.documents.list_by_order(order).await;
                done += found.expect("documents").len();
            }
            let parked = observer.operations.status().await.expect("status").parked;
            done == EVENTS && parked == 0
        },
    )
    .await;
    let failed = host.shaky.has_failed();
    host.shaky.never_fail();
    host.stop_consuming().await;
    let place = |event: &str| {
        host.called_events()
            .iter()
            .position(|called| called == event)
    };
    assert!(place("payment:p1") < place("refund:r1"));
    assert!(place("refund:r1") < place("refund:r2"));
    assert_eq!(
        observer
            .operations
            .status()
            .await
            .expect("status")
            .dead_letters,
        0
    );
    failed
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failure_at_any_operation_loses_and_repeats_nothing() {
    for how in [Failing::Before, Failing::After] {
        // The first six operations are the consumer's start, which returns its error to the caller.
        let all: Vec<_> = (6..70).collect();
        for some in all.chunks(4) {
            let scenarios = some.iter().map(|operations| survives(*operations, how));
            let failed = join_all(scenarios).await;
            assert!(failed.iter().all(|failed| *failed), "{failed:?}");
        }
    }
}
