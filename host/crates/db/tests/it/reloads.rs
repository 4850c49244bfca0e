//! Reloads of retailers, and the processes that follow them.

use crate::no_plugins::NoPlugins;
use crate::rows::{self, at};
use crate::stage::Stage;
use galleria_app::events::Acting;
use galleria_app::reloads::{Loaded, RetailerView};
use galleria_app::{App, IdempotencyKey, Policy};
use galleria_domain::Digest;
use galleria_ports::Error;
use galleria_ports::access::Reach;
use galleria_ports::clock::{Clock as _, DrivenClock};
use galleria_ports::plugins::{LoadState, RetailerLoad};
use galleria_ports::records::ParkedState::{Retry, Waiting};
use std::sync::Arc;
use std::time::Duration;

on_both!(
    each_request_is_a_generation_that_processes_follow,
    a_process_that_does_not_renew_its_row_is_not_waited_for,
    all_events_that_wait_for_a_cause_become_due,
    a_folder_that_is_missing_is_refused,
);

fn app(stage: &Stage) -> (App, Arc<DrivenClock>) {
    let clock = Arc::new(DrivenClock::new(at(1_000_000)));
    let records = Arc::new(stage.db.clone());
    let app = App::new(
        records,
        Arc::new(NoPlugins),
        clock.clone(),
        Policy::default(),
    );
    (app, clock)
}

fn load(retailer: &str, generation: i64, state: LoadState) -> Loaded {
    Loaded {
        generation,
        load: RetailerLoad {
            retailer: retailer.into(),
            state,
            errors: match state {
                LoadState::Serving => Vec::new(),
                _ => vec!["a: \"b\"\nc".into(); 60],
            },
        },
        at: at(7),
    }
}

/// The processes of a retailer with their generations and states.
fn processes(view: &RetailerView) -> Vec<(&str, i64, Option<LoadState>)> {
    let processes = view.processes.iter();
    processes
        .map(|one| (one.host.as_str(), one.generation, one.state))
        .collect()
}

async fn each_request_is_a_generation_that_processes_follow(stage: &Stage) {
    let (app, _) = app(stage);
    for n in 1..=3 {
        let generation = write_tx!(stage, [], |tx| tx.reload_request("r", at(n)).await);
        assert_eq!(generation.expect("a generation"), n);
    }
    write_tx!(stage, [], |tx| tx.reload_request("other", at(4)).await).expect("requested");
    let requested = app.reloads.requested().await.expect("requests");
    let requested: Vec<_> = requested
        .into_iter()
        .map(|row| (row.retailer, row.generation, row.requested_at))
        .collect();
    assert_eq!(
        requested,
        [("other".into(), 1, at(4)), ("r".into(), 3, at(3))]
    );
    let loads = vec![load("r", 2, LoadState::OutOfService)];
    app.reloads.begin("b", loads).await.expect("begun");
    app.reloads.begin("a", Vec::new()).await.expect("begun");
    let view = app.reloads.retailer("r").await.expect("a view");
    assert_eq!(view.generation, 3);
    let waiting = ("a", 0, None);
    assert_eq!(
        processes(&view),
        [waiting, ("b", 2, Some(LoadState::OutOfService))]
    );
    let errors = &view.processes[1].errors;
    assert_eq!(errors.len(), 51, "{errors:?}");
    assert!(errors[50].contains("10 more"), "{errors:?}");
    let loads = vec![load("r", 3, LoadState::ReloadFailed)];
    app.reloads.record("b", loads).await.expect("recorded");
    let status = app.operations.status().await.expect("a status");
    assert_eq!(status.out_of_service, []);
    assert_eq!(status.failed_loads.len(), 1);
    assert_eq!(status.failed_loads[0].host, "b");
    let page = app
        .reloads
        .retailers(&Reach::Everything, None, 10)
        .await
        .expect("a page");
    assert_eq!(page.retailers.len(), 1, "{page:?}");
    // A process that starts again forgets what it loaded before.
    let loads = vec![load("x", 0, LoadState::Serving)];
    app.reloads.begin("b", loads).await.expect("begun");
    let view = app.reloads.retailer("x").await.expect("a view");
    assert_eq!(
        processes(&view),
        [waiting, ("b", 0, Some(LoadState::Serving))]
    );
    let status = app.operations.status().await.expect("a status");
    assert_eq!(status.failed_loads, []);
}

async fn a_process_that_does_not_renew_its_row_is_not_waited_for(stage: &Stage) {
    let (app, clock) = app(stage);
    let broken = || vec![load("r", 1, LoadState::OutOfService)];
    for host in ["dead", "ends", "runs"] {
        app.reloads.begin(host, broken()).await.expect("begun");
    }
    app.reloads.end("ends").await.expect("ended");
    let hosts = async || {
        let view = app.reloads.retailer("r").await;
        let processes = view.map(|view| view.processes).unwrap_or_default();
        processes
            .into_iter()
            .map(|one| one.host)
            .collect::<Vec<_>>()
    };
    assert_eq!(hosts().await, ["dead", "runs"]);
    for seconds in 1..=4 {
        clock.advance(Duration::from_secs(5));
        app.reloads.renew("runs").await.expect("renewed");
        assert_eq!(hosts().await, ["dead", "runs"], "{}", seconds * 5);
    }
    clock.advance(Duration::from_millis(1));
    assert_eq!(hosts().await, ["runs"]);
    let status = app.operations.status().await.expect("a status");
    assert_eq!(status.failed_loads.len(), 1, "{status:?}");
    assert_eq!(status.out_of_service.len(), 1);
    clock.advance(Duration::from_secs(3_600));
    app.reloads.renew("runs").await.expect("renewed");
    let left = stage.rows("SELECT host, 1 FROM loads").await;
    assert_eq!(left, [("runs".to_owned(), 1)]);
    assert!(clock.now() > at(1_000_000));
}

async fn all_events_that_wait_for_a_cause_become_due(stage: &Stage) {
    let mut parked = Vec::new();
    for (n, subscriber) in ["slot", "removed", "slot"].into_iter().enumerate() {
        let position = i64::try_from(n).expect("few");
        let mut one = rows::parked(&format!("e{n}"), &format!("l{n}"), position, Waiting);
        one.subscriber = subscriber.into();
        one.waits_for = Some("retailer:r".into());
        one.due_at = at(1_000);
        parked.push(one);
    }
    parked[2].waits_for = Some("retailer:other".into());
    let mut retried = rows::parked("e3", "l3", 3, Retry);
    retried.waits_for = Some("retailer:r".into());
    parked.push(retried);
    write_tx!(stage, [parked], |tx| {
        for one in &parked {
            tx.parked_put(one).await?;
        }
        Ok(())
    })
    .expect("parked");
    let woken = write_tx!(stage, [], |tx| tx
        .parked_wake_all("retailer:r", at(9))
        .await);
    assert_eq!(woken.expect("woken"), 2);
}

async fn a_folder_that_is_missing_is_refused(stage: &Stage) {
    let (app, _) = app(stage);
    let key = |key: &str| IdempotencyKey {
        key: key.into(),
        request: Digest::of(key.as_bytes()),
        as_sent: None,
    };
    let acting = Acting {
        actor: "ana".into(),
        reason: "a test".into(),
    };
    let unknown = app.reloads.request(key("1"), "r", acting.clone()).await;
    assert!(
        matches!(unknown, Err(Error::NotFound { .. })),
        "{unknown:?}"
    );
    let store = rows::store("s", "r");
    write_tx!(stage, [store], |tx| tx.store_put(&store).await).expect("a store");
    let refused = app.reloads.request(key("2"), "r", acting).await;
    let error = refused.expect_err("refused").to_string();
    assert!(error.contains("has no folder"), "{error}");
    assert_eq!(app.reloads.requested().await.expect("requests"), []);
}
