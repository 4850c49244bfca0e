//! The latency of stores beside a store whose plugin misbehaves: from the acceptance of a payment to the document
//! that the plugin wrote, on SQLite with synchronous=FULL.
//!
//! Ten stores sell one after another. The misbehaving store sells fifty times a second.
//!
//! `cargo bench -p galleria --bench other_stores`

#![expect(clippy::print_stdout, reason = "a benchmark's result is its output")]

use anyhow::{Context as _, Result, anyhow, ensure};
use galleria_app::orders::{NewOrder, NewPayment};
use galleria_app::stores::NewStore;
use galleria_app::{App, IdempotencyKey, Policy};
use galleria_bus::{Consumer, ConsumerConfig};
use galleria_db::{Db, DbConfig};
use galleria_domain::plugin::{
    Capability, Limits, OnDeadLetter, Rights, SettingsFor, Slot, StoreFilter,
};
use galleria_domain::{Decimal, Digest, Line, LineKind, Tender};
use galleria_engine::{Engine, EngineConfig};
use galleria_ports::clock::SystemClock;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

const STORES: usize = 10;
const PAUSE: Duration = Duration::from_millis(100);
const ROUND: Duration = Duration::from_secs(20);
/// Before the measurement: the misbehaving store gets a backlog.
const WARM_UP: Duration = Duration::from_secs(5);
const MISBEHAVING_PAUSE: Duration = Duration::from_millis(20);
const MISBEHAVING: &str = "misbehaving";

/// What the plugin of the misbehaving store does, as a behaviour of the test guest.
const BEHAVIOURS: [(&str, Option<&str>); 5] = [
    ("no such store", None),
    ("loops until its limit of 500 ms", Some("Loop")),
    ("allocates memory without end", Some("AllocateMemory")),
    ("crashes", Some("Crash")),
    ("works", Some("Decide")),
];

/// Builds the test guest.
fn component() -> Result<PathBuf> {
    let built = Command::new(env!("CARGO"))
        .args(["build", "--quiet", "--profile", "plugin"])
        .args(["--target", "wasm32-wasip2", "-p", "engine-guests"])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .status()?;
    ensure!(built.success(), "the test guest does not build");
    let target = Path::new(env!("CARGO_TARGET_TMPDIR")).parent();
    let target = target.context("the target folder")?;
    Ok(target.join("wasm32-wasip2/plugin/engine_guests.wasm"))
}

fn slot(component: &Path, behaviour: &str) -> Slot {
    let settings = |behaviour: &str| format!("{{\"behave\":\"{behaviour}\"}}");
    // The component has behaviours for all of them.
    let capabilities = [
        Capability::Secrets,
        Capability::Input,
        Capability::Activities,
        Capability::SaleLines,
        Capability::Products,
        Capability::Settlement,
        Capability::Statement,
        Capability::Output,
    ];
    let rights = Rights {
        capabilities: capabilities.into(),
        directories: ["poslog".to_owned()].into(),
        topics: ["sales".to_owned()].into(),
        ..Rights::default()
    };
    Slot {
        retailer: "bench".into(),
        name: "papers".into(),
        plugin: "engine-guests".into(),
        component: component.to_owned(),
        file: "bench".into(),
        asks: rights.clone(),
        grants: rights,
        filter: StoreFilter::default(),
        settings: settings("Decide"),
        settings_for: vec![SettingsFor {
            filter: StoreFilter {
                stores: [MISBEHAVING.to_owned()].into(),
                ..StoreFilter::default()
            },
            settings: settings(behaviour),
        }],
        call_limits: Limits::CALL,
        run_limits: Limits::RUN,
        keys: BTreeMap::new(),
        counters: BTreeMap::new(),
        on_dead_letter: OnDeadLetter::Continue,
        retry_for_s: 3_600,
        schedules: Vec::new(),
        shared_directories: BTreeSet::new(),
    }
}

fn key(name: &str) -> IdempotencyKey {
    IdempotencyKey {
        key: name.to_owned(),
        request: Digest::of(name.as_bytes()),
        as_sent: None,
    }
}

async fn add_store(app: &App, id: &str) -> Result<()> {
    let new = NewStore {
        external_id: id.into(),
        retailer: "bench".into(),
        store_type: "kiosk".into(),
        country: "ES".into(),
        currency: "EUR".into(),
        minor_digits: 2,
        zone: "Europe/Madrid".into(),
        day_starts_minute: 0,
        cash_step: None,
        attributes: vec![],
    };
    app.stores.put(key(id), id, new, "bench", "").await?;
    Ok(())
}

/// Places and pays an order.
async fn sell(app: &App, store: &str, order: &str) -> Result<()> {
    let now = jiff::Timestamp::now();
    let new = NewOrder {
        id: order.into(),
        store_id: store.into(),
        external_id: None,
        workstation: "w1".into(),
        cashier: None,
        training: false,
        begun_at: now,
        lines: vec![line()],
        member: None,
        consents: vec![],
        attributes: vec![],
    };
    app.orders.place(key(order), new).await?;
    let payment = NewPayment {
        id: format!("p-{order}"),
        at: now,
        tenders: vec![tender()],
        rounding: 0,
        shift_id: None,
    };
    let name = format!("p-{order}");
    app.orders
        .accept_payment(key(&name), order, payment)
        .await?;
    Ok(())
}

fn line() -> Line {
    Line {
        number: 1,
        parent: None,
        kind: LineKind::Item,
        returned: false,
        voided: false,
        origin_line: None,
        sku: "1".into(),
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

fn tender() -> Tender {
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

/// Sells until the token is cancelled, and returns the latency of each sale.
async fn till(app: App, store: String, stop: CancellationToken) -> Result<Vec<Duration>> {
    let mut latencies = Vec::new();
    for number in 0.. {
        if stop.is_cancelled() {
            break;
        }
        let order = format!("{store}-{number}");
        sell(&app, &store, &order).await?;
        let accepted = Instant::now();
        while app.documents.list_by_order(&order).await?.is_empty() {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        latencies.push(accepted.elapsed());
        tokio::time::sleep(PAUSE).await;
    }
    Ok(latencies)
}

async fn flood(app: App, stop: CancellationToken) -> Result<Vec<Duration>> {
    let mut tick = tokio::time::interval(MISBEHAVING_PAUSE);
    for number in 0.. {
        tick.tick().await;
        if stop.is_cancelled() {
            break;
        }
        sell(&app, MISBEHAVING, &format!("m-{number}")).await?;
    }
    Ok(Vec::new())
}

/// Measures the latencies beside a store with this behaviour.
async fn measured(component: &Path, behaviour: Option<&str>) -> Result<Vec<Duration>> {
    // In the target folder: a temporary folder may be in memory, where a sync costs nothing.
    let tmp = Path::new(env!("CARGO_TARGET_TMPDIR"));
    let folder = tempfile::tempdir_in(tmp)?;
    let config = DbConfig::new(format!("sqlite://{}/records.db", folder.path().display()));
    Db::migrate(&config).await?;
    let db = Db::open(&config).await?;
    let engine = Engine::new(EngineConfig::new(tmp.join("bench-artifacts")))?;
    let slots = vec![slot(component, behaviour.unwrap_or("Decide"))];
    let generation = engine.load(slots).map_err(|errors| anyhow!("{errors:?}"))?;
    let app = App::new(
        Arc::new(db.clone()),
        Arc::new(generation),
        Arc::new(SystemClock),
        Policy::default(),
    );
    let groups = app.events.groups();
    let consumer = Consumer::start(app.clone(), groups, ConsumerConfig::new(4, 2)).await?;
    let (stop, stop_tills) = (CancellationToken::new(), CancellationToken::new());
    let consumer = tokio::spawn(consumer.run(stop.clone()));
    let mut tasks = JoinSet::new();
    if behaviour.is_some() {
        add_store(&app, MISBEHAVING).await?;
        tasks.spawn(flood(app.clone(), stop_tills.clone()));
        tokio::time::sleep(WARM_UP).await;
    }
    for number in 0..STORES {
        let store = format!("s{number}");
        add_store(&app, &store).await?;
        tasks.spawn(till(app.clone(), store, stop_tills.clone()));
    }
    tokio::time::sleep(ROUND).await;
    stop_tills.cancel();
    let mut latencies = Vec::new();
    while let Some(till) = tasks.join_next().await {
        latencies.extend(till??);
    }
    stop.cancel();
    consumer.await?;
    db.close().await?;
    latencies.sort();
    Ok(latencies)
}

#[tokio::main]
async fn main() -> Result<()> {
    let component = component()?;
    println!("| the other store's plugin | sales | p50, ms | p99, ms | longest, ms |");
    println!("|---|---|---|---|---|");
    for (what, behaviour) in BEHAVIOURS {
        let latencies = measured(&component, behaviour).await?;
        let sales = latencies.len();
        let at = |share: usize| latencies[(sales * share / 100).min(sales - 1)].as_millis();
        println!(
            "| {what} | {sales} | {} | {} | {} |",
            at(50),
            at(99),
            at(100)
        );
    }
    Ok(())
}
