//! Events of a retailer that is out of service wait, and keep the order of their keys.

use crate::host::TestHost;
use crate::script::{later, slot};
use galleria_app::events::{HandlingOutcome, Progress};
use galleria_app::reloads::Loaded;
use galleria_domain::plugin::OnDeadLetter;
use galleria_ports::clock::Clock as _;
use galleria_ports::plugins::{LoadState, RetailerLoad};
use galleria_ports::records::{ParkedState, Records};
use galleria_ports::{Error, in_tx};
use std::collections::BTreeMap;
use std::sync::atomic::Ordering;
use std::time::Duration;

impl TestHost {
    /// Another process reads the log from now on, in which the retailer is out of service or serves.
    async fn restart(&mut self, out_of_service: bool) {
        self.stop_consuming().await;
        self.set_out_of_service(out_of_service);
        self.consume().await;
    }

    fn set_out_of_service(&self, out_of_service: bool) {
        let broken = &self.script.out_of_service;
        broken.store(out_of_service, Ordering::SeqCst);
    }

    /// The retailer serves again in the process that reads the log.
    async fn reload(&self) {
        self.set_out_of_service(false);
        self.app.events.wake_retailers().await.expect("woken");
    }

    async fn parked(&self, event: &str, subscriber: &str) -> Option<(ParkedState, u32)> {
        let names = (event.to_owned(), subscriber.to_owned());
        let records: &dyn Records = &self.db;
        let read = records.read(in_tx!(|tx, names| {
            let parked = tx.parked_get(&names.0, &names.1).await?;
            Ok::<_, Error>(parked.map(|parked| (parked.state, parked.attempts)))
        }));
        read.await.expect("read")
    }

    pub async fn parked_count(&self) -> u64 {
        let records: &dyn Records = &self.db;
        let read = records.read(in_tx!(|tx| tx.parked_count().await));
        read.await.expect("read").0
    }
}

const WAITING: &str = "host:out-of-service";

#[tokio::test(flavor = "multi_thread")]
async fn events_wait_for_their_retailer_and_are_handled_in_order_after_a_reload() {
    let mut host = TestHost::new().await;
    host.set_out_of_service(true);
    host.store("s1").await;
    host.consume().await;
    host.sell("s1", "o1").await;
    host.refund("o1", "r1").await;
    host.sell("s1", "o2").await;
    host.refund("o1", "r2").await;
    host.until("all events wait", async || host.parked_count().await == 4)
        .await;
    assert_eq!(
        host.parked("payment:p1", WAITING).await,
        Some((ParkedState::Waiting, 0))
    );
    assert_eq!(
        host.parked("refund:r2", WAITING).await,
        Some((ParkedState::Behind, 0))
    );
    host.clock.advance(Duration::from_secs(86_400));
    host.advance(Duration::from_secs(1)).await;
    assert_eq!(host.calls(), []);
    host.reload().await;
    // Later events of a key wait behind those that waited.
    host.refund("o1", "r3").await;
    host.expect_documents("o1", &["payment:p1", "refund:r1", "refund:r2", "refund:r3"])
        .await;
    host.expect_documents("o2", &["payment:p2"]).await;
    let mut of_first = host.calls();
    of_first.retain(|(event, _)| event != "payment:p2");
    let expected = ["payment:p1", "refund:r1", "refund:r2", "refund:r3"];
    assert_eq!(of_first, expected.map(|event| (event.to_owned(), 1)));
    assert_eq!(
        (host.parked_count().await, host.dead_letters().await.len()),
        (0, 0)
    );
    host.stop_consuming().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_event_that_was_parked_before_waits_without_counting_attempts_or_time() {
    let mut host = TestHost::new().await;
    host.store("s1").await;
    host.sell("s1", "o1").await;
    // The plugin may postpone an event for an hour.
    host.fail_with("payment:p1", [later(10), later(10)]);
    host.consume().await;
    host.until("the first attempt", async || host.calls().len() == 1)
        .await;
    host.restart(true).await;
    host.refund("o1", "r1").await;
    host.advance(Duration::from_secs(15)).await;
    host.until("the payment waits", async || {
        host.parked("payment:p1", "papers").await == Some((ParkedState::Waiting, 1))
    })
    .await;
    host.clock.advance(Duration::from_secs(7_200));
    host.advance(Duration::from_secs(1)).await;
    assert_eq!(host.calls().len(), 1, "{:?}", host.calls());
    assert!(host.dead_letters().await.is_empty());
    host.reload().await;
    host.until("the second attempt", async || host.calls().len() == 2)
        .await;
    assert!(host.dead_letters().await.is_empty());
    host.until("all effects", async || {
        host.advance(Duration::from_secs(1)).await;
        host.parked_count().await == 0
    })
    .await;
    host.expect_documents("o1", &["payment:p1", "refund:r1"])
        .await;
    let attempts = [
        ("payment:p1", 1),
        ("payment:p1", 2),
        ("payment:p1", 3),
        ("refund:r1", 1),
    ];
    assert_eq!(
        host.calls(),
        attempts.map(|(event, n)| (event.to_owned(), n))
    );
    host.stop_consuming().await;
}

/// The retailer comes back after the consumer took the event, and before a worker handles it.
#[tokio::test(flavor = "multi_thread")]
async fn an_event_that_was_taken_during_the_reload_is_handled() {
    let mut host = TestHost::new().await;
    host.store("s1").await;
    host.sell("s1", "o1").await;
    host.fail_with("payment:p1", [later(10), later(10)]);
    host.consume().await;
    host.until("the first attempt", async || host.calls().len() == 1)
        .await;
    host.stop_consuming().await;
    host.set_out_of_service(true);
    let take = async || {
        let records: &dyn Records = &host.db;
        let read = records.read(in_tx!(|tx| tx.parked_get("payment:p1", "papers").await));
        let parked = read.await.expect("read").expect("a parked event");
        host.app.events.unpark(parked).await.expect("taken")
    };
    let handle = async |taken| {
        let handled = host.app.events.handle(&taken, Progress::default()).await;
        handled.expect("handled").outcome
    };
    assert_eq!(handle(take().await).await, HandlingOutcome::Parked);
    assert_eq!(host.calls().len(), 1, "{:?}", host.calls());
    // The plugin may postpone an event for an hour. The time of the wait does not count.
    host.clock.advance(Duration::from_secs(7_200));
    let taken = take().await;
    host.set_out_of_service(false);
    assert_eq!(handle(taken).await, HandlingOutcome::Parked);
    assert_eq!(host.calls().len(), 2, "{:?}", host.calls());
    assert_eq!(handle(take().await).await, HandlingOutcome::Done);
    assert_eq!(host.calls().len(), 3, "{:?}", host.calls());
    host.expect_documents("o1", &["payment:p1"]).await;
}

/// The corrected configuration has no plugin any more for an event that was parked before.
#[tokio::test(flavor = "multi_thread")]
async fn events_of_a_removed_plugin_are_skipped_after_a_reload() {
    let mut host = TestHost::new().await;
    host.store("s1").await;
    host.sell("s1", "o1").await;
    host.fail_with("payment:p1", [later(10)]);
    host.consume().await;
    host.until("the first attempt", async || host.calls().len() == 1)
        .await;
    host.restart(true).await;
    host.advance(Duration::from_secs(15)).await;
    host.until("the payment waits", async || {
        host.parked("payment:p1", "papers").await == Some((ParkedState::Waiting, 1))
    })
    .await;
    host.script.removed.store(true, Ordering::SeqCst);
    host.reload().await;
    host.until("the event is skipped", async || {
        host.parked_count().await == 0
    })
    .await;
    assert_eq!(host.calls().len(), 1);
    assert!(host.dead_letters().await.is_empty());
    host.stop_consuming().await;
}

impl TestHost {
    /// Another process reads the log from now on, and serves these slots.
    async fn restart_with(&mut self, slots: &[&str]) {
        self.stop_consuming().await;
        let slots = slots.iter().map(|name| slot(name, OnDeadLetter::Hold));
        self.replace_plugins(slots.collect());
        self.consume().await;
    }

    /// The process has loaded the retailer. Returns whether it has recorded a change.
    async fn loaded(&self, host: &str, generation: i64) -> bool {
        let loaded = [Loaded {
            generation,
            load: RetailerLoad {
                retailer: "example".into(),
                state: LoadState::Serving,
                errors: Vec::new(),
            },
            at: self.clock.now(),
        }];
        let changed = self.app.operations.record_loaded_plugins(host, &loaded);
        let changed = changed.await.expect("recorded");
        self.app.reloads.serve(&loaded);
        let recorded = self.app.reloads.record(host, loaded.to_vec());
        recorded.await.expect("recorded");
        changed.contains(&"retailers:example".to_owned())
    }

    async fn request_reload(&self) {
        let (records, now): (&dyn Records, _) = (&self.db, self.clock.now());
        let request = records.write(in_tx!(|tx| tx.reload_request("example", now).await));
        request.await.expect("requested");
    }

    /// Parks a sale for `notes`, which only the newest configuration has, and starts a process without it.
    async fn taken_over() -> Self {
        let mut host = Self::of(vec![
            slot("papers", OnDeadLetter::Hold),
            slot("notes", OnDeadLetter::Hold),
        ])
        .await;
        host.store("s1").await;
        let gate = host.hold("payment:p1/papers");
        host.sell("s1", "o1").await;
        // The gate lets `notes` get the fault.
        host.fail_with("payment:p1", [later(10)]);
        host.consume().await;
        host.until("notes is parked", async || {
            host.parked("payment:p1", "notes").await == Some((ParkedState::Retry, 1))
        })
        .await;
        gate.open();
        host.expect_documents("o1", &["payment:p1"]).await;
        host
    }

    /// Waits until the event of `notes` was attempted again without its plugin.
    async fn notes_wait(&self) {
        self.advance(Duration::from_secs(15)).await;
        self.until("the event waits", async || {
            self.parked("payment:p1", "notes").await == Some((ParkedState::Waiting, 1))
        })
        .await;
    }
}

/// A process with the previous configuration reads the log after one with the newest.
#[tokio::test(flavor = "multi_thread")]
async fn events_of_a_slot_that_another_process_knows_wait_for_it() {
    let mut host = TestHost::taken_over().await;
    assert!(host.loaded("new", 0).await);
    host.restart_with(&["papers"]).await;
    host.notes_wait().await;
    let calls = host.calls().len();
    host.restart_with(&["papers", "notes"]).await;
    host.expect_documents("o1", &["payment:p1", "payment:p1"])
        .await;
    assert_eq!(host.parked("payment:p1", "notes").await, None);
    assert!(host.dead_letters().await.is_empty());
    assert!(calls <= 2);
    host.stop_consuming().await;
}

/// The process follows a request, and then really has no such slot.
#[tokio::test(flavor = "multi_thread")]
async fn events_of_an_unknown_slot_wait_until_the_requested_reload_has_ended() {
    let mut host = TestHost::taken_over().await;
    host.request_reload().await;
    host.restart_with(&["papers"]).await;
    host.notes_wait().await;
    // Its load is a change of the configuration, and the newest one.
    assert!(host.loaded("old", 1).await);
    host.app.events.wake_retailers().await.expect("woken");
    host.until("the event is skipped", async || {
        host.parked("payment:p1", "notes").await.is_none()
    })
    .await;
    host.expect_documents("o1", &["payment:p1"]).await;
    assert!(host.dead_letters().await.is_empty());
    host.stop_consuming().await;
}

/// Processes load one change at different times, and other retailers in between.
#[tokio::test(flavor = "multi_thread")]
async fn a_change_is_recorded_once_for_all_processes() {
    let mut host = TestHost::new().await;
    assert!(host.loaded("a", 0).await);
    assert!(!host.loaded("b", 0).await);
    host.replace_plugins(vec![slot("notes", OnDeadLetter::Hold)]);
    let newer = host.observer();
    assert!(host.loaded("a", 2).await);
    assert!(!host.loaded("b", 2).await);
    // A process that has followed only the first of two requests.
    host.replace_plugins(vec![slot("papers", OnDeadLetter::Hold)]);
    assert!(!host.loaded("c", 1).await);
    // One that has loaded nothing of the retailer.
    let changed = newer.operations.record_loaded_plugins("d", &[]).await;
    assert_eq!(changed.expect("recorded"), [""; 0]);
}

/// Draws sales, refunds, retries, restarts of the consumer in and out of service, and reloads.
#[tokio::test(flavor = "multi_thread")]
async fn the_order_of_each_key_survives_drawn_outages() {
    let mut host = TestHost::new().await;
    host.store("s1").await;
    host.consume().await;
    let mut seed: u64 = 20_261_130;
    let mut draw = move |limit: u64| {
        seed = seed
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (seed >> 33) % limit
    };
    let mut expected: BTreeMap<String, Vec<String>> = BTreeMap::new();
    let (mut sold, mut refunded) = (0, 0);
    for _ in 0..120 {
        match draw(10) {
            0..=2 => {
                sold += 1;
                host.sell("s1", &format!("o{sold}")).await;
                expected.insert(format!("o{sold}"), vec![format!("payment:p{sold}")]);
            }
            3..=6 if sold > 0 => {
                let order = format!("o{}", draw(sold) + 1);
                let events = expected.get_mut(&order).expect("the order");
                if events.len() < 9 {
                    refunded += 1;
                    let id = format!("r{refunded}");
                    if draw(3) == 0 {
                        host.fail_with(&format!("refund:{id}"), [later(1)]);
                    }
                    host.refund(&order, &id).await;
                    events.push(format!("refund:{id}"));
                }
            }
            7 => host.restart(draw(2) == 0).await,
            8 => host.reload().await,
            _ => host.advance(Duration::from_secs(draw(3))).await,
        }
    }
    host.reload().await;
    host.until("every event has its effect", async || {
        host.advance(Duration::from_secs(2)).await;
        let calls = host.called_events().len();
        calls == expected.values().map(Vec::len).sum::<usize>() && host.parked_count().await == 0
    })
    .await;
    let called = host.called_events();
    for (order, events) in expected {
        let mut of_order = called.clone();
        of_order.retain(|event| events.contains(event));
        assert_eq!(of_order, events, "{order}");
        let events: Vec<&str> = events.iter().map(String::as_str).collect();
        host.expect_documents(&order, &events).await;
    }
    assert!(host.dead_letters().await.is_empty());
    host.stop_consuming().await;
}
