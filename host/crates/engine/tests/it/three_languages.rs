//! The corner shop in Rust, Python and JavaScript: all three decide the same bytes in the real engine.
//!
//! `cargo xtask plugins` builds the components of the latter two. If a component is missing, the tests fail.

use crate::kit::{build, engine, target};
use galleria_domain::plugin::{Capability, Limits, OnDeadLetter, Point, Rights, Slot, StoreFilter};
use galleria_domain::{CallFault, Context, Decision, HostFault, Sale, Scope};
use galleria_ports::plugins::{Argument, Plugins};
use serde::Deserialize;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
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

/// A plugin with its component.
struct Built {
    name: &'static str,
    component: PathBuf,
    asks: Rights,
}

fn plugins_folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../plugins")
}

/// Builds the Rust plugin. `cargo xtask plugins` has built the others before.
fn built() -> &'static [Built] {
    static BUILT: OnceLock<Vec<Built>> = OnceLock::new();
    BUILT.get_or_init(|| {
        build(&PLUGINS[..1]);
        PLUGINS.into_iter().map(find).collect()
    })
}

fn find(name: &'static str) -> Built {
    let file = plugins_folder().join(name).join("plugin.toml");
    let text = std::fs::read_to_string(file).expect("plugin.toml");
    let Manifest { component, asks } = toml::from_str(&text).expect("a manifest");
    let folder = match name == PLUGINS[0] {
        true => target().join("wasm32-wasip2/plugin"),
        false => target().join("plugins").join(name),
    };
    let component = folder.join(component);
    assert!(
        component.is_file(),
        "{name} is not built: `cargo xtask plugins` builds it, with Python and Node.js"
    );
    Built {
        name,
        component,
        asks,
    }
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
        schedules: vec![],
        shared_directories: BTreeSet::new(),
    }
}

#[derive(Deserialize)]
struct Event {
    context: EventContext,
    argument: Sale,
}

#[derive(Deserialize)]
struct EventContext {
    event_id: String,
    occurred_at: String,
    business_date: String,
    scope: Scope,
    settings: serde_json::Value,
}

/// The context and argument of each case, by name.
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
fn plugins_match_the_golden_files() {
    let folder = plugins_folder().join(PLUGINS[0]).join("fixtures");
    for plugin in built() {
        let Built {
            name,
            component,
            asks,
        } = plugin;
        match galleria_engine::fixtures::run(engine(), component, asks, &folder) {
            Ok(count) => assert_eq!(count, cases().len(), "{name}"),
            Err(failures) => panic!("{name}\n{}", failures.join("\n")),
        }
    }
}

/// Golden files compare JSON as values. This test compares texts, with the order of keys and escapes.
#[test]
fn decisions_are_equal_to_the_byte() {
    let settings = r#"{"topic":"corner_shop.sale"}"#;
    let slots = built()
        .iter()
        .map(|plugin| slot(plugin, settings))
        .collect();
    let generation = engine().load(slots).expect("no errors");
    let all = generation.all();
    let (first, others) = all.split_first().expect("the plugin in Rust");
    let (mut decisions, mut faults) = (0, 0);
    for (name, (cx, argument)) in cases() {
        let react = |plugin| -> Result<Decision, CallFault> {
            generation.react(plugin, &cx, &argument).outcome
        };
        let rust = react(first);
        match &rust {
            Ok(_) => decisions += 1,
            Err(CallFault::Guest(_)) => faults += 1,
            Err(CallFault::Host(fault)) => panic!("{name}: {fault:?}"),
        }
        for other in others {
            let outcome = react(other);
            assert_eq!(outcome, rust, "{name}: {} differs", other.slot.name);
            assert_eq!(
                react(other),
                outcome,
                "{name}: {} is not deterministic",
                other.slot.name
            );
        }
    }
    assert!(
        decisions >= 10 && faults >= 5,
        "{decisions} decisions, {faults} faults"
    );
}

#[test]
fn plugins_export_one_point_and_import_only_the_log() {
    for plugin in built() {
        let inspection = engine().inspect(&plugin.component).expect("a component");
        assert_eq!(
            inspection.exports,
            BTreeSet::from([Point::OnPayment]),
            "{}",
            plugin.name
        );
        assert_eq!(
            inspection.imports,
            BTreeSet::from([Capability::Log]),
            "{}",
            plugin.name
        );
        let stamp = inspection.stamp.expect("a stamp").to_value();
        assert_eq!(
            (&stamp["name"], &stamp["contract"]),
            (&plugin.name.into(), &"0.2.0".into())
        );
    }
}

#[test]
fn plugins_reject_the_same_settings() {
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
            let errors = match engine().load(vec![slot(plugin, text)]) {
                Ok(_) => panic!("{}: {text} was accepted", plugin.name),
                Err(errors) => errors,
            };
            let keys: Vec<_> = errors.iter().map(|error| error.key.clone()).collect();
            let expected = format!("plugins.{}.settings.{field}", plugin.name);
            assert_eq!(keys, [expected], "{text}: {errors:?}");
        }
    }
}

/// A sale that the host never accepts: the plugins assert that the numbers of lines differ. `description` is
/// the text of the lines, which the messages quote.
fn doubled(description: &str) -> (Context, Argument) {
    let (cx, argument) = cases().remove("plain").expect("a case");
    let Argument::Payment(mut sale) = argument else {
        panic!("{argument:?}");
    };
    sale.lines[0].description = description.to_owned();
    sale.lines.push(sale.lines[0].clone());
    (cx, Argument::Payment(sale))
}

/// Calls each plugin with a sale on which it crashes. Returns the texts of the faults.
fn crashes(description: &str) -> Vec<(&'static str, String)> {
    let plugins = built().iter();
    let slots = plugins.map(|plugin| slot(plugin, r#"{"topic":"t"}"#));
    let generation = engine().load(slots.collect()).expect("no errors");
    let (cx, argument) = doubled(description);
    let crash = |built: &Built| {
        let plugin = generation
            .named("corner-shop", built.name)
            .expect("the slot");
        let called = generation.react(&plugin, &cx, &argument);
        let fault = crate::kit::host_fault(&called).clone();
        assert!(matches!(fault, HostFault::Trapped(_)), "{fault:?}");
        (built.name, CallFault::Host(fault).to_string())
    };
    built().iter().map(crash).collect()
}

#[test]
fn a_crash_names_exception_file_line_and_function() {
    for (plugin, text) in crashes("Tea") {
        let [message, place, function] = match plugin {
            // The compiler inlines the function of the panic.
            "corner-shop-rust" => [
                "two lines",
                "src/lib.rs",
                "CornerShop as galleria_sdk::points::OnPayment>::handle",
            ],
            "corner-shop-python" => [
                "AssertionError: two lines",
                "plugin.py",
                "assert_numbers_differ",
            ],
            _ => ["Error: two lines", "plugin.js", "assertNumbersDiffer"],
        };
        let message = format!("{message} have the number 1: Tea, Tea\n");
        assert!(text.contains(&message), "{text}");
        assert!(text.contains(function), "{text}");
        let line = line_of_the_crash(plugin);
        let at = match plugin {
            "corner-shop-python" => format!("{place}\", line {line}, in {function}"),
            _ => format!("{place}:{line}:"),
        };
        assert!(text.contains(&at), "{at}: {text}");
        // The backtrace of an interpreter says nothing about the plugin.
        let other = plugin != "corner-shop-rust";
        assert_ne!(other, text.contains("\n  in "), "{text}");
    }
}

/// The line of the plugin's source that crashes, from 1.
fn line_of_the_crash(plugin: &str) -> usize {
    let folder = plugins_folder().join(plugin);
    let files = ["src/lib.rs", "plugin.py", "plugin.js"].map(|file| folder.join(file));
    let source = files
        .iter()
        .find_map(|file| std::fs::read_to_string(file).ok());
    let source = source.expect("a source");
    let mut lines = source.lines();
    1 + lines
        .position(|line| line.contains("two lines have"))
        .expect("the line")
}

/// The texts that an exception quotes may have any length, any number of lines and any characters.
#[test]
fn the_text_of_a_crash_is_cut_and_keeps_its_place() {
    for description in [
        "x".repeat(100_000),
        "\u{1f980}\n".repeat(50_000),
        "\0\u{1b}[2J".repeat(999),
    ] {
        for (plugin, text) in crashes(&description) {
            let detail = &text[..text.floor_char_boundary(4_096)];
            assert!(
                detail.contains("two lines have the number 1: "),
                "{plugin}: {detail}"
            );
            let place = format!("{}", line_of_the_crash(plugin));
            let file = match plugin {
                "corner-shop-rust" => format!("src/lib.rs:{place}:"),
                "corner-shop-python" => {
                    format!("plugin.py\", line {place}, in assert_numbers_differ")
                }
                _ => format!(
                    "assertNumbersDiffer (plugins/corner-shop-javascript/plugin.js:{place}:"
                ),
            };
            assert!(detail.contains(&file), "{plugin}: {detail}");
            assert!(!text.contains(['\0', '\u{1b}']), "{plugin}: {text:?}");
            assert!(text.len() < 8_192, "{plugin}: {} bytes", text.len());
        }
    }
}
