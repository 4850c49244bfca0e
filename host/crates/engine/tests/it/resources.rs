//! A thousand hostile calls leave nothing behind: no memory, no thread, no descriptor.

use crate::kit::{Endless, LIMITS, artifacts, context, pay, sale, slot};
use engine_guests::Behaviour;
use galleria_domain::plugin::Limits;
use galleria_domain::{Scope, StatementHeader, StatementLine, Window};
use galleria_engine::{Engine, EngineConfig, Generation};
use galleria_ports::Error;
use galleria_ports::plugins::{Argument, Lines, LoadedPlugin, Plugins as _, Sink, Source};
use galleria_ports::plugins::{Stream, Streams};
use std::fs::File;
use std::io::Write as _;
use std::process::Command;

const CALLS: usize = 1_000;

/// After this many calls the pool, the allocator and the caches have reached their sizes.
const WARM: usize = 200;

const GROWTH_BYTES: u64 = 8 << 20;

/// Set in the process that makes the calls. Other tests allocate too, so that they have a process of their own.
const OWN_PROCESS: &str = "GALLERIA_TEST_OWN_PROCESS";

/// Limits that every endless behaviour exceeds within milliseconds.
const TIGHT: Limits = Limits {
    cpu_ms: 10,
    ..LIMITS
};

#[test]
fn hostile_calls_leave_nothing_behind() {
    if std::env::var_os(OWN_PROCESS).is_some() {
        return make_calls();
    }
    let output = Command::new(std::env::current_exe().expect("this binary"))
        .args(["--exact", "resources::hostile_calls_leave_nothing_behind"])
        .args(["--nocapture", "--test-threads=1"])
        .env(OWN_PROCESS, "1")
        .output()
        .expect("a process");
    let printed = String::from_utf8_lossy(&output.stdout);
    let failed = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{printed}{failed}");
    assert!(printed.contains("1 passed"), "{printed}");
}

/// What this process uses.
#[derive(Clone, Copy, Debug)]
struct Usage {
    resident_bytes: u64,
    threads: usize,
    descriptors: usize,
}

impl Usage {
    fn now() -> Self {
        let entries = |path: &str| std::fs::read_dir(path).expect("entries").count();
        let status = std::fs::read_to_string("/proc/self/status").expect("a status");
        let resident = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
        let kilobytes = resident.and_then(|size| size.trim().strip_suffix(" kB"));
        let kilobytes: u64 = kilobytes.expect("a size").parse().expect("a number");
        Self {
            resident_bytes: kilobytes << 10,
            threads: entries("/proc/self/task"),
            descriptors: entries("/proc/self/fd"),
        }
    }
}

fn make_calls() {
    let log = tracing_subscriber::fmt().with_writer(std::io::sink);
    log.init();
    let engine = Engine::new(EngineConfig::new(artifacts())).expect("an engine");
    let mut slots: Vec<_> = Behaviour::ALL
        .iter()
        .map(|behaviour| {
            let mut slot = slot(&format!("{behaviour:?}"), *behaviour);
            (slot.call_limits, slot.run_limits) = (TIGHT, TIGHT);
            slot
        })
        .collect();
    slots.push(slot("good", Behaviour::Decide));
    let generation = engine.load(slots);
    let generation = generation.unwrap_or_else(|errors| panic!("{errors:#?}"));
    let all = generation.all();
    let (good, hostile) = all.split_last().expect("slots");
    let decision = || pay(&generation, good, "good").outcome.expect("a decision");
    let expected = decision();

    let (mut warm, mut failed) = (None, 0);
    for number in 1..=CALLS {
        let plugin = &hostile[number % hostile.len()];
        // Every behaviour is called at every point: most are not meant for it, and crash.
        let ended = call(&generation, plugin, number / hostile.len() % 4);
        failed += usize::from(ended.is_err());
        if number % 50 == 0 {
            assert_eq!(decision(), expected, "after {number} calls");
        }
        if number == WARM {
            warm = Some(Usage::now());
        }
    }
    let (warm, last) = (warm.expect("a measurement"), Usage::now());
    assert!(failed > CALLS / 2, "only {failed} calls failed");
    let growth = last.resident_bytes.saturating_sub(warm.resident_bytes);
    assert!(growth <= GROWTH_BYTES, "{growth} bytes: {warm:?}, {last:?}");
    assert!(last.threads <= warm.threads, "{warm:?}, {last:?}");
    assert!(last.descriptors <= warm.descriptors, "{warm:?}, {last:?}");
}

fn call(generation: &Generation, plugin: &LoadedPlugin, point: usize) -> Result<(), String> {
    let mut cx = context(&plugin.slot.name, plugin);
    let text = |fault: galleria_domain::CallFault| fault.to_string();
    let run = match point {
        0 => {
            let argument = Argument::Payment(sale(3));
            let called = generation.react(plugin, &cx, &argument);
            return called.outcome.map(drop).map_err(text);
        }
        1 => {
            let called = generation.identify(plugin, &cx, "a code");
            return called.outcome.map(drop).map_err(text);
        }
        2 => Stream::Report(window()),
        _ => Stream::Statement,
    };
    cx.scope = Scope::Retailer("example".into());
    let called = generation.run(plugin, &cx, &run, streams());
    called.outcome.map(drop).map_err(text)
}

fn window() -> Window {
    Window {
        id: "2026-11-24".into(),
        first: "2026-11-24".into(),
        last: "2026-11-24".into(),
        as_of: "2026-11-25T00:00:00.000+00:00".into(),
        stores: 1,
    }
}

/// Endless feeds and input, and an output with real files.
fn streams() -> Streams {
    Streams {
        sale_lines: Some(Box::new(Endless(crate::runs::sale_line(1)))),
        input: Some(Box::new(Bytes)),
        statement: Some(Box::new(ReceivedLines::default())),
        output: Some(Box::new(OpenFiles::default())),
        ..Streams::default()
    }
}

/// An input without an end.
struct Bytes;

impl Source for Bytes {
    fn name(&self) -> String {
        "payout.txt".into()
    }

    fn read(&mut self, max: u32) -> Result<Vec<u8>, Error> {
        Ok(b"100\n".repeat(max as usize / 4))
    }
}

/// Keeps the lines of a statement until the end of the run.
#[derive(Default)]
struct ReceivedLines(Vec<StatementLine>);

impl Lines for ReceivedLines {
    fn describe(&mut self, _: StatementHeader) -> Result<(), Error> {
        Ok(())
    }

    fn push(&mut self, mut lines: Vec<StatementLine>) -> Result<(), Error> {
        self.0.append(&mut lines);
        Ok(())
    }
}

/// Has a descriptor for each open file. Those that the guest keeps open end with the run.
#[derive(Default)]
struct OpenFiles(Vec<Option<File>>);

impl Sink for OpenFiles {
    fn open(&mut self, _: &str, _: &str, _: &str) -> Result<u32, Error> {
        let file = tempfile::tempfile().map_err(|error| Error::Internal(error.to_string()))?;
        self.0.push(Some(file));
        Ok(u32::try_from(self.0.len() - 1).expect("few files"))
    }

    fn write(&mut self, file: u32, chunk: &[u8]) -> Result<(), Error> {
        let file = self.0[file as usize].as_mut().expect("an open file");
        let written = file.write_all(chunk);
        written.map_err(|error| Error::Internal(error.to_string()))
    }

    fn close(&mut self, file: u32) -> Result<(), Error> {
        self.0[file as usize] = None;
        Ok(())
    }
}
