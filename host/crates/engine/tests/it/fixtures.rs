//! Every Rust plugin of this repository in the real engine, with its own fixtures.

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

/// Runs the fixtures of a Rust plugin.
fn fixtures(plugin: &str) {
    let folder = plugins().join(plugin);
    let text = std::fs::read_to_string(folder.join("plugin.toml")).expect("plugin.toml");
    let manifest: Manifest = toml::from_str(&text).expect("a manifest");
    let component = target()
        .join("wasm32-wasip2/plugin")
        .join(&manifest.component);
    let result = galleria_engine::fixtures::run(
        engine(),
        &component,
        &manifest.asks,
        &folder.join("fixtures"),
    );
    match result {
        Ok(cases) => assert!(cases > 0),
        Err(failures) => panic!("{}", failures.join("\n")),
    }
}

#[test]
fn rust_plugins_match_their_fixtures() {
    let folders = std::fs::read_dir(plugins()).expect("plugins");
    let names: Vec<String> = folders
        .map(|folder| folder.expect("a folder").path())
        .filter(|folder| folder.join("Cargo.toml").exists())
        .map(|folder| {
            let name = folder.file_name().expect("a name");
            name.to_string_lossy().into_owned()
        })
        .collect();
    assert!(names.len() > 1, "only {} plugins", names.len());
    let packages: Vec<&str> = names.iter().map(String::as_str).collect();
    build(&packages);
    for name in packages {
        fixtures(name);
    }
}

/// The guest's native tests use the same fixtures, so keys, answers, statements and feeds give the same
/// bytes natively and in a component.
#[test]
fn guest_matches_its_fixtures_at_every_kind_of_point() {
    let rights = crate::kit::slot("any", engine_guests::Behaviour::Decide).asks;
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("guests/fixtures");
    let result = galleria_engine::fixtures::run(engine(), crate::kit::guest(), &rights, &folder);
    assert_eq!(result, Ok(7));
}

#[test]
fn fixtures_report_a_difference() {
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
    let rights = crate::kit::slot("any", engine_guests::Behaviour::Decide).asks;
    let run =
        || galleria_engine::fixtures::run(engine(), crate::kit::guest(), &rights, folder.path());
    assert_eq!(run(), Ok(1));

    write(document, "payment-1 3 lines");
    let [failure] = run().expect_err("a difference").try_into().expect("one");
    let expected =
        format!("{document}: line 1 differs\n    - payment-1 3 lines\n    + payment-1 2 lines");
    assert!(failure.contains(&expected), "{failure}");

    write(document, "payment-1 2 lines");
    write("decision/files/poslog/other.txt", "");
    let [failure] = run().expect_err("a difference").try_into().expect("one");
    assert!(failure.contains("other.txt: missing"), "{failure}");
}
