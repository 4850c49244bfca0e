//! Hostile statements through the real component: refused, in bounded time and memory.

use super::{details, retailer};
use crate::house::staged;
use galleria_app::Error;
use galleria_app::plugins::{Plugins as _, Source};
use galleria_app::statements::{read, reading_context};
use galleria_domain::Digest;
use galleria_engine::{Engine, EngineConfig, Generation};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// A file that is made while it is read: a beginning, a piece so many times, an end.
struct Made {
    begin: Vec<u8>,
    piece: Vec<u8>,
    times: u64,
    end: Vec<u8>,
    given: u64,
}

impl Made {
    fn of(begin: String, piece: &str, bytes: u64, end: &str) -> Self {
        // A piece a read would be small; some kilobytes of them are one.
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
    let retailers = retailer();
    let set = |key: &str, value: String| (key.to_owned(), value);
    let overrides = BTreeMap::from([
        set("retailers", retailers.path().display().to_string()),
        set("plugins", staged().display().to_string()),
    ]);
    let config = galleria_config::load(None, &BTreeMap::new(), &overrides).expect("configuration");
    let artifacts = retailers.path().join("artifacts");
    let engine = Engine::new(EngineConfig::new(&artifacts)).expect("an engine");
    let generation = engine.load(config.slots()).expect("loaded");
    (retailers, generation)
}

/// The most memory this process has had, in bytes.
fn peak() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").expect("a status");
    let line = status
        .lines()
        .find(|line| line.starts_with("VmHWM:"))
        .expect("a peak");
    let kilobytes = line.split_whitespace().nth(1).expect("a number");
    kilobytes.parse::<u64>().expect("a number") << 10
}

#[test]
fn a_hostile_statement_is_refused_in_bounded_time_and_memory() {
    let (_retailers, generation) = generation();
    let plugin = generation.named("example", "statements").expect("a reader");
    let good = details(3);
    let header = good.lines().next().expect("a header").to_owned();
    let with = |old: &str, new: &str| Made::bytes(good.replacen(old, new, 1).into_bytes());
    let mut invalid = good.clone().into_bytes();
    let at = invalid.len() / 2;
    invalid[at] = 0xff;
    let gigabyte = 1 << 30;
    let cases: Vec<(&str, Made)> = vec![
        (
            "a cell of 1 GB",
            Made::of(format!("{header}\nExample,"), "x", gigabyte, ",\n"),
        ),
        (
            "a quoted cell of 1 GB",
            Made::of(format!("{header}\n\""), "x,\n", gigabyte, "\"\n"),
        ),
        (
            "quotes",
            Made::of(format!("{header}\n\""), "\"\"", gigabyte, "\"\n"),
        ),
        (
            "a million columns",
            Made::of(String::new(), "c,", 2_000_000, "\n"),
        ),
        (
            "a million cells",
            Made::of(format!("{header}\n"), "c,", 2_000_000, "\n"),
        ),
        (
            "a header of commas",
            Made::of(String::new(), ",", gigabyte, "\n"),
        ),
        ("an exponent", with("10.00", "1E-80000000")),
        ("another", with("10.00", "9E999999999")),
        ("digits", with("10.00", &"9".repeat(2_000))),
        ("NUL", with("order-0", "a\0b")),
        ("no UTF-8", Made::bytes(invalid)),
        ("no file", Made::bytes(vec![])),
        ("zeros", Made::of(String::new(), "\0", 1 << 26, "")),
    ];
    let before = peak();
    for (what, made) in cases {
        let cx = reading_context(
            &plugin,
            &Digest::of(b""),
            "2026-11-24T10:00:00Z".parse().expect("an instant"),
        );
        let begun = Instant::now();
        let scratch = tempfile::tempfile().expect("a file");
        let outcome = read(
            &generation,
            &plugin,
            &cx,
            Box::new(made),
            scratch,
            Arc::default(),
        );
        let took = begun.elapsed();
        match outcome {
            Err(Error::Invalid(problems)) => {
                assert!(!problems.is_empty() && problems.len() <= 1_001, "{what}");
                let told: usize = problems
                    .iter()
                    .map(|p| p.message.len() + p.field.len())
                    .sum();
                assert!(told < 1 << 20, "{what}: {told} bytes of problems");
            }
            Err(other) => panic!("{what}: {other:?}"),
            Ok(reading) => panic!("{what}: {} lines were read", reading.lines),
        }
        assert!(took < Duration::from_secs(60), "{what} took {took:?}");
    }
    let grown = peak() - before;
    assert!(grown < 256 << 20, "{grown} bytes more at the peak");
}
