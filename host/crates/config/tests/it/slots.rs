//! A valid retailer's file: rights, settings merged for some stores, limits, secrets by name.

use galleria_config::{Config, SecretSource};
use galleria_domain::plugin::{Capability, CounterScope, Limits, OnDeadLetter, Point};
use galleria_domain::schedule::{CatchUp, Per, Span};
use galleria_domain::{Cipher, Complete};
use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::time::Duration;

const PLUGIN: &str = r#"
name = "shop"
version = "0.1.0"
contract = "0.2.3"
component = "shop.wasm"
points = ["on-payment"]
[asks]
capabilities = ["output"]
directories = ["poslog"]
[counters]
file-number = "workstation"
"#;

const RETAILER: &str = r#"
name = "example"
shared_directories = ["poslog"]
[plugins.poslog]
plugin = "shop"
on_dead_letter = "continue"
retry_for = "90m"
[plugins.poslog.grants]
capabilities = ["output"]
directories = ["poslog", "reconciliation"]
secrets = { loyalty-key = ["decrypt"] }
[plugins.poslog.limits]
cpu_ms = 700
[plugins.poslog.stores]
countries = ["SE", "ES"]
[plugins.poslog.settings]
style = "return"
file = { prefix = "a", digits = 6 }
[[plugins.poslog.for]]
countries = ["SE"]
settings = { file = { prefix = "b" }, since = 2026-01-01 }
[plugins.plain]
plugin = "shop"
[plugins.plain.run_limits]
cpu_ms = 90000
[plugins.plain.pickup]
directory = "statements"
suffix = ".txt"
complete = "30s"
[schedules.nightly]
plugin = "plain"
point = "report"
at = "30 4 * * *"
zone = "Europe/Madrid"
per = "retailer"
window = "last-week"
catch_up = "latest"
tries = 7
[matching]
amount_tolerance = 2
fee_tolerance = 3
uncovered_after_days = 9
settled_kinds = ["card"]
[secrets]
loyalty-key = { env = "LOYALTY_KEY", cipher = "aes-cbc", encoding = "hex", iv = { env = "LOYALTY_IV" } }
other = { file = "/run/secrets/other" }
"#;

fn load(overrides: &[(&str, &str)]) -> (tempfile::TempDir, Config) {
    let place = tempfile::tempdir().expect("a folder");
    let write = |path: &str, text: &str| {
        let file = place.path().join(path);
        fs::create_dir_all(file.parent().expect("a parent")).expect("a folder");
        fs::write(file, text).expect("written");
    };
    write("plugins/shop/plugin.toml", PLUGIN);
    write("plugins/shop/shop.wasm", "bytes");
    write("retailers/example/retailer.toml", RETAILER);
    let mut all: BTreeMap<String, String> = overrides
        .iter()
        .map(|(k, v)| ((*k).to_owned(), (*v).to_owned()))
        .collect();
    for name in ["plugins", "retailers"] {
        all.insert(
            name.into(),
            place.path().join(name).to_string_lossy().into_owned(),
        );
    }
    let config = galleria_config::load(None, &env(), &all).expect("a valid retailer");
    (place, config)
}

/// A secret key whose digits a search would find in any text.
const KEY: &str = "ca9a17eca9a17eca9a17eca9a17eca90";

fn env() -> BTreeMap<String, String> {
    let set = [("LOYALTY_KEY", KEY), ("LOYALTY_IV", KEY)];
    set.map(|(name, value)| (name.to_owned(), value.to_owned()))
        .into()
}

#[test]
fn every_setting_reaches_the_slot() {
    let (place, config) = load(&[]);
    let retailer = &config.retailers[0];
    assert_eq!(
        retailer.file,
        place.path().join("retailers/example/retailer.toml")
    );
    let slot = retailer
        .slots
        .iter()
        .find(|slot| slot.name == "poslog")
        .expect("poslog");
    assert_eq!(
        (slot.retailer.as_str(), slot.plugin.as_str()),
        ("example", "shop")
    );
    assert_eq!(slot.component, place.path().join("plugins/shop/shop.wasm"));
    assert_eq!(slot.asks.directories, ["poslog".to_owned()].into());
    assert_eq!(slot.rights().capabilities, [Capability::Output].into());
    assert_eq!(slot.rights().directories, ["poslog".to_owned()].into());
    let folders = [
        slot.folder("poslog", "s1"),
        slot.folder("reconciliation", "s1"),
    ];
    assert_eq!(folders, ["", "s1"]);
    assert_eq!(slot.filter.countries.len(), 2);
    assert_eq!(slot.on_dead_letter, OnDeadLetter::Continue);
    assert_eq!(slot.retry_for_s, 5_400);
    assert_eq!(
        slot.call_limits,
        Limits {
            cpu_ms: 700,
            ..Limits::CALL
        }
    );
    assert_eq!(slot.run_limits, Limits::RUN);
    assert_eq!(slot.counters["file-number"], CounterScope::Workstation);
    assert_eq!(
        retailer.secrets["loyalty-key"],
        SecretSource::Env("LOYALTY_KEY".into())
    );
    let plain = retailer.slots.iter().find(|slot| slot.name == "plain");
    let runs = plain.expect("plain").run_limits;
    assert_eq!((runs.cpu_ms, runs.wall_ms), (90_000, Limits::RUN.wall_ms));
    let file = Path::new("/run/secrets/other");
    assert_eq!(retailer.secrets["other"], SecretSource::File(file.into()));
}

#[test]
fn every_setting_reaches_schedules_pickups_and_matching() {
    let (_place, config) = load(&[]);
    let slots = config.slots();
    let schedules: Vec<_> = slots.iter().flat_map(|slot| &slot.schedules).collect();
    let [nightly] = schedules.as_slice() else {
        panic!("{schedules:?}")
    };
    assert_eq!((&*nightly.name, &*nightly.slot), ("nightly", "plain"));
    assert_eq!(nightly.point, Some(Point::Report));
    assert_eq!(nightly.at.text(), "30 4 * * *");
    assert_eq!(nightly.zone.as_deref(), Some("Europe/Madrid"));
    assert_eq!((nightly.per, nightly.span), (Per::Retailer, Span::LastWeek));
    assert_eq!((nightly.catch_up, nightly.tries), (CatchUp::Latest, 7));
    let pickups = &config.retailers[0].pickups;
    let [pickup] = pickups.as_slice() else {
        panic!("{pickups:?}")
    };
    assert_eq!((&*pickup.retailer, &*pickup.plugin), ("example", "plain"));
    assert_eq!(
        (&*pickup.directory, &*pickup.suffix),
        ("statements", ".txt")
    );
    let time = Duration::from_secs(30);
    assert_eq!(pickup.complete, Complete::Unchanged(time));
    let rules = config.retailers[0].matching.as_ref().expect("rules");
    assert_eq!((rules.amount_tolerance, rules.fee_tolerance), (2, 3));
    assert_eq!(rules.uncovered_after_days, 9);
    assert_eq!(rules.settled_kinds, ["card".to_owned()].into());
}

#[test]
fn settings_for_some_stores_are_merged_key_by_key() {
    let (_place, config) = load(&[]);
    let slots = config.slots();
    let slot = slots
        .iter()
        .find(|slot| slot.name == "poslog")
        .expect("poslog");
    assert_eq!(
        slot.settings,
        r#"{"file":{"digits":6,"prefix":"a"},"style":"return"}"#
    );
    assert_eq!(
        slot.settings_for[0].settings,
        r#"{"file":{"digits":6,"prefix":"b"},"since":"2026-01-01","style":"return"}"#
    );
}

#[test]
fn missing_settings_have_safe_defaults() {
    let (_place, config) = load(&[("limits.memory_bytes", "1048576")]);
    let slots = config.slots();
    let slot = slots
        .iter()
        .find(|slot| slot.name == "plain")
        .expect("plain");
    assert_eq!(slot.grants, galleria_domain::plugin::Rights::default());
    assert_eq!(slot.on_dead_letter, OnDeadLetter::Hold);
    assert_eq!(slot.retry_for_s, 86_400);
    assert_eq!(slot.settings, "{}");
    // A lowered ceiling lowers the default too.
    assert_eq!(slot.call_limits.memory_bytes, 1 << 20);
}

#[test]
fn a_slot_has_the_granted_secret_keys_and_no_others() {
    let (_place, config) = load(&[]);
    let slots = config.slots();
    let named = |name: &str| slots.iter().find(|slot| slot.name == name).expect("a slot");
    let keys = &named("poslog").keys;
    assert_eq!(keys.len(), 1, "a secret without a grant is not read");
    let key = &keys["loyalty-key"];
    assert_eq!(key.cipher, Cipher::AesCbc);
    assert_eq!(key.versions.len(), 1);
    assert_eq!(key.versions[0].id, "1");
    assert_eq!(key.versions[0].bytes[..4], [0xca, 0x9a, 0x17, 0xec]);
    assert_eq!(key.versions[0].iv.as_ref().map(|iv| iv.len()), Some(16));
    assert!(named("plain").keys.is_empty());
}

#[test]
fn a_retailer_is_read_again_with_its_files_and_without_the_keys_of_the_host() {
    let (place, config) = load(&[]);
    let read = |name: &str| config.read_again(name, &env());
    assert_eq!(read("example").expect("a retailer"), config.retailers[0]);
    let file = place.path().join("retailers/example/retailer.toml");
    fs::write(
        &file,
        RETAILER.replacen("fee_tolerance = 3", "fee_tolerance = 4", 1),
    )
    .expect("written");
    let changed = read("example").expect("a retailer");
    assert_eq!(changed.errors, []);
    assert_ne!(changed.matching, config.retailers[0].matching);
    fs::write(&file, "[plugins").expect("written");
    let broken = read("example").expect("a retailer");
    assert!(broken.errors[0].to_string().contains("invalid TOML"));
    // A new folder, one that is gone, and names that lead elsewhere.
    fs::create_dir(place.path().join("retailers/new")).expect("a folder");
    fs::write(
        place.path().join("retailers/new/retailer.toml"),
        "name = \"new\"",
    )
    .expect("written");
    assert_eq!(read("new").expect("a retailer").errors, []);
    fs::remove_dir_all(place.path().join("retailers/example")).expect("removed");
    for name in ["example", "", ".", "..", "../retailers/new", "new/"] {
        assert!(!config.has_folder(name).expect("a folder"), "{name}");
        let error = read(name).expect_err(name).to_string();
        assert!(
            error.contains("the retailer's folder is missing"),
            "{error}"
        );
    }
    // A link without its target is a folder that cannot be read, not a missing one.
    std::os::unix::fs::symlink("nowhere", place.path().join("retailers/linked")).expect("a link");
    let linked = read("linked").expect("a retailer");
    let error = linked.errors[0].to_string();
    assert!(
        error.contains("linked/retailer.toml") && error.contains("cannot be read"),
        "{error}"
    );
    fs::remove_dir_all(place.path().join("retailers")).expect("removed");
    let error = read("new").expect_err("gone").to_string();
    assert!(error.contains("cannot read the folder"), "{error}");
}

#[test]
fn a_secret_key_is_not_printed() {
    let (_place, config) = load(&[]);
    let printed = format!("{config:?} {config:#?} {:?}", config.slots()).to_lowercase();
    assert!(printed.contains("loyalty_key"), "its source may be printed");
    for form in [KEY, &KEY[..8], "202, 154, 23", "ca, 9a", "yfo"] {
        assert!(!printed.contains(form), "{form}");
    }
}

#[test]
fn a_key_file_may_end_with_a_line_end() {
    for (encoding, text) in [
        ("hex", format!("{}\r\n", KEY.to_uppercase())),
        ("base64", "yhFpypoX7KmhfsqaF+ypgA==\n".to_owned()),
        ("base64", "yhFpypoX7KmhfsqaF+ypgA".to_owned()),
        ("text", "sixteen bytes, 16\n".chars().skip(1).collect()),
    ] {
        let place = tempfile::tempdir().expect("a folder");
        let write = |path: &str, text: &str| {
            let file = place.path().join(path);
            fs::create_dir_all(file.parent().expect("a parent")).expect("a folder");
            fs::write(&file, text).expect("written");
            file.to_string_lossy().into_owned()
        };
        let key = write("key", &text);
        write("plugins/shop/plugin.toml", PLUGIN);
        write("plugins/shop/shop.wasm", "bytes");
        let declared = format!(
            r#"
            name = "example"
            [plugins.shop]
            plugin = "shop"
            grants = {{ secrets = {{ key = ["decrypt"] }} }}
            [secrets]
            key = {{ file = "{key}", cipher = "aes-gcm", encoding = "{encoding}" }}
            "#
        );
        write("retailers/example/retailer.toml", &declared);
        let overrides = ["plugins", "retailers"].map(|name| {
            (
                name.to_owned(),
                place.path().join(name).display().to_string(),
            )
        });
        let config = galleria_config::load(None, &BTreeMap::new(), &overrides.into());
        let config = config.expect("a key");
        let bytes = &config.slots()[0].keys["key"].versions[0].bytes;
        assert_eq!(bytes.len(), 16, "{encoding}");
    }
}
