//! Loads and calls each hostile guest beside a good one, which must return the same decision afterwards.

use super::{Ends, Guest, Source, catalogue};
use crate::kit::{
    self, Files, Logged, context, engine, load, logged, named, pay, sale, slot, store,
};
use engine_guests::Behaviour;
use galleria_domain::plugin::{Capability, Point, Slot};
use galleria_domain::{CallFault, Scope, StatementHeader, StatementLine, Window};
use galleria_engine::Generation;
use galleria_ports::Error;
use galleria_ports::plugins::{
    Argument, CallOutcome, Deadline, Feed, Lines, LoadedPlugin, Plugins as _, Source as Input,
    Stream, Streams, Usage,
};
use std::path::Path;
use std::sync::{Arc, Mutex};

/// The longest text of a fault. A dead letter stores 4 KiB.
const FAULT_BYTES: usize = 8 << 10;

/// What a call left behind.
#[derive(Debug)]
pub struct Observed {
    pub outcome: Result<String, CallFault>,
    pub usage: Usage,
    pub log: Vec<Logged>,
    /// Sizes that feeds and input were called with.
    pub requested: Vec<u32>,
    pub files: Vec<(String, Vec<u8>)>,
    /// Headers and lines of the statement.
    pub statement: (usize, usize),
}

/// Streams of a run that record what the guest requests.
#[derive(Clone, Default)]
struct Recorder {
    requested: Arc<Mutex<Vec<u32>>>,
    files: Files,
    statement: Arc<Mutex<(usize, usize)>>,
}

impl<T> Feed<T> for Recorder {
    fn next(&mut self, max: u32, _: &dyn Deadline) -> Result<Vec<T>, Error> {
        self.requested.lock().expect("no panic").push(max);
        Ok(Vec::new())
    }
}

impl Input for Recorder {
    fn name(&self) -> String {
        "payout.csv".into()
    }

    fn read(&mut self, max: u32) -> Result<Vec<u8>, Error> {
        self.requested.lock().expect("no panic").push(max);
        Ok(vec![b'x'; max.min(8) as usize])
    }
}

impl Lines for Recorder {
    fn describe(&mut self, _: StatementHeader) -> Result<(), Error> {
        self.statement.lock().expect("no panic").0 += 1;
        Ok(())
    }

    fn push(&mut self, lines: Vec<StatementLine>) -> Result<(), Error> {
        self.statement.lock().expect("no panic").1 += lines.len();
        Ok(())
    }
}

impl Recorder {
    fn streams(&self) -> Streams {
        let all = || Box::new(self.clone());
        Streams {
            sale_lines: Some(all()),
            activities: Some(all()),
            settlement: Some(all()),
            products: Some(all()),
            input: Some(all()),
            statement: Some(all()),
            output: Some(Box::new(self.files.clone())),
            ..Streams::default()
        }
    }
}

fn simplify<T: std::fmt::Debug>(called: CallOutcome<T>) -> (Result<String, CallFault>, Usage) {
    let outcome = called.outcome.map(|value| format!("{value:?}"));
    (outcome, called.usage)
}

fn call(generation: &Generation, plugin: &LoadedPlugin, guest: &Guest) -> Observed {
    let event = format!("hostile {}", guest.name);
    let mut cx = context(&event, plugin);
    let recorder = Recorder::default();
    let window = || Window {
        id: "2026-11-24".into(),
        first: "2026-11-24".into(),
        last: "2026-11-24".into(),
        as_of: "2026-11-25T00:00:00.000+00:00".into(),
        stores: 1,
    };
    let mut run = |stream| {
        cx.scope = Scope::Store(store());
        simplify(generation.run(plugin, &cx, &stream, recorder.streams()))
    };
    let (outcome, usage) = match guest.point {
        Point::OnPayment => simplify(generation.react(plugin, &cx, &Argument::Payment(sale(3)))),
        Point::IdentifyMember => simplify(generation.identify(plugin, &cx, "6299103355770001")),
        Point::Report => run(Stream::Report(window())),
        Point::ReadStatement => run(Stream::Statement),
        other => panic!("no hostile guest serves {other}"),
    };
    let files = recorder.files.0.lock().expect("no panic").clone();
    let requested = recorder.requested.lock().expect("no panic").clone();
    let statement = *recorder.statement.lock().expect("no panic");
    Observed {
        outcome,
        usage,
        log: logged(&event),
        requested,
        files,
        statement,
    }
}

/// A slot of the guest that has every right, so that only the guest's behaviour is refused.
fn hostile_slot(folder: &Path, guest: &Guest) -> Slot {
    let bytes = match &guest.source {
        Source::Module(module) => module.component(guest.point),
        Source::Component(bytes) => bytes.clone(),
    };
    let mut bad = slot("bad", Behaviour::Decide);
    bad.plugin = guest.name.into();
    bad.component = crate::wat::write(folder, &format!("{}.wasm", guest.name), &bytes);
    bad.call_limits = guest.limits;
    bad.run_limits = guest.limits;
    let inspected = engine().inspect(&bad.component).ok();
    for capability in inspected.iter().flat_map(|found| &found.imports) {
        for rights in [&mut bad.asks, &mut bad.grants] {
            rights.capabilities.insert(*capability);
        }
    }
    bad.asks
        .capabilities
        .retain(|capability| capability.is_served() || matches!(guest.ends, Ends::Refused(_)));
    let receipts = |target: &String| target.starts_with("texts::receipt.");
    if super::targets::of(guest).iter().any(receipts) {
        (bad.asks.receipts, bad.grants.receipts) = (true, true);
    }
    if let Some(found) = inspected {
        // The guest really imports what the list claims, and nothing that it only declares.
        let imports: Vec<Capability> = found.imports.into_iter().collect();
        for import in &imports {
            let called = |target: &String| target.starts_with(&format!("{import}#"));
            assert!(
                super::targets::of(guest).iter().any(called),
                "{} imports {import}",
                guest.name
            );
        }
    }
    bad
}

/// Whether an operator can read the text, whatever the guest put into it.
pub fn check_safe(text: &str) -> Result<(), String> {
    let unsafe_character = |c: char| c.is_control() && c != '\n';
    match text.len() <= FAULT_BYTES && !text.contains(unsafe_character) {
        true => Ok(()),
        false => {
            let start: String = text.chars().take(200).collect();
            Err(format!("an unsafe text of {} bytes: {start:?}", text.len()))
        }
    }
}

/// Loads and calls one guest. Returns what differs from its description.
fn attack(folder: &Path, guest: &Guest) -> Result<(), String> {
    let bad = hostile_slot(folder, guest);
    let generation = match engine().load(vec![bad, slot("good", Behaviour::Decide)]) {
        Ok(generation) => generation,
        Err(errors) => {
            let errors: Vec<String> = errors.iter().map(ToString::to_string).collect();
            let text = errors.join("\n");
            check_safe(&text)?;
            return match guest.ends {
                Ends::Refused(part) if text.contains(part) => Ok(()),
                _ => Err(format!("refused: {text}")),
            };
        }
    };
    let observed = call(&generation, &named(&generation, "bad"), guest);
    let good = pay(&generation, &named(&generation, "good"), "good-event");
    assert!(
        good.outcome.is_ok(),
        "{} harmed another plugin: {good:?}",
        guest.name
    );
    match (&observed.outcome, guest.ends) {
        (Ok(_), Ends::Succeeds(calls)) if observed.usage.host_calls == calls => {}
        (Err(fault), Ends::Fault(code, text))
            if fault.code() == code && fault.to_string().contains(text) =>
        {
            check_safe(&fault.to_string())?;
        }
        (Err(fault), _) => return Err(format!("{} ({fault})", fault.code())),
        (Ok(value), _) => {
            let calls = observed.usage.host_calls;
            return Err(format!("succeeds after {calls} calls: {value}"));
        }
    }
    (guest.check)(&observed);
    Ok(())
}

#[test]
fn hostile_guests_harm_nobody() {
    let folder = tempfile::tempdir().expect("a folder");
    let good = load(vec![slot("good", Behaviour::Decide)]);
    let decision = || pay(&good, &named(&good, "good"), "good-event").outcome;
    let before = decision().expect("a decision");
    let guests = catalogue();
    let mut wrong = Vec::new();
    for guest in guests {
        if let Err(difference) = attack(folder.path(), guest) {
            wrong.push(format!(
                "{} must end with {:?}, got: {difference:.600}",
                guest.name, guest.ends
            ));
        }
        assert_eq!(
            decision().as_ref(),
            Ok(&before),
            "{} harmed another plugin",
            guest.name
        );
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(
        kit::whole_log().contains("hostile "),
        "the guests were called"
    );
}
