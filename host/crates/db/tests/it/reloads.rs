//! Reloads of retailers, and the processes that follow them.

use crate::no_plugins::NoPlugins;
use crate::rows::{self, at};
use crate::stage::Stage;
use galleria_app::events::Acting;
use galleria_app::reloads::{Loaded, RetailerView};
use galleria_app::{App, IdempotencyKey, Policy};
use galleria_domain::{Context, Decision, Digest, Member, Totals};
use galleria_ports::Error;
use galleria_ports::access::Reach;
use galleria_ports::clock::DrivenClock;
use galleria_ports::plugins::{
    Argument, CallOutcome, LoadState, LoadedPlugin, Plugins, RetailerLoad, Stream, Streams,
};
use galleria_ports::records::ParkedState::{Retry, Waiting};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

on_both!(
    each_request_is_a_generation_that_processes_follow,
    a_process_that_does_not_renew_its_row_is_not_waited_for,
    all_events_that_wait_for_a_cause_become_due,
    a_folder_that_is_missing_is_refused,
    a_repeated_request_gets_the_recorded_response,
    a_new_retailer_is_loading_until_every_process_has_read_its_folder,
);

/// How long a process runs that began to read its files before all requests.
const LONG: Duration = Duration::from_secs(3_600);

/// A host without plugins, whose retailers have folders or not.
#[derive(Default)]
struct Folders {
    exist: AtomicBool,
}

impl Plugins for Folders {
    fn all(&self) -> Vec<LoadedPlugin> {
        NoPlugins.all()
    }
    fn has_folder(&self, _: &str) -> Result<bool, Error> {
        Ok(self.exist.load(Ordering::Relaxed))
    }
    fn react(&self, slot: &LoadedPlugin, cx: &Context, of: &Argument) -> CallOutcome<Decision> {
        NoPlugins.react(slot, cx, of)
    }
    fn identify(&self, slot: &LoadedPlugin, cx: &Context, of: &str) -> CallOutcome<Option<Member>> {
        NoPlugins.identify(slot, cx, of)
    }
    fn run(
        &self,
        slot: &LoadedPlugin,
        cx: &Context,
        of: &Stream,
        with: Streams,
    ) -> CallOutcome<Totals> {
        NoPlugins.run(slot, cx, of, with)
    }
}

fn app(stage: &Stage) -> (App, Arc<DrivenClock>) {
    app_with(stage, Arc::new(Folders::default()))
}

fn app_with(stage: &Stage, plugins: Arc<Folders>) -> (App, Arc<DrivenClock>) {
    let clock = Arc::new(DrivenClock::new(at(1_000_000)));
    let records = Arc::new(stage.db.clone());
    let app = App::new(records, plugins, clock.clone(), Policy::default());
    (app, clock)
}

/// Starts a process, which began to read its files `runs_for` ago. Returns the generations that it has followed.
async fn begin(
    app: &App,
    host: &str,
    loads: Vec<Loaded>,
    runs_for: Duration,
) -> Vec<(String, i64)> {
    let loads = loads.into_iter().map(|loaded| loaded.load).collect();
    let begun = app.reloads.begin(host, loads, runs_for, at(7)).await;
    begun.expect("begun").followed.into_iter().collect()
}

fn key(key: &str) -> IdempotencyKey {
    IdempotencyKey {
        key: key.into(),
        request: Digest::of(key.as_bytes()),
        as_sent: None,
    }
}

fn acting() -> Acting {
    Acting {
        actor: "ana".into(),
        reason: "a test".into(),
    }
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
    // It may have read the files before the latest requests.
    let loads = vec![load("r", 2, LoadState::OutOfService)];
    let followed = begin(&app, "b", loads, LONG).await;
    assert_eq!(followed, [("other".into(), 0), ("r".into(), 2)]);
    begin(&app, "a", Vec::new(), LONG).await;
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
    let names = page.retailers.iter().map(|one| &*one.retailer);
    assert_eq!(names.collect::<Vec<_>>(), ["other", "r"]);
    // A process that starts again forgets what it loaded before.
    let loads = vec![load("x", 0, LoadState::Serving)];
    tokio::time::sleep(Duration::from_millis(2)).await;
    let followed = begin(&app, "b", loads, Duration::ZERO).await;
    assert_eq!(followed, [("other".into(), 1), ("r".into(), 3)]);
    let view = app.reloads.retailer("x").await.expect("a view");
    assert_eq!(
        processes(&view),
        [waiting, ("b", 0, Some(LoadState::Serving))]
    );
    let status = app.operations.status().await.expect("a status");
    assert_eq!(status.failed_loads, []);
}

/// The database's clock decides: the clocks of the processes are hours apart.
async fn a_process_that_does_not_renew_its_row_is_not_waited_for(stage: &Stage) {
    let (app, _) = app(stage);
    let (other, clock) = self::app(stage);
    clock.advance(Duration::from_secs(7 * 3_600));
    let broken = || vec![load("r", 1, LoadState::OutOfService)];
    for host in ["dead", "ends", "runs"] {
        begin(&app, host, broken(), Duration::ZERO).await;
    }
    app.reloads.end("ends").await.expect("ended");
    let hosts = async || {
        let mut seen = Vec::new();
        for app in [&app, &other] {
            let view = app.reloads.retailer("r").await;
            let processes = view.map(|view| view.processes).unwrap_or_default();
            seen.push(
                processes
                    .into_iter()
                    .map(|one| one.host)
                    .collect::<Vec<_>>(),
            );
        }
        assert_eq!(seen[0], seen[1], "both processes see the same");
        seen.remove(0)
    };
    assert_eq!(hosts().await, ["dead", "runs"]);
    stage
        .run("UPDATE hosts SET seen_ms = seen_ms - 15000")
        .await;
    assert_eq!(hosts().await, ["dead", "runs"]);
    other.reloads.renew("runs", LONG).await.expect("renewed");
    stage.run("UPDATE hosts SET seen_ms = seen_ms - 6000").await;
    assert_eq!(hosts().await, ["runs"]);
    let status = other.operations.status().await.expect("a status");
    assert_eq!(status.failed_loads.len(), 1, "{status:?}");
    assert_eq!(status.out_of_service.len(), 1);
    app.reloads.renew("runs", LONG).await.expect("renewed");
    let left = stage.rows("SELECT host, 1 FROM loads ORDER BY 1").await;
    assert_eq!(left, [("dead".to_owned(), 1), ("runs".to_owned(), 1)]);
    stage
        .run("UPDATE hosts SET seen_ms = seen_ms - 3600000")
        .await;
    app.reloads.renew("runs", LONG).await.expect("renewed");
    let left = stage.rows("SELECT host, 1 FROM loads").await;
    assert_eq!(left, [("runs".to_owned(), 1)]);
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
    let unknown = app.reloads.request(key("1"), "r", acting()).await;
    assert!(
        matches!(unknown, Err(Error::NotFound { .. })),
        "{unknown:?}"
    );
    let store = rows::store("s", "r");
    write_tx!(stage, [store], |tx| tx.store_put(&store).await).expect("a store");
    let refused = app.reloads.request(key("2"), "r", acting()).await;
    let error = refused.expect_err("refused").to_string();
    assert!(error.contains("has no folder"), "{error}");
    assert_eq!(app.reloads.requested().await.expect("requests"), []);
}

/// The folder is gone since the first request.
async fn a_repeated_request_gets_the_recorded_response(stage: &Stage) {
    let plugins = Arc::new(Folders::default());
    let (app, _) = app_with(stage, plugins.clone());
    let store = rows::store("s", "r");
    write_tx!(stage, [store], |tx| tx.store_put(&store).await).expect("a store");
    plugins.exist.store(true, Ordering::Relaxed);
    let first = app.reloads.request(key("1"), "r", acting()).await;
    let first = first.expect("requested");
    plugins.exist.store(false, Ordering::Relaxed);
    let again = app.reloads.request(key("1"), "r", acting()).await;
    let again = again.expect("the recorded response");
    assert_eq!((again.status, &again.body), (first.status, &first.body));
    assert!(again.repeated && !first.repeated);
    let refused = app.reloads.request(key("2"), "r", acting()).await;
    assert!(
        matches!(refused, Err(Error::Conflict { .. })),
        "{refused:?}"
    );
    // Another request under the key.
    let mut other = key("1");
    other.request = Digest::of(b"another");
    let refused = app.reloads.request(other, "r", acting()).await;
    let error = refused.expect_err("refused").to_string();
    assert!(error.contains("another request was sent"), "{error}");
    assert_eq!(app.reloads.requested().await.expect("requests").len(), 1);
}

async fn a_new_retailer_is_loading_until_every_process_has_read_its_folder(stage: &Stage) {
    let plugins = Arc::new(Folders::default());
    let (app, _) = app_with(stage, plugins.clone());
    begin(&app, "a", Vec::new(), LONG).await;
    begin(&app, "b", Vec::new(), LONG).await;
    let names = async || {
        let page = app.reloads.retailers(&Reach::Everything, None, 9).await;
        let retailers = page.expect("a page").retailers.into_iter();
        retailers.map(|one| one.retailer).collect::<Vec<_>>()
    };
    assert_eq!(names().await, [""; 0]);
    plugins.exist.store(true, Ordering::Relaxed);
    let requested = app.reloads.request(key("1"), "new", acting()).await;
    let requested: RetailerView =
        serde_json::from_str(&requested.expect("requested").body).expect("a view");
    assert_eq!(
        app.reloads.retailer("new").await.expect("a view"),
        requested
    );
    assert_eq!(processes(&requested), [("a", 0, None), ("b", 0, None)]);
    assert_eq!(names().await, ["new"]);
    let loads = vec![load("new", 1, LoadState::Serving)];
    app.reloads.record("a", loads).await.expect("recorded");
    let view = app.reloads.retailer("new").await.expect("a view");
    assert_eq!(
        processes(&view),
        [("a", 1, Some(LoadState::Serving)), ("b", 0, None)]
    );
    // The folder was removed, and the processes started again: none of them loads the retailer.
    tokio::time::sleep(Duration::from_millis(2)).await;
    for host in ["a", "b"] {
        begin(&app, host, Vec::new(), Duration::ZERO).await;
    }
    let gone = app.reloads.retailer("new").await;
    assert!(matches!(gone, Err(Error::NotFound { .. })), "{gone:?}");
    assert_eq!(names().await, [""; 0]);
}
