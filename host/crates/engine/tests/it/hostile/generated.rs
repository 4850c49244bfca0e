//! Generated components: the loader answers every file with a component or an error, and never hangs.

use super::build::{Module, with_modules};
use super::run::check_safe;
use crate::kit::slot;
use crate::wat::write;
use arbitrary::{Arbitrary as _, Unstructured};
use engine_guests::Behaviour;
use galleria_domain::plugin::{Limits, Point, Rights};
use galleria_engine::{Engine, EngineConfig};
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng as _, SeedableRng as _};
use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::time::{Duration, Instant};

/// Far above the time of one component, on a busy machine.
const PATIENCE: Duration = Duration::from_secs(10);

/// An engine whose artifacts are dropped with the folder: no generated component is compiled twice.
struct Loader {
    folder: tempfile::TempDir,
    engine: Engine,
    /// How often loading ended in each way: by the compiler, the first word of another error, or nothing.
    ends: BTreeMap<String, u32>,
}

impl Loader {
    fn new() -> Self {
        // Compiled components are written durably. Memory makes that fast, and the test is not about disks.
        let memory = Path::new("/dev/shm");
        let folder = match memory.is_dir() {
            true => tempfile::tempdir_in(memory),
            false => tempfile::tempdir(),
        };
        let folder = folder.expect("a folder");
        let config = EngineConfig::new(folder.path().join("artifacts"));
        Self {
            engine: Engine::new(config).expect("an engine"),
            folder,
            ends: BTreeMap::new(),
        }
    }

    /// Loads a file. Every outcome is right, except a panic, a hang and an unreadable error.
    fn load(&mut self, seed: u64, bytes: &[u8]) -> Result<(), String> {
        let mut slot = slot("generated", Behaviour::Decide);
        slot.component = write(self.folder.path(), "generated.wasm", bytes);
        slot.asks = Rights::default();
        slot.grants = Rights::default();
        slot.call_limits = Limits {
            cpu_ms: 5,
            ..crate::kit::LIMITS
        };
        let started = Instant::now();
        let loaded = catch_unwind(AssertUnwindSafe(|| self.engine.load(vec![slot])));
        let loaded = loaded.unwrap_or_else(|_| panic!("the loader panics on seed {seed}"));
        let elapsed = started.elapsed();
        assert!(elapsed < PATIENCE, "loading seed {seed} takes {elapsed:?}");
        let error = match loaded {
            Ok(_) => String::new(),
            Err(errors) => {
                let error = errors.first().expect("an error").message.clone();
                assert!(!error.trim().is_empty(), "seed {seed}");
                if let Err(text) = check_safe(&error) {
                    panic!("seed {seed}: {text}");
                }
                error
            }
        };
        let end = match error.contains("the component does not load") {
            true => "refused by the compiler",
            false => error.split(' ').next().unwrap_or_default(),
        };
        *self.ends.entry(end.to_owned()).or_default() += 1;
        if error.is_empty() { Ok(()) } else { Err(error) }
    }
}

fn random_bytes(seed: u64, length: usize) -> Vec<u8> {
    let mut bytes = vec![0; length];
    ChaCha8Rng::seed_from_u64(seed).fill_bytes(&mut bytes);
    bytes
}

#[test]
fn generated_components_are_loaded_or_refused() {
    let mut loader = Loader::new();
    let mut components = 0;
    for seed in 0..2_000 {
        let bytes = random_bytes(seed, 512);
        let component = wasm_smith::Component::arbitrary(&mut Unstructured::new(&bytes));
        let Ok(component) = component else { continue };
        components += 1;
        _ = loader.load(seed, &component.to_bytes());
    }
    assert!(components > 1_000, "only {components} components");
}

/// Modules that use any feature, as a part of a component that exports a point: they are compiled, and their
/// start functions run.
#[test]
fn generated_modules_are_loaded_or_refused() {
    let mut loader = Loader::new();
    let original = Module::default().component(Point::OnPayment);
    for seed in 0..400 {
        let bytes = random_bytes(seed, 300);
        let mut source = Unstructured::new(&bytes);
        let config = wasm_smith::Config {
            max_imports: 0,
            min_funcs: 1,
            max_funcs: 4,
            max_instructions: 30,
            max_memories: 1,
            allow_start_export: true,
            ..wasm_smith::Config::arbitrary(&mut source).expect("a configuration")
        };
        let module = wasm_smith::Module::new(config, &mut source)
            .expect("a module")
            .to_bytes();
        _ = loader.load(seed, &with_modules(original.clone(), &[module]));
    }
    let (loaded, refused) = (loader.ends[""], loader.ends["refused by the compiler"]);
    assert!(
        loaded > 40 && refused > 40,
        "{loaded} load, {refused} are refused"
    );
}

/// A small component that loads, with one to four changed, removed or repeated pieces.
#[test]
fn changed_components_are_loaded_or_refused() {
    let mut loader = Loader::new();
    let original = Module::default().component(Point::OnPayment);
    loader.load(0, &original).expect("the original loads");
    for seed in 1..=1_500 {
        let mut random = ChaCha8Rng::seed_from_u64(seed);
        let mut below = |limit: usize| random.next_u32() as usize % limit;
        let mut bytes = original.clone();
        for _ in 0..=below(4) {
            let at = 8 + below(bytes.len().saturating_sub(8).max(1));
            let at = at.min(bytes.len() - 1);
            let end = bytes.len().min(at + 1 + below(40));
            // A changed length is usually found early, so most changes keep it.
            match below(12) {
                0 => bytes.truncate(at + 1),
                1 => drop(bytes.drain(at..end)),
                2..9 => bytes[at] ^= 1 << below(8),
                _ => {
                    let (from, length) = (below(at), end - at);
                    bytes.copy_within(from..from + length.min(at - from), at);
                }
            }
        }
        _ = loader.load(seed, &bytes);
    }
    let loaded = loader.ends[""];
    assert!(
        (1..=750).contains(&loaded),
        "{loaded} changed components load"
    );
}
