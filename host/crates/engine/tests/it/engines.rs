//! Tests that need an engine of their own: artifacts, limits, concurrent calls.

use crate::hostile;
use crate::kit::{LIMITS, artifacts, engine, host_fault, named, pay, slot, whole_log};
use engine_guests::Behaviour;
use galleria_domain::plugin::Limits;
use galleria_domain::{CallFault, HostFault};
use galleria_engine::{Engine, EngineConfig};
use galleria_ports::plugins::Plugins;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::time::Duration;

fn files(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).expect("a folder");
    entries
        .map(|entry| entry.expect("an entry").path())
        .collect()
}

#[test]
fn component_is_compiled_once_and_then_loaded() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("artifacts");
    // Captures the log.
    engine();
    let compiled = || whole_log().matches("compiled-once").count();
    let check = || {
        let engine = Engine::new(EngineConfig::new(&path)).expect("an engine");
        let slots = ["a", "b", "c"].map(|name| {
            let mut slot = slot(name, Behaviour::Decide);
            slot.plugin = "compiled-once".into();
            slot
        });
        let generation = engine
            .load(slots.into())
            .unwrap_or_else(|m| panic!("{m:?}"));
        let called = pay(&generation, &named(&generation, "b"), "e");
        called.outcome.expect("a decision");
    };
    check();
    assert_eq!(compiled(), 1, "the log names what is compiled");
    let artifacts = files(&path);
    assert_eq!(
        artifacts.len(),
        1,
        "three slots share an artifact: {artifacts:?}"
    );
    let identity = |path: &Path| {
        let file = std::fs::metadata(path).expect("a file");
        (file.ino(), file.permissions().mode() & 0o777)
    };
    assert_eq!(identity(&path).1, 0o700);
    let before = identity(&artifacts[0]);
    assert_eq!(before.1, 0o600);
    check();
    assert_eq!(identity(&artifacts[0]), before, "not compiled again");
    assert_eq!(compiled(), 1);

    std::fs::write(&artifacts[0], b"not machine code").expect("a file");
    check();
    assert_eq!(files(&path), artifacts);
    assert!(
        std::fs::metadata(&artifacts[0]).expect("a file").len() > 100_000,
        "compiled again"
    );
}

#[test]
fn ceiling_bounds_the_limits_of_a_slot() {
    let mut config = EngineConfig::new(artifacts());
    config.ceiling = Limits {
        cpu_ms: 40,
        ..config.ceiling
    };
    let engine = Engine::new(config).expect("an engine");
    let mut greedy = slot("greedy", Behaviour::Loop);
    greedy.call_limits = Limits {
        cpu_ms: u64::MAX,
        ..LIMITS
    };
    let generation = engine
        .load(vec![greedy])
        .unwrap_or_else(|m| panic!("{m:?}"));
    let called = pay(&generation, &named(&generation, "greedy"), "e");
    assert_eq!(host_fault(&called), &HostFault::OutOfCpu(40));
}

#[test]
fn too_many_concurrent_calls_are_a_fault_of_the_host() {
    let mut config = EngineConfig::new(artifacts());
    config.calls_at_once = 1;
    let engine = Engine::new(config).expect("an engine");
    let slots = vec![
        slot("loop", Behaviour::Loop),
        slot("good", Behaviour::Decide),
    ];
    let generation = engine.load(slots).unwrap_or_else(|m| panic!("{m:?}"));
    std::thread::scope(|scope| {
        let busy = scope.spawn(|| pay(&generation, &named(&generation, "loop"), "e"));
        std::thread::sleep(Duration::from_millis(100));
        let called = pay(&generation, &named(&generation, "good"), "e");
        assert!(matches!(
            called.outcome,
            Err(CallFault::Host(HostFault::HostFailed(_)))
        ));
        assert!(busy.join().expect("no panic").outcome.is_err());
    });
    let called = pay(&generation, &named(&generation, "good"), "e");
    called.outcome.expect("the other call has ended");
}

#[test]
fn idle_ticker_wakes_for_the_next_call() {
    let engine = Engine::new(EngineConfig::new(artifacts())).expect("an engine");
    let generation = engine
        .load(vec![slot("loop", Behaviour::Loop)])
        .unwrap_or_else(|m| panic!("{m:?}"));
    assert_eq!(generation.all().len(), 1);
    // Longer than the idle period after which the ticker parks.
    std::thread::sleep(Duration::from_millis(400));
    let called = pay(&generation, &named(&generation, "loop"), "e");
    assert_eq!(host_fault(&called), &HostFault::OutOfCpu(LIMITS.cpu_ms));
}

#[test]
fn a_plugin_cannot_use_up_the_memories_and_tables_of_others() {
    let mut config = EngineConfig::new(artifacts());
    config.calls_at_once = 4;
    let engine = Engine::new(config).expect("an engine");
    let folder = tempfile::tempdir().expect("a folder");
    let mut greedy = slot("greedy", Behaviour::Decide);
    greedy.component = crate::wat::write(folder.path(), "greedy.wasm", &hostile::greedy());
    let slots = vec![greedy, slot("good", Behaviour::Decide)];
    let generation = engine.load(slots).unwrap_or_else(|m| panic!("{m:?}"));
    std::thread::scope(|scope| {
        let busy = scope.spawn(|| pay(&generation, &named(&generation, "greedy"), "e"));
        std::thread::sleep(Duration::from_millis(100));
        let called = pay(&generation, &named(&generation, "good"), "e");
        called.outcome.expect("slots for another call");
        let busy = busy.join().expect("no panic");
        assert_eq!(host_fault(&busy), &HostFault::OutOfCpu(LIMITS.cpu_ms));
    });
}
