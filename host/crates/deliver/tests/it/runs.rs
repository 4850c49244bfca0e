//! Runs on two hosts, with failures, lost leases and actions of operators.

use crate::scripted::{Fixture, LEASE};
use galleria_app::IdempotencyKey;
use galleria_app::events::Acting;
use galleria_app::runs::{ByHand, RunRequest};
use galleria_domain::{CallFault, Digest, Fault, HostFault};
use galleria_ports::Error;
use galleria_ports::clock::Clock as _;
use galleria_ports::in_tx;
use galleria_ports::records::RunState;
use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use tokio_util::sync::CancellationToken;

const NOON: &str = "2026-11-24T12:00:00Z";

fn request(day: i8) -> RunRequest {
    request_of("example", day)
}

fn request_of(retailer: &str, day: i8) -> RunRequest {
    let date = jiff::civil::date(2026, 11, day);
    RunRequest {
        retailer: retailer.into(),
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
        reason: "corrected".into(),
    }
}

fn key(text: &str) -> IdempotencyKey {
    IdempotencyKey {
        key: text.into(),
        request: Digest::of(text.as_bytes()),
        as_sent: None,
    }
}

/// Requests a run; returns its id.
async fn request_run(fixture: &Fixture, day: i8) -> String {
    request_run_of(fixture, "example", day).await
}

async fn request_run_of(fixture: &Fixture, retailer: &str, day: i8) -> String {
    let app = fixture.app();
    let request = request_of(retailer, day);
    let reply = app
        .runs
        .request(key(&format!("ask-{retailer}-{day}")), request)
        .await;
    let body: String = reply.expect("requested").body;
    let id = body.split("\"id\":\"").nth(1).expect("an id");
    id[..32].to_owned()
}

async fn by_hand(fixture: &Fixture, day: i8, stop: Arc<AtomicBool>) -> Result<ByHand, Error> {
    let files = fixture.directories();
    fixture
        .app()
        .runs
        .run_now(&files, &request(day), "hand", LEASE, Arc::new(|_| {}), stop)
        .await
}

#[tokio::test(flavor = "multi_thread")]
async fn two_hosts_execute_every_run_once() {
    let fixture = Fixture::at(NOON).await;
    fixture.add_store("s", "Europe/Madrid", 0).await;
    for day in 1..=20 {
        request_run(&fixture, day).await;
    }
    let one = fixture.worker("one", Vec::new());
    let other = fixture.worker("other", Vec::new());
    let all = async |worker: galleria_app::runs::RunWorker| {
        while worker.run_one().await.expect("a run") {}
    };
    tokio::join!(all(one), all(other));
    let mut calls = fixture.plugins.calls.lock().expect("calls").clone();
    assert_eq!(calls.len(), 20);
    calls.sort();
    calls.dedup();
    assert_eq!(calls.len(), 20, "each once");
    fixture.deliver().await;
    assert_eq!(fixture.files().len(), 20);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_of_a_dead_host_is_repeated_with_the_same_bytes() {
    let fixture = Fixture::at(NOON).await;
    fixture.add_store("s", "Europe/Madrid", 0).await;
    fixture.sell("s", "2026-11-23", "before").await;
    fixture.block(true);
    let id = request_run(&fixture, 23).await;
    let dying = fixture.worker("dying", Vec::new());
    let attempt = tokio::spawn(async move { dying.run_one().await });
    fixture.until_waiting(1).await;
    // The host dies without releasing its lease. Later sales do not belong to this run.
    attempt.abort();
    fixture.until_waiting(0).await;
    let first = fixture.run(&id).await;
    assert_eq!((first.state, first.attempts), (RunState::Running, 1));
    fixture.clock.advance(Duration::from_secs(5));
    fixture.sell("s", "2026-11-23", "after").await;
    fixture.add_store("t", "Europe/Madrid", 0).await;
    fixture.block(false);
    let next = fixture.worker("next", Vec::new());
    assert!(!next.run_one().await.expect("a pass"), "the lease holds");
    fixture.clock.advance(LEASE);
    assert!(next.run_one().await.expect("a run"));
    fixture.deliver().await;
    let noon = "2026-11-24T12:00:00.000+00:00";
    let expected = format!("{noon} {noon}\nbefore 125\n");
    let files = fixture.files();
    assert_eq!(files.values().collect::<Vec<_>>(), [&expected]);
    let done = fixture.run(&id).await;
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
async fn an_attempt_that_lost_its_lease_stores_nothing() {
    let fixture = Fixture::at(NOON).await;
    fixture.block(true);
    let id = request_run(&fixture, 1).await;
    let slow = fixture.worker("slow", Vec::new());
    let attempt = tokio::spawn(async move { slow.run_one().await });
    fixture.until_waiting(1).await;
    // A host with a clock that is ahead takes the run.
    let (now, later) = (
        fixture.clock.now() + LEASE,
        fixture.clock.now() + 10 * LEASE,
    );
    let leased = fixture
        .records()
        .write(in_tx!(|tx| tx
            .run_lease("example", "other", now, later)
            .await))
        .await;
    assert_eq!(leased.expect("a pass").expect("the run").attempts, 2);
    fixture.block(false);
    assert!(attempt.await.expect("no panic").expect("a run"));
    assert!(fixture.files().is_empty(), "{:?}", fixture.files());
    let run = fixture.run(&id).await;
    assert_eq!((run.state, run.attempts), (RunState::Running, 2));
    assert_eq!((run.rows, run.files.len()), (0, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lease_is_renewed_while_a_run_is_in_progress() {
    let fixture = Fixture::at(NOON).await;
    fixture.block(true);
    let id = request_run(&fixture, 1).await;
    let slow = fixture.worker("slow", Vec::new());
    let attempt = tokio::spawn(async move { slow.run_one().await });
    fixture.until_waiting(1).await;
    let other = fixture.worker("other", Vec::new());
    for _ in 0..5 {
        fixture.clock.advance(LEASE / 2);
        // The worker checks the clock twenty times a second.
        tokio::time::sleep(Duration::from_millis(200)).await;
        assert!(!other.run_one().await.expect("a pass"));
    }
    fixture.block(false);
    assert!(attempt.await.expect("no panic").expect("a run"));
    assert_eq!(fixture.run(&id).await.attempts, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failed_run_is_retried_then_dead_then_replayed() {
    let fixture = Fixture::at(NOON).await;
    let crash = CallFault::Host(HostFault::Trapped("panicked at src/lib.rs:7:5".into()));
    fixture
        .plugins
        .faults
        .lock()
        .expect("faults")
        .extend(vec![crash; 3]);
    let id = request_run(&fixture, 1).await;
    let worker = fixture.worker("w", Vec::new());
    for attempt in 1..=3 {
        assert!(worker.run_one().await.expect("a run"));
        let run = fixture.run(&id).await;
        assert_eq!(run.attempts, attempt);
        assert_eq!(run.code.as_deref(), Some("trapped"));
        let detail = run.detail.expect("a detail");
        assert!(detail.contains("panicked at src/lib.rs:7:5"), "{detail}");
        let state = if attempt < 3 {
            RunState::Failed
        } else {
            RunState::Dead
        };
        assert_eq!(run.state, state);
        assert!(!worker.run_one().await.expect("a pass"), "not due yet");
        assert!(fixture.files().is_empty(), "{:?}", fixture.files());
        // Back-off and jitter together are less than twice the back-off.
        fixture.clock.advance(Duration::from_secs(4 << attempt));
    }
    fixture.clock.advance(Duration::from_secs(86_400));
    assert!(!worker.run_one().await.expect("a pass"), "dead");
    let app = fixture.app();
    app.runs
        .replay(key("again"), &id, acting())
        .await
        .expect("replayed");
    assert!(worker.run_one().await.expect("a run"));
    let run = fixture.run(&id).await;
    assert_eq!(
        (run.state, run.attempts, run.code),
        (RunState::Ended, 1, None)
    );
    assert_eq!(run.as_of.expect("begun").to_string(), NOON, "unchanged");
    let again = app.runs.replay(key("once more"), &id, acting()).await;
    let Err(Error::Conflict { code, .. }) = again else {
        panic!("{again:?}")
    };
    assert_eq!(code, "run_not_dead");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_that_cannot_succeed_is_dead_at_once() {
    let fixture = Fixture::at(NOON).await;
    let wrong = CallFault::Guest(Fault::Misconfigured(Vec::new()));
    fixture
        .plugins
        .faults
        .lock()
        .expect("faults")
        .push_back(wrong);
    let id = request_run(&fixture, 1).await;
    assert!(
        fixture
            .worker("w", Vec::new())
            .run_one()
            .await
            .expect("a run")
    );
    assert_eq!(fixture.run(&id).await.state, RunState::Dead);
}

/// Once, a busy machine may be the cause. A replayed run begins anew.
#[tokio::test(flavor = "multi_thread")]
async fn a_run_that_is_out_of_cpu_twice_in_a_row_is_dead() {
    let fixture = Fixture::at(NOON).await;
    let out_of_cpu = || CallFault::Host(HostFault::OutOfCpu(100));
    let timed_out = CallFault::Host(HostFault::TimedOut(100));
    let faults = [out_of_cpu(), timed_out, out_of_cpu()];
    let worker = fixture.worker("w", Vec::new());
    let attempt = async |id: &str, fault| {
        fixture
            .plugins
            .faults
            .lock()
            .expect("faults")
            .push_back(fault);
        assert!(worker.run_one().await.expect("a run"));
        fixture.clock.advance(Duration::from_secs(60));
        fixture.run(id).await.state
    };
    let id = request_run(&fixture, 1).await;
    for (fault, state) in faults.into_iter().zip([
        RunState::Failed,
        RunState::Failed,
        // The third of three tries.
        RunState::Dead,
    ]) {
        assert_eq!(attempt(&id, fault).await, state);
    }
    let again = fixture.app().runs.replay(key("again"), &id, acting()).await;
    again.expect("replayed");
    let replayed = fixture.run(&id).await;
    assert_eq!((replayed.state, replayed.code), (RunState::Due, None));
    assert_eq!(attempt(&id, out_of_cpu()).await, RunState::Failed);
    assert_eq!(attempt(&id, out_of_cpu()).await, RunState::Dead);
    assert_eq!(fixture.run(&id).await.attempts, 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_that_kills_its_hosts_is_given_up() {
    let fixture = Fixture::at(NOON).await;
    fixture.block(true);
    let id = request_run(&fixture, 1).await;
    for n in 1..=3 {
        let worker = fixture.worker(&format!("w{n}"), Vec::new());
        let attempt = tokio::spawn(async move { worker.run_one().await });
        fixture.until_waiting(1).await;
        attempt.abort();
        fixture.until_waiting(0).await;
        fixture.clock.advance(LEASE);
    }
    assert!(
        !fixture
            .worker("w", Vec::new())
            .run_one()
            .await
            .expect("a pass")
    );
    let run = fixture.run(&id).await;
    assert_eq!(
        (run.state, run.code.as_deref()),
        (RunState::Dead, Some("host_lost"))
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_that_is_cancelled_in_progress_leaves_nothing() {
    let fixture = Fixture::at(NOON).await;
    fixture.block(true);
    let id = request_run(&fixture, 1).await;
    let worker = fixture.worker("w", Vec::new());
    let attempt = tokio::spawn(async move { worker.run_one().await });
    fixture.until_waiting(1).await;
    fixture
        .app()
        .runs
        .cancel(key("no"), &id, acting())
        .await
        .expect("cancelled");
    fixture.clock.advance(Duration::from_secs(2));
    assert!(attempt.await.expect("no panic").expect("a run"));
    assert_eq!(fixture.run(&id).await.state, RunState::Cancelled);
    assert!(fixture.files().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_host_that_stops_releases_its_runs() {
    let fixture = Fixture::at(NOON).await;
    fixture.block(true);
    let ids: BTreeSet<String> = [
        request_run(&fixture, 1).await,
        request_run(&fixture, 2).await,
    ]
    .into();
    request_run(&fixture, 3).await;
    let (stop, worker) = (CancellationToken::new(), fixture.worker("w", Vec::new()));
    let serving = tokio::spawn(worker.run(stop.clone()));
    // Two runs at a time, as configured.
    fixture.until_waiting(2).await;
    stop.cancel();
    serving.await.expect("drained");
    for run in fixture.runs().await {
        assert_eq!((run.state, run.attempts), (RunState::Due, 0), "{ids:?}");
    }
    fixture.block(false);
    let next = fixture.worker("next", Vec::new());
    while next.run_one().await.expect("a run") {}
    let ended = fixture.runs().await.into_iter();
    assert_eq!(ended.filter(|run| run.state == RunState::Ended).count(), 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_requested_run_is_executed_by_a_serving_host() {
    let fixture = Fixture::at(NOON).await;
    let (stop, app) = (CancellationToken::new(), fixture.app());
    let files = Arc::new(fixture.directories());
    let config = galleria_app::runs::RunsConfig::default();
    let worker = galleria_app::runs::RunWorker::new(app.runs.clone(), files, "w".into(), config);
    let serving = tokio::spawn(worker.run(stop.clone()));
    app.runs
        .request(key("a"), request(1))
        .await
        .expect("a pass");
    for _ in 0..2_000 {
        if fixture.runs().await[0].state == RunState::Ended {
            break;
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    assert_eq!(fixture.runs().await[0].state, RunState::Ended);
    stop.cancel();
    serving.await.expect("drained");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_manual_run_of_a_window_is_executed_once() {
    let fixture = Fixture::at(NOON).await;
    fixture.add_store("s", "Europe/Madrid", 0).await;
    fixture.sell("s", "2026-11-23", "a").await;
    let Ok(ByHand::Ended(first)) = by_hand(&fixture, 23, Arc::default()).await else {
        panic!("it should succeed")
    };
    let Ok(ByHand::Before(again)) = by_hand(&fixture, 23, Arc::default()).await else {
        panic!("it should exist")
    };
    assert_eq!(first, again);
    assert_eq!((again.rows, again.files.len()), (1, 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stopped_manual_run_leaves_nothing() {
    let fixture = Fixture::at(NOON).await;
    fixture.block(true);
    let stop = Arc::new(AtomicBool::new(false));
    let (outcome, _) = tokio::join!(by_hand(&fixture, 1, Arc::clone(&stop)), async {
        fixture.until_waiting(1).await;
        let Err(Error::Conflict { code, .. }) = by_hand(&fixture, 1, Arc::default()).await else {
            panic!("it should be in progress")
        };
        assert_eq!(code, "run_under_way");
        stop.store(true, Ordering::Relaxed);
    });
    assert_eq!(outcome.expect("stopped"), ByHand::Stopped);
    assert!(fixture.runs().await.is_empty());
    assert!(fixture.files().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stopped_manual_run_leaves_a_cancelled_run_cancelled() {
    let fixture = Fixture::at(NOON).await;
    let id = request_run(&fixture, 1).await;
    let cancelled = fixture.app().runs.cancel(key("no"), &id, acting()).await;
    cancelled.expect("cancelled");
    let before = fixture.runs().await;
    assert_eq!(before[0].state, RunState::Cancelled);
    fixture.block(true);
    let stop = Arc::new(AtomicBool::new(false));
    let (outcome, _) = tokio::join!(by_hand(&fixture, 1, Arc::clone(&stop)), async {
        fixture.until_waiting(1).await;
        stop.store(true, Ordering::Relaxed);
    });
    assert_eq!(outcome.expect("stopped"), ByHand::Stopped);
    let after = fixture.runs().await;
    assert_eq!(after[0].state, RunState::Cancelled);
    assert_eq!(after[0].attempts, before[0].attempts);
}

/// A run over all stores covers only the stores that its slot serves.
#[tokio::test(flavor = "multi_thread")]
async fn a_slot_for_some_stores_reads_only_those() {
    let fixture = Fixture::at(NOON).await;
    for (store, sale) in [("a", "a1"), ("s", "s1"), ("t", "t1"), ("s", "s2")] {
        fixture.add_store(store, "Europe/Madrid", 0).await;
        fixture.sell(store, "2026-11-20", sale).await;
    }
    let of_s = |store: Option<&str>| RunRequest {
        plugin: "of-s".into(),
        store: store.map(ToOwned::to_owned),
        ..request(20)
    };
    let id = fixture.app().runs.request(key("some"), of_s(None)).await;
    id.expect("requested");
    let elsewhere = fixture.app().runs.request(key("t"), of_s(Some("t"))).await;
    let Err(Error::Invalid(problems)) = elsewhere else {
        panic!("{elsewhere:?}")
    };
    assert_eq!(problems[0].message, "must be a store that of-s serves");
    let worker = fixture.worker("w", Vec::new());
    assert!(worker.run_one().await.expect("a run"));
    let runs = fixture.runs().await;
    assert_eq!(runs[0].state, RunState::Ended);
    assert_eq!((runs[0].rows, runs[0].stores), (2, 1));
}

/// Executes all runs of two retailers, of which one had 20 runs first. Returns the retailers in the order of the
/// runs.
async fn order_of_turns(fixture: &Fixture) -> Vec<String> {
    for day in 1..=20 {
        request_run(fixture, day).await;
    }
    let worker = fixture.worker("one", Vec::new());
    assert!(worker.run_one().await.expect("a run"));
    for day in 1..=6 {
        request_run_of(fixture, "small", day).await;
    }
    while worker.run_one().await.expect("a run") {}
    fixture.plugins.retailers.lock().expect("retailers").clone()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_waits_for_one_run_of_another_retailer() {
    let fixture = Fixture::at(NOON).await;
    let order = order_of_turns(&fixture).await;
    assert_eq!(order.len(), 26);
    let alternate = ["small", "example"].repeat(6);
    assert_eq!(order[1..13], alternate, "{order:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn retailers_take_turns_by_the_time_of_their_runs() {
    let fixture = Fixture::at(NOON).await;
    let clock = Arc::clone(&fixture.clock);
    *fixture.plugins.on_call.lock().expect("a hook") = Some(Box::new(move |retailer| {
        let seconds = if retailer == "example" { 3 } else { 1 };
        clock.advance(Duration::from_secs(seconds));
    }));
    let order = order_of_turns(&fixture).await;
    let three = ["small", "small", "small", "example"];
    assert_eq!(order[1..9], three.repeat(2), "{order:?}");
}
