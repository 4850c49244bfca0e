//! Errors that loading reports before any event, with their texts.

use crate::kit::{LIMITS, engine, guest, load, named, pay, slot};
use crate::wat::{component, component_of, write};
use engine_guests::Behaviour;
use galleria_domain::plugin::{Capability, Point, Rights, SettingsFor, Slot, StoreFilter};
use galleria_domain::schedule::{CatchUp, Cron, Per, Schedule, Span};
use std::collections::BTreeSet;
use std::path::Path;

/// The errors of loading slots, as text.
fn load_errors(slots: Vec<Slot>) -> Vec<String> {
    match engine().load(slots) {
        Ok(_) => vec![],
        Err(errors) => errors.iter().map(ToString::to_string).collect(),
    }
}

/// A slot of a hand-written component, without requests and grants.
fn hand_written(folder: &Path, name: &str, bytes: &[u8]) -> Slot {
    let mut slot = slot("hand-written", Behaviour::Decide);
    slot.component = write(folder, name, bytes);
    slot.plugin = "hand-written".into();
    slot.asks = Rights::default();
    slot.grants = Rights::default();
    slot
}

fn assert_one(errors: &[String], expected: &[&str]) {
    let [error] = errors else {
        panic!("expected one error, got {errors:#?}");
    };
    for expected in expected {
        assert!(error.contains(expected), "{expected:?} is not in {error}");
    }
}

#[test]
fn inspection_lists_exports_imports_and_stamp() {
    let inspection = engine().inspect(guest()).expect("a component");
    assert_eq!(
        inspection.exports,
        BTreeSet::from([
            Point::OnPayment,
            Point::OnFiscalMark,
            Point::IdentifyMember,
            Point::Report,
            Point::ReadStatement,
            Point::WriteSettlement,
            Point::ExportCatalogue,
        ])
    );
    assert_eq!(
        inspection.imports,
        BTreeSet::from([
            Capability::Log,
            Capability::Secrets,
            Capability::Input,
            Capability::Activities,
            Capability::SaleLines,
            Capability::Products,
            Capability::Settlement,
            Capability::Statement,
            Capability::Output
        ])
    );
    assert!(
        inspection
            .wasi
            .iter()
            .any(|name| name.starts_with("wasi:sockets/tcp@0.2."))
    );
    let stamp = inspection.stamp.expect("a stamp").to_value();
    assert_eq!(stamp["name"], "engine-guests");
    assert_eq!(stamp["contract"], "0.2.0");
    let bytes = std::fs::read(guest()).expect("a file");
    assert_eq!(inspection.size, bytes.len() as u64);
    assert_eq!(inspection.digest, galleria_domain::Digest::of(&bytes));
}

#[test]
fn invalid_files_are_rejected() {
    let folder = tempfile::tempdir().expect("a folder");
    let module = wat::parse_str("(module)").expect("a module");
    let bare = wat::parse_str("(component)").expect("a component");
    let guest = std::fs::read(guest()).expect("the guest");
    let earlier = component("", "", "", "0.1.0");
    let later = component("", "", "", "0.3.0");
    let cases: [(&str, &[u8], &str); 7] = [
        (
            "empty.wasm",
            b"",
            "is empty; must be a WebAssembly component",
        ),
        (
            "text.wasm",
            b"not wasm at all",
            "must be a WebAssembly component",
        ),
        ("module.wasm", &module, "is a core module"),
        (
            "half.wasm",
            &guest[..guest.len() / 2],
            "must be a WebAssembly component",
        ),
        (
            "bare.wasm",
            &bare,
            "must export at least one extension point of galleria:retail@0.2.0",
        ),
        (
            "earlier.wasm",
            &earlier,
            "this host supports galleria:retail@0.2.0",
        ),
        (
            "later.wasm",
            &later,
            "this host supports galleria:retail@0.2.0",
        ),
    ];
    for (name, bytes, expected) in cases {
        let slot = hand_written(folder.path(), name, bytes);
        let path = slot.component.display().to_string();
        let error = engine().inspect(&slot.component).expect_err("an error");
        assert_one(&[error.to_string()], &[&path, expected]);
        assert_one(&load_errors(vec![slot]), &[&path, expected]);
    }
    let error = engine().inspect(&folder.path().join("none.wasm"));
    assert_one(
        &[error.expect_err("no such file").to_string()],
        &["none.wasm", "cannot be read"],
    );
}

#[test]
fn imports_need_a_request_and_requests_need_a_grant() {
    let mut unrequested = slot("unrequested", Behaviour::Decide);
    unrequested.asks.capabilities.remove(&Capability::Output);
    let mut ungranted = slot("ungranted", Behaviour::Decide);
    ungranted.grants.capabilities.remove(&Capability::SaleLines);
    ungranted.grants.topics.clear();
    let errors = load_errors(vec![
        unrequested,
        slot("good", Behaviour::Decide),
        ungranted,
    ]);
    let [asks, capability, topic] = errors.as_slice() else {
        panic!("{errors:#?}");
    };
    assert!(
        asks.contains("plugin.toml: asks.capabilities: plugin engine-guests imports \"output\" without requesting it")
    );
    let at =
        "retailers/example/retailer.toml: plugins.ungranted.grants: plugin engine-guests requests";
    assert!(
        capability.contains(&format!("{at} capability \"sale-lines\"")),
        "{capability}"
    );
    assert!(topic.contains(&format!("{at} topic \"sales\"")), "{topic}");
}

#[test]
fn points_that_the_host_does_not_call_are_rejected() {
    let folder = tempfile::tempdir().expect("a folder");
    for point in Point::ALL {
        let bytes = component_of(point.name(), "", "", "", "0.2.0");
        let slot = hand_written(folder.path(), &format!("{point}.wasm"), &bytes);
        let expected = format!("exports \"{point}\", which this version of the host does not call");
        let errors = load_errors(vec![slot]);
        let rejected = errors.iter().any(|error| error.contains(&expected));
        assert_eq!(rejected, !point.is_served(), "{errors:#?}");
    }
}

#[test]
fn unknown_imports_are_rejected() {
    let folder = tempfile::tempdir().expect("a folder");
    for capability in &[Capability::Http, Capability::Tokens] {
        let import = format!("(import \"galleria:retail/{capability}@0.2.0\" (instance))");
        let bytes = component(&import, "", "", "0.2.0");
        let mut slot = hand_written(folder.path(), &format!("{capability}.wasm"), &bytes);
        slot.asks.capabilities.insert(*capability);
        slot.grants.capabilities.insert(*capability);
        let expected =
            format!("capability \"{capability}\", which this version of the host does not serve");
        assert_one(&load_errors(vec![slot]), &["asks.capabilities", &expected]);
    }
    let unknown = component(
        "(import \"galleria:retail/teleport@0.2.0\" (instance))",
        "",
        "",
        "0.2.0",
    );
    let slot = hand_written(folder.path(), "unknown.wasm", &unknown);
    assert_one(
        &load_errors(vec![slot]),
        &["teleport@0.2.0, which is not a capability"],
    );
    let foreign = component(
        "(import \"acme:bombs/fuse@1.0.0\" (instance))",
        "",
        "",
        "0.2.0",
    );
    let slot = hand_written(folder.path(), "foreign.wasm", &foreign);
    assert_one(
        &load_errors(vec![slot]),
        &["imports acme:bombs/fuse@1.0.0; a plugin may only import"],
    );
}

#[test]
fn wrong_function_type_is_rejected() {
    let folder = tempfile::tempdir().expect("a folder");
    let slot = hand_written(folder.path(), "types.wasm", &component("", "", "", "0.2.0"));
    assert_one(&load_errors(vec![slot]), &["contract broken", "check"]);
}

#[test]
fn missing_wasi_interface_denies_when_called() {
    let folder = tempfile::tempdir().expect("a folder");
    let bytes = component(
        r#"(import "wasi:http/outgoing-handler@0.2.0" (instance $http
                (export "request" (type (sub resource)))
                (export "handle" (func))))
           (core func $handle (canon lower (func $http "handle")))
           (core instance $given (export "handle" (func $handle)))"#,
        "(with \"http\" (instance $given))",
        "(import \"http\" \"handle\" (func $handle)) (start $handle)",
        "0.2.0",
    );
    let slot = hand_written(folder.path(), "http.wasm", &bytes);
    assert_one(
        &load_errors(vec![slot]),
        &["denied: wasi:http/outgoing-handler#handle"],
    );
}

/// Loads a component that exceeds a limit while it starts, and checks that other components still work.
fn assert_limited(module: &str, expected: &str) {
    let folder = tempfile::tempdir().expect("a folder");
    let bytes = component("", "", module, "0.2.0");
    assert_one(
        &load_errors(vec![hand_written(folder.path(), "a.wasm", &bytes)]),
        &[expected],
    );
    let generation = load(vec![slot("good", Behaviour::Decide)]);
    let good = pay(&generation, &named(&generation, "good"), "after");
    good.outcome.expect("a decision");
}

#[test]
fn tables_are_limited() {
    let bytes = LIMITS.table_elements * 8;
    assert_limited(
        "(table $t 1 funcref)
         (func $grow (loop $again
            (drop (table.grow $t (ref.null func) (i32.const 100)))
            (br $again)))
         (start $grow)",
        &format!("more than {bytes} bytes of memory"),
    );
    // Each table alone is within the limit.
    assert_limited(
        "(table 1500 funcref) (table 1500 funcref)",
        &format!("more than {bytes} bytes of memory"),
    );
}

#[test]
fn total_memory_is_limited() {
    // Two modules with 9 MiB each, and a limit of 16 MiB.
    let second = "(core module $n (memory 144)) (core instance (instantiate $n))";
    let bytes = component(second, "", "(memory 144)", "0.2.0");
    let folder = tempfile::tempdir().expect("a folder");
    let slot = hand_written(folder.path(), "a.wasm", &bytes);
    let expected = format!("more than {} bytes of memory", LIMITS.memory_bytes);
    assert_one(&load_errors(vec![slot]), &[&expected]);
}

#[test]
fn failed_growth_is_not_counted() {
    let folder = tempfile::tempdir().expect("a folder");
    // Requests 6 MiB beyond its own maximum a hundred times; each request fails with -1.
    let module = "(memory $m 1 2)
         (func $grow (local $i i32) (loop $again
            (drop (memory.grow $m (i32.const 100)))
            (local.set $i (i32.add (local.get $i) (i32.const 1)))
            (br_if $again (i32.lt_u (local.get $i) (i32.const 100)))))
         (start $grow)";
    let slot = hand_written(folder.path(), "a.wasm", &component("", "", module, "0.2.0"));
    assert_one(&load_errors(vec![slot]), &["contract broken", "check"]);
}

#[test]
fn settings_are_checked_at_load() {
    let with = |name: &str, settings: &str| {
        let mut slot = slot(name, Behaviour::Decide);
        slot.settings = settings.into();
        slot
    };
    let mut special = slot("special", Behaviour::Decide);
    special.settings_for.push(SettingsFor {
        filter: StoreFilter::default(),
        settings: r#"{"behave":"Decide","check":"Problems"}"#.into(),
    });
    let errors = load_errors(vec![
        with("unknown", r#"{"behave":"Decide","speed":3}"#),
        special,
        with("crash", r#"{"behave":"Decide","check":"Crash"}"#),
        with("loop", r#"{"behave":"Decide","check":"Loop"}"#),
        with("key", r#"{"behave":"Decide","check":"OpenKey"}"#),
    ]);
    let at = |slot: &str| format!("retailers/example/retailer.toml: plugins.{slot}.settings");
    let [unknown, first, second, crash, endless, key] = errors.as_slice() else {
        panic!("{errors:#?}");
    };
    assert!(
        unknown.starts_with(&at("unknown")) && unknown.contains("speed"),
        "{unknown}"
    );
    assert_eq!(
        *first,
        format!("{}.behave: must be another behaviour", at("special"))
    );
    assert_eq!(*second, format!("{}.check: must be Pass", at("special")));
    assert!(
        crash.starts_with(&at("crash")) && crash.contains("the plugin crashed"),
        "{crash}"
    );
    assert!(
        endless.starts_with(&at("loop")) && endless.contains("300 ms of CPU time"),
        "{endless}"
    );
    assert!(
        key.starts_with(&at("key")) && key.contains("denied: secret \"notes\""),
        "a check has no keys: {key}"
    );
}

#[test]
fn settings_are_checked_with_the_schedules_of_the_slot() {
    let schedule = |name: &str, point, zone: Option<&str>, per| Schedule {
        retailer: "example".into(),
        name: name.into(),
        file: "retailer.toml".into(),
        slot: "scheduled".into(),
        point: Some(point),
        at: Cron::parse("30 2 * * *").expect("an expression"),
        zone: zone.map(str::to_owned),
        per,
        span: Span::Yesterday,
        catch_up: CatchUp::Latest,
        tries: 5,
    };
    let mut scheduled = slot("scheduled", Behaviour::Decide);
    scheduled.settings = r#"{"behave":"Decide","check":"Schedules"}"#.into();
    scheduled.schedules = vec![
        schedule("nightly", Point::Report, None, Per::Store),
        schedule(
            "feed",
            Point::ExportCatalogue,
            Some("Asia/Tokyo"),
            Per::Retailer,
        ),
    ];
    let at = "retailers/example/retailer.toml: plugins.scheduled.settings";
    assert_eq!(
        load_errors(vec![scheduled]),
        [
            format!("{at}.nightly: report 30 2 * * * own true 2025-12-31"),
            format!("{at}.feed: export-catalogue 30 2 * * * Asia/Tokyo false 2025-12-31"),
        ]
    );
}
