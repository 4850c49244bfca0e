//! Every plugin of the house, in the real engine, over its own fixtures.

use crate::kit::{build, engine, target};
use galleria_domain::plugin::Rights;
use serde::Deserialize;
use std::path::{Path, PathBuf};

#[derive(Deserialize)]
struct Manifest {
    component: String,
    asks: Rights,
}

fn plugins() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../plugins")
}

/// Builds a Rust plugin and runs its fixtures.
fn fixtures(plugin: &str) {
    let folder = plugins().join(plugin);
    let text = std::fs::read_to_string(folder.join("plugin.toml")).expect("plugin.toml");
    let manifest: Manifest = toml::from_str(&text).expect("a manifest");
    build(plugin);
    let component = target()
        .join("wasm32-wasip2/plugin")
        .join(&manifest.component);
    let ran = galleria_engine::fixtures::run(
        engine(),
        &component,
        &manifest.asks,
        &folder.join("fixtures"),
    );
    match ran {
        Ok(cases) => assert!(cases > 0),
        Err(failures) => panic!("{}", failures.join("\n")),
    }
}

#[test]
fn every_plugin_in_rust_decides_as_its_fixtures_say() {
    let folders = std::fs::read_dir(plugins()).expect("plugins");
    let mut ran = 0;
    for folder in folders.map(|folder| folder.expect("a folder").path()) {
        if folder.join("Cargo.toml").exists() {
            fixtures(&folder.file_name().expect("a name").to_string_lossy());
            ran += 1;
        }
    }
    assert!(ran > 1, "only {ran} plugins");
}

/// Keys, answers, statements and feeds come to the same natively and in a component, to the byte.
#[test]
fn every_shape_of_point_decides_as_it_does_natively() {
    let rights = crate::kit::slot("any", engine_guests::Behave::Decide).asks;
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("guests/fixtures");
    let ran = galleria_engine::fixtures::run(engine(), crate::kit::guest(), &rights, &folder);
    assert_eq!(ran, Ok(7));
}

#[test]
fn a_golden_file_that_differs_is_shown() {
    let folder = tempfile::tempdir().expect("a folder");
    let case = folder.path().join("case");
    std::fs::create_dir_all(case.join("decision/files/poslog")).expect("a folder");
    let event = serde_json::json!({
        "point": "on-payment",
        "context": {
            "event_id": "e", "occurred_at": "2026-11-24T10:11:12.345+01:00",
            "business_date": "2026-11-24", "scope": { "store": crate::kit::store() },
            "settings": { "behave": "Decide" },
        },
        "argument": crate::kit::sale(2),
    });
    let decision = serde_json::json!({
        "documents": [{
            "directory": "poslog", "name": "payment-1.txt", "media_type": "text/plain",
            "file": "poslog/payment-1.txt",
        }],
        "publications": [{ "topic": "sales", "key": "key", "data": { "gross": 500 } }],
        "requests": [], "receipts": [], "notes": [{ "name": "event", "value": "e" }],
    });
    let write = |name: &str, text: &str| std::fs::write(case.join(name), text).expect("a file");
    write("event.json", &event.to_string());
    write("decision/decision.json", &decision.to_string());
    let document = "decision/files/poslog/payment-1.txt";
    write(document, "payment-1 2 lines");
    let rights = crate::kit::slot("any", engine_guests::Behave::Decide).asks;
    let ran =
        || galleria_engine::fixtures::run(engine(), crate::kit::guest(), &rights, folder.path());
    assert_eq!(ran(), Ok(1));

    write(document, "payment-1 3 lines");
    let [failure] = ran().expect_err("a difference").try_into().expect("one");
    let wanted = format!("{document}: line 1: \"payment-1 3 lines\" is now \"payment-1 2 lines\"");
    assert!(failure.contains(&wanted), "{failure}");

    write(document, "payment-1 2 lines");
    write("decision/files/poslog/other.txt", "");
    let [failure] = ran().expect_err("a difference").try_into().expect("one");
    assert!(failure.contains("other.txt was not written"), "{failure}");
}
