//! A host serves before all of its retailers are loaded.

use crate::compilation::costly;
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
