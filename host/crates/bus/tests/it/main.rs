//! Journeys of events through the log, on a real SQLite database and a driven clock. The plugin is
//! a script: what it answers is what a test is about.

mod drawers;
mod journeys;
mod order;
mod outages;
mod relay;
mod shaky;
mod trouble;

use shaky::Shaky;

use galleria_app::App;
use galleria_app::Key;
use galleria_app::Policy;
use galleria_app::Reply;
use galleria_app::handling::{Acting, DeadLetterView, Item, Verdict};
use galleria_app::intake::{
    NewOrder, NewPayment, NewRefund, NewStore, NewVerification, VerificationView,
};
use galleria_bus::{Consumer, ConsumerConfig};
use galleria_db::{Db, DbConfig};
use galleria_domain::event::topic;
use galleria_domain::plugin::{Inspection, Limits, OnDeadLetter, Point, Rights, Slot, StoreFilter};
use galleria_domain::refunding::Extent;
use galleria_domain::{
    CallFault, Context, Decimal, Decision, Digest, Document, Fault, Later, Line, LineKind, Member,
    Publication, Scope, Tender, Totals,
};
use galleria_ports::Error;
use galleria_ports::clock::{Clock as _, DrivenClock};
use galleria_ports::plugins::{Argument, Called, Loaded, Plugins, Stream, Streams, Usage};
use galleria_ports::records::{DeadLetterFilter, Records};
use std::collections::{BTreeMap, HashMap, HashSet, VecDeque};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex};
use std::time::Duration;
use tokio_util::sync::CancellationToken;

/// What the script answers to an event, attempt after attempt; then, and to every other event, a
/// decision with one document.
type Answers = Mutex<HashMap<String, VecDeque<CallFault>>>;

pub struct Script {
    loaded: Vec<Loaded>,
    answers: Answers,
    calls: Mutex<Vec<(String, u32)>>,
    /// Calls about these events or stores, or `<event>/<slot>`, wait until they are let go.
    gates: Mutex<HashMap<String, Arc<Gate>>>,
    /// Events whose decision the host cannot apply.
    unusable: Mutex<HashSet<String>>,
}

impl Script {
    fn new(loaded: Vec<Loaded>) -> Arc<Self> {
        Arc::new(Self {
            loaded,
            answers: Mutex::default(),
            calls: Mutex::default(),
            gates: Mutex::default(),
            unusable: Mutex::default(),
        })
    }

    /// The gate a call must pass.
    fn gate(&self, plugin: &Loaded, cx: &Context) -> Option<Arc<Gate>> {
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

/// Keeps calls waiting.
#[derive(Default)]
pub struct Gate {
    open: Mutex<bool>,
    opened: Condvar,
}

impl Gate {
    /// Lets them go.
    pub fn open(&self) {
        *self.open.lock().expect("a gate") = true;
        self.opened.notify_all();
    }

    fn pass(&self) {
        let open = self.open.lock().expect("a gate");
        // A test that fails must not hang for ever at its end.
        let long = Duration::from_secs(30);
        let passed = self.opened.wait_timeout_while(open, long, |open| !*open);
        drop(passed.expect("a gate"));
    }
}

impl Plugins for Script {
    fn all(&self) -> &[Loaded] {
        &self.loaded
    }

    fn react(&self, plugin: &Loaded, cx: &Context, _: &Argument) -> Called<Decision> {
        let call = (cx.event_id.clone(), cx.attempt);
        let gate = self.gate(plugin, cx);
        self.calls.lock().expect("calls").push(call);
        if let Some(gate) = gate {
            gate.pass();
        }
        let mut answers = self.answers.lock().expect("answers");
        let fault = answers.get_mut(&cx.event_id).and_then(VecDeque::pop_front);
        let outcome = match fault {
            Some(fault) => Err(fault),
            None => Ok(self.decision(plugin, &cx.event_id)),
        };
        Called {
            outcome,
            usage: Usage::default(),
        }
    }

    fn identify(&self, _: &Loaded, _: &Context, _: &str) -> Called<Option<Member>> {
        unreachable!("nobody is identified here")
    }

    fn run(&self, _: &Loaded, _: &Context, _: &Stream, _: Streams) -> Called<Totals> {
        unreachable!("no test here runs a report")
    }
}

impl Script {
    fn decision(&self, plugin: &Loaded, event: &str) -> Decision {
        let unusable = self.unusable.lock().expect("unusable").contains(event);
        let publication = Publication {
            topic: "elsewhere".into(),
            key: None,
            data: "no JSON".into(),
        };
        Decision {
            documents: vec![Document {
                directory: "poslog".into(),
                name: format!("{}-{}", plugin.slot.name, event.replace(':', "-")),
                media_type: "text/plain".into(),
                body: event.as_bytes().to_vec(),
            }],
            publications: unusable.then_some(publication).into_iter().collect(),
            ..Decision::default()
        }
    }
}

pub struct House {
    pub app: App,
    pub script: Arc<Script>,
    pub clock: Arc<DrivenClock>,
    pub db: Db,
    pub shaky: Arc<Shaky>,
    stop: CancellationToken,
    consumer: Option<tokio::task::JoinHandle<()>>,
    _folder: tempfile::TempDir,
}

pub fn slot(name: &str, on_dead_letter: OnDeadLetter) -> Loaded {
    Loaded {
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
        }),
        inspection: Arc::new(Inspection {
            digest: Digest::of(b"scripted"),
            size: 0,
            exports: [
                Point::OnPayment,
                Point::OnRefund,
                Point::OnVoid,
                Point::OnVerification,
                Point::OnShiftEnd,
            ]
            .into(),
            imports: [].into(),
            wasi: vec![],
            stamp: None,
        }),
        index: 0,
    }
}

impl House {
    pub async fn new() -> Self {
        Self::with(OnDeadLetter::Hold).await
    }

    /// The dead letters there are.
    pub async fn letters(&self) -> Vec<DeadLetterView> {
        let page = self.app.dead_letters(DeadLetterFilter::default(), None, 100);
        page.await.expect("letters").dead_letters
    }

    /// Settles a dead letter of the plugin.
    pub async fn settle(&self, event: &str, verdict: Verdict) -> Result<Reply, Error> {
        let acting = Acting {
            actor: "ana".into(),
            reason: "the settings were mended".into(),
        };
        /// Every settling is a request of its own.
        static ASKED: AtomicU64 = AtomicU64::new(0);
        let asked = ASKED.fetch_add(1, Ordering::Relaxed);
        let key = Self::key(&format!("settle {asked}"));
        self.app
            .dead_letter_settle(key, event, "papers", verdict, acting)
            .await
    }

    pub async fn with(on_dead_letter: OnDeadLetter) -> Self {
        Self::of(vec![slot("papers", on_dead_letter)]).await
    }

    pub async fn of(slots: Vec<Loaded>) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let config = DbConfig::new(format!("sqlite://{}/records.db", folder.path().display()));
        Db::migrate(&config).await.expect("migrated");
        let db = Db::open(&config).await.expect("a database");
        let script = Script::new(slots);
        let shaky = Arc::new(Shaky::new(db.clone()));
        let start = "2026-11-24T09:00:00Z".parse().expect("an instant");
        let clock = Arc::new(DrivenClock::new(start));
        let app = App::new(
            Arc::clone(&shaky) as _,
            Arc::clone(&script) as _,
            Arc::clone(&clock) as _,
            Policy::default(),
        );
        Self {
            app,
            script,
            clock,
            db,
            shaky,
            stop: CancellationToken::new(),
            consumer: None,
            _folder: folder,
        }
    }

    /// The same house with other plugins.
    pub fn refit(&mut self, slots: Vec<Loaded>) {
        self.script = Script::new(slots);
        self.app = self.app_on(Arc::clone(&self.shaky) as _);
    }

    /// Looks at the database itself, which does not fail.
    pub fn eyes(&self) -> App {
        self.app_on(Arc::new(self.db.clone()))
    }

    fn app_on(&self, records: Arc<dyn Records>) -> App {
        App::new(
            records,
            Arc::clone(&self.script) as _,
            Arc::clone(&self.clock) as _,
            Policy::default(),
        )
    }

    /// Calls about an event, a store or `<event>/<slot>` wait from now on.
    pub fn hold(&self, name: &str) -> Arc<Gate> {
        let gate = Arc::new(Gate::default());
        let mut gates = self.script.gates.lock().expect("gates");
        gates.insert(name.to_owned(), Arc::clone(&gate));
        gate
    }

    /// Further calls do not wait.
    pub fn hold_no_more(&self, name: &str) {
        self.script.gates.lock().expect("gates").remove(name);
    }

    /// The host cannot apply what is decided about this event.
    pub fn unusable(&self, event: &str) {
        let mut unusable = self.script.unusable.lock().expect("unusable");
        unusable.insert(event.to_owned());
    }

    /// An event of the payment group as its consumer gets it.
    pub async fn item(&self, event: &str) -> Item {
        let groups = self.app.groups();
        let payments = groups
            .iter()
            .find(|group| group.topics() == [topic::POST_PAYMENT_SUCCESS])
            .expect("the payment group");
        let events = self.app.events_after(payments, 0, 1_000).await;
        let mut events = events.expect("events").into_iter();
        let event = events.find(|found| found.id == event).expect("the event");
        let items = self.app.route(&payments.name, &event).await;
        items.expect("items").remove(0)
    }

    pub async fn consume(&mut self) {
        self.consume_with(ConsumerConfig::new(4, 2)).await;
    }

    pub async fn consume_with(&mut self, config: ConsumerConfig) {
        self.stop = CancellationToken::new();
        let consumer = Consumer::start(self.app.clone(), self.app.groups(), config);
        let consumer = consumer.await.expect("a consumer");
        self.consumer = Some(tokio::spawn(consumer.run(self.stop.clone())));
    }

    pub async fn stop_consuming(&mut self) {
        self.stop.cancel();
        if let Some(task) = self.consumer.take() {
            task.await.expect("a consumer that ended well");
        }
    }

    pub fn key(name: &str) -> Key {
        Key {
            key: name.to_owned(),
            request: Digest::of(name.as_bytes()),
        }
    }

    pub async fn store(&self, id: &str) {
        let new = NewStore {
            external_id: id.into(),
            retailer: "example".into(),
            store_type: "scan-and-go".into(),
            country: "ES".into(),
            currency: "EUR".into(),
            minor_digits: 2,
            zone: "Europe/Madrid".into(),
            day_starts_minute: 0,
            attributes: vec![],
        };
        let key = Self::key(&format!("store-{id}"));
        self.app
            .store_put(key, id, new, "test", "")
            .await
            .expect("a store");
    }

    pub async fn order(&self, store: &str, id: &str) {
        let new = NewOrder {
            id: id.into(),
            store_id: store.into(),
            external_id: None,
            workstation: "w1".into(),
            cashier: None,
            training: false,
            begun_at: self.clock.now(),
            lines: vec![line()],
            member: None,
            consents: vec![],
            attributes: vec![],
        };
        let key = Self::key(&format!("order-{id}"));
        self.app.order_place(key, new).await.expect("an order");
    }

    pub async fn pay(&self, order: &str) {
        let new = NewPayment {
            id: order.replace('o', "p"),
            at: self.clock.now(),
            tenders: vec![tender()],
            rounding: 0,
            shift_id: None,
        };
        let key = Self::key(&format!("pay-{order}"));
        self.app
            .payment_accept(key, order, new)
            .await
            .expect("a payment");
    }

    /// A paid order `o<n>`, whose event is `payment:p<n>`.
    pub async fn sell(&self, store: &str, order: &str) {
        self.order(store, order).await;
        self.pay(order).await;
    }

    pub async fn refund(&self, order: &str, id: &str) {
        let new = NewRefund {
            id: id.into(),
            at: self.clock.now(),
            reason: "defect".into(),
            extent: Extent::Amount(100),
            tenders: vec![],
            rounding: None,
            shift_id: None,
            workstation: None,
            cashier: None,
            attributes: vec![],
        };
        let key = Self::key(&format!("refund-{id}"));
        self.app
            .refund_accept(key, order, new)
            .await
            .expect("a refund");
    }

    /// The event's id.
    pub async fn verify(&self, order: &str, id: &str) -> String {
        let new = NewVerification {
            id: Some(id.into()),
            at: self.clock.now(),
            cashier: "op".into(),
            outcome: "passed".into(),
            refused_lines: vec![],
        };
        let key = Self::key(&format!("verification-{id}"));
        let reply = self.app.verification_accept(key, order, new).await;
        let body = reply.expect("a verification").body;
        let view: VerificationView = serde_json::from_str(&body).expect("a view");
        view.event_id
    }

    /// The script will answer so, once for each fault.
    pub fn answers(&self, event: &str, faults: impl IntoIterator<Item = CallFault>) {
        let mut answers = self.script.answers.lock().expect("answers");
        answers.insert(event.to_owned(), faults.into_iter().collect());
    }

    pub fn calls(&self) -> Vec<(String, u32)> {
        self.script.calls.lock().expect("calls").clone()
    }

    /// Events in the order they were called first.
    pub fn called(&self) -> Vec<String> {
        let mut seen: Vec<String> = Vec::new();
        for (event, _) in self.calls() {
            if !seen.contains(&event) {
                seen.push(event);
            }
        }
        seen
    }

    /// Waits until the order has documents of these events, in any order.
    pub async fn documents(&self, order: &str, events: &[&str]) {
        let mut wanted: Vec<_> = events.iter().map(ToString::to_string).collect();
        wanted.sort();
        self.until(&format!("documents {wanted:?}"), async || {
            let found = self.app.documents_of_order(order).await.expect("documents");
            let mut found: Vec<_> = found.into_iter().map(|d| d.event_id).collect();
            found.sort();
            found == wanted
        })
        .await;
    }

    /// Waits for what happens soon by itself, in real time.
    pub async fn until(&self, what: &str, happened: impl AsyncFn() -> bool) {
        for _ in 0..2_000 {
            if happened().await {
                return;
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        panic!("never: {what}; calls {:?}", self.calls());
    }

    /// Lets time pass in steps, so that every consumer looks around on the way.
    pub async fn pass(&self, time: Duration) {
        let step = Duration::from_millis(250);
        let steps = time.as_millis().div_ceil(step.as_millis());
        for _ in 0..steps {
            self.clock.advance(step);
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    }
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

pub fn line() -> Line {
    Line {
        number: 1,
        parent: None,
        kind: LineKind::Item,
        returned: false,
        voided: false,
        origin_line: None,
        sku: "s1".into(),
        gtin: None,
        description: "a thing".into(),
        category: None,
        quantity: Decimal::whole(1),
        unit: "EA".into(),
        regular_price: Decimal::whole(10),
        unit_price: Decimal::whole(10),
        amount: 1000,
        discounts: vec![],
        taxes: vec![],
        age: None,
        attributes: vec![],
    }
}

pub fn tender() -> Tender {
    Tender {
        number: 1,
        kind: "card".into(),
        amount: 1000,
        tendered: 1000,
        change: 0,
        foreign: None,
        provider: None,
        psp_reference: None,
        modification_reference: None,
        merchant_reference: None,
        authorisation: None,
        scheme: None,
        masked: None,
        stored_value: None,
        attributes: vec![],
    }
}
