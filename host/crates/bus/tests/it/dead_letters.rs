//! Dead letters, restarts, and busy stores.

use crate::host::TestHost;
use crate::script::{failed, later};
use galleria_app::events::{HandlingOutcome, Progress, Verdict};
use galleria_bus::ConsumerConfig;
use galleria_domain::plugin::OnDeadLetter;
use galleria_domain::{CallFault, Fault, HostFault, Problem};
use std::collections::BTreeSet;
use std::time::Duration;

fn invalid() -> CallFault {
    CallFault::Guest(Fault::Invalid(vec![Problem::new("lines", "too many")]))
}

async fn with_dead_payment(on_dead_letter: OnDeadLetter) -> TestHost {
    let mut host = TestHost::with(on_dead_letter).await;
    host.store("s1").await;
    host.fail_with("payment:p1", [invalid()]);
    host.sell("s1", "o1").await;
    host.refund("o1", "r1").await;
    host.consume().await;
    host.until("a dead letter", async || {
        host.dead_letters().await.len() == 1
    })
    .await;
    host.advance(Duration::from_secs(2)).await;
    host
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dead_letter_holds_later_events_until_it_is_replayed() {
    let mut host = with_dead_payment(OnDeadLetter::Hold).await;
    assert_eq!(host.calls().len(), 1);
    let settle = host.settle("payment:p1", Verdict::Replay);
    settle.await.expect("replayed");
    host.advance(Duration::from_secs(2)).await;
    host.expect_documents("o1", &["payment:p1", "refund:r1"])
        .await;
    assert!(host.dead_letters().await.is_empty());
    host.stop_consuming().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_discarded_dead_letter_releases_the_next_events_and_cannot_be_replayed() {
    let mut host = with_dead_payment(OnDeadLetter::Hold).await;
    let settle = host.settle("payment:p1", Verdict::Discard);
    settle.await.expect("discarded");
    host.advance(Duration::from_secs(2)).await;
    host.expect_documents("o1", &["refund:r1"]).await;
    let again = host.settle("payment:p1", Verdict::Replay).await;
    assert!(again.is_err());
    host.stop_consuming().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_retailer_may_continue_after_a_dead_letter() {
    let mut host = with_dead_payment(OnDeadLetter::Continue).await;
    host.expect_documents("o1", &["refund:r1"]).await;
    let settle = host.settle("payment:p1", Verdict::Replay);
    settle.await.expect("replayed");
    host.advance(Duration::from_secs(2)).await;
    host.expect_documents("o1", &["payment:p1", "refund:r1"])
        .await;
    host.stop_consuming().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_restart_keeps_attempts_and_continues() {
    let mut host = TestHost::new().await;
    host.store("s1").await;
    host.fail_with("payment:p1", failed(2));
    host.sell("s1", "o1").await;
    host.sell("s1", "o2").await;
    host.consume().await;
    host.expect_documents("o2", &["payment:p2"]).await;
    host.until("the first try", async || {
        host.calls().contains(&("payment:p1".into(), 1))
    })
    .await;
    host.stop_consuming().await;
    host.consume().await;
    host.sell("s1", "o3").await;
    host.expect_documents("o3", &["payment:p3"]).await;
    host.advance(Duration::from_secs(60)).await;
    host.expect_documents("o1", &["payment:p1"]).await;
    let mut calls = host.calls();
    calls.sort();
    let expected = [
        ("payment:p1", 1),
        ("payment:p1", 2),
        ("payment:p1", 3),
        ("payment:p2", 1),
        ("payment:p3", 1),
    ];
    assert_eq!(calls, expected.map(|(event, n)| (event.to_owned(), n)));
    let journal = host.app.events.journal_of_order("o1").await;
    let journal = journal.expect("a journal");
    assert_eq!(journal.len(), 3);
    let arguments: BTreeSet<_> = journal.iter().map(|row| &row.argument).collect();
    assert_eq!(arguments.len(), 1, "all attempts share one text");
    host.stop_consuming().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn events_of_a_busy_store_are_set_aside_and_all_handled() {
    let mut host = TestHost::new().await;
    host.store("busy").await;
    host.store("calm").await;
    for n in 1..=40 {
        host.sell("busy", &format!("o{n}")).await;
    }
    host.sell("calm", "o99").await;
    let mut config = ConsumerConfig::new(2, 1);
    config.store_backlog = 3;
    host.consume_with(config).await;
    host.expect_documents("o99", &["payment:p99"]).await;
    host.until("all events handled", async || {
        host.advance(Duration::from_secs(3)).await;
        host.called_events().len() == 41
            && host.app.operations.status().await.expect("status").parked == 0
    })
    .await;
    assert_eq!(host.calls().len(), 41, "each exactly once");
    host.stop_consuming().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_backlog_waits_in_memory() {
    let mut host = TestHost::new().await;
    host.store("busy").await;
    host.store("calm").await;
    for n in 1..=300 {
        host.sell("busy", &format!("o{n}")).await;
    }
    // The last event of the log, so that all others are read before it.
    host.sell("calm", "o999").await;
    let busy = host.hold("busy");
    host.consume().await;
    host.expect_documents("o999", &["payment:p999"]).await;
    assert_eq!(host.parked_count().await, 0);
    busy.open();
    host.stop_consuming().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn many_parked_events_of_a_store_do_not_hide_those_of_others() {
    let mut host = TestHost::new().await;
    host.store("busy").await;
    host.store("calm").await;
    host.fail_with("payment:p999", [later(10)]);
    host.sell("calm", "o999").await;
    let calm = host.item("payment:p999").await;
    let parked = host
        .app
        .events
        .handle(&calm, Progress::default())
        .await
        .expect("handled");
    assert_eq!(parked.outcome, HandlingOutcome::Parked);
    for n in 1..=250 {
        host.sell("busy", &format!("o{n}")).await;
    }
    for n in 1..=250 {
        let item = host.item(&format!("payment:p{n}")).await;
        host.app
            .events
            .park_aside(&item, Progress::default())
            .await
            .expect("parked");
    }
    // All events of the busy store are due before the other's retry, and its one call never ends.
    let busy = host.hold("busy");
    let mut config = ConsumerConfig::new(2, 1);
    config.store_backlog = 1_000;
    host.consume_with(config).await;
    host.advance(Duration::from_secs(12)).await;
    host.until("the calm store's retry", async || {
        host.advance(Duration::from_secs(1)).await;
        let found = host.app.documents.list_by_order("o999").await;
        found.expect("documents").len() == 1
    })
    .await;
    busy.open();
    host.stop_consuming().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn stores_that_fill_the_window_do_not_block_others() {
    let mut host = TestHost::new().await;
    let mut gates = Vec::new();
    for store in ["slow1", "slow2", "slow3"] {
        host.store(store).await;
        gates.push(host.hold(store));
        // Together more than two pages.
        for n in 0..135 {
            host.sell(store, &format!("{store}-o{n}")).await;
        }
    }
    host.store("calm").await;
    host.sell("calm", "o999").await;
    let mut config = ConsumerConfig::new(4, 1);
    config.window = 12;
    host.consume_with(config).await;
    host.until("the calm store's document", async || {
        host.advance(Duration::from_millis(500)).await;
        let found = host.app.documents.list_by_order("o999").await;
        found.expect("documents").len() == 1
    })
    .await;
    for gate in gates {
        gate.open();
    }
    host.stop_consuming().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_decision_that_cannot_be_applied_delays_no_other_event() {
    let mut host = TestHost::new().await;
    host.store("s1").await;
    host.make_unusable("payment:p1").await;
    host.sell("s1", "o1").await;
    host.consume().await;
    host.until("the first call", async || host.calls().len() == 1)
        .await;
    // The clock does not advance: nothing may sleep because of it.
    host.sell("s1", "o2").await;
    host.expect_documents("o2", &["payment:p2"]).await;
    host.expect_documents("o1", &[]).await;
    host.stop_consuming().await;
}

fn out_of_cpu() -> CallFault {
    CallFault::Host(HostFault::OutOfCpu(50))
}

/// Advances the clock until an order has this many attempts in the journal. Returns their outcomes.
async fn outcomes(host: &TestHost, order: &str, count: usize) -> Vec<String> {
    let journal = async || host.app.events.journal_of_order(order).await;
    host.until("all attempts", async || {
        host.advance(Duration::from_secs(1)).await;
        journal().await.expect("a journal").len() >= count
    })
    .await;
    let journal = journal().await.expect("a journal");
    journal.into_iter().map(|attempt| attempt.outcome).collect()
}

/// Another plugin and another event neither interrupt nor continue a row of attempts.
#[tokio::test(flavor = "multi_thread")]
async fn out_of_cpu_twice_in_a_row_is_a_dead_letter() {
    let mut host = TestHost::new().await;
    host.store("s1").await;
    host.store("s2").await;
    host.fail_with("payment:p1", vec![out_of_cpu(); 9]);
    host.fail_with("payment:p2", [out_of_cpu()]);
    host.sell("s1", "o1").await;
    host.sell("s2", "o2").await;
    host.consume().await;
    assert_eq!(outcomes(&host, "o2", 2).await, ["out_of_cpu", "applied"]);
    host.until("a dead letter", async || {
        host.advance(Duration::from_secs(1)).await;
        host.dead_letters().await.len() == 1
    })
    .await;
    let letter = &host.dead_letters().await[0];
    assert_eq!((&*letter.code, letter.attempts), ("out_of_cpu", 2));
    // The first attempt after a replay begins a new row.
    let settle = host.settle("payment:p1", Verdict::Replay);
    settle.await.expect("replayed");
    assert_eq!(outcomes(&host, "o1", 4).await, ["out_of_cpu"; 4]);
    host.until("a dead letter again", async || {
        host.dead_letters().await.len() == 1
    })
    .await;
    assert_eq!(host.dead_letters().await[0].attempts, 2);
    host.stop_consuming().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn another_fault_interrupts_the_row_of_out_of_cpu() {
    let mut host = TestHost::new().await;
    host.store("s1").await;
    let faults = [out_of_cpu(), later(1), out_of_cpu(), later(1), out_of_cpu()];
    // A payment has three tries; a request for a retry is limited by age, and counts as an attempt.
    host.fail_with("payment:p1", faults);
    host.sell("s1", "o1").await;
    host.consume().await;
    let expected = ["out_of_cpu", "retry", "out_of_cpu"];
    assert_eq!(outcomes(&host, "o1", 3).await, expected);
    host.until("a dead letter", async || {
        host.dead_letters().await.len() == 1
    })
    .await;
    assert_eq!(host.dead_letters().await[0].attempts, 3, "by its tries");
    host.stop_consuming().await;
}

/// PostgreSQL refuses the character in a text, and the host would fail instead of the plugin.
#[tokio::test(flavor = "multi_thread")]
async fn a_fault_is_recorded_without_nul() {
    let mut host = TestHost::new().await;
    host.store("s1").await;
    let problem = Problem::new("li\0nes", "too\0many");
    host.fail_with(
        "payment:p1",
        [CallFault::Guest(Fault::Invalid(vec![problem]))],
    );
    host.sell("s1", "o1").await;
    host.consume().await;
    host.until("a dead letter", async || {
        host.dead_letters().await.len() == 1
    })
    .await;
    let letter = &host.dead_letters().await[0];
    assert_eq!(
        (&*letter.code, &*letter.detail),
        ("invalid", "li\u{fffd}nes: too\u{fffd}many")
    );
    host.stop_consuming().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_store_is_charged_for_the_time_in_which_it_occupies_a_worker() {
    let mut host = TestHost::new().await;
    for store in ["blocked", "a-slow", "calm"] {
        host.store(store).await;
    }
    // One worker stays for the two other stores.
    let blocked = host.hold("blocked");
    let slow = host.hold("payment:p1");
    host.sell("blocked", "o9").await;
    host.sell("a-slow", "o1").await;
    host.sell("a-slow", "o2").await;
    host.consume_with(ConsumerConfig::new(2, 1)).await;
    host.until("both calls", async || host.calls().len() == 2)
        .await;
    host.sell("calm", "o3").await;
    host.sell("calm", "o4").await;
    host.advance(Duration::from_secs(5)).await;
    slow.open();
    host.until("all calls", async || host.calls().len() == 5)
        .await;
    assert_eq!(
        host.called_events()[2..],
        ["payment:p3", "payment:p4", "payment:p2"]
    );
    blocked.open();
    host.stop_consuming().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_store_does_not_take_the_file_name_of_another() {
    let mut host = TestHost::new().await;
    host.use_one_name();
    host.store("s1").await;
    host.store("s2").await;
    host.sell("s1", "o1").await;
    host.sell("s2", "o2").await;
    host.consume().await;
    for order in ["o1", "o2"] {
        let written = async || {
            let documents = host.app.documents.list_by_order(order).await;
            !documents.expect("documents").is_empty() || !host.dead_letters().await.is_empty()
        };
        host.until(&format!("the document of {order}"), written)
            .await;
    }
    assert_eq!(host.dead_letters().await, []);
    host.stop_consuming().await;
}
