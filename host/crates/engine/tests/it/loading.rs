//! What is refused before any event, and in which words.

use crate::kit::{LIMITS, engine, guest, load, named, pay, slot};
use crate::wat::{component, write};
use engine_guests::Behave;
use galleria_domain::plugin::{Capability, Point, Rights, SettingsFor, Slot, StoreFilter};
use std::collections::BTreeSet;
use std::path::Path;

/// What is wrong with slots, as people read it.
fn mistakes(slots: Vec<Slot>) -> Vec<String> {
    match engine().load(slots) {
        Ok(_) => vec![],
        Err(mistakes) => mistakes.iter().map(ToString::to_string).collect(),
    }
}

/// A slot of a component written by hand, with nothing asked or granted.
fn by_hand(folder: &Path, name: &str, bytes: &[u8]) -> Slot {
    let mut slot = slot("by-hand", Behave::Decide);
    slot.component = write(folder, name, bytes);
    slot.plugin = "by-hand".into();
    slot.asks = Rights::default();
    slot.grants = Rights::default();
    slot
}

fn one(mistakes: &[String], wanted: &[&str]) {
    let [mistake] = mistakes else {
        panic!("one mistake, but {mistakes:#?}");
    };
    for wanted in wanted {
        assert!(mistake.contains(wanted), "{wanted:?} is not in {mistake}");
    }
}

#[test]
fn a_component_is_seen_for_what_it_is() {
    let found = engine().inspect(guest()).expect("a component");
    assert_eq!(
        found.exports,
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
        found.imports,
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
        found
            .wasi
            .iter()
            .any(|name| name.starts_with("wasi:sockets/tcp@0.2."))
    );
    let stamp: serde_json::Value =
        serde_json::from_str(&found.stamp.expect("a stamp")).expect("JSON");
    assert_eq!(stamp["name"], "engine-guests");
    assert_eq!(stamp["contract"], "0.2.0");
    let bytes = std::fs::read(guest()).expect("a file");
    assert_eq!(found.size, bytes.len() as u64);
    assert_eq!(found.digest, galleria_domain::Digest::of(&bytes));
}

#[test]
fn a_file_that_is_no_plugin_is_named_with_what_it_should_be() {
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
            "is empty; it should be a WebAssembly component",
        ),
        (
            "text.wasm",
            b"not wasm at all",
            "is not a WebAssembly component",
        ),
        ("module.wasm", &module, "is a core module"),
        (
            "half.wasm",
            &guest[..guest.len() / 2],
            "is not a WebAssembly component",
        ),
        (
            "bare.wasm",
            &bare,
            "exports no extension point of galleria:retail@0.2.0",
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
    for (name, bytes, wanted) in cases {
        let slot = by_hand(folder.path(), name, bytes);
        let path = slot.component.display().to_string();
        let told = engine().inspect(&slot.component).expect_err("no plugin");
        one(&[told.to_string()], &[&path, wanted]);
        one(&mistakes(vec![slot]), &[&path, wanted]);
    }
    let told = engine().inspect(&folder.path().join("none.wasm"));
    one(
        &[told.expect_err("no file").to_string()],
        &["none.wasm", "cannot be read"],
    );
}

#[test]
fn what_is_imported_is_asked_for_and_what_is_asked_for_is_granted() {
    let mut unasked = slot("unasked", Behave::Decide);
    unasked.asks.capabilities.remove(&Capability::Output);
    let mut ungranted = slot("ungranted", Behave::Decide);
    ungranted.grants.capabilities.remove(&Capability::SaleLines);
    ungranted.grants.topics.clear();
    let found = mistakes(vec![unasked, slot("good", Behave::Decide), ungranted]);
    let [asks, capability, topic] = found.as_slice() else {
        panic!("{found:#?}");
    };
    assert!(
        asks.contains("plugin.toml: asks.capabilities: plugin engine-guests imports \"output\"")
    );
    let at =
        "retailers/example/retailer.toml: plugins.ungranted.grants: plugin engine-guests asks for";
    assert!(
        capability.contains(&format!("{at} capability \"sale-lines\"")),
        "{capability}"
    );
    assert!(topic.contains(&format!("{at} topic \"sales\"")), "{topic}");
}

#[test]
fn what_this_host_does_not_offer_is_refused() {
    let folder = tempfile::tempdir().expect("a folder");
    for capability in &[Capability::Http, Capability::Tokens] {
        let import = format!("(import \"galleria:retail/{capability}@0.2.0\" (instance))");
        let bytes = component(&import, "", "", "0.2.0");
        let mut slot = by_hand(folder.path(), &format!("{capability}.wasm"), &bytes);
        slot.asks.capabilities.insert(*capability);
        slot.grants.capabilities.insert(*capability);
        let wanted = format!("capability \"{capability}\", which is not offered by this version");
        one(&mistakes(vec![slot]), &["asks.capabilities", &wanted]);
    }
    let unknown = component(
        "(import \"galleria:retail/teleport@0.2.0\" (instance))",
        "",
        "",
        "0.2.0",
    );
    let slot = by_hand(folder.path(), "unknown.wasm", &unknown);
    one(
        &mistakes(vec![slot]),
        &["teleport@0.2.0, which is no capability"],
    );
    let foreign = component(
        "(import \"acme:bombs/fuse@1.0.0\" (instance))",
        "",
        "",
        "0.2.0",
    );
    let slot = by_hand(folder.path(), "foreign.wasm", &foreign);
    one(
        &mistakes(vec![slot]),
        &["imports acme:bombs/fuse@1.0.0; a plugin can import"],
    );
}

#[test]
fn a_function_of_another_type_is_found_at_load() {
    let folder = tempfile::tempdir().expect("a folder");
    let slot = by_hand(folder.path(), "types.wasm", &component("", "", "", "0.2.0"));
    one(&mistakes(vec![slot]), &["contract broken", "check"]);
}

#[test]
fn an_interface_of_wasi_that_is_not_there_denies_when_it_is_called() {
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
    let slot = by_hand(folder.path(), "http.wasm", &bytes);
    one(
        &mistakes(vec![slot]),
        &["denied: wasi:http/outgoing-handler#handle"],
    );
}

/// Loads a component that takes too much while it starts, and shows that others still work.
fn starves(module: &str, wanted: &str) {
    let folder = tempfile::tempdir().expect("a folder");
    let bytes = component("", "", module, "0.2.0");
    one(
        &mistakes(vec![by_hand(folder.path(), "a.wasm", &bytes)]),
        &[wanted],
    );
    let generation = load(vec![slot("good", Behave::Decide)]);
    let good = pay(&generation, &named(&generation, "good"), "after");
    good.outcome.expect("a decision");
}

#[test]
fn tables_end() {
    let bytes = LIMITS.table_elements * 8;
    starves(
        "(table $t 1 funcref)
         (func $grow (loop $again
            (drop (table.grow $t (ref.null func) (i32.const 100)))
            (br $again)))
         (start $grow)",
        &format!("more than {bytes} bytes of memory"),
    );
    // None alone is too large.
    starves(
        "(table 1500 funcref) (table 1500 funcref)",
        &format!("more than {bytes} bytes of memory"),
    );
}

#[test]
fn memories_end_together() {
    // 9 MiB each, with a limit of 16 MiB.
    starves(
        "(memory 144) (memory 144)",
        &format!("more than {} bytes of memory", LIMITS.memory_bytes),
    );
}

#[test]
fn a_growth_that_the_guest_forbids_itself_is_not_counted() {
    let folder = tempfile::tempdir().expect("a folder");
    // Asks a hundred times for 6 MiB beyond its own maximum, which answers -1 and gives nothing.
    let module = "(memory $m 1 2)
         (func $grow (local $i i32) (loop $again
            (drop (memory.grow $m (i32.const 100)))
            (local.set $i (i32.add (local.get $i) (i32.const 1)))
            (br_if $again (i32.lt_u (local.get $i) (i32.const 100)))))
         (start $grow)";
    let slot = by_hand(folder.path(), "a.wasm", &component("", "", module, "0.2.0"));
    one(&mistakes(vec![slot]), &["contract broken", "check"]);
}

#[test]
fn settings_are_checked_before_any_event() {
    let with = |name: &str, settings: &str| {
        let mut slot = slot(name, Behave::Decide);
        slot.settings = settings.into();
        slot
    };
    let mut special = slot("special", Behave::Decide);
    special.settings_for.push(SettingsFor {
        filter: StoreFilter::default(),
        settings: r#"{"behave":"Decide","check":"Problems"}"#.into(),
    });
    let found = mistakes(vec![
        with("unknown", r#"{"behave":"Decide","speed":3}"#),
        special,
        with("crash", r#"{"behave":"Decide","check":"Crash"}"#),
        with("loop", r#"{"behave":"Decide","check":"Loop"}"#),
        with("key", r#"{"behave":"Decide","check":"OpenKey"}"#),
    ]);
    let at = |slot: &str| format!("retailers/example/retailer.toml: plugins.{slot}.settings");
    let [unknown, first, second, crash, endless, key] = found.as_slice() else {
        panic!("{found:#?}");
    };
    assert!(
        unknown.starts_with(&at("unknown")) && unknown.contains("speed"),
        "{unknown}"
    );
    assert_eq!(
        *first,
        format!("{}.behave: is not what anyone would want", at("special"))
    );
    assert_eq!(*second, format!("{}.check: should be Well", at("special")));
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
