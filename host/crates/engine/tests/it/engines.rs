//! Engines of their own: artifacts, ceilings, room for calls.

use crate::kit::{LIMITS, host_fault, named, pay, slot};
use engine_guests::Behave;
use galleria_app::plugins::Plugins;
use galleria_domain::plugin::Limits;
use galleria_domain::{CallFault, HostFault};
use galleria_engine::{Engine, EngineConfig};
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::time::Duration;

fn artifacts(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).expect("a folder");
    entries
        .map(|entry| entry.expect("an entry").path())
        .collect()
}

#[test]
fn a_component_is_compiled_once_and_found_again() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("artifacts");
    let works = || {
        let engine = Engine::new(EngineConfig::new(&path)).expect("an engine");
        let slots = ["a", "b", "c"].map(|name| slot(name, Behave::Decide));
        let generation = engine
            .load(slots.into())
            .unwrap_or_else(|m| panic!("{m:?}"));
        let called = pay(&generation, &named(&generation, "b"), "e");
        called.outcome.expect("a decision");
    };
    works();
    let made = artifacts(&path);
    assert_eq!(made.len(), 1, "three slots, one artifact: {made:?}");
    let seen = |path: &Path| {
        let file = std::fs::metadata(path).expect("a file");
        (file.ino(), file.permissions().mode() & 0o777)
    };
    assert_eq!(seen(&path).1, 0o700);
    let before = seen(&made[0]);
    assert_eq!(before.1, 0o600);
    works();
    assert_eq!(seen(&made[0]), before, "found again, not made again");

    std::fs::write(&made[0], b"no machine code").expect("a file");
    works();
    assert_eq!(artifacts(&path), made);
    assert!(
        std::fs::metadata(&made[0]).expect("a file").len() > 100_000,
        "made again"
    );
}

#[test]
fn a_slots_limits_end_at_the_ceiling() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut config = EngineConfig::new(folder.path());
    config.ceiling = Limits {
        cpu_ms: 40,
        ..config.ceiling
    };
    let engine = Engine::new(config).expect("an engine");
    let mut greedy = slot("greedy", Behave::Loop);
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
fn more_calls_than_there_is_room_for_are_our_trouble() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut config = EngineConfig::new(folder.path());
    config.calls_at_once = 1;
    let engine = Engine::new(config).expect("an engine");
    let slots = vec![slot("loop", Behave::Loop), slot("good", Behave::Decide)];
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
    called.outcome.expect("room again");
}

#[test]
fn an_idle_engine_wakes_for_the_next_guest() {
    let folder = tempfile::tempdir().expect("a folder");
    let engine = Engine::new(EngineConfig::new(folder.path())).expect("an engine");
    let generation = engine
        .load(vec![slot("loop", Behave::Loop)])
        .unwrap_or_else(|m| panic!("{m:?}"));
    assert_eq!(generation.all().len(), 1);
    // Longer than the clock's thread waits before it sleeps.
    std::thread::sleep(Duration::from_millis(400));
    let called = pay(&generation, &named(&generation, "loop"), "e");
    assert_eq!(host_fault(&called), &HostFault::OutOfCpu(LIMITS.cpu_ms));
}
