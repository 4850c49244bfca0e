//! A store with a plugin that writes one document and one publication for each payment.

use crate::queries;
use galleria_app::orders::{NewOrder, NewPayment, NewShift};
use galleria_app::stores::NewStore;
use galleria_app::{App, IdempotencyKey, Policy};
use galleria_bus::{Consumer, ConsumerConfig};
use galleria_db::{Db, DbConfig};
use galleria_deliver::{Deliverer, Directories};
use galleria_domain::plugin::{Inspection, Limits, OnDeadLetter, Point, Rights, Slot, StoreFilter};
use galleria_domain::{
    Context, Decimal, Decision, Digest, Document, JsonText, Line, LineKind, Member, Publication,
    Tender, Totals,
};
use galleria_ports::clock::DrivenClock;
use galleria_ports::plugins::{
    Argument, CallOutcome, LoadedPlugin, Plugins, Stream, Streams, Usage,
};
use jiff::Timestamp;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio_util::sync::CancellationToken;

const LINES: u32 = 5;
/// A POSLOG of five lines.
const DOCUMENT_BYTES: usize = 11_000;

/// The host's services on a database, and the tasks that handle events and deliver documents.
pub struct Shop {
    app: App,
    folder: tempfile::TempDir,
    stop: CancellationToken,
    sold: usize,
}

impl Shop {
    pub async fn open(config: &DbConfig) -> Self {
        Db::migrate(config).await.expect("migrated");
        let db = Db::open(config).await.expect("a database");
        let plugin = Arc::new(Plugin(slot()));
        // Nothing polls while the clock does not advance.
        let clock = Arc::new(DrivenClock::new(Timestamp::now()));
        let app = App::new(Arc::new(db), plugin, clock, Policy::default());
        let folder = tempfile::tempdir().expect("a folder");
        let paths = [("poslog".to_owned(), folder.path().join("poslog"))].into();
        let directories = Directories::open(&paths).expect("directories");
        let stop = CancellationToken::new();
        let consuming = ConsumerConfig::new(4, 2);
        let consumer = Consumer::start(app.clone(), app.events.groups(), consuming);
        let consumer = consumer.await.expect("a consumer");
        tokio::spawn(consumer.run(stop.clone()));
        let deliverer = Deliverer::new(app.clone(), directories, "deliverer");
        tokio::spawn(deliverer.run(stop.clone()));
        let shop = Self {
            app,
            folder,
            stop,
            sold: 0,
        };
        shop.set_up().await;
        shop
    }

    async fn set_up(&self) {
        let store = NewStore {
            external_id: "1".into(),
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
        let put = self.app.stores.put(key("store"), "s1", store, "test", "");
        put.await.expect("a store");
        let shift = NewShift {
            id: "shift".into(),
            store_id: "s1".into(),
            workstation: "w1".into(),
            till: "t1".into(),
            cashier: None,
            opened_at: Timestamp::now(),
            opening_float: 0,
        };
        let opened = self.app.orders.open_shift(key("shift"), shift);
        opened.await.expect("a shift");
    }

    /// Sells an order, and returns when its file is delivered and the host has recorded it.
    pub async fn sell(&mut self) {
        let recorded = || queries::counts().get("document_advance").copied();
        // Its preparation and its delivery.
        let all_recorded = Some(recorded().unwrap_or_default() + 2);
        self.sold += 1;
        let id = format!("o{}", self.sold);
        let order = NewOrder {
            id: id.clone(),
            store_id: "s1".into(),
            external_id: None,
            workstation: "w1".into(),
            cashier: None,
            training: false,
            begun_at: Timestamp::now(),
            lines: (1..=LINES).map(line).collect(),
            member: None,
            consents: vec![],
            attributes: vec![],
        };
        let placed = self.app.orders.place(key(&format!("order {id}")), order);
        placed.await.expect("an order");
        let payment = NewPayment {
            id: format!("p{}", self.sold),
            at: Timestamp::now(),
            tenders: vec![tender()],
            rounding: 0,
            shift_id: Some("shift".into()),
        };
        let key = key(&format!("payment {id}"));
        let paid = self.app.orders.accept_payment(key, &id, payment);
        paid.await.expect("a payment");
        let begun = Instant::now();
        let file = self
            .folder
            .path()
            .join(format!("poslog/example/s1/payment-p{}", self.sold));
        while !file.exists() || recorded() < all_recorded {
            assert!(
                begun.elapsed().as_secs() < 60,
                "no file: {}",
                file.display()
            );
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        // The last commit, and what follows it.
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

impl Drop for Shop {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

fn key(name: &str) -> IdempotencyKey {
    IdempotencyKey {
        key: name.to_owned(),
        request: Digest::of(name.as_bytes()),
        as_sent: None,
    }
}

fn line(number: u32) -> Line {
    Line {
        number,
        parent: None,
        kind: LineKind::Item,
        returned: false,
        voided: false,
        origin_line: None,
        sku: format!("sku-{number}"),
        gtin: None,
        description: "a thing".into(),
        category: None,
        quantity: Decimal::whole(1),
        unit: "EA".into(),
        regular_price: Decimal::whole(10),
        unit_price: Decimal::whole(10),
        amount: 1_000,
        discounts: vec![],
        taxes: vec![],
        age: None,
        attributes: vec![],
    }
}

fn tender() -> Tender {
    Tender {
        number: 1,
        kind: "card".into(),
        amount: 1_000 * i64::from(LINES),
        tendered: 1_000 * i64::from(LINES),
        change: 0,
        foreign: None,
        provider: Some("adyen".into()),
        psp_reference: Some("PSP1".into()),
        modification_reference: None,
        merchant_reference: Some("M1".into()),
        authorisation: None,
        scheme: None,
        masked: None,
        stored_value: None,
        attributes: vec![],
    }
}

struct Plugin(LoadedPlugin);

impl Plugins for Plugin {
    fn all(&self) -> Vec<LoadedPlugin> {
        vec![self.0.clone()]
    }

    fn react(&self, _: &LoadedPlugin, cx: &Context, _: &Argument) -> CallOutcome<Decision> {
        let decision = Decision {
            documents: vec![Document {
                directory: "poslog".into(),
                name: cx.event_id.replace(':', "-"),
                media_type: "application/xml".into(),
                body: vec![b'x'; DOCUMENT_BYTES],
            }],
            publications: vec![Publication {
                topic: "sales".into(),
                key: Some(cx.event_id.clone()),
                data: JsonText::parse("{}").expect("JSON"),
            }],
            ..Decision::default()
        };
        CallOutcome {
            outcome: Ok(decision),
            usage: Usage::default(),
        }
    }

    fn identify(&self, _: &LoadedPlugin, _: &Context, _: &str) -> CallOutcome<Option<Member>> {
        unreachable!("the test identifies no member")
    }

    fn run(&self, _: &LoadedPlugin, _: &Context, _: &Stream, _: Streams) -> CallOutcome<Totals> {
        unreachable!("the test runs no report")
    }
}

fn slot() -> LoadedPlugin {
    LoadedPlugin {
        slot: Arc::new(Slot {
            retailer: "example".into(),
            name: "poslog".into(),
            plugin: "poslog".into(),
            component: "poslog.wasm".into(),
            file: "retailer.toml".into(),
            asks: Rights::default(),
            grants: Rights::default(),
            filter: StoreFilter::default(),
            settings: r#"{"poslog":true}"#.into(),
            settings_for: vec![],
            call_limits: Limits::CALL,
            run_limits: Limits::RUN,
            keys: BTreeMap::new(),
            counters: BTreeMap::new(),
            on_dead_letter: OnDeadLetter::Hold,
            retry_for_s: 3_600,
            schedules: Vec::new(),
            shared_directories: BTreeSet::new(),
        }),
        inspection: Arc::new(Inspection {
            digest: Digest::of(b"poslog"),
            size: 0,
            exports: [Point::OnPayment].into(),
            imports: [].into(),
            wasi: vec![],
            stamp: None,
        }),
        handle: Arc::new(()),
    }
}
