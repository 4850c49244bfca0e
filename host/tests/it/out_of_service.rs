//! A retailer that cannot be loaded is out of service: its events wait, and all others serve.

use crate::compilation::costly;
use crate::configuration::{ASKS, another, retailer};
use crate::host::{Database, Host};
use crate::misbehaving::sell;
use crate::reload::reload;
use serde_json::{Value, json};
use std::path::{Path, PathBuf};

const GOOD: [&str; 3] = ["corner", "north", "south"];
const BROKEN: &str = "broken";

fn slot(settings: &str) -> String {
    format!(
        "[plugins.papers.grants]\n{ASKS}\n[plugins.papers.settings]\nbehave = \"Decide\"\n{settings}"
    )
}

pub fn papers(plugin: &str, slot: &str) -> String {
    format!("[plugins.papers]\nplugin = \"{plugin}\"\n{slot}")
}

/// Where the key of the broken retailer is expected.
fn key_file(folder: &Path) -> PathBuf {
    folder.join("card.key")
}

/// The slot of the broken retailer with a secret in a file.
fn with_secret(folder: &Path) -> String {
    let file = key_file(folder);
    let granted = "[plugins.papers.grants]\nsecrets = { card = [\"mac\"] }";
    format!(
        "[secrets.card]\ncipher = \"hmac-sha256\"\nencoding = \"hex\"\nfile = \"{}\"\n{}",
        file.display(),
        papers(
            "guest",
            &slot("").replacen("[plugins.papers.grants]", granted, 1)
        )
    )
}

/// The configurations of the broken retailer, and what their error names. The last one needs only its secret.
fn mistakes(folder: &Path) -> Vec<(String, &'static str)> {
    for (name, component) in [("text", b"not a component".to_vec()), ("costly", costly())] {
        plugin(folder, name, &component);
    }
    vec![
        ("[plugins".into(), "invalid TOML"),
        (
            papers("guest", &slot("check = \"Problems\"\n")),
            "plugins.papers.settings",
        ),
        (papers("text", ""), "text.wasm"),
        (papers("costly", ""), "exceeded 1 s of CPU time"),
        (with_secret(folder), "secrets.card"),
    ]
}

/// Writes a plugin that requests nothing.
pub fn plugin(folder: &Path, name: &str, component: &[u8]) {
    let plugin = folder.join("plugins").join(name);
    std::fs::create_dir_all(&plugin).expect("a folder");
    let manifest = format!(
        "name = \"{name}\"\nversion = \"0.1.0\"\ncontract = \"0.2.0\"\ncomponent = \"{name}.wasm\"\n"
    );
    std::fs::write(plugin.join("plugin.toml"), manifest).expect("written");
    std::fs::write(plugin.join(format!("{name}.wasm")), component).expect("written");
}

pub async fn open(host: &Host, retailer: &str) {
    let body = json!({
        "external_id": retailer, "retailer": retailer, "store_type": "kiosk", "country": "ES",
        "currency": "EUR", "minor_digits": 2, "zone": "Europe/Madrid",
    });
    let path = format!("/v1/stores/s-{retailer}");
    let (status, answer) = host
        .send("PUT", &path, retailer, &body)
        .await
        .expect("sent");
    assert_eq!(status, 200, "{answer:#}");
}

pub fn documents(status: &Value, retailer: &str) -> u64 {
    let stores = status["stores"].as_array().expect("stores");
    let of = stores.iter().find(|one| one["retailer"] == retailer);
    of.and_then(|one| one["documents"].as_u64())
        .unwrap_or_default()
}

on_both!(a_broken_retailer_is_out_of_service_and_the_others_serve);

/// The host starts with each mistake, and serves the other three retailers. The last mistake is corrected, and a reload
/// lets everything be handled: what was sold during the outages, and what a plugin had parked before them.
async fn a_broken_retailer_is_out_of_service_and_the_others_serve(database: Database) {
    let folder = tempfile::tempdir().expect("a folder");
    let mut host = retailer(folder.path(), ASKS, &slot("")).on(database);
    for name in &GOOD[1..] {
        another(folder.path(), name, &papers("guest", &slot("")));
    }
    let retries = slot("").replacen("Decide", "Retry", 1);
    another(folder.path(), BROKEN, &papers("guest", &retries));
    // Compiles the guest, so that the limit of the next starts concerns the costly component only.
    host.start().await;
    host.set("compilation.cpu=1s");
    for name in GOOD.iter().chain([&BROKEN]) {
        open(&host, name).await;
    }
    sell(&host, &format!("s-{BROKEN}"), 0).await;
    host.until(|status| status["parked"] == 1).await;
    let mistakes = mistakes(folder.path());
    for (before, (text, wanted)) in mistakes.iter().enumerate() {
        another(folder.path(), BROKEN, text);
        if before == 1 {
            let (code, result) = reload(&host, BROKEN);
            assert_eq!(code, Some(1), "{result}");
            assert!(result.contains("failed, out of service"), "{result}");
            assert!(result.contains(wanted), "no {wanted}: {result}");
        } else {
            host.stop();
            host.start().await;
        }
        let sold = before + 1;
        for name in GOOD.iter().chain([&BROKEN]) {
            sell(&host, &format!("s-{name}"), sold).await;
        }
        let count = sold as u64;
        let status = host
            .until(|status| {
                let served = GOOD.iter().all(|name| documents(status, name) == count);
                // On a busy machine, the wait of the start may end before the compilation.
                let known = status["out_of_service"].to_string().contains(wanted);
                served && known && status["parked"] == count + 1
            })
            .await;
        assert_eq!(documents(&status, BROKEN), 0);
        assert_eq!(status["dead_letters"], 0);
        shown_as_out_of_service(&host, &status, wanted).await;
    }
    let line = "retailer out of service, its events wait";
    let log = host.log();
    for (_, wanted) in &mistakes {
        let mut lines = log.lines();
        let logged = lines.any(|one| one.contains(line) && one.contains(wanted));
        assert!(logged, "no {wanted}: {log}");
    }
    let waiting = host.get("/v1/parked").await.expect("parked events");
    let waiting = waiting["parked"].as_array().expect("a list").iter();
    let slots = waiting.filter(|one| one["subscriber"] == "papers").count();
    assert_eq!(slots, 1, "the event that its slot parked before");

    let process = host.pid();
    std::fs::write(key_file(folder.path()), "0b".repeat(32)).expect("written");
    let (code, result) = reload(&host, BROKEN);
    assert_eq!(code, Some(0), "{result}");
    let all = mistakes.len() as u64 + 1;
    let status = host
        .until(|status| documents(status, BROKEN) == all && status["parked"] == 0)
        .await;
    assert_eq!(host.pid(), process, "no restart");
    assert_eq!(status["dead_letters"], 0, "{status:#}");
    assert_eq!(status["out_of_service"], json!([]));
    assert_eq!(status["failed_loads"], json!([]));
    for n in 0..=mistakes.len() {
        let journal = host
            .get(&format!("/v1/orders/s-{BROKEN}-{n}/journal"))
            .await;
        let journal = journal.expect("a journal");
        let attempts = journal.as_array().or(journal["attempts"].as_array());
        let attempts = attempts.expect("attempts");
        let took_effect = attempts.iter().filter(|one| one["outcome"] == "applied");
        assert_eq!(took_effect.count(), 1, "{journal:#}");
        assert!(n == 0 || attempts.len() == 1, "{journal:#}");
    }
    host.stop();
}

/// Only a start that must not serve without all of its retailers is refused.
#[test]
fn a_strict_start_is_refused_with_each_mistake() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut host = retailer(folder.path(), ASKS, &slot(""));
    // Compiles the guest, so that the limit concerns the costly component only.
    let checked = host.run(&["check"]);
    assert!(checked.status.success(), "{checked:?}");
    host.set("compilation.cpu=1s");
    for (text, wanted) in mistakes(folder.path()) {
        another(folder.path(), BROKEN, &text);
        let refused = host.run(&["serve", "--strict"]);
        assert_eq!(refused.status.code(), Some(1), "{wanted}");
        let output = String::from_utf8_lossy(&refused.stderr).into_owned();
        assert!(output.contains(wanted), "no {wanted}: {output}");
    }
}

/// Everything that shows operators the errors of the broken retailer.
async fn shown_as_out_of_service(host: &Host, status: &Value, wanted: &str) {
    let out = status["out_of_service"].as_array().expect("a list");
    assert_eq!(out.len(), 1, "{status:#}");
    assert_eq!(out[0]["retailer"], BROKEN);
    assert!(out[0]["errors"].to_string().contains(wanted), "{out:?}");
    let failed = &status["failed_loads"][0];
    assert_eq!(
        (&failed["retailer"], &failed["state"]),
        (&json!(BROKEN), &json!("out_of_service"))
    );
    let ready = host.get("/readyz").await.expect("ready").to_string();
    assert!(
        ready.contains("retailer broken is out of service"),
        "{ready}"
    );
    let metrics = host.client.get(host.url("/metrics")).send().await;
    let metrics = metrics.expect("sent").text().await.expect("a text");
    for (name, value) in [(BROKEN, 1), (GOOD[0], 0)] {
        let line = format!("galleria_retailer_out_of_service{{retailer=\"{name}\"}} {value}");
        assert!(metrics.contains(&line), "no {line}:\n{metrics}");
    }
    let path = format!("/v1/stores/s-{BROKEN}/members/identify");
    let request = host
        .client
        .post(host.url(&path))
        .json(&json!({ "code": "1" }));
    let answer = request.send().await.expect("an answer");
    assert_eq!(answer.status(), 503);
    let problem: Value = answer.json().await.expect("JSON");
    assert_eq!(problem["code"], "retailer_out_of_service", "{problem}");
    let shown = host.run(&["status"]);
    let shown = String::from_utf8_lossy(&shown.stdout).into_owned();
    assert!(shown.contains("out of service"), "{shown}");
}
