//! The corner shop in Rust, Python and JavaScript: the same decisions, to the byte, in the real engine.
//!
//! `cargo xtask plugins` builds the components of the latter two; where one is not there, its half says
//! `SKIPPED`, and with `GALLERIA_STRICT=1` it fails instead.

use galleria_app::plugins::{Argument, Plugins};
use galleria_domain::plugin::{Capability, Limits, OnDeadLetter, Point, Rights, Slot, StoreFilter};
use galleria_domain::{CallFault, Context, Decision, Sale, Scope};
use galleria_engine::{Engine, EngineConfig};
use serde::Deserialize;
use std::collections::{BTreeMap, BTreeSet};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

const PLUGINS: [&str; 3] = [
    "corner-shop-rust",
    "corner-shop-python",
    "corner-shop-javascript",
];

#[derive(Deserialize)]
struct Manifest {
    component: String,
    asks: Rights,
}

/// A plugin whose component is there.
struct Built {
    name: &'static str,
    component: PathBuf,
    asks: Rights,
}

fn plugins_folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../plugins")
}

fn target() -> &'static Path {
    let tests = Path::new(env!("CARGO_TARGET_TMPDIR"));
    tests.parent().expect("the target folder")
}

/// One engine for all tests, with artifacts that the next run finds again.
fn engine() -> &'static Engine {
    static ENGINE: OnceLock<Engine> = OnceLock::new();
    ENGINE.get_or_init(|| {
        let artifacts = Path::new(env!("CARGO_TARGET_TMPDIR")).join("three-languages-artifacts");
        Engine::new(EngineConfig::new(artifacts)).expect("an engine")
    })
}

/// The Rust one is built here; the others are where `cargo xtask plugins` put them.
fn built() -> &'static [Built] {
    static BUILT: OnceLock<Vec<Built>> = OnceLock::new();
    BUILT.get_or_init(|| {
        let cargo = Command::new(env!("CARGO"))
            .args(["build", "--quiet", "--profile", "plugin"])
            .args(["--target", "wasm32-wasip2", "-p", PLUGINS[0]])
            .current_dir(env!("CARGO_MANIFEST_DIR"))
            .status();
        assert!(
            cargo.expect("cargo runs").success(),
            "{} does not build",
            PLUGINS[0]
        );
        PLUGINS.into_iter().filter_map(find).collect()
    })
}

fn find(name: &'static str) -> Option<Built> {
    let file = plugins_folder().join(name).join("plugin.toml");
    let text = std::fs::read_to_string(file).expect("plugin.toml");
    let Manifest { component, asks } = toml::from_str(&text).expect("a manifest");
    let folder = match name == PLUGINS[0] {
        true => target().join("wasm32-wasip2/plugin"),
        false => target().join("plugins").join(name),
    };
    let component = folder.join(component);
    if component.is_file() {
        return Some(Built {
            name,
            component,
            asks,
        });
    }
    let strict = std::env::var_os("GALLERIA_STRICT").is_some_and(|value| value == "1");
    assert!(
        !strict,
        "{name} is not built: `cargo xtask plugins` builds it"
    );
    // Not captured, as print would be: a test that passes by not running must say so.
    let words = format!("SKIPPED: {name} is not built: `cargo xtask plugins` builds it\n");
    std::io::stderr()
        .write_all(words.as_bytes())
        .expect("stderr");
    None
}

fn slot(built: &Built, settings: &str) -> Slot {
    Slot {
        retailer: "corner-shop".into(),
        name: built.name.into(),
        plugin: built.name.into(),
        component: built.component.clone(),
        file: "retailers/corner-shop/retailer.toml".into(),
        asks: built.asks.clone(),
        grants: built.asks.clone(),
        filter: StoreFilter::default(),
        settings: settings.into(),
        settings_for: vec![],
        call_limits: Limits::CALL,
        run_limits: Limits::RUN,
        keys: BTreeMap::new(),
        counters: BTreeMap::new(),
        on_dead_letter: OnDeadLetter::Hold,
        retry_for_s: 0,
    }
}

#[derive(Deserialize)]
struct Event {
    context: Surroundings,
    argument: Sale,
}

#[derive(Deserialize)]
struct Surroundings {
    event_id: String,
    occurred_at: String,
    business_date: String,
    scope: Scope,
    settings: serde_json::Value,
}

/// The cases by name.
fn cases() -> BTreeMap<String, (Context, Argument)> {
    let mut cases = BTreeMap::new();
    let folder = plugins_folder().join(PLUGINS[0]).join("fixtures");
    for entry in std::fs::read_dir(folder).expect("fixtures") {
        let path = entry.expect("a case").path();
        let text = std::fs::read(path.join("event.json")).expect("event.json");
        let Event { context, argument } = serde_json::from_slice(&text).expect("an event");
        let cx = Context {
            event_id: context.event_id,
            attempt: 1,
            occurred_at: context.occurred_at,
            business_date: context.business_date,
            scope: context.scope,
            settings: context.settings.to_string(),
            counters: vec![],
            prior: vec![],
        };
        let name = path
            .file_name()
            .expect("a name")
            .to_string_lossy()
            .into_owned();
        cases.insert(name, (cx, Argument::Payment(argument)));
    }
    assert!(cases.len() >= 16, "{} cases", cases.len());
    cases
}

#[test]
fn each_decides_what_the_golden_files_say() {
    let folder = plugins_folder().join(PLUGINS[0]).join("fixtures");
    for plugin in built() {
        let Built {
            name,
            component,
            asks,
        } = plugin;
        match galleria_engine::fixtures::run(engine(), component, asks, &folder) {
            Ok(ran) => assert_eq!(ran, cases().len(), "{name}"),
            Err(failures) => panic!("{name}\n{}", failures.join("\n")),
        }
    }
}

/// Golden files hold JSON as values; here texts are compared as they are, key order and escapes included.
#[test]
fn decisions_are_equal_to_the_byte() {
    let settings = r#"{"topic":"corner_shop.sale"}"#;
    let slots = built()
        .iter()
        .map(|plugin| slot(plugin, settings))
        .collect();
    let generation = engine().load(slots).expect("no mistakes");
    let (first, others) = generation.all().split_first().expect("the one in Rust");
    let (mut decided, mut refused) = (0, 0);
    for (name, (cx, argument)) in cases() {
        let react = |plugin| -> Result<Decision, CallFault> {
            generation.react(plugin, &cx, &argument).outcome
        };
        let rust = react(first);
        match &rust {
            Ok(_) => decided += 1,
            Err(CallFault::Guest(_)) => refused += 1,
            Err(CallFault::Host(fault)) => panic!("{name}: {fault:?}"),
        }
        for other in others {
            let found = react(other);
            assert_eq!(found, rust, "{name}: {} decides otherwise", other.slot.name);
            assert_eq!(
                react(other),
                found,
                "{name}: {} changes its mind",
                other.slot.name
            );
        }
    }
    assert!(
        decided >= 10 && refused >= 5,
        "{decided} decided, {refused} refused"
    );
}

#[test]
fn each_serves_one_point_and_needs_no_more_than_the_log() {
    for plugin in built() {
        let found = engine().inspect(&plugin.component).expect("a component");
        assert_eq!(
            found.exports,
            BTreeSet::from([Point::OnPayment]),
            "{}",
            plugin.name
        );
        assert_eq!(
            found.imports,
            BTreeSet::from([Capability::Log]),
            "{}",
            plugin.name
        );
        let stamp = found.stamp.expect("a stamp");
        let stamp: serde_json::Value = serde_json::from_str(&stamp).expect("JSON");
        assert_eq!(
            (&stamp["name"], &stamp["contract"]),
            (&plugin.name.into(), &"0.1.0".into())
        );
    }
}

#[test]
fn each_finds_the_same_keys_wrong() {
    let texts = [
        ("{}", "topic"),
        (r#"{"topic":""}"#, "topic"),
        (r#"{"topic":7}"#, "topic"),
        (r#"{"topic":"t","topik":"u"}"#, "topik"),
        (r#"{"topic":"t","delimiter":"x"}"#, "delimiter"),
        (r#"{"topic":"t","delimiter":","}"#, "decimal_mark"),
        (
            r#"{"topic":"t","points_per_unit":"a lot"}"#,
            "points_per_unit",
        ),
        (r#"{"topic":"t","points_per_unit":0.5}"#, "points_per_unit"),
        (r#"{"topic":"t","provider_wait_s":0}"#, "provider_wait_s"),
        (r#"{"topic":"t","training":"perhaps"}"#, "training"),
        (
            r#"{"topic":"t","file_name":"{workstation}.csv"}"#,
            "file_name",
        ),
        (
            r#"{"topic":"t","file_name":"{workstation}{sequence}{till}"}"#,
            "file_name",
        ),
    ];
    for plugin in built() {
        for (text, field) in texts {
            let mistakes = match engine().load(vec![slot(plugin, text)]) {
                Ok(_) => panic!("{}: {text} was not refused", plugin.name),
                Err(mistakes) => mistakes,
            };
            let keys: Vec<_> = mistakes.iter().map(|mistake| mistake.key.clone()).collect();
            let wanted = format!("plugins.{}.settings.{field}", plugin.name);
            assert_eq!(keys, [wanted], "{text}: {mistakes:?}");
        }
    }
}
