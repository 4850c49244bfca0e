//! A host serves before all of its retailers are loaded.

use crate::compilation::{component, costly, costly_ones};
use crate::configuration::{ASKS, another, retailer};
use crate::host::{Database, Host};
use crate::misbehaving::sell;
use crate::out_of_service::{documents, open, papers, plugin};
use crate::reload::reload;
use serde_json::{Value, json};
use std::path::Path;
use std::time::{Duration, Instant};

const GOOD: [&str; 3] = ["corner", "north", "south"];
const SLOW: &str = "slow";

fn slot() -> String {
    format!("[plugins.papers.grants]\n{ASKS}\n[plugins.papers.settings]\nbehave = \"Decide\"\n")
}

/// Three retailers, and one whose component takes minutes to compile.
fn host(folder: &Path, database: Database) -> Host {
    let mut host = retailer(folder, ASKS, &slot()).on(database);
    for name in &GOOD[1..] {
        another(folder, name, &papers("guest", &slot()));
    }
    plugin(folder, "costly", &costly());
    another(folder, SLOW, &papers("costly", ""));
    // The compilation ends after the test.
    host.set("compilation.cpu=10m");
    host.set("compilation.startup_wait=10ms");
    host
}

async fn part(host: &Host) -> Value {
    let ready = host.get("/readyz").await.expect("ready");
    let parts = ready["parts"].as_array().expect("parts").iter();
    let mut plugins = parts.filter(|one| one["part"] == "plugins");
    plugins.next().expect("the plugins").clone()
}

on_both!(a_retailer_that_is_loading_delays_no_other_one);

async fn a_retailer_that_is_loading_delays_no_other_one(database: Database) {
    let folder = tempfile::tempdir().expect("a folder");
    let mut host = host(folder.path(), database);
    host.start().await;
    for name in GOOD.iter().chain([&SLOW]) {
        open(&host, name).await;
        sell(&host, &format!("s-{name}"), 0).await;
    }
    let status = host
        .until(|status| {
            let served = GOOD.iter().all(|name| documents(status, name) == 1);
            served && status["parked"] == 1 && status["out_of_service"][0]["retailer"] == SLOW
        })
        .await;
    let out = status["out_of_service"].as_array().expect("a list");
    assert_eq!(out.len(), 1, "{status:#}");
    assert!(out[0]["errors"].to_string().contains("loading"), "{out:?}");
    // Nothing has failed.
    assert_eq!(status["failed_loads"], json!([]));
    let log = host.log();
    assert!(!log.contains("retailer out of service"), "{log}");
    assert!(log.contains("retailers are being loaded"), "{log}");
    let plugins = part(&host).await;
    assert_eq!(plugins["state"], "loading");
    assert_eq!(
        plugins["detail"],
        "retailer slow is out of service: loading"
    );
    let view = host.get("/v1/retailers/slow").await.expect("a retailer");
    assert_eq!(view["processes"][0]["state"], "loading", "{view:#}");
    for (arguments, wanted) in [
        (&["status"][..], "out of service: loading"),
        (&["retailer", "list"], "loading"),
    ] {
        let shown = host.run(arguments);
        let shown = String::from_utf8_lossy(&shown.stdout).into_owned();
        assert!(shown.contains(wanted), "{shown}");
    }

    // A drain does not wait for the compilation. The next start has the corrected plugin.
    let begun = Instant::now();
    host.stop();
    assert!(begun.elapsed() < Duration::from_secs(20));
    another(folder.path(), SLOW, &papers("guest", &slot()));
    host.start().await;
    let status = host
        .until(|status| documents(status, SLOW) == 1 && status["parked"] == 0)
        .await;
    assert_eq!(status["out_of_service"], json!([]));
    let begun = Instant::now();
    while part(&host).await["state"] == "loading" {
        assert!(begun.elapsed().as_secs() < 60, "{}", host.log());
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    host.stop();
}

/// The reload reads the files again after the first load, which the limit ends.
#[tokio::test(flavor = "multi_thread")]
async fn a_reload_during_the_first_load_follows_it() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut host = host(folder.path(), Database::Sqlite);
    host.set("compilation.cpu=5s");
    host.start().await;
    open(&host, SLOW).await;
    sell(&host, "s-slow", 0).await;
    another(folder.path(), SLOW, &papers("guest", &slot()));
    let (code, result) = reload(&host, SLOW);
    assert_eq!(code, Some(0), "{result}");
    host.until(|status| documents(status, SLOW) == 1 && status["parked"] == 0)
        .await;
    let log = host.log();
    let failed = log.find("exceeded 5 s of CPU time").expect(&log);
    let loaded = log.find("retailer loaded again").expect(&log);
    assert!(failed < loaded, "{log}");
    host.stop();
}

/// All places but one are for the costly components of a retailer. A later one uses the other: its component is
/// compiled, and then fails its own check.
#[tokio::test(flavor = "multi_thread")]
async fn costly_components_of_one_retailer_do_not_delay_a_later_retailer() {
    const AT_ONCE: usize = 2;
    let folder = tempfile::tempdir().expect("a folder");
    let mut host = host(folder.path(), Database::Sqlite);
    host.set(&format!("compilation.at_once={AT_ONCE}"));
    let mut text = String::new();
    for (n, component) in costly_ones(AT_ONCE + 1).iter().enumerate() {
        let name = format!("costly-{n}");
        plugin(folder.path(), &name, component);
        text.push_str(&format!("[plugins.{name}]\nplugin = \"{name}\"\n"));
    }
    another(folder.path(), SLOW, &text);
    host.start().await;
    // An earlier run of this test must not have compiled it.
    let name = folder.path().file_name().expect("a name").display();
    let later = component(&format!("(func (export \"{name}\"))"));
    plugin(folder.path(), "later", &later);
    another(folder.path(), "later", &papers("later", ""));
    open(&host, "later").await;
    let (code, result) = reload(&host, "later");
    assert_eq!(code, Some(1), "{result}");
    assert!(result.contains("failed to check its settings"), "{result}");
    let log = host.log();
    let compiled = log
        .lines()
        .filter(|line| line.contains("component compiled"));
    let lines = compiled.map(|line| serde_json::from_str::<Value>(line).expect("JSON"));
    let line = lines.into_iter().find(|line| line["plugin"] == "later");
    let line = line.unwrap_or_else(|| panic!("not logged: {log}"));
    assert!(
        line["duration_ms"].is_u64() && line["bytes"].is_u64(),
        "{line}"
    );
    let view = host.get("/v1/retailers/slow").await.expect("a retailer");
    assert_eq!(view["processes"][0]["state"], "loading", "{view:#}");
    host.stop();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_retailer_is_listed_while_it_is_loading() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut host = host(folder.path(), Database::Sqlite);
    std::fs::remove_dir_all(folder.path().join("retailers").join(SLOW)).expect("removed");
    host.start().await;
    another(folder.path(), SLOW, &papers("costly", ""));
    let ran = host.run(&[
        "retailer",
        "reload",
        SLOW,
        "--reason",
        "a test",
        "--timeout",
        "3",
    ]);
    assert!(!ran.status.success());
    let shown = String::from_utf8_lossy(&ran.stdout).into_owned();
    assert!(shown.contains("no result in time"), "{shown}");
    let status = host
        .until(|status| status["out_of_service"][0]["retailer"] == SLOW)
        .await;
    let errors = status["out_of_service"][0]["errors"].to_string();
    assert!(errors.contains("loading"), "{errors}");
    let view = host.get("/v1/retailers/slow").await.expect("a retailer");
    let process = &view["processes"][0];
    assert_eq!(process["state"], "loading", "{view:#}");
    assert!(
        process["generation"].as_i64() < view["generation"].as_i64(),
        "{view:#}"
    );
    let plugins = part(&host).await;
    assert_eq!(plugins["state"], "loading");
    assert_eq!(
        plugins["detail"],
        "retailer slow is out of service: loading"
    );
    host.stop();
}

/// A file system that does not answer has the same effect as this compilation, which ends after the test.
#[tokio::test(flavor = "multi_thread")]
async fn a_load_without_end_fails_and_can_be_repeated() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut host = host(folder.path(), Database::Sqlite);
    // Compiles the guest, so that the limit of the next start concerns the costly component only.
    another(folder.path(), SLOW, &papers("guest", &slot()));
    host.start().await;
    for name in GOOD.iter().chain([&SLOW]) {
        open(&host, name).await;
    }
    host.stop();
    another(folder.path(), SLOW, &papers("costly", ""));
    host.set("compilation.load_timeout=5s");
    host.start().await;
    sell(&host, "s-slow", 0).await;
    let wanted = "the load exceeded 5s";
    let status = host
        .until(|status| {
            status["out_of_service"][0]["errors"]
                .to_string()
                .contains(wanted)
        })
        .await;
    assert_eq!(
        status["failed_loads"].as_array().map(Vec::len),
        Some(1),
        "{status:#}"
    );
    assert!(
        host.log().contains("raise compilation.load_timeout"),
        "{}",
        host.log()
    );
    assert_ne!(part(&host).await["state"], "loading");
    for name in GOOD {
        sell(&host, &format!("s-{name}"), 1).await;
    }
    host.until(|status| GOOD.iter().all(|name| documents(status, name) == 1))
        .await;

    another(folder.path(), SLOW, &papers("guest", &slot()));
    let (code, result) = reload(&host, SLOW);
    assert_eq!(code, Some(0), "{result}");
    host.until(|status| documents(status, SLOW) == 1 && status["parked"] == 0)
        .await;
    another(folder.path(), SLOW, &papers("costly", ""));
    let (code, result) = reload(&host, SLOW);
    assert_eq!(code, Some(1), "{result}");
    assert!(
        result.contains("the previous configuration serves") && result.contains(wanted),
        "{result}"
    );
    host.stop();
}

/// The command compiles nothing: neither with a process, nor without one.
#[tokio::test(flavor = "multi_thread")]
async fn the_status_compiles_nothing() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut host = retailer(folder.path(), ASKS, &slot());
    let artifacts = folder.path().join("artifacts");
    host.set(&format!("artifacts={}", artifacts.display()));
    let migrated = host.run(&["migrate"]);
    assert!(migrated.status.success(), "{migrated:?}");
    plugin(folder.path(), "costly", &costly());
    another(folder.path(), SLOW, &papers("costly", ""));
    another(folder.path(), "wrong", &papers("unknown", ""));
    let shown = host.run(&["status", "--json"]);
    let status: Value = serde_json::from_slice(&shown.stdout).expect("JSON");
    assert!(!artifacts.exists(), "compiled");
    let out = status["out_of_service"].as_array().expect("a list");
    assert_eq!(out.len(), 1, "{out:#?}");
    assert_eq!(out[0]["retailer"], "wrong");
    let errors = out[0]["errors"].to_string();
    assert!(errors.contains("plugins.papers.plugin"), "{errors}");
}
