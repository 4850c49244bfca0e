//! Runs on two hosts, through failures, lost leases and operators.

use crate::scripted::{House, LEASE};
use galleria_app::Key;
use galleria_app::handling::Acting;
use galleria_app::runs::{ByHand, RunAsk};
use galleria_domain::{CallFault, Digest, Fault, HostFault};
use galleria_ports::Error;
use galleria_ports::clock::Clock as _;
use galleria_ports::records::RunState;
use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use tokio_util::sync::CancellationToken;

const NOON: &str = "2026-11-24T12:00:00Z";

fn ask(day: i8) -> RunAsk {
    let date = jiff::civil::date(2026, 11, day);
    RunAsk {
        retailer: "example".into(),
        plugin: "report".into(),
        point: None,
        store: None,
        first: date,
        last: date,
    }
}

fn acting() -> Acting {
    Acting {
        actor: "ana".into(),
        reason: "mended".into(),
    }
}

fn key(text: &str) -> Key {
    Key {
        key: text.into(),
        request: Digest::of(text.as_bytes()),
    }
}

/// Asks for a run; its id.
async fn asked(house: &House, day: i8) -> String {
    let app = house.app();
    let reply = app.run_ask(key(&format!("ask-{day}")), ask(day)).await;
    let body: String = reply.expect("asked").body;
    let id = body.split("\"id\":\"").nth(1).expect("an id");
    id[..32].to_owned()
}

async fn by_hand(house: &House, day: i8, stop: Arc<AtomicBool>) -> Result<ByHand, Error> {
    let files = house.directories();
    house
        .app()
        .run_by_hand(&files, &ask(day), "hand", LEASE, Arc::new(|_| {}), stop)
        .await
}

#[tokio::test(flavor = "multi_thread")]
async fn two_hosts_do_every_run_once() {
    let house = House::at(NOON).await;
    house.add_store("s", "Europe/Madrid", 0).await;
    for day in 1..=20 {
        asked(&house, day).await;
    }
    let one = house.worker("one", Vec::new());
    let other = house.worker("other", Vec::new());
    let all = async |worker: galleria_app::runs::RunWorker| {
        while worker.run_one().await.expect("a run") {}
    };
    tokio::join!(all(one), all(other));
    let mut calls = house.plugins.calls.lock().expect("calls").clone();
    assert_eq!(calls.len(), 20);
    calls.sort();
    calls.dedup();
    assert_eq!(calls.len(), 20, "each once");
    house.deliver().await;
    assert_eq!(house.files().len(), 20);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_host_that_dies_in_the_middle_leaves_a_run_that_writes_the_same_bytes() {
    let house = House::at(NOON).await;
    house.add_store("s", "Europe/Madrid", 0).await;
    house.sell("s", "2026-11-23", "before").await;
    house.hold(true);
    let id = asked(&house, 23).await;
    let dying = house.worker("dying", Vec::new());
    let attempt = tokio::spawn(async move { dying.run_one().await });
    house.until_inside(1).await;
    // The host is gone, without a word; what is sold now came too late for this run.
    attempt.abort();
    house.until_inside(0).await;
    let first = house.run(&id).await;
    assert_eq!((first.state, first.attempts), (RunState::Running, 1));
    house.clock.advance(Duration::from_secs(5));
    house.sell("s", "2026-11-23", "after").await;
    house.add_store("t", "Europe/Madrid", 0).await;
    house.hold(false);
    let next = house.worker("next", Vec::new());
    assert!(!next.run_one().await.expect("asked"), "the lease holds");
    house.clock.advance(LEASE);
    assert!(next.run_one().await.expect("a run"));
    house.deliver().await;
    let noon = "2026-11-24T12:00:00.000+00:00";
    let expected = format!("{noon} {noon}\nbefore 125\n");
    let files = house.files();
    assert_eq!(files.values().collect::<Vec<_>>(), [&expected]);
    let done = house.run(&id).await;
    assert_eq!((done.state, done.attempts), (RunState::Ended, 2));
    assert_eq!((done.as_of, done.stores), (first.as_of, 1));
    assert_eq!((done.rows, done.progress, done.files.len()), (1, 1, 1));
    assert_eq!(done.files[0].size, expected.len() as u64);
    assert_eq!(
        done.files[0].digest,
        Digest::of(expected.as_bytes()).as_str()
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn an_attempt_whose_lease_was_lost_keeps_nothing() {
    let house = House::at(NOON).await;
    house.hold(true);
    let id = asked(&house, 1).await;
    let slow = house.worker("slow", Vec::new());
    let attempt = tokio::spawn(async move { slow.run_one().await });
    house.until_inside(1).await;
    // Somebody whose clock is ahead takes the run.
    let (now, later) = (house.clock.now() + LEASE, house.clock.now() + 10 * LEASE);
    let taken = house
        .records()
        .write(move |tx| Box::pin(async move { tx.run_lease("other", now, later).await }))
        .await;
    assert_eq!(taken.expect("asked").expect("it is free").attempts, 2);
    house.hold(false);
    assert!(attempt.await.expect("no panic").expect("a run"));
    assert!(house.files().is_empty(), "{:?}", house.files());
    let run = house.run(&id).await;
    assert_eq!((run.state, run.attempts), (RunState::Running, 2));
    assert_eq!((run.rows, run.files.len()), (0, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lease_is_held_while_a_run_goes_on() {
    let house = House::at(NOON).await;
    house.hold(true);
    let id = asked(&house, 1).await;
    let slow = house.worker("slow", Vec::new());
    let attempt = tokio::spawn(async move { slow.run_one().await });
    house.until_inside(1).await;
    let other = house.worker("other", Vec::new());
    for _ in 0..5 {
        house.clock.advance(LEASE / 2);
        // It looks at the clock twenty times a second.
        tokio::time::sleep(Duration::from_millis(200)).await;
        assert!(!other.run_one().await.expect("asked"));
    }
    house.hold(false);
    assert!(attempt.await.expect("no panic").expect("a run"));
    assert_eq!(house.run(&id).await.attempts, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_that_fails_is_tried_again_then_dead_then_replayed() {
    let house = House::at(NOON).await;
    let crash = CallFault::Host(HostFault::Trapped("at plugin::secret_place".into()));
    house
        .plugins
        .faults
        .lock()
        .expect("faults")
        .extend(vec![crash; 3]);
    let id = asked(&house, 1).await;
    let worker = house.worker("w", Vec::new());
    for attempt in 1..=3 {
        assert!(worker.run_one().await.expect("a run"));
        let run = house.run(&id).await;
        assert_eq!(run.attempts, attempt);
        assert_eq!(run.code.as_deref(), Some("trapped"));
        let told = run.detail.expect("a detail");
        assert!(!told.contains("secret_place"), "{told}");
        let state = if attempt < 3 {
            RunState::Failed
        } else {
            RunState::Dead
        };
        assert_eq!(run.state, state);
        assert!(
            !worker.run_one().await.expect("asked"),
            "not before its time"
        );
        assert!(house.files().is_empty(), "{:?}", house.files());
        // Back-off and jitter together are less than twice the back-off.
        house.clock.advance(Duration::from_secs(4 << attempt));
    }
    house.clock.advance(Duration::from_secs(86_400));
    assert!(!worker.run_one().await.expect("asked"), "dead");
    let app = house.app();
    app.run_replay(key("again"), &id, acting())
        .await
        .expect("replayed");
    assert!(worker.run_one().await.expect("a run"));
    let run = house.run(&id).await;
    assert_eq!(
        (run.state, run.attempts, run.code),
        (RunState::Ended, 1, None)
    );
    assert_eq!(run.as_of.expect("begun").to_string(), NOON, "as at first");
    let again = app.run_replay(key("once more"), &id, acting()).await;
    let Err(Error::Conflict { code, .. }) = again else {
        panic!("{again:?}")
    };
    assert_eq!(code, "run_not_dead");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_can_never_work_is_dead_at_once() {
    let house = House::at(NOON).await;
    let wrong = CallFault::Guest(Fault::Misconfigured(Vec::new()));
    house
        .plugins
        .faults
        .lock()
        .expect("faults")
        .push_back(wrong);
    let id = asked(&house, 1).await;
    assert!(
        house
            .worker("w", Vec::new())
            .run_one()
            .await
            .expect("a run")
    );
    assert_eq!(house.run(&id).await.state, RunState::Dead);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_that_takes_its_hosts_along_is_not_begun_for_ever() {
    let house = House::at(NOON).await;
    house.hold(true);
    let id = asked(&house, 1).await;
    for n in 1..=3 {
        let worker = house.worker(&format!("w{n}"), Vec::new());
        let attempt = tokio::spawn(async move { worker.run_one().await });
        house.until_inside(1).await;
        attempt.abort();
        house.until_inside(0).await;
        house.clock.advance(LEASE);
    }
    assert!(
        !house
            .worker("w", Vec::new())
            .run_one()
            .await
            .expect("asked")
    );
    let run = house.run(&id).await;
    assert_eq!(
        (run.state, run.code.as_deref()),
        (RunState::Dead, Some("host_lost"))
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_that_is_cancelled_under_way_leaves_nothing() {
    let house = House::at(NOON).await;
    house.hold(true);
    let id = asked(&house, 1).await;
    let worker = house.worker("w", Vec::new());
    let attempt = tokio::spawn(async move { worker.run_one().await });
    house.until_inside(1).await;
    house
        .app()
        .run_cancel(key("no"), &id, acting())
        .await
        .expect("told");
    house.clock.advance(Duration::from_secs(2));
    assert!(attempt.await.expect("no panic").expect("a run"));
    assert_eq!(house.run(&id).await.state, RunState::Cancelled);
    assert!(house.files().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_host_that_stops_gives_its_runs_back() {
    let house = House::at(NOON).await;
    house.hold(true);
    let ids: BTreeSet<String> = [asked(&house, 1).await, asked(&house, 2).await].into();
    asked(&house, 3).await;
    let (stop, worker) = (CancellationToken::new(), house.worker("w", Vec::new()));
    let serving = tokio::spawn(worker.run(stop.clone()));
    // Two at a time, as configured.
    house.until_inside(2).await;
    stop.cancel();
    serving.await.expect("drained");
    for run in house.runs().await {
        assert_eq!((run.state, run.attempts), (RunState::Due, 0), "{ids:?}");
    }
    house.hold(false);
    let next = house.worker("next", Vec::new());
    while next.run_one().await.expect("a run") {}
    let ended = house.runs().await.into_iter();
    assert_eq!(ended.filter(|run| run.state == RunState::Ended).count(), 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_asked_for_is_done_by_a_host_that_serves() {
    let house = House::at(NOON).await;
    let (stop, app) = (CancellationToken::new(), house.app());
    let files = Arc::new(house.directories());
    let config = galleria_app::runs::RunsConfig::default();
    let worker =
        galleria_app::runs::RunWorker::new(app.clone(), files, "w".into(), config, Vec::new());
    let serving = tokio::spawn(worker.run(stop.clone()));
    app.run_ask(key("a"), ask(1)).await.expect("asked");
    for _ in 0..2_000 {
        if house.runs().await[0].state == RunState::Ended {
            break;
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    assert_eq!(house.runs().await[0].state, RunState::Ended);
    stop.cancel();
    serving.await.expect("drained");
}

#[tokio::test(flavor = "multi_thread")]
async fn by_hand_a_window_is_run_once_and_lists_its_files_again() {
    let house = House::at(NOON).await;
    house.add_store("s", "Europe/Madrid", 0).await;
    house.sell("s", "2026-11-23", "a").await;
    let Ok(ByHand::Ended(first)) = by_hand(&house, 23, Arc::default()).await else {
        panic!("it ends well")
    };
    let Ok(ByHand::Before(again)) = by_hand(&house, 23, Arc::default()).await else {
        panic!("it was run before")
    };
    assert_eq!(first, again);
    assert_eq!((again.rows, again.files.len()), (1, 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_by_hand_that_is_stopped_leaves_nothing_behind() {
    let house = House::at(NOON).await;
    house.hold(true);
    let stop = Arc::new(AtomicBool::new(false));
    let (by, _) = tokio::join!(by_hand(&house, 1, Arc::clone(&stop)), async {
        house.until_inside(1).await;
        let Err(Error::Conflict { code, .. }) = by_hand(&house, 1, Arc::default()).await else {
            panic!("it is under way")
        };
        assert_eq!(code, "run_under_way");
        stop.store(true, Ordering::Relaxed);
    });
    assert_eq!(by.expect("stopped"), ByHand::Stopped);
    assert!(house.runs().await.is_empty());
    assert!(house.files().is_empty());
}

/// What an operator cancelled is not begun by somebody who only began to run it.
#[tokio::test(flavor = "multi_thread")]
async fn a_run_by_hand_that_is_stopped_leaves_a_cancelled_one_cancelled() {
    let house = House::at(NOON).await;
    let id = asked(&house, 1).await;
    let cancelled = house.app().run_cancel(key("no"), &id, acting()).await;
    cancelled.expect("cancelled");
    let before = house.runs().await;
    assert_eq!(before[0].state, RunState::Cancelled);
    house.hold(true);
    let stop = Arc::new(AtomicBool::new(false));
    let (by, _) = tokio::join!(by_hand(&house, 1, Arc::clone(&stop)), async {
        house.until_inside(1).await;
        stop.store(true, Ordering::Relaxed);
    });
    assert_eq!(by.expect("stopped"), ByHand::Stopped);
    let after = house.runs().await;
    assert_eq!(after[0].state, RunState::Cancelled);
    assert_eq!(after[0].attempts, before[0].attempts);
}

/// A run over all stores is over those that its slot serves.
#[tokio::test(flavor = "multi_thread")]
async fn a_slot_of_some_stores_reads_no_others() {
    let house = House::at(NOON).await;
    for (store, sale) in [("a", "a1"), ("s", "s1"), ("t", "t1"), ("s", "s2")] {
        house.add_store(store, "Europe/Madrid", 0).await;
        house.sell(store, "2026-11-20", sale).await;
    }
    let of_s = |store: Option<&str>| RunAsk {
        plugin: "of-s".into(),
        store: store.map(ToOwned::to_owned),
        ..ask(20)
    };
    let id = house.app().run_ask(key("some"), of_s(None)).await;
    id.expect("asked for");
    let elsewhere = house.app().run_ask(key("t"), of_s(Some("t"))).await;
    let Err(Error::Invalid(problems)) = elsewhere else {
        panic!("{elsewhere:?}")
    };
    assert_eq!(problems[0].message, "a store that of-s serves");
    let worker = house.worker("w", Vec::new());
    assert!(worker.run_one().await.expect("a run"));
    let runs = house.runs().await;
    assert_eq!(runs[0].state, RunState::Ended);
    assert_eq!((runs[0].rows, runs[0].stores), (2, 1));
}
