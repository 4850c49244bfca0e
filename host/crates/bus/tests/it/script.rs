//! A plugin that returns the faults and decisions a test needs.

use galleria_domain::plugin::{
    Inspection, Limits, OnDeadLetter, Point, PointKind, Rights, Slot, StoreFilter,
};
use galleria_domain::{
    CallFault, Context, Decision, Digest, Document, Fault, JsonText, Later, Member, Publication,
    Scope, Totals,
};
use galleria_ports::plugins::{
    Argument, CallOutcome, LoadedPlugin, Plugins, Stream, Streams, Usage,
};
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet, VecDeque};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex};
use std::time::Duration;

/// The faults that the script returns for an event, one for each attempt. Afterwards, and for every other event,
/// it returns a decision with one document.
type Faults = Mutex<HashMap<String, VecDeque<CallFault>>>;

pub struct Script {
    pub loaded: Vec<LoadedPlugin>,
    pub faults: Faults,
    pub calls: Mutex<Vec<(String, u32)>>,
    /// Calls for these events or stores, or for `<event>/<slot>`, wait until their gate opens.
    pub gates: Mutex<HashMap<String, Arc<Gate>>>,
    /// Events whose decision publishes an event.
    pub unusable: Mutex<HashSet<String>>,
    /// Whether all documents have the same name.
    pub one_name: AtomicBool,
    /// Whether the retailer is out of service: none of its plugins is loaded.
    pub out_of_service: AtomicBool,
    /// Whether a reload has removed all plugins.
    pub removed: AtomicBool,
}

pub fn json(text: &str) -> JsonText {
    JsonText::parse(text).expect("JSON")
}

impl Script {
    pub fn new(loaded: Vec<LoadedPlugin>) -> Arc<Self> {
        Arc::new(Self {
            loaded,
            faults: Mutex::default(),
            calls: Mutex::default(),
            gates: Mutex::default(),
            unusable: Mutex::default(),
            one_name: AtomicBool::new(false),
            out_of_service: AtomicBool::default(),
            removed: AtomicBool::default(),
        })
    }

    /// The gate of a call.
    fn gate(&self, plugin: &LoadedPlugin, cx: &Context) -> Option<Arc<Gate>> {
        let mut names = vec![
            cx.event_id.clone(),
            format!("{}/{}", cx.event_id, plugin.slot.name),
        ];
        if let Scope::Store(store) = &cx.scope {
            names.push(store.id.clone());
        }
        let gates = self.gates.lock().expect("gates");
        names.iter().find_map(|name| gates.get(name).cloned())
    }
}

/// Blocks calls until it is opened.
#[derive(Default)]
pub struct Gate {
    open: Mutex<bool>,
    opened: Condvar,
}

impl Gate {
    /// Lets the calls continue.
    pub fn open(&self) {
        *self.open.lock().expect("a gate") = true;
        self.opened.notify_all();
    }

    fn wait(&self) {
        let open = self.open.lock().expect("a gate");
        // Limited, so that a failing test does not hang.
        let limit = Duration::from_secs(30);
        let waited = self.opened.wait_timeout_while(open, limit, |open| !*open);
        drop(waited.expect("a gate"));
    }
}

impl Plugins for Script {
    fn all(&self) -> Vec<LoadedPlugin> {
        match [&self.out_of_service, &self.removed]
            .iter()
            .any(|flag| flag.load(Ordering::SeqCst))
        {
            true => Vec::new(),
            false => self.loaded.clone(),
        }
    }

    fn retailers(&self) -> BTreeSet<String> {
        ["example".to_owned()].into()
    }

    fn is_out_of_service(&self, _: &str) -> bool {
        self.out_of_service.load(Ordering::SeqCst)
    }

    fn react(&self, plugin: &LoadedPlugin, cx: &Context, _: &Argument) -> CallOutcome<Decision> {
        let call = (cx.event_id.clone(), cx.attempt);
        let gate = self.gate(plugin, cx);
        self.calls.lock().expect("calls").push(call);
        if let Some(gate) = gate {
            gate.wait();
        }
        let mut faults = self.faults.lock().expect("faults");
        let fault = faults.get_mut(&cx.event_id).and_then(VecDeque::pop_front);
        let outcome = match fault {
            Some(fault) => Err(fault),
            None => Ok(self.decision(plugin, &cx.event_id)),
        };
        CallOutcome {
            outcome,
            usage: Usage::default(),
        }
    }

    fn identify(&self, _: &LoadedPlugin, _: &Context, _: &str) -> CallOutcome<Option<Member>> {
        unreachable!("no test identifies a member")
    }

    fn run(&self, _: &LoadedPlugin, _: &Context, _: &Stream, _: Streams) -> CallOutcome<Totals> {
        unreachable!("no test runs a report")
    }
}

impl Script {
    fn decision(&self, plugin: &LoadedPlugin, event: &str) -> Decision {
        let unusable = self.unusable.lock().expect("unusable").contains(event);
        let publication = Publication {
            topic: "elsewhere".into(),
            key: None,
            data: json("{}"),
        };
        let name = match self.one_name.load(Ordering::Relaxed) {
            true => "report.txt".to_owned(),
            false => format!("{}-{}", plugin.slot.name, event.replace(':', "-")),
        };
        Decision {
            documents: vec![Document {
                directory: "poslog".into(),
                name,
                media_type: "text/plain".into(),
                body: event.as_bytes().to_vec(),
            }],
            publications: unusable.then_some(publication).into_iter().collect(),
            ..Decision::default()
        }
    }
}

pub fn slot(name: &str, on_dead_letter: OnDeadLetter) -> LoadedPlugin {
    LoadedPlugin {
        slot: Arc::new(Slot {
            retailer: "example".into(),
            name: name.into(),
            plugin: "scripted".into(),
            component: "scripted.wasm".into(),
            file: "retailer.toml".into(),
            asks: Rights::default(),
            grants: Rights::default(),
            filter: StoreFilter::default(),
            settings: "{}".into(),
            settings_for: vec![],
            call_limits: Limits::CALL,
            run_limits: Limits::RUN,
            keys: BTreeMap::new(),
            counters: BTreeMap::new(),
            on_dead_letter,
            retry_for_s: 3_600,
            schedules: Vec::new(),
            shared_directories: BTreeSet::new(),
        }),
        inspection: Arc::new(Inspection {
            digest: Digest::of(b"scripted"),
            size: 0,
            exports: react_points(),
            imports: [].into(),
            wasi: vec![],
            stamp: None,
        }),
        handle: Arc::new(()),
    }
}

/// All react points but fiscal marks, so that a test sees an event without a subscriber.
fn react_points() -> BTreeSet<Point> {
    let all = Point::ALL.iter().copied();
    all.filter(|point| point.kind() == PointKind::React && *point != Point::OnFiscalMark)
        .collect()
}

pub fn failed(times: usize) -> Vec<CallFault> {
    vec![CallFault::Guest(Fault::Failed("not today".into())); times]
}

pub fn later(seconds: u32) -> CallFault {
    CallFault::Guest(Fault::Retry(Later {
        seconds: Some(seconds),
        reason: "their side is down".into(),
    }))
}
