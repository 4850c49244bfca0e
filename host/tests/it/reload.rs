//! A retailer is loaded again while the processes run.

use crate::compilation::costly;
use crate::configuration::{ASKS, another, retailer};
use crate::host::{Database, Host};
use crate::misbehaving::sell;
use crate::out_of_service::{documents, open, papers};
use galleria_db::Db;
use galleria_ports::in_tx;
use galleria_ports::records::Records;
use serde_json::{Value, json};
use std::path::Path;
use std::time::{Duration, Instant};

const NAME: &str = "corner";

/// Runs the command. Returns its exit code and its output.
pub fn reload(host: &Host, name: &str) -> (Option<i32>, String) {
    let ran = host.run(&["retailer", "reload", name, "--reason", "a test"]);
    let output = [ran.stdout, ran.stderr].concat();
    let output = String::from_utf8_lossy(&output).into_owned();
    (ran.status.code(), output)
}

/// A slot with the behaviour `behave`, and more tables.
fn slot(behave: &str, more: &str) -> String {
    format!(
        "[plugins.papers.grants]\n{ASKS}\n[plugins.papers.settings]\nbehave = \"{behave}\"\n{more}"
    )
}

/// Changes the retailer's file.
fn write(folder: &Path, slot: &str) {
    another(folder, NAME, &papers("guest", slot));
}

/// The attempts at an order's payment, when there are `count`.
async fn attempts(host: &Host, order: &str, count: usize) -> Vec<Value> {
    let begun = Instant::now();
    loop {
        let journal = host.get(&format!("/v1/orders/{order}/journal")).await;
        let journal = journal.expect("a journal");
        let all = journal.as_array().or(journal["attempts"].as_array());
        let all = all.expect("attempts").clone();
        if all.len() >= count {
            return all;
        }
        assert!(begun.elapsed().as_secs() < 60, "{journal:#}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

/// The result of the retailer in the only process.
async fn result(host: &Host) -> Value {
    let path = format!("/v1/retailers/{NAME}");
    let view = host.get(&path).await.expect("a retailer");
    assert_eq!(
        view["processes"].as_array().map(Vec::len),
        Some(1),
        "{view:#}"
    );
    view["processes"][0].clone()
}

/// Waits for the value of the metric, which is read every five seconds.
async fn metric(host: &Host, value: u8) {
    let wanted = format!("galleria_retailer_reload_failed{{retailer=\"{NAME}\"}} {value}");
    let begun = Instant::now();
    loop {
        let metrics = host.client.get(host.url("/metrics")).send().await;
        let metrics = metrics.expect("sent").text().await.expect("a text");
        if metrics.lines().any(|line| line == wanted) {
            return;
        }
        assert!(begun.elapsed().as_secs() < 30, "no {wanted}:\n{metrics}");
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
}

on_both!(
    a_broken_configuration_is_rejected_and_the_previous_one_serves,
    slots_grants_and_schedules_change_and_a_new_retailer_is_loaded,
    events_of_an_unknown_retailer_wait_for_its_folder,
    a_call_in_progress_ends_with_the_plugin_that_it_began_with,
);

async fn a_broken_configuration_is_rejected_and_the_previous_one_serves(database: Database) {
    let folder = tempfile::tempdir().expect("a folder");
    let mut host = retailer(folder.path(), ASKS, &slot("Decide", "")).on(database);
    host.start().await;
    open(&host, NAME).await;
    let store = format!("s-{NAME}");
    sell(&host, &store, 0).await;
    host.until(|status| documents(status, NAME) == 1).await;

    write(folder.path(), &slot("Decide", "check = \"Problems\"\n"));
    let (code, output) = reload(&host, NAME);
    assert_eq!(code, Some(1), "{output}");
    let wanted = "plugins.papers.settings";
    assert!(
        output.contains("failed, the previous configuration serves") && output.contains(wanted),
        "{output}"
    );
    sell(&host, &store, 1).await;
    let status = host.until(|status| documents(status, NAME) == 2).await;
    assert_eq!(status["out_of_service"], json!([]));
    let failed = &status["failed_loads"];
    assert_eq!(failed.as_array().map(Vec::len), Some(1), "{failed}");
    assert_eq!(failed[0]["state"], "reload_failed");
    assert!(failed[0]["errors"].to_string().contains(wanted), "{failed}");
    let ready = host.get("/readyz").await.expect("ready");
    assert_eq!(ready["status"], "ready");
    let ready = ready.to_string();
    assert!(ready.contains("its reload failed") && ready.contains(wanted));
    metric(&host, 1).await;
    let shown = host.run(&["status"]).stdout;
    let shown = String::from_utf8_lossy(&shown).into_owned();
    assert!(shown.contains("reload failed in "), "{shown}");
    assert!(!shown.contains("out of service"), "{shown}");
    let listed = host.run(&["retailer", "list"]).stdout;
    let listed = String::from_utf8_lossy(&listed).into_owned();
    assert!(listed.contains("reload_failed"), "{listed}");
    assert!(host.log().contains("reload failed, the retailer serves"));

    // Over HTTP, with the same key twice: one request.
    write(folder.path(), &slot("Decide", ""));
    let path = format!("/v1/retailers/{NAME}/reload");
    let why = json!({ "actor": "ana", "reason": "corrected" });
    for _ in 0..2 {
        let (status, answer) = host.send("POST", &path, "again", &why).await.expect("sent");
        assert_eq!((status, &answer["generation"]), (202, &json!(2)));
    }
    host.until(|status| status["failed_loads"] == json!([]))
        .await;
    let one = result(&host).await;
    assert_eq!(
        (&one["generation"], &one["state"], &one["errors"]),
        (&json!(2), &json!("serving"), &json!([]))
    );
    metric(&host, 0).await;
    let path = "/v1/operations?action=retailer_reload";
    let operations = host.get(path).await.expect("operations");
    let operations = operations["operations"].as_array().expect("a list").clone();
    assert_eq!(operations.len(), 2, "{operations:#?}");
    assert_eq!(operations[0]["reason"], "corrected");
    assert_eq!(operations[0]["subject"], "retailers:corner");
    let actor = operations[0]["actor"].as_str().expect("an actor");
    assert!(actor.contains("ana"), "{actor}");

    // Without its folder, the retailer cannot be loaded, and serves on.
    let hidden = folder.path().join("hidden");
    std::fs::rename(folder.path().join("retailers").join(NAME), &hidden).expect("moved");
    let (code, output) = reload(&host, NAME);
    assert_eq!(code, Some(1), "{output}");
    assert!(output.contains("no folder"), "{output}");
    let (code, output) = reload(&host, "cornr");
    assert_eq!(code, Some(1), "{output}");
    assert!(output.contains("did you mean"), "{output}");
    sell(&host, &store, 2).await;
    host.until(|status| documents(status, NAME) == 3).await;
    host.stop();
    let gone = host.run(&["retailer", "reload", NAME, "--reason", "a test"]);
    assert_eq!(gone.status.code(), Some(1));
}

async fn slots_grants_and_schedules_change_and_a_new_retailer_is_loaded(database: Database) {
    let folder = tempfile::tempdir().expect("a folder");
    let mut host = retailer(folder.path(), ASKS, &slot("Decide", "")).on(database);
    host.start().await;
    open(&host, NAME).await;
    let store = format!("s-{NAME}");
    sell(&host, &store, 0).await;
    attempts(&host, &format!("{store}-0"), 1).await;

    // The plugin requests more, a second slot notes, and a schedule runs every night.
    let manifest = folder.path().join("plugins/guest/plugin.toml");
    let text = std::fs::read_to_string(&manifest).expect("a file");
    let wider = text.replacen("[asks]", "[asks]\nreceipts = true", 1);
    std::fs::write(&manifest, wider).expect("written");
    let second = format!(
        "[plugins.notes]\nplugin = \"guest\"\n[plugins.notes.grants]\nreceipts = true\n{ASKS}\n\
         [plugins.notes.settings]\nbehave = \"Yield\"\n\
         [schedules.nightly]\nplugin = \"notes\"\npoint = \"report\"\nat = \"0 3 * * *\"\n\
         zone = \"Europe/Madrid\"\nper = \"retailer\"\nwindow = \"yesterday\"\ncatch_up = \"all\"\n"
    );
    write(folder.path(), &slot("Decide", &second));
    let (code, output) = reload(&host, NAME);
    assert_eq!(code, Some(1), "{output}");
    assert!(output.contains("receipts without a grant"), "{output}");
    assert!(host.get("/v1/plugins/corner/notes").await.is_err());
    let granted = slot("Decide", &second);
    let granted = granted.replacen("papers.grants]", "papers.grants]\nreceipts = true", 1);
    write(folder.path(), &granted);
    let (code, output) = reload(&host, NAME);
    assert_eq!(code, Some(0), "{output}");
    let plugins = host.get("/v1/plugins").await.expect("plugins");
    let slots = plugins["plugins"].as_array().expect("a list").iter();
    let slots: Vec<_> = slots
        .map(|one| (one["slot"].clone(), one["granted"]["receipts"].clone()))
        .collect();
    let expected = ["notes", "papers"].map(|name| (json!(name), json!(true)));
    assert_eq!(slots, expected);
    sell(&host, &store, 1).await;
    attempts(&host, &format!("{store}-1"), 2).await;
    let loads = host.get("/v1/operations?action=plugins_loaded").await;
    let loads = loads.expect("operations");
    let last = &loads["operations"][0];
    assert_eq!(last["subject"], "retailers:corner", "{last:#}");
    assert!(last["before"]["notes"].is_null() && last["after"]["notes"].is_object());
    // Planning marks the schedule. Without the reload, that would take up to a minute.
    let db = Db::open(&host.database()).await.expect("open");
    let begun = Instant::now();
    loop {
        let records: &dyn Records = &db;
        let marks = records.read(in_tx!(|tx| tx
            .schedule_mark_list("corner", "nightly")
            .await));
        if !marks.await.expect("marks").is_empty() {
            break;
        }
        assert!(begun.elapsed().as_secs() < 20, "{}", host.log());
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    db.close().await.expect("closed");

    // The last slot is removed.
    another(folder.path(), NAME, "");
    let (code, output) = reload(&host, NAME);
    assert_eq!(code, Some(0), "{output}");
    let plugins = host.get("/v1/plugins").await.expect("plugins");
    assert_eq!(plugins["plugins"], json!([]));
    sell(&host, &store, 2).await;
    host.settle().await;
    let loads = host.get("/v1/operations?action=plugins_loaded").await;
    assert_eq!(
        loads.expect("operations")["operations"][0]["after"],
        json!({})
    );

    // A new folder.
    another(folder.path(), "north", &papers("guest", &granted));
    let (code, output) = reload(&host, "north");
    assert_eq!(code, Some(0), "{output}");
    open(&host, "north").await;
    sell(&host, "s-north", 0).await;
    host.until(|status| documents(status, "north") == 1).await;
    let page = host.get("/v1/retailers").await.expect("retailers");
    let names = page["retailers"].as_array().expect("a list").iter();
    let names: Vec<_> = names.map(|one| one["retailer"].clone()).collect();
    assert_eq!(names, [json!("corner"), json!("north")]);
    host.stop();
}

/// The folder is new, and the process does not know it until it is loaded.
async fn events_of_an_unknown_retailer_wait_for_its_folder(database: Database) {
    let folder = tempfile::tempdir().expect("a folder");
    let mut host = retailer(folder.path(), ASKS, &slot("Decide", "")).on(database);
    host.start().await;
    open(&host, "north").await;
    sell(&host, "s-north", 0).await;
    let status = host
        .until(|status| status["parked"] == 1 && status["out_of_service"] != json!([]))
        .await;
    assert_eq!(status["out_of_service"][0]["retailer"], "north");
    let errors = status["out_of_service"][0]["errors"].to_string();
    assert!(errors.contains("has not read the folder"), "{errors}");
    let ready = host.get("/readyz").await.expect("ready").to_string();
    assert!(
        ready.contains("retailer north is out of service"),
        "{ready}"
    );
    another(
        folder.path(),
        "north",
        &papers("guest", &slot("Decide", "")),
    );
    let (code, output) = reload(&host, "north");
    assert_eq!(code, Some(0), "{output}");
    host.until(|status| documents(status, "north") == 1 && status["parked"] == 0)
        .await;
    host.stop();
}

async fn a_call_in_progress_ends_with_the_plugin_that_it_began_with(database: Database) {
    let folder = tempfile::tempdir().expect("a folder");
    // Until its limit, the call takes longer than the reload.
    let limits = "[plugins.papers.limits]\ncpu_ms = 5000\nwall_ms = 60000\n";
    let mut host = retailer(folder.path(), ASKS, &slot("Loop", limits)).on(database);
    host.start().await;
    open(&host, NAME).await;
    let store = format!("s-{NAME}");
    sell(&host, &store, 0).await;
    write(folder.path(), &slot("Decide", ""));
    let (code, output) = reload(&host, NAME);
    assert_eq!(code, Some(0), "{output}");
    let order = format!("{store}-0");
    assert_eq!(attempts(&host, &order, 0).await, [] as [Value; 0]);
    // Another event is decided by the new plugin, while the call of the previous one is in progress.
    sell(&host, &store, 1).await;
    let newer = attempts(&host, &format!("{store}-1"), 1).await;
    assert_eq!(attempts(&host, &order, 0).await, [] as [Value; 0]);
    let all = attempts(&host, &order, 2).await;
    assert!(all[0].to_string().contains("out_of_cpu"), "{all:#?}");
    assert_eq!(all[1]["settings"], newer[0]["settings"]);
    assert_ne!(all[0]["settings"], newer[0]["settings"]);
    host.until(|status| documents(status, NAME) == 2).await;
    host.stop();
}

/// One serves HTTP, another one consumes; both load the retailer. A process that has ended does not block.
#[tokio::test(flavor = "multi_thread")]
#[cfg_attr(not(postgres_installed), ignore = "PostgreSQL is not installed")]
async fn all_processes_on_one_database_load_the_retailer() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut front = retailer(
        folder.path(),
        ASKS,
        &slot("Decide", "check = \"Problems\"\n"),
    );
    front = front.on(Database::Postgres);
    front.role("api");
    front.start().await;
    let mut back = front.beside("consumer,deliver");
    back.start().await;
    open(&front, NAME).await;
    sell(&front, &format!("s-{NAME}"), 0).await;
    front.until(|status| status["parked"] == 1).await;
    let status = front.get("/v1/status").await.expect("a status");
    let failed = status["failed_loads"].as_array().expect("a list");
    assert_eq!(failed.len(), 2, "{failed:#?}");

    write(folder.path(), &slot("Decide", ""));
    let (code, output) = reload(&front, NAME);
    assert_eq!(code, Some(0), "{output}");
    assert_eq!(output.matches(" loaded ").count(), 2, "{output}");
    front.until(|status| documents(status, NAME) == 1).await;

    // The reload fails in one process, whose plugins are in another folder.
    let other = tempfile::tempdir().expect("a folder");
    std::fs::create_dir(other.path().join("unrelated")).expect("a folder");
    let mut third = front.beside("consumer");
    third.set(&format!("plugins={}", other.path().display()));
    third.start().await;
    let (code, output) = reload(&front, NAME);
    assert_eq!(code, Some(1), "{output}");
    assert_eq!(output.matches(" loaded ").count(), 2, "{output}");
    assert_eq!(
        output.matches("failed, out of service").count(),
        1,
        "{output}"
    );

    third.stop();
    let (code, output) = reload(&front, NAME);
    assert_eq!(code, Some(0), "{output}");
    assert_eq!(output.matches(" loaded ").count(), 2, "{output}");
    // A process that starts later has read the files.
    back.stop();
    back.start().await;
    let view = front.get(&format!("/v1/retailers/{NAME}")).await;
    let view = view.expect("a retailer");
    let processes = view["processes"].as_array().expect("a list");
    let current = |one: &&Value| one["state"] == "serving";
    assert_eq!(processes.iter().filter(current).count(), 2, "{view:#}");
    back.stop();
    front.stop();
}

/// The compilation takes minutes. The process ends without it.
#[tokio::test(flavor = "multi_thread")]
async fn a_compilation_does_not_delay_the_end_of_the_process() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut host = retailer(folder.path(), ASKS, &slot("Decide", ""));
    host.start().await;
    let plugin = folder.path().join("plugins/guest/guest.wasm");
    std::fs::write(plugin, costly()).expect("written");
    let path = format!("/v1/retailers/{NAME}/reload");
    let why = json!({ "reason": "a test" });
    let (status, answer) = host
        .send("POST", &path, "costly", &why)
        .await
        .expect("sent");
    assert_eq!(status, 202, "{answer}");
    let begun = Instant::now();
    while !host.log().contains("reload started") {
        assert!(begun.elapsed().as_secs() < 30, "{}", host.log());
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let stopped = Instant::now();
    host.stop();
    assert!(stopped.elapsed().as_secs() < 20, "{:?}", stopped.elapsed());
    assert!(
        !host.log().contains("compilation exceeded"),
        "{}",
        host.log()
    );
}
