//! The time of one call - instantiation, passing the sale, rendering the document, returning the
//! decision - and of loading many slots.
//!
//! Run with `cargo bench -p galleria-engine`. Only ratios are meaningful.

use galleria_domain::plugin::{Limits, OnDeadLetter, Rights, Slot, StoreFilter};
use galleria_domain::{Context, Sale};
use galleria_engine::{Engine, EngineConfig, Generation};
use galleria_ports::plugins::{Argument, LoadedPlugin, Plugins};
use serde::Deserialize;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

struct Bench {
    generation: Generation,
    plugin: LoadedPlugin,
    cx: Context,
    sale: Sale,
}

fn main() {
    divan::main();
}

/// The fixture whose sale is used with different numbers of lines. The plugin with this fixture is
/// measured.
const CASE: &str = "fixtures/sale-several-lines/event.json";

#[derive(Deserialize)]
struct Manifest {
    name: String,
    component: String,
    asks: Rights,
}

/// Finds the folder of the plugin with the fixture.
fn plugin(root: &Path) -> PathBuf {
    let folders = std::fs::read_dir(root.join("plugins")).expect("plugins");
    let mut folders: Vec<_> = folders
        .map(|entry| entry.expect("an entry").path())
        .collect();
    folders.sort();
    let has_case = |folder: &PathBuf| folder.join(CASE).exists();
    let folder = folders.into_iter().find(has_case);
    folder.expect("a plugin with the case")
}

fn bench() -> &'static Bench {
    static BENCH: OnceLock<Bench> = OnceLock::new();
    BENCH.get_or_init(|| {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../..");
        let folder = plugin(&root);
        let text = std::fs::read_to_string(folder.join("plugin.toml")).expect("plugin.toml");
        let manifest: Manifest = toml::from_str(&text).expect("a manifest");
        let built = Command::new(env!("CARGO"))
            .args(["build", "--quiet", "--profile", "plugin"])
            .args(["--target", "wasm32-wasip2", "-p", &manifest.name])
            .current_dir(&root)
            .status()
            .expect("cargo runs");
        assert!(built.success(), "the plugin does not build");
        let target = Path::new(env!("CARGO_TARGET_TMPDIR"))
            .parent()
            .expect("a folder");
        let text = std::fs::read(folder.join(CASE)).expect("the case");
        let event: Value = serde_json::from_slice(&text).expect("JSON");
        let component = target
            .join("wasm32-wasip2/plugin")
            .join(&manifest.component);
        let settings = event["context"]["settings"].to_string();
        let slot = slot(component, manifest, settings);
        let mut context = event["context"].clone();
        context["settings"] = slot.settings.clone().into();
        context["attempt"] = 1.into();
        let artifacts = Path::new(env!("CARGO_TARGET_TMPDIR")).join("bench-artifacts");
        let engine = Engine::new(EngineConfig::new(artifacts)).expect("an engine");
        let generation = engine.load(vec![slot]).unwrap_or_else(|m| panic!("{m:?}"));
        Bench {
            plugin: generation.all()[0].clone(),
            generation,
            cx: serde_json::from_value(context).expect("a context"),
            sale: serde_json::from_value(event["argument"].clone()).expect("a sale"),
        }
    })
}

fn slot(component: PathBuf, manifest: Manifest, settings: String) -> Slot {
    Slot {
        retailer: "bench".into(),
        name: "bench".into(),
        plugin: manifest.name,
        component,
        file: "bench".into(),
        grants: manifest.asks.clone(),
        asks: manifest.asks,
        filter: StoreFilter::default(),
        settings,
        settings_for: vec![],
        call_limits: Limits::CALL,
        run_limits: Limits::RUN,
        keys: BTreeMap::new(),
        counters: BTreeMap::new(),
        on_dead_letter: OnDeadLetter::Hold,
        retry_for_s: 0,
        schedules: Vec::new(),
        shared_directories: BTreeSet::new(),
    }
}

/// A sale with `lines` copies of the fixture's first line, and matching sums.
fn sale(lines: u32) -> Sale {
    let mut sale = bench().sale.clone();
    let first = sale.lines[0].clone();
    sale.lines = (1..=lines)
        .map(|number| galleria_domain::Line {
            number,
            ..first.clone()
        })
        .collect();
    let sums = galleria_domain::selling::sum_lines(&sale.lines, 2).expect("valid lines");
    sale.tenders.truncate(1);
    let tender = &mut sale.tenders[0];
    (tender.amount, tender.tendered, tender.change) = (sums.gross, sums.gross, 0);
    (sale.taxes, sale.gross, sale.net, sale.rounding) = (sums.taxes, sums.gross, sums.net, 0);
    sale
}

#[divan::bench(args = [5, 50], min_time = 2)]
fn fresh_call(bencher: divan::Bencher<'_, '_>, lines: u32) {
    let bench = bench();
    let argument = Argument::Payment(sale(lines));
    bencher.bench_local(|| {
        let called = bench.generation.react(&bench.plugin, &bench.cx, &argument);
        called.outcome.expect("a decision")
    });
}

#[divan::bench(args = [1_000])]
fn start(bencher: divan::Bencher<'_, '_>, slots: usize) {
    let engine_slot = bench().plugin.slot.as_ref().clone();
    let artifacts = Path::new(env!("CARGO_TARGET_TMPDIR")).join("bench-artifacts");
    bencher.bench_local(|| {
        let engine = Engine::new(EngineConfig::new(&artifacts)).expect("an engine");
        engine.load(vec![engine_slot.clone(); slots]).is_ok()
    });
}
