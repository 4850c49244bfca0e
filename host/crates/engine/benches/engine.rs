//! A fresh call: instantiation, the sale into the guest, the POSLOG rendered, the decision back.
//!
//! `cargo bench -p galleria-engine`. Figures are to be read as ratios; `performance` in the design
//! names the goals.

use galleria_app::plugins::{Argument, Loaded, Plugins};
use galleria_domain::plugin::{Limits, OnDeadLetter, Rights, Slot, StoreFilter};
use galleria_domain::{Context, Sale};
use galleria_engine::{Engine, EngineConfig, Generation};
use serde_json::Value;
use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;
use std::sync::OnceLock;

struct Bench {
    generation: Generation,
    plugin: Loaded,
    cx: Context,
    sale: Sale,
}

fn main() {
    divan::main();
}

/// Flying Tiger's plugin and the sale of one of its fixtures.
fn bench() -> &'static Bench {
    static BENCH: OnceLock<Bench> = OnceLock::new();
    BENCH.get_or_init(|| {
        let house = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../..");
        let built = Command::new(env!("CARGO"))
            .args(["build", "--quiet", "--profile", "plugin"])
            .args(["--target", "wasm32-wasip2", "-p", "flying-tiger"])
            .current_dir(&house)
            .status()
            .expect("cargo runs");
        assert!(built.success(), "the plugin does not build");
        let target = Path::new(env!("CARGO_TARGET_TMPDIR"))
            .parent()
            .expect("a folder");
        let text = std::fs::read(
            house.join("plugins/flying-tiger/fixtures/sale-several-lines/event.json"),
        );
        let event: Value = serde_json::from_slice(&text.expect("a fixture")).expect("JSON");
        let slot = slot(
            &target.join("wasm32-wasip2/plugin/flying_tiger.wasm"),
            event["context"]["settings"].to_string(),
        );
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

fn slot(component: &Path, settings: String) -> Slot {
    let rights = Rights {
        directories: ["poslog".to_owned()].into(),
        topics: [
            "flying_tiger.order.post_transaction".to_owned(),
            "flying_tiger.cash_desk.staff_shifts.end_shift_event".to_owned(),
        ]
        .into(),
        ..Rights::default()
    };
    Slot {
        retailer: "bench".into(),
        name: "poslog".into(),
        plugin: "flying-tiger".into(),
        component: component.to_owned(),
        file: "bench".into(),
        asks: rights.clone(),
        grants: rights,
        filter: StoreFilter::default(),
        settings,
        settings_for: vec![],
        call_limits: Limits::CALL,
        run_limits: Limits::RUN,
        counters: BTreeMap::new(),
        on_dead_letter: OnDeadLetter::Hold,
        retry_for_s: 0,
    }
}

/// The fixture's lines, again and again. Its sums no longer agree, which no plugin checks.
fn sale(lines: u32) -> Sale {
    let mut sale = bench().sale.clone();
    let given = std::mem::take(&mut sale.lines);
    let repeated = given.iter().filter(|line| line.parent.is_none()).cycle();
    sale.lines = repeated
        .zip(1..=lines)
        .map(|(line, number)| galleria_domain::Line {
            number,
            ..line.clone()
        })
        .collect();
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
