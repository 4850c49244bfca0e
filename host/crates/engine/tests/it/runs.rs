//! Runs: feeds in, files out, and how they end.

use crate::kit::{Endless, Files, LIMITS, Rows, context, host_fault, load, named, slot, store};
use engine_guests::Behaviour;
use galleria_domain::plugin::Limits;
use galleria_domain::{
    Activity, Cancellation, Decimal, HostFault, Origin, Scope, Totals, VoidCause, Window,
};
use galleria_ports::plugins::{CallOutcome, Deadline, Feed, Plugins, Sink, Stream, Streams};
use galleria_ports::records::SaleLine;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

pub fn sale_line(number: u32) -> SaleLine {
    SaleLine {
        store_id: "store-1".into(),
        store_external_id: "0042".into(),
        business_date: "2026-11-24".into(),
        begun_at: "2026-11-24T10:10:00.000+01:00".into(),
        entry_id: "payment-ä".into(),
        number,
        returned: number.is_multiple_of(10),
        description: "An article".into(),
        net: 80,
        sku: format!("sku-{number}"),
        category: String::new(),
        quantity: Decimal {
            unscaled: 1500,
            scale: 3,
        },
        currency: "EUR".into(),
        amount: 100,
        discount: 5,
        tax_code: "VAT-STD".into(),
        tax: 17,
        accepted_at: jiff::Timestamp::UNIX_EPOCH,
    }
}

fn run(behaviour: Behaviour, limits: Limits, streams: Streams) -> CallOutcome<Totals> {
    run_point(behaviour, limits, streams, Stream::Report)
}

/// Executes a run, and checks that the next call of another slot is unaffected.
pub fn run_point(
    behaviour: Behaviour,
    limits: Limits,
    streams: Streams,
    point: impl FnOnce(Window) -> Stream,
) -> CallOutcome<Totals> {
    let mut slot = slot("run", behaviour);
    slot.run_limits = limits;
    let generation = load(vec![slot, crate::kit::slot("good", Behaviour::Decide)]);
    let plugin = named(&generation, "run");
    let mut cx = context(&format!("run {behaviour:?}"), &plugin);
    cx.scope = Scope::Retailer("example".into());
    let window = Window {
        id: "2026-11-24".into(),
        first: "2026-11-24".into(),
        last: "2026-11-24".into(),
        as_of: "2026-11-25T00:00:00.000+00:00".into(),
        stores: 1,
    };
    let called = generation.run(&plugin, &cx, &point(window), streams);
    let good = crate::kit::pay(&generation, &named(&generation, "good"), "after a run");
    good.outcome.expect("the next call is unaffected");
    called
}

fn feed(rows: u32) -> Option<Box<dyn Feed<SaleLine>>> {
    Some(Box::new(Rows::new((1..=rows).map(sale_line).collect())))
}

pub fn copies() {
    let files = Files::default();
    let voided = Activity::Cancellation(Cancellation {
        entry: crate::kit::sale(0).entry,
        cause: VoidCause::Abandoned,
        origin: Origin::None,
        lines: vec![],
        attributes: vec![],
    });
    let streams = Streams {
        sale_lines: feed(10_000),
        activities: Some(Box::new(Rows::new(vec![(store(), voided); 3]))),
        output: Some(Box::new(files.clone())),
        ..Streams::default()
    };
    let limits = Limits {
        cpu_ms: 5_000,
        output_bytes: 4 << 20,
        ..LIMITS
    };
    let called = run(Behaviour::Copy, limits, streams);
    let totals = called.outcome.expect("totals");
    assert_eq!(totals.rows, 10_000);
    // 9,000 sold at 100, 1,000 returned.
    assert_eq!(totals.sums[0].value, "800000");
    assert_eq!(totals.sums[1].value, "3");
    let files = files.0.lock().expect("no panic");
    let (path, bytes) = &files[0];
    assert_eq!(path, "reports/2026-11-24.csv");
    let text = std::str::from_utf8(bytes).expect("text");
    assert_eq!(text.lines().count(), 10_000);
    assert_eq!(
        text.lines().nth(6),
        Some(
            "0042;2026-11-24;2026-11-24T10:10:00.000+01:00;payment-ä;7;sku-7;;1500/3;EUR;100;5;VAT-STD;17"
        )
    );
    assert!(called.usage.output_bytes >= bytes.len() as u64);
    assert!(called.usage.memory_bytes < 8 << 20, "{:?}", called.usage);
}

pub fn bounded_batch() {
    let rows = Rows::new((1..=10_000).map(sale_line).collect());
    let requested = Arc::clone(&rows.requested);
    let streams = Streams {
        sale_lines: Some(Box::new(rows)),
        ..Streams::default()
    };
    let called = run(Behaviour::PullTooMany, LIMITS, streams);
    assert_eq!(called.outcome.expect("totals").rows, 4_096);
    assert_eq!(*requested.lock().expect("no panic"), [4_096]);
}

pub fn single_rows() {
    let rows = Rows::new((1..=90_000).map(sale_line).collect());
    let requested = Arc::clone(&rows.requested);
    let streams = Streams {
        sale_lines: Some(Box::new(rows)),
        ..Streams::default()
    };
    let limits = Limits {
        cpu_ms: 30_000,
        wall_ms: 120_000,
        host_calls: 100_000,
        ..LIMITS
    };
    let called = run(Behaviour::PullSingly, limits, streams);
    assert_eq!(called.outcome.expect("totals").rows, 90_000);
    // 21 full pages, the last one, and the end.
    assert_eq!(*requested.lock().expect("no panic"), [4_096; 23]);
}

/// A feed whose filter rejects every row. Stops the run after some rows.
struct Rejecting {
    rows: u32,
    stop: Option<Arc<AtomicBool>>,
}

impl Feed<SaleLine> for Rejecting {
    fn next(
        &mut self,
        _: u32,
        deadline: &dyn Deadline,
    ) -> Result<Vec<SaleLine>, galleria_ports::Error> {
        loop {
            deadline.check()?;
            self.rows += 1;
            if let Some(stop) = &self.stop {
                stop.store(self.rows == 1_000, Ordering::Relaxed);
            }
        }
    }
}

#[test]
fn feed_that_rejects_every_row_ends_at_the_deadline() {
    let rejecting = |stop| Streams {
        sale_lines: Some(Box::new(Rejecting { rows: 0, stop })),
        ..Streams::default()
    };
    let limits = Limits {
        wall_ms: 50,
        ..LIMITS
    };
    let called = run(Behaviour::PullTooMany, limits, rejecting(None));
    assert_eq!(host_fault(&called), &HostFault::TimedOut(50));

    let stop = Arc::<AtomicBool>::default();
    let streams = Streams {
        stop: Arc::clone(&stop),
        ..rejecting(Some(stop))
    };
    let called = run(Behaviour::PullTooMany, LIMITS, streams);
    let stopped = HostFault::HostFailed("the run was stopped".into());
    assert_eq!(host_fault(&called), &stopped);
}

/// Counts the files that are open, and the most that were open at once.
#[derive(Clone, Default)]
struct Open(Arc<std::sync::Mutex<(Files, usize, usize)>>);

impl Sink for Open {
    fn open(
        &mut self,
        directory: &str,
        name: &str,
        media: &str,
    ) -> Result<u32, galleria_ports::Error> {
        let (files, open, peak) = &mut *self.0.lock().expect("no panic");
        *open += 1;
        *peak = (*peak).max(*open);
        files.open(directory, name, media)
    }

    fn write(&mut self, file: u32, chunk: &[u8]) -> Result<(), galleria_ports::Error> {
        self.0.lock().expect("no panic").0.write(file, chunk)
    }

    fn close(&mut self, _: u32) -> Result<(), galleria_ports::Error> {
        self.0.lock().expect("no panic").1 -= 1;
        Ok(())
    }
}

/// Returns the outcome, the files that are open at the end, and the most that were open at once.
fn opened(behaviour: Behaviour) -> (CallOutcome<Totals>, usize, usize) {
    let sink = Open::default();
    let streams = Streams {
        output: Some(Box::new(sink.clone())),
        ..Streams::default()
    };
    let limits = Limits {
        host_calls: 5_000,
        ..LIMITS
    };
    let called = run(behaviour, limits, streams);
    let (_, open, peak) = *sink.0.lock().expect("no panic");
    (called, open, peak)
}

pub fn dropped_files() {
    let (called, open, peak) = opened(Behaviour::OpenAndDrop);
    let what = "output.open: \"100.csv\": a run may write at most 100 files (limit `items`)";
    assert_eq!(host_fault(&called), &HostFault::ContractBroken(what.into()));
    assert_eq!((open, peak), (0, 1));
}

pub fn kept_files() {
    let (called, _, peak) = opened(Behaviour::OpenAndKeep);
    let what = "output.open: \"64.csv\": at most 64 files may be open at once: drop a file when it is complete";
    assert_eq!(host_fault(&called), &HostFault::ContractBroken(what.into()));
    assert_eq!(peak, 64);
}

pub fn twice() {
    let streams = Streams {
        output: Some(Box::new(Files::default())),
        ..Streams::default()
    };
    let called = run(Behaviour::OpenTwice, LIMITS, streams);
    let what = "output.open: \"0.csv\": the run has opened a file of this name in reports before";
    assert_eq!(host_fault(&called), &HostFault::ContractBroken(what.into()));
}

/// Returns the row until the time of the call is over.
struct Slow(SaleLine);

impl Feed<SaleLine> for Slow {
    fn next(
        &mut self,
        _: u32,
        deadline: &dyn Deadline,
    ) -> Result<Vec<SaleLine>, galleria_ports::Error> {
        while deadline.check().is_ok() {
            std::thread::sleep(Duration::from_millis(1));
        }
        Ok(vec![self.0.clone()])
    }
}

/// Returns the row, and stops the run at the third batch.
struct Stopping {
    row: SaleLine,
    batches: u32,
    stop: Arc<AtomicBool>,
}

impl Feed<SaleLine> for Stopping {
    fn next(&mut self, _: u32, _: &dyn Deadline) -> Result<Vec<SaleLine>, galleria_ports::Error> {
        self.batches += 1;
        self.stop.store(self.batches >= 3, Ordering::Relaxed);
        Ok(vec![self.row.clone()])
    }
}

/// Each limit ends the run, and no other one can: neither CPU time nor elapsed time depends on the machine.
pub fn slow_feed() {
    let limits = Limits {
        cpu_ms: 120_000,
        wall_ms: 120_000,
        ..LIMITS
    };
    let streams = Streams {
        sale_lines: Some(Box::new(Slow(sale_line(1)))),
        ..Streams::default()
    };
    let short = Limits {
        wall_ms: 100,
        ..limits
    };
    let called = run(Behaviour::PullForever, short, streams);
    assert_eq!(host_fault(&called), &HostFault::TimedOut(100));

    let stop = Arc::new(AtomicBool::new(false));
    let feed = Stopping {
        row: sale_line(1),
        batches: 0,
        stop: Arc::clone(&stop),
    };
    let streams = Streams {
        sale_lines: Some(Box::new(feed)),
        stop,
        ..Streams::default()
    };
    let called = run(Behaviour::PullForever, limits, streams);
    assert_eq!(
        host_fault(&called),
        &HostFault::HostFailed("the run was stopped".into())
    );
    assert_eq!(called.usage.host_calls, 3);

    let streams = Streams {
        sale_lines: Some(Box::new(Endless(sale_line(1)))),
        ..Streams::default()
    };
    let called = run(Behaviour::PullForever, limits, streams);
    assert_eq!(host_fault(&called), &HostFault::TooManyCalls(1_000));
}

pub fn other_directory() {
    let files = Files::default();
    let streams = Streams {
        output: Some(Box::new(files.clone())),
        ..Streams::default()
    };
    let called = run(Behaviour::OpenOther, LIMITS, streams);
    let what = HostFault::Denied("directory \"elsewhere\"".into());
    assert_eq!(host_fault(&called), &what);
    assert!(files.0.lock().expect("no panic").is_empty());
}

pub fn bad_name() {
    let files = Files::default();
    let streams = Streams {
        output: Some(Box::new(files.clone())),
        ..Streams::default()
    };
    let called = run(Behaviour::OpenBadName, LIMITS, streams);
    assert!(
        matches!(host_fault(&called), HostFault::ContractBroken(what) if what.contains("../a.csv"))
    );
    assert!(files.0.lock().expect("no panic").is_empty());
}

pub fn broken(behaviour: Behaviour, about: &str) {
    let called = run(behaviour, LIMITS, Streams::default());
    match host_fault(&called) {
        HostFault::ContractBroken(what) => assert!(what.contains(about), "{what}"),
        other => panic!("{other:?}"),
    }
}

pub fn totals_too_large() {
    let called = run(Behaviour::TotalTooMuch, LIMITS, Streams::default());
    assert_eq!(host_fault(&called), &HostFault::OutputTooLarge(1 << 20));
}

pub fn too_much_output() {
    let files = Files::default();
    let streams = Streams {
        output: Some(Box::new(files.clone())),
        ..Streams::default()
    };
    let called = run(Behaviour::WriteTooMuch, LIMITS, streams);
    assert_eq!(host_fault(&called), &HostFault::OutputTooLarge(1 << 20));
    let written: usize = files
        .0
        .lock()
        .expect("no panic")
        .iter()
        .map(|f| f.1.len())
        .sum();
    assert!(written <= 1 << 20, "the sink got more than the limit");
}

struct Failing;

impl<T> Feed<T> for Failing {
    fn next(&mut self, _: u32, _: &dyn Deadline) -> Result<Vec<T>, galleria_ports::Error> {
        Err(galleria_ports::Error::Internal("internal detail".into()))
    }
}

impl Sink for Failing {
    fn open(&mut self, _: &str, _: &str, _: &str) -> Result<u32, galleria_ports::Error> {
        Err(galleria_ports::Error::Internal("internal detail".into()))
    }

    fn write(&mut self, _: u32, _: &[u8]) -> Result<(), galleria_ports::Error> {
        panic!("the sink panics")
    }

    fn close(&mut self, _: u32) -> Result<(), galleria_ports::Error> {
        Ok(())
    }
}

#[test]
fn failed_feed_is_a_fault_of_the_host() {
    let streams = Streams {
        sale_lines: Some(Box::new(Failing)),
        output: Some(Box::new(Files::default())),
        ..Streams::default()
    };
    let called = run(Behaviour::Copy, LIMITS, streams);
    let what = HostFault::HostFailed("the feed sale-lines failed".into());
    assert_eq!(host_fault(&called), &what);
}

#[test]
fn failed_sink_is_a_fault_of_the_host() {
    let streams = Streams {
        sale_lines: feed(1),
        output: Some(Box::new(Failing)),
        ..Streams::default()
    };
    let called = run(Behaviour::Copy, LIMITS, streams);
    let what = HostFault::HostFailed("opening an output file failed".into());
    assert_eq!(host_fault(&called), &what);
}

#[test]
fn panic_of_the_host_ends_only_one_call() {
    struct Panics;
    impl Sink for Panics {
        fn open(&mut self, _: &str, _: &str, _: &str) -> Result<u32, galleria_ports::Error> {
            Ok(0)
        }
        fn write(&mut self, _: u32, _: &[u8]) -> Result<(), galleria_ports::Error> {
            panic!("the sink panics")
        }
        fn close(&mut self, _: u32) -> Result<(), galleria_ports::Error> {
            Ok(())
        }
    }
    let streams = Streams {
        sale_lines: feed(1),
        output: Some(Box::new(Panics)),
        ..Streams::default()
    };
    let called = run(Behaviour::Copy, LIMITS, streams);
    assert!(
        matches!(host_fault(&called), HostFault::HostFailed(what) if what.contains("the sink panics"))
    );
}

#[test]
fn stopped_run_does_not_start() {
    let streams = Streams {
        sale_lines: feed(1),
        stop: Arc::new(AtomicBool::new(true)),
        ..Streams::default()
    };
    let called = run(Behaviour::PullTooMany, LIMITS, streams);
    assert_eq!(
        host_fault(&called),
        &HostFault::HostFailed("the run was stopped".into())
    );
}
