//! No byte of one guest is seen by another: guests fill everything they have with a pattern, and the next guest
//! in the same slot of the pool searches everything it has for it.

use crate::kit::{LIMITS, artifacts, context, sale, slot};
use crate::wat::{module_component, write};
use engine_guests::Behaviour;
use galleria_domain::plugin::Rights;
use galleria_domain::{CallFault, Decision, HostFault};
use galleria_engine::{Engine, EngineConfig, Generation};
use galleria_ports::plugins::{Argument, LoadedPlugin, Plugins as _};
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng as _, SeedableRng as _};

const ROUNDS: usize = 10_000;

/// What a call does. The guest reads it from the number of the attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// Traps if it finds the pattern.
    Search,
    /// Writes the pattern everywhere and returns.
    Fill,
    /// Writes the pattern everywhere and traps.
    FillAndTrap,
    /// Writes the pattern everywhere and grows its memory without end.
    FillAndGrow,
    /// Writes the pattern to the end of its memory, and searches.
    FindOwn,
}

/// A guest with two pages of memory, a table and globals. It grows memory and table before it fills or searches
/// them. Every byte of the pattern is the same, so an aligned word contains it wherever it starts.
fn guest(fields: &str, global: &str) -> Vec<u8> {
    let module = format!(
        r#"(module
            (memory (export "memory") 2)
            (table $table 64 funcref)
            (global $top (mut i32) (i32.const 32768))
            (global $pattern i64 (i64.const 0xa7a7a7a7a7a7a7a7))
            (global $first (mut i64) (i64.const {global}))
            (global $second (mut i64) (i64.const 0))
            (func $mark)
            (elem declare func $mark)
            {fields}
            (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32)
                (local $at i32)
                (local.set $at (global.get $top))
                (global.set $top (i32.and
                    (i32.add (i32.add (global.get $top) (local.get 3)) (i32.const 7))
                    (i32.const -8)))
                (local.get $at))
            (func (export "galleria:retail/settings@0.2.0#check") (param i32 i32 i32 i32) (result i32)
                (i32.const 16))
            (func $end (result i32) (i32.mul (memory.size) (i32.const 65536)))
            (func $stack (param $depth i32) (param $value i64) (result i64)
                (local $a i64) (local $b i64) (local $c i64)
                (if (i64.ne (i64.or (local.get $a) (i64.or (local.get $b) (local.get $c))) (i64.const 0))
                    (then (unreachable)))
                (if (i32.eqz (local.get $depth)) (then (return (local.get $value))))
                (local.set $a (call $stack (i32.sub (local.get $depth) (i32.const 1)) (local.get $value)))
                (local.set $b (i64.rotl (local.get $a) (i64.const 8)))
                (local.set $c (call $stack (i32.const 0) (local.get $b)))
                (i64.and (local.get $a) (i64.and (local.get $b) (local.get $c))))
            (func $fill
                (local $at i32) (local $end i32)
                (local.set $end (call $end))
                (loop $words
                    (i64.store (local.get $at) (global.get $pattern))
                    (i64.store offset=8 (local.get $at) (global.get $pattern))
                    (local.set $at (i32.add (local.get $at) (i32.const 16)))
                    (br_if $words (i32.lt_u (local.get $at) (local.get $end))))
                (table.fill $table (i32.const 0) (ref.func $mark) (table.size $table))
                (global.set $first (global.get $pattern))
                (global.set $second (global.get $pattern))
                (drop (call $stack (i32.const 100) (global.get $pattern))))
            (func $search (param $grown i32)
                (local $at i32) (local $end i32)
                (local.set $end (call $end))
                (loop $words
                    (if (i64.eq (i64.load (local.get $at)) (global.get $pattern)) (then (unreachable)))
                    (if (i64.eq (i64.load offset=8 (local.get $at)) (global.get $pattern)) (then (unreachable)))
                    (local.set $at (i32.add (local.get $at) (i32.const 16)))
                    (br_if $words (i32.lt_u (local.get $at) (local.get $end))))
                ;; Memory that it grew is zero.
                (local.set $at (local.get $grown))
                (block $all
                    (loop $words
                        (br_if $all (i32.ge_u (local.get $at) (local.get $end)))
                        (if (i64.ne (i64.load (local.get $at)) (i64.const 0)) (then (unreachable)))
                        (local.set $at (i32.add (local.get $at) (i32.const 8)))
                        (br $words)))
                (local.set $at (i32.const 0))
                (loop $elements
                    (if (i32.eqz (ref.is_null (table.get $table (local.get $at)))) (then (unreachable)))
                    (local.set $at (i32.add (local.get $at) (i32.const 1)))
                    (br_if $elements (i32.lt_u (local.get $at) (table.size $table))))
                (if (i64.ne (i64.or (global.get $first) (global.get $second)) (i64.const 0))
                    (then (unreachable)))
                (drop (call $stack (i32.const 100) (i64.const 0))))
            (func $grow_forever
                (loop $more (drop (memory.grow (i32.const 16))) (br $more)))
            (func (export "galleria:retail/on-payment@0.2.0#handle") (param $arguments i32) (result i32)
                (local $attempt i32) (local $mode i32) (local $grown i32)
                ;; The number of the attempt follows the event's id in the context.
                (local.set $attempt (i32.load offset=8 (local.get $arguments)))
                (local.set $mode (i32.rem_u (local.get $attempt) (i32.const 8)))
                (local.set $grown (call $end))
                (drop (memory.grow (i32.div_u (local.get $attempt) (i32.const 8))))
                (drop (table.grow $table (ref.null func) (i32.const 500)))
                (if (i32.eqz (local.get $mode))
                    (then (call $search (local.get $grown)) (return (i32.const 16))))
                (if (i32.eq (local.get $mode) (i32.const 4))
                    (then
                        (i64.store (i32.sub (call $end) (i32.const 8)) (global.get $pattern))
                        (call $search (call $end))))
                (call $fill)
                (if (i32.eq (local.get $mode) (i32.const 2)) (then (unreachable)))
                (if (i32.eq (local.get $mode) (i32.const 3)) (then (call $grow_forever)))
                ;; An accepted event with an empty decision.
                (memory.fill (i32.const 16) (i32.const 0) (i32.const 64))
                (i32.const 16)))"#
    );
    module_component("on-payment", &module)
}

/// Loads guests with these fields and first globals into an engine that runs one call at a time. So all calls use
/// the same slot of the pool.
fn load(guests: &[(&str, &str)]) -> (Generation, Vec<LoadedPlugin>) {
    let mut config = EngineConfig::new(artifacts());
    config.calls_at_once = 1;
    let engine = Engine::new(config).expect("an engine");
    let folder = tempfile::tempdir().expect("a folder");
    let slots = guests.iter().enumerate().map(|(index, (fields, global))| {
        let name = format!("guest-{index}");
        let mut slot = slot(&name, Behaviour::Decide);
        slot.component = write(folder.path(), &name, &guest(fields, global));
        slot.plugin.clone_from(&name);
        slot.asks = Rights::default();
        slot.grants = Rights::default();
        slot.call_limits = LIMITS;
        slot
    });
    let generation = engine.load(slots.collect());
    let generation = generation.unwrap_or_else(|errors| panic!("{errors:#?}"));
    let plugins = generation.all();
    (generation, plugins)
}

fn call(
    generation: &Generation,
    plugin: &LoadedPlugin,
    argument: &Argument,
    (mode, pages): (Mode, u32),
) -> Result<Decision, CallFault> {
    let mut cx = context("e", plugin);
    cx.attempt = mode as u32 + 8 * pages;
    generation.react(plugin, &cx, argument).outcome
}

fn assert_trapped(outcome: &Result<Decision, CallFault>) {
    let trapped = matches!(outcome, Err(CallFault::Host(HostFault::Trapped(_))));
    assert!(trapped, "{outcome:?}");
}

#[test]
fn the_search_finds_the_pattern_in_every_place() {
    let argument = Argument::Payment(sale(1));
    let places = [
        ("", "0"),
        (
            r#"(data (i32.const 131064) "\a7\a7\a7\a7\a7\a7\a7\a7")"#,
            "0",
        ),
        ("(elem (table $table) (i32.const 63) func $mark)", "0"),
        ("", "0xa7a7a7a7a7a7a7a7"),
    ];
    let (generation, plugins) = load(&places);
    let clean = call(&generation, &plugins[0], &argument, (Mode::Search, 3));
    assert_eq!(clean, Ok(Decision::default()));
    for plugin in &plugins[1..] {
        assert_trapped(&call(&generation, plugin, &argument, (Mode::Search, 0)));
    }
    for pages in [0, 1, 30] {
        let found = call(&generation, &plugins[0], &argument, (Mode::FindOwn, pages));
        assert_trapped(&found);
    }
}

#[test]
fn no_guest_sees_a_byte_of_the_guest_before() {
    // With and without an image of initial memory, which the pool maps and resets differently.
    let image = r#"(data (i32.const 65536) "the initial memory of this guest")"#;
    let (generation, plugins) = load(&[("", "0"), (image, "0")]);
    let argument = Argument::Payment(sale(1));
    let mut rng = ChaCha8Rng::seed_from_u64(13);
    let mut draw = |below: u32| rng.next_u32() % below;
    for round in 0..ROUNDS {
        // The pool clears 8 pages with zeros and returns the others to the system.
        let mut pages = || match draw(8) {
            0..5 => draw(4),
            5..7 => 5 + draw(3),
            _ => 12,
        };
        let (filled, searched) = (pages(), pages());
        let mode = [Mode::Fill, Mode::FillAndTrap, Mode::FillAndGrow][draw(3) as usize];
        let first = &plugins[draw(2) as usize];
        let ended = call(&generation, first, &argument, (mode, filled));
        match mode {
            Mode::Fill => assert_eq!(ended, Ok(Decision::default())),
            Mode::FillAndTrap => assert_trapped(&ended),
            _ => assert_eq!(
                ended,
                Err(CallFault::Host(HostFault::OutOfMemory(LIMITS.memory_bytes)))
            ),
        }
        let next = &plugins[draw(2) as usize];
        let found = call(&generation, next, &argument, (Mode::Search, searched));
        assert_eq!(
            found,
            Ok(Decision::default()),
            "round {round}: {mode:?} of {filled} pages by {}, search of {searched} pages by {}",
            first.slot.name,
            next.slot.name
        );
    }
}
