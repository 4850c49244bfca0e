//! The application and its consumer on a real SQLite database, with a scripted plugin and a driven clock.

use crate::sale::{line, tender};
use crate::script::{Gate, Script, json, slot};
use crate::shaky::Shaky;
use galleria_app::App;
use galleria_app::IdempotencyKey;
use galleria_app::Policy;
use galleria_app::Reply;
use galleria_app::events::{Acting, DeadLetterView, Item, Verdict};
use galleria_app::orders::{NewOrder, NewPayment, NewRefund, NewVerification, VerificationView};
use galleria_app::stores::NewStore;
use galleria_bus::{Consumer, ConsumerConfig};
use galleria_db::{Db, DbConfig};
use galleria_domain::event::topic;
use galleria_domain::plugin::OnDeadLetter;
use galleria_domain::refunding::Extent;
use galleria_domain::{CallFault, Digest, NewEvent};
use galleria_ports::Error;
use galleria_ports::clock::{Clock as _, DrivenClock};
use galleria_ports::in_tx;
use galleria_ports::plugins::LoadedPlugin;
use galleria_ports::records::{DeadLetterFilter, Records};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use tokio_util::sync::CancellationToken;

pub struct TestHost {
    pub app: App,
    pub script: Arc<Script>,
    pub clock: Arc<DrivenClock>,
    pub db: Db,
    pub shaky: Arc<Shaky>,
    stop: CancellationToken,
    consumer: Option<tokio::task::JoinHandle<()>>,
    _folder: tempfile::TempDir,
}

impl TestHost {
    pub async fn new() -> Self {
        Self::with(OnDeadLetter::Hold).await
    }

    /// All dead letters.
    pub async fn dead_letters(&self) -> Vec<DeadLetterView> {
        let page = self
            .app
            .events
            .dead_letters(DeadLetterFilter::default(), None, 100);
        page.await.expect("dead letters").dead_letters
    }

    /// Settles a dead letter of the plugin.
    pub async fn settle(&self, event: &str, verdict: Verdict) -> Result<Reply, Error> {
        let acting = Acting {
            actor: "ana".into(),
            reason: "the settings were corrected".into(),
        };
        /// Every call is a new request.
        static REQUESTS: AtomicU64 = AtomicU64::new(0);
        let number = REQUESTS.fetch_add(1, Ordering::Relaxed);
        let key = Self::key(&format!("settle {number}"));
        self.app
            .events
            .settle_dead_letter(key, event, "papers", verdict, acting)
            .await
    }

    pub async fn with(on_dead_letter: OnDeadLetter) -> Self {
        Self::of(vec![slot("papers", on_dead_letter)]).await
    }

    pub async fn of(slots: Vec<LoadedPlugin>) -> Self {
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

    /// Replaces the plugins.
    pub fn replace_plugins(&mut self, slots: Vec<LoadedPlugin>) {
        self.script = Script::new(slots);
        self.app = self.app_on(Arc::clone(&self.shaky) as _);
    }

    /// An application on the database itself, without injected failures.
    pub fn observer(&self) -> App {
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

    /// Blocks further calls for an event, a store or `<event>/<slot>`.
    pub fn hold(&self, name: &str) -> Arc<Gate> {
        let gate = Arc::new(Gate::default());
        let mut gates = self.script.gates.lock().expect("gates");
        gates.insert(name.to_owned(), Arc::clone(&gate));
        gate
    }

    /// Stops blocking further calls.
    pub fn stop_holding(&self, name: &str) {
        self.script.gates.lock().expect("gates").remove(name);
    }

    /// Makes the script return a decision for this event that the host cannot apply: the log has an event with
    /// the id of its publication.
    pub async fn make_unusable(&self, event: &str) {
        let other = NewEvent {
            id: format!("{event}/papers/0"),
            topic: "elsewhere".into(),
            key: None,
            store: None,
            data: json("{}"),
        };
        let (now, records) = (self.clock.now(), &self.db as &dyn Records);
        let appended = records.write(in_tx!(|tx, other| tx.event_append(&other, now).await));
        appended.await.expect("appended");
        let mut unusable = self.script.unusable.lock().expect("unusable");
        unusable.insert(event.to_owned());
    }

    /// Gives all documents of later decisions the same name.
    pub fn use_one_name(&self) {
        self.script.one_name.store(true, Ordering::Relaxed);
    }

    /// The item of an event of the payment group, as its consumer receives it.
    pub async fn item(&self, event: &str) -> Item {
        let groups = self.app.events.groups();
        let payments = groups
            .iter()
            .find(|group| group.topics() == [topic::POST_PAYMENT_SUCCESS])
            .expect("the payment group");
        let events = self.app.events.events_after(payments, 0, 1_000).await;
        let mut events = events.expect("events").into_iter();
        let event = events.find(|found| found.id == event).expect("the event");
        let items = self.app.events.route(&payments.name, &event).await;
        items.expect("items").remove(0)
    }

    pub async fn consume(&mut self) {
        self.consume_with(ConsumerConfig::new(4, 2)).await;
    }

    pub async fn consume_with(&mut self, config: ConsumerConfig) {
        self.stop = CancellationToken::new();
        let consumer = Consumer::start(self.app.clone(), self.app.events.groups(), config);
        let consumer = consumer.await.expect("a consumer");
        self.consumer = Some(tokio::spawn(consumer.run(self.stop.clone())));
    }

    pub async fn stop_consuming(&mut self) {
        self.stop.cancel();
        if let Some(task) = self.consumer.take() {
            task.await.expect("the consumer stopped");
        }
    }

    pub fn key(name: &str) -> IdempotencyKey {
        IdempotencyKey {
            key: name.to_owned(),
            request: Digest::of(name.as_bytes()),
            as_sent: None,
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
            cash_step: None,
            attributes: vec![],
        };
        let key = Self::key(&format!("store-{id}"));
        self.app
            .stores
            .put(key, id, new, "test", "")
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
        self.app.orders.place(key, new).await.expect("an order");
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
            .orders
            .accept_payment(key, order, new)
            .await
            .expect("a payment");
    }

    /// Adds a paid order `o<n>`, whose event is `payment:p<n>`.
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
            .orders
            .accept_refund(key, order, new)
            .await
            .expect("a refund");
    }

    /// Adds a verification; returns the event's id.
    pub async fn verify(&self, order: &str, id: &str) -> String {
        let new = NewVerification {
            id: Some(id.into()),
            at: self.clock.now(),
            cashier: "op".into(),
            outcome: "passed".into(),
            refused_lines: vec![],
        };
        let key = Self::key(&format!("verification-{id}"));
        let reply = self.app.orders.accept_verification(key, order, new).await;
        let body = reply.expect("a verification").body;
        let view: VerificationView = serde_json::from_str(&body).expect("a view");
        view.event_id
    }

    /// Makes the script return these faults for the event, one for each attempt.
    pub fn fail_with(&self, event: &str, faults: impl IntoIterator<Item = CallFault>) {
        let mut by_event = self.script.faults.lock().expect("faults");
        by_event.insert(event.to_owned(), faults.into_iter().collect());
    }

    pub fn calls(&self) -> Vec<(String, u32)> {
        self.script.calls.lock().expect("calls").clone()
    }

    /// The events in the order of their first calls.
    pub fn called_events(&self) -> Vec<String> {
        let mut seen: Vec<String> = Vec::new();
        for (event, _) in self.calls() {
            if !seen.contains(&event) {
                seen.push(event);
            }
        }
        seen
    }

    /// Waits until the order has documents of exactly these events.
    pub async fn expect_documents(&self, order: &str, events: &[&str]) {
        let mut expected: Vec<_> = events.iter().map(ToString::to_string).collect();
        expected.sort();
        self.until(&format!("documents {expected:?}"), async || {
            let found = self
                .app
                .documents
                .list_by_order(order)
                .await
                .expect("documents");
            let mut found: Vec<_> = found.into_iter().map(|d| d.event_id).collect();
            found.sort();
            found == expected
        })
        .await;
    }

    /// Waits in real time until a condition holds.
    pub async fn until(&self, what: &str, holds: impl AsyncFn() -> bool) {
        for _ in 0..2_000 {
            if holds().await {
                return;
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        panic!("timeout: {what}; calls {:?}", self.calls());
    }

    /// Advances the clock in steps, so that every consumer polls in between.
    pub async fn advance(&self, time: Duration) {
        let step = Duration::from_millis(250);
        let steps = time.as_millis().div_ceil(step.as_millis());
        for _ in 0..steps {
            self.clock.advance(step);
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    }
}
