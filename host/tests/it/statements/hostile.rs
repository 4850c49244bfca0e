//! Real components reject hostile statements in bounded time and memory.

use super::tabular::Grid;
use super::{Sample, readers, samples};
use crate::host::staged;
use galleria_app::settlement::{read, reading_context};
use galleria_domain::{Digest, Problem};
use galleria_engine::{Engine, EngineConfig, Generation};
use galleria_ports::Error;
use galleria_ports::plugins::{LoadedPlugin, Plugins as _, Source};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// A file that is generated while it is read: a beginning, a repeated piece, an end.
struct Made {
    begin: Vec<u8>,
    piece: Vec<u8>,
    times: u64,
    end: Vec<u8>,
    given: u64,
}

impl Made {
    fn of(begin: String, piece: &str, bytes: u64, end: &str) -> Self {
        // One piece for each read would be slow: a read returns some kilobytes.
        let piece = piece.repeat(60_000 / piece.len());
        Self {
            begin: begin.into_bytes(),
            times: bytes / piece.len() as u64,
            piece: piece.into_bytes(),
            end: end.as_bytes().to_vec(),
            given: 0,
        }
    }

    fn bytes(bytes: Vec<u8>) -> Self {
        Self {
            begin: bytes,
            piece: vec![],
            times: 0,
            end: vec![],
            given: 0,
        }
    }
}

impl Source for Made {
    fn name(&self) -> String {
        "hostile.csv".into()
    }

    fn read(&mut self, max: u32) -> Result<Vec<u8>, Error> {
        let next = if !self.begin.is_empty() {
            &mut self.begin
        } else if self.times > 0 {
            self.times -= 1;
            self.begin = self.piece.clone();
            &mut self.begin
        } else {
            &mut self.end
        };
        let count = next.len().min(max as usize);
        let chunk: Vec<u8> = next.drain(..count).collect();
        self.given += chunk.len() as u64;
        Ok(chunk)
    }
}

fn generation() -> (tempfile::TempDir, Generation) {
    let retailers = readers();
    let set = |key: &str, value: String| (key.to_owned(), value);
    let overrides = BTreeMap::from([
        set("retailers", retailers.path().display().to_string()),
        set("plugins", staged().display().to_string()),
    ]);
    let config = galleria_config::load(None, &BTreeMap::new(), &overrides).expect("configuration");
    let engine = Engine::new(EngineConfig::new(crate::host::artifacts())).expect("an engine");
    let generation = engine.load(config.slots()).expect("loaded");
    (retailers, generation)
}

/// The peak memory of a process, in bytes.
pub fn peak(process: &str) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).expect("a status");
    let line = status
        .lines()
        .find(|line| line.starts_with("VmHWM:"))
        .expect("a peak");
    let kilobytes = line.split_whitespace().nth(1).expect("a number");
    kilobytes.parse::<u64>().expect("a number") << 10
}

const GIGABYTE: u64 = 1 << 30;

/// Hostile content for every format. `sale` is a row with an amount and a known reference.
fn anywhere(good: &Grid, sale: usize, amount: &str, reference: &str) -> Vec<(&'static str, Made)> {
    let with = |column: &str, value: &str| Made::bytes(good.with(sale, column, value).bytes());
    let mut invalid = good.bytes();
    let at = invalid.len() / 2;
    invalid[at] = 0xff;
    vec![
        ("an exponent", with(amount, "1E-80000000")),
        ("another", with(amount, "9E999999999")),
        ("digits", with(amount, &"9".repeat(2_000))),
        ("NUL", with(reference, "a\0b")),
        ("no UTF-8", Made::bytes(invalid)),
        ("no file", Made::bytes(vec![])),
        ("zeros", Made::of(String::new(), "\0", 1 << 26, "")),
        ("line feeds", Made::of(String::new(), "\n", 1 << 26, "")),
        (
            "a row of 1 GB",
            Made::of(String::new(), "x", GIGABYTE, "\n"),
        ),
    ]
}

/// Hostile content for tables of cells.
fn table(good: &Grid) -> Vec<(&'static str, Made)> {
    let head = good.head();
    let cell = format!("c{}", good.delimiter());
    let quoted = format!("x{}\n", good.delimiter());
    let delimiters = good.delimiter().to_string();
    let header = |piece: &str, bytes: u64| Made::of(String::new(), piece, bytes, "\n");
    let row = |begin: &str, piece: &str, bytes: u64, end: &str| {
        Made::of(format!("{head}{begin}"), piece, bytes, end)
    };
    vec![
        ("a cell of 1 GB", row(&cell, "x", GIGABYTE, "\n")),
        (
            "a quoted cell of 1 GB",
            row("\"", &quoted, GIGABYTE, "\"\n"),
        ),
        ("quotes", row("\"", "\"\"", GIGABYTE, "\"\n")),
        ("a million columns", header(&cell, 2_000_000)),
        ("a million cells", row("", &cell, 2_000_000, "\n")),
        ("a header of delimiters", header(&delimiters, GIGABYTE)),
    ]
}

/// Hostile content for records of fixed width.
fn records(good: &Grid) -> Vec<(&'static str, Made)> {
    let head = good.head();
    let after = |piece: &str, bytes: u64, end: &str| Made::of(head.clone(), piece, bytes, end);
    vec![
        ("a record of 1 GB", after("DTPAY", GIGABYTE, "\n")),
        ("a million short records", after("DTPAY\n", 6_000_000, "")),
        (
            "a million headers",
            Made::of(String::new(), &head, 50_000_000, ""),
        ),
        ("a million unknown records", after("XX\n", 3_000_000, "")),
    ]
}

fn hostile(sample: &Sample) -> Vec<(&'static str, Made)> {
    let good = Grid::of(sample);
    let sale = good.body().start;
    let (amount, reference, own) = match sample.plugin.as_str() {
        "adyen-settlement" => ("Gross Credit (GC)", "Merchant Reference", table(&good)),
        "stripe-payout" => ("gross", "payment_metadata[order]", table(&good)),
        "delimited-statement" => ("Brut", "Commande", table(&good)),
        "fixed-statement" => ("gross", "merchant_reference", records(&good)),
        other => panic!("{other}: no hostile content is known for this plugin"),
    };
    let mut cases = anywhere(&good, sale, amount, reference);
    cases.extend(own);
    cases
}

/// Set in the process that runs this test alone.
const ALONE: &str = "GALLERIA_TEST_ALONE";

/// Runs in a process of its own: the peak of this one includes components that other tests compile.
#[test]
fn a_hostile_statement_is_rejected_in_bounded_time_and_memory() {
    if std::env::var_os(ALONE).is_none() {
        let name =
            "statements::hostile::a_hostile_statement_is_rejected_in_bounded_time_and_memory";
        let binary = std::env::current_exe().expect("the test's binary");
        let alone = std::process::Command::new(binary)
            .args(["--exact", name, "--nocapture"])
            .env(ALONE, "1")
            .output()
            .expect("a process");
        let output = String::from_utf8_lossy(&alone.stdout);
        let errors = String::from_utf8_lossy(&alone.stderr);
        assert!(alone.status.success(), "{output}{errors}");
        assert!(output.contains("1 passed"), "{output}");
        return;
    }
    let (_retailers, generation) = generation();
    // Sets the peak to the current size, without the compilation.
    std::fs::write("/proc/self/clear_refs", "5").expect("a new peak");
    let before = peak("self");
    for sample in samples() {
        let plugin = generation.named(&sample.retailer, &sample.slot);
        let plugin = plugin.expect("a reader");
        for (what, made) in hostile(&sample) {
            let what = format!("{what}, {}", sample.plugin);
            let begun = Instant::now();
            refused(&generation, &plugin, &what, made);
            let took = begun.elapsed();
            assert!(took < Duration::from_secs(60), "{what} took {took:?}");
        }
    }
    let grown = peak("self") - before;
    assert!(grown < 256 << 20, "{grown} bytes more at the peak");
}

fn refused(generation: &Generation, plugin: &LoadedPlugin, what: &str, made: Made) {
    let now = "2026-11-24T10:00:00Z".parse().expect("an instant");
    let cx = reading_context(plugin, Digest::of(b"").as_str(), now);
    let scratch = tempfile::tempfile().expect("a file");
    let outcome = read(
        generation,
        plugin,
        &cx,
        Box::new(made),
        scratch,
        Arc::default(),
    );
    match outcome {
        Err(Error::Invalid(problems)) => {
            assert!(!problems.is_empty() && problems.len() <= 1_001, "{what}");
            let placed = |p: &Problem| p.row.is_some() && !p.field.is_empty();
            assert!(problems.iter().all(placed), "{what}: {problems:?}");
            let reported: usize = problems
                .iter()
                .map(|p| p.message.len() + p.field.len())
                .sum();
            assert!(reported < 1 << 20, "{what}: {reported} bytes of problems");
        }
        Err(other) => panic!("{what}: {other:?}"),
        Ok(reading) => panic!("{what}: {} lines were read", reading.lines),
    }
}
