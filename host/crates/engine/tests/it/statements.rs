//! Statements: a file in, lines out, and how reading ends.

use crate::kit::{LIMITS, host_fault};
use crate::runs::run_point;
use engine_guests::Behaviour;
use galleria_domain::plugin::Limits;
use galleria_domain::{Decimal, HostFault, StatementHeader, StatementKind, StatementLine, Totals};
use galleria_ports::Error;
use galleria_ports::plugins::{CallOutcome, Lines, Source, Stream, Streams};
use std::sync::{Arc, Mutex};
use std::time::Duration;

#[derive(Clone, Default)]
struct Received(Arc<Mutex<(Vec<StatementHeader>, Vec<StatementLine>)>>);

impl Lines for Received {
    fn describe(&mut self, header: StatementHeader) -> Result<(), Error> {
        self.0.lock().expect("no panic").0.push(header);
        Ok(())
    }

    fn push(&mut self, mut lines: Vec<StatementLine>) -> Result<(), Error> {
        self.0.lock().expect("no panic").1.append(&mut lines);
        Ok(())
    }
}

struct File {
    bytes: Vec<u8>,
    requested: Arc<Mutex<Vec<u32>>>,
}

impl Source for File {
    fn name(&self) -> String {
        "payout.txt".into()
    }

    fn read(&mut self, max: u32) -> Result<Vec<u8>, Error> {
        self.requested.lock().expect("no panic").push(max);
        // Each piece ends within a line.
        let count = self.bytes.len().min(1_021);
        Ok(self.bytes.drain(..count).collect())
    }
}

fn run(behaviour: Behaviour, limits: Limits, streams: Streams) -> CallOutcome<Totals> {
    run_point(behaviour, limits, streams, |_| Stream::Statement)
}

pub fn read() {
    let received = Received::default();
    let text: String = (1..=2_000).map(|row| format!("{}\n", row * 100)).collect();
    let requested = Arc::default();
    let file = File {
        bytes: text.into_bytes(),
        requested: Arc::clone(&requested),
    };
    let streams = Streams {
        input: Some(Box::new(file)),
        statement: Some(Box::new(received.clone())),
        ..Streams::default()
    };
    let called = run(Behaviour::ReadLines, LIMITS, streams);
    assert_eq!(called.outcome.expect("totals").rows, 2_000);
    let received = received.0.lock().expect("no panic");
    let (headers, lines) = &*received;
    assert_eq!(headers.len(), 1);
    assert_eq!(headers[0].reference, "payout.txt");
    assert_eq!(headers[0].total, Some(600));
    assert_eq!(lines.len(), 2_000);
    assert_eq!(lines[0].kind, StatementKind::Payment);
    assert_eq!(lines[6].kind, StatementKind::Other("gift".into()));
    let last = &lines[1_999];
    assert_eq!(
        (last.row, last.converted, last.gross),
        (2_000, 200_000, 2_000_000)
    );
    let tenth = Decimal {
        unscaled: 1,
        scale: 1,
    };
    assert_eq!(last.rate, Some(tenth));
    assert_eq!(last.attributes[0].value, "b");
    assert!(
        requested
            .lock()
            .expect("no panic")
            .iter()
            .all(|max| *max <= 1 << 20)
    );
    assert!(called.usage.output_bytes > 2_000 * 64);
}

pub fn broken(behaviour: Behaviour, about: &str) {
    let received = Received::default();
    let streams = Streams {
        statement: Some(Box::new(received.clone())),
        ..Streams::default()
    };
    let called = run(behaviour, LIMITS, streams);
    match host_fault(&called) {
        HostFault::ContractBroken(text) => assert!(text.contains(about), "{text}"),
        other => panic!("{other:?}"),
    }
    assert!(received.0.lock().expect("no panic").1.is_empty());
}

pub fn too_much() {
    let received = Received::default();
    let streams = Streams {
        statement: Some(Box::new(received.clone())),
        ..Streams::default()
    };
    let called = run(Behaviour::PushTooMuch, LIMITS, streams);
    assert_eq!(host_fault(&called), &HostFault::OutputTooLarge(1 << 20));
    let lines = received.0.lock().expect("no panic").1.len();
    assert!(lines > 1_000 && lines < 20_000, "{lines}");
}

struct Slow;

impl Source for Slow {
    fn name(&self) -> String {
        "slow".into()
    }

    fn read(&mut self, _: u32) -> Result<Vec<u8>, Error> {
        std::thread::sleep(Duration::from_millis(30));
        Ok(vec![b'x'])
    }
}

struct Failing;

impl Source for Failing {
    fn name(&self) -> String {
        "failing".into()
    }

    fn read(&mut self, _: u32) -> Result<Vec<u8>, Error> {
        Err(Error::Internal("internal detail".into()))
    }
}

impl Lines for Failing {
    fn describe(&mut self, _: StatementHeader) -> Result<(), Error> {
        Err(Error::Internal("internal detail".into()))
    }

    fn push(&mut self, _: Vec<StatementLine>) -> Result<(), Error> {
        Err(Error::Internal("internal detail".into()))
    }
}

fn input(source: impl Source + 'static) -> Streams {
    Streams {
        input: Some(Box::new(source)),
        ..Streams::default()
    }
}

pub fn slow_and_failing_input() {
    let limits = Limits {
        wall_ms: 100,
        ..LIMITS
    };
    let called = run(Behaviour::ReadForever, limits, input(Slow));
    assert_eq!(host_fault(&called), &HostFault::TimedOut(100));
    let called = run(Behaviour::ReadForever, LIMITS, input(Failing));
    let failed = HostFault::HostFailed("reading the input failed".into());
    assert_eq!(host_fault(&called), &failed);
    let called = run(Behaviour::ReadForever, LIMITS, Streams::default());
    let denied = HostFault::Denied("input outside a run".into());
    assert_eq!(host_fault(&called), &denied);
}

#[test]
fn failed_receiver_is_a_fault_of_the_host() {
    for (behaviour, what) in [
        (
            Behaviour::PushTooMuch,
            "accepting a statement's lines failed",
        ),
        (
            Behaviour::DescribeTwice,
            "accepting a statement's header failed",
        ),
    ] {
        let streams = Streams {
            statement: Some(Box::new(Failing)),
            ..Streams::default()
        };
        let called = run(behaviour, LIMITS, streams);
        assert_eq!(host_fault(&called), &HostFault::HostFailed(what.into()));
    }
}
