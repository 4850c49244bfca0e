//! Shared by the tests: the guest, an engine, slots, events, feeds and sinks in memory, the log.

use engine_guests::Behaviour;
use galleria_domain::plugin::{
    Capability, Limits, OnDeadLetter, Operation, Rights, Slot, StoreFilter,
};
use galleria_domain::{
    CallFault, Cipher, Context, Decimal, Decision, Entry, HostFault, KeyVersion, Line, LineKind,
    Sale, Scope, SecretKey, Store,
};
use galleria_engine::{Engine, EngineConfig, Generation};
use galleria_ports::plugins::{Argument, CallOutcome, Deadline, Feed, LoadedPlugin, Plugins, Sink};
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Arc, Mutex, OnceLock};

/// Small limits, so that a guest exceeds them quickly.
pub const LIMITS: Limits = Limits {
    cpu_ms: 300,
    wall_ms: 20_000,
    memory_bytes: 16 << 20,
    table_elements: 2_000,
    output_bytes: 1 << 20,
    items: 100,
    attributes: 100,
    log_bytes: 64 << 10,
    host_calls: 1_000,
};

/// The guest's component, built once in a test run.
pub fn guest() -> &'static Path {
    static GUEST: OnceLock<PathBuf> = OnceLock::new();
    GUEST.get_or_init(|| {
        build(&["engine-guests"]);
        target().join("wasm32-wasip2/plugin/engine_guests.wasm")
    })
}

/// Builds components in one run of cargo, which builds them in parallel and skips what did not change.
pub fn build(packages: &[&str]) {
    let packages = packages.iter().flat_map(|package| ["-p", package]);
    let status = Command::new(env!("CARGO"))
        .args(["build", "--quiet", "--profile", "plugin"])
        .args(["--target", "wasm32-wasip2"])
        .args(packages)
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .status()
        .expect("cargo runs");
    assert!(status.success(), "a component does not build");
}

/// The folder that cargo builds into.
pub fn target() -> &'static Path {
    let tests = Path::new(env!("CARGO_TARGET_TMPDIR"));
    tests.parent().expect("the target folder")
}

/// Compiled components, shared by all test binaries and by later test runs. The name of a file contains
/// the component's digest and the engine's configuration.
pub fn artifacts() -> PathBuf {
    Path::new(env!("CARGO_TARGET_TMPDIR")).join("engine-artifacts")
}

/// The engine of all tests.
pub fn engine() -> &'static Engine {
    static ENGINE: OnceLock<Engine> = OnceLock::new();
    ENGINE.get_or_init(|| {
        capture_log();
        Engine::new(EngineConfig::new(artifacts())).expect("an engine")
    })
}

/// A slot of the guest that is granted all requested rights.
pub fn slot(name: &str, behaviour: Behaviour) -> Slot {
    let rights = Rights {
        capabilities: [
            Capability::Secrets,
            Capability::Input,
            Capability::Activities,
            Capability::SaleLines,
            Capability::Products,
            Capability::Settlement,
            Capability::Statement,
            Capability::Output,
        ]
        .into(),
        directories: ["poslog".to_owned(), "reports".to_owned()].into(),
        topics: ["sales".to_owned()].into(),
        targets: ["erp".to_owned()].into(),
        secrets: [
            ("notes", vec![Operation::Encrypt, Operation::Decrypt]),
            ("loyalty", vec![Operation::Decrypt]),
            ("codes", vec![Operation::Mac]),
            ("unusable", vec![]),
        ]
        .map(|(name, operations)| (name.to_owned(), operations.into_iter().collect()))
        .into(),
        receipts: false,
    };
    Slot {
        retailer: "example".into(),
        name: name.into(),
        plugin: "engine-guests".into(),
        component: guest().to_owned(),
        file: "retailers/example/retailer.toml".into(),
        asks: rights.clone(),
        grants: rights,
        filter: StoreFilter::default(),
        settings: format!("{{\"behave\":\"{behaviour:?}\"}}"),
        settings_for: vec![],
        call_limits: LIMITS,
        run_limits: LIMITS,
        keys: keys(),
        counters: BTreeMap::new(),
        on_dead_letter: OnDeadLetter::Hold,
        retry_for_s: 3_600,
        schedules: Vec::new(),
        shared_directories: BTreeSet::new(),
    }
}

/// The keys that the slot's grants name.
pub fn keys() -> BTreeMap<String, Arc<SecretKey>> {
    let version = |id: &str, byte: u8, iv: Option<u8>| KeyVersion {
        id: id.into(),
        bytes: vec![byte; 16].into(),
        iv: iv.map(|byte| vec![byte; 16].into()),
    };
    let key = |cipher, versions| Arc::new(SecretKey { cipher, versions });
    let two = vec![version("2026", 1, None), version("2025", 2, None)];
    [
        ("notes", key(Cipher::AesGcm, two)),
        (
            "loyalty",
            key(Cipher::AesCbc, vec![version("1", 3, Some(4))]),
        ),
        (
            "codes",
            key(Cipher::HmacSha256, vec![version("1", 5, None)]),
        ),
        ("unusable", key(Cipher::AesGcm, vec![version("1", 6, None)])),
    ]
    .map(|(name, key)| (name.to_owned(), key))
    .into()
}

/// Loads slots that are free of errors.
pub fn load(slots: Vec<Slot>) -> Generation {
    match engine().load(slots) {
        Ok(generation) => generation,
        Err(errors) => panic!("{errors:#?}"),
    }
}

/// A slot of a generation, by its name.
pub fn named(generation: &Generation, name: &str) -> LoadedPlugin {
    generation.named("example", name).expect("a slot")
}

/// A store.
pub fn store() -> Store {
    Store {
        id: "store-1".into(),
        external_id: "0042".into(),
        retailer: "example".into(),
        store_type: "scan-and-go".into(),
        country: "ES".into(),
        currency: "EUR".into(),
        minor_digits: 2,
        zone: "Europe/Madrid".into(),
        day_starts_minute: 0,
        cash_step: None,
        attributes: vec![],
    }
}

/// The context of an event, with the slot's settings.
pub fn context(event_id: &str, plugin: &LoadedPlugin) -> Context {
    Context {
        event_id: event_id.into(),
        attempt: 1,
        occurred_at: "2026-11-24T10:11:12.345+01:00".into(),
        business_date: "2026-11-24".into(),
        scope: Scope::Store(store()),
        settings: plugin.slot.settings.clone(),
        counters: vec![],
        prior: vec![],
    }
}

/// A sale with `lines` lines.
pub fn sale(lines: u32) -> Sale {
    let line = |number: u32| Line {
        number,
        parent: None,
        kind: LineKind::Item,
        returned: false,
        voided: false,
        origin_line: None,
        sku: format!("sku-{number}"),
        gtin: None,
        description: "A thing".into(),
        category: None,
        quantity: Decimal::whole(1),
        unit: "EA".into(),
        regular_price: Decimal {
            unscaled: 250,
            scale: 2,
        },
        unit_price: Decimal {
            unscaled: 250,
            scale: 2,
        },
        amount: 250,
        discounts: vec![],
        taxes: vec![],
        age: None,
        attributes: vec![],
    };
    Sale {
        entry: Entry {
            id: "payment-1".into(),
            order_id: "order-1".into(),
            external_id: None,
            workstation: "1".into(),
            sequence: 1,
            receipt: "1".into(),
            cashier: None,
            business_date: "2026-11-24".into(),
            begun_at: "2026-11-24T10:10:00.000+01:00".into(),
            ended_at: "2026-11-24T10:11:12.345+01:00".into(),
            currency: "EUR".into(),
            training: false,
        },
        member: None,
        lines: (1..=lines).map(line).collect(),
        tenders: vec![],
        taxes: vec![],
        rounding: 0,
        net: 250 * i64::from(lines),
        gross: 250 * i64::from(lines),
        consents: vec![],
        attributes: vec![],
    }
}

/// Calls a slot with a payment.
pub fn pay(
    generation: &Generation,
    plugin: &LoadedPlugin,
    event_id: &str,
) -> CallOutcome<Decision> {
    let argument = Argument::Payment(sale(3));
    generation.react(plugin, &context(event_id, plugin), &argument)
}

/// The fault of the host that ended a call.
pub fn host_fault<T: std::fmt::Debug>(called: &CallOutcome<T>) -> &HostFault {
    match &called.outcome {
        Err(CallFault::Host(fault)) => fault,
        other => panic!("expected a fault of the host, got {other:?}"),
    }
}

/// The value of a note.
pub fn note<'d>(decision: &'d Decision, name: &str) -> &'d str {
    let note = decision.notes.iter().find(|note| note.name == name);
    &note.expect("a note").value
}

/// A feed over rows in memory. It records the requested batch sizes.
pub struct Rows<T> {
    pub rows: std::vec::IntoIter<T>,
    pub requested: Arc<Mutex<Vec<u32>>>,
    /// The delay of each batch.
    pub delay: std::time::Duration,
}

impl<T> Rows<T> {
    pub fn new(rows: Vec<T>) -> Self {
        Self {
            rows: rows.into_iter(),
            requested: Arc::default(),
            delay: std::time::Duration::ZERO,
        }
    }
}

impl<T: Send> Feed<T> for Rows<T> {
    fn next(&mut self, max: u32, _: &dyn Deadline) -> Result<Vec<T>, galleria_ports::Error> {
        self.requested.lock().expect("no panic").push(max);
        std::thread::sleep(self.delay);
        Ok(self.rows.by_ref().take(max as usize).collect())
    }
}

/// An endless feed of one row.
pub struct Endless<T>(pub T);

impl<T: Clone + Send> Feed<T> for Endless<T> {
    fn next(&mut self, _max: u32, _: &dyn Deadline) -> Result<Vec<T>, galleria_ports::Error> {
        Ok(vec![self.0.clone()])
    }
}

/// Path and body.
type File = (String, Vec<u8>);

/// Files in memory.
#[derive(Clone, Default)]
pub struct Files(pub Arc<Mutex<Vec<File>>>);

impl Sink for Files {
    fn open(&mut self, directory: &str, name: &str, _: &str) -> Result<u32, galleria_ports::Error> {
        let mut files = self.0.lock().expect("no panic");
        let path = format!("{directory}/{name}");
        if files.iter().any(|(taken, _)| *taken == path) {
            return Err(galleria_ports::Error::NameTaken {
                directory: directory.into(),
                name: name.into(),
            });
        }
        files.push((path, vec![]));
        Ok(u32::try_from(files.len() - 1).expect("few files"))
    }

    fn write(&mut self, file: u32, chunk: &[u8]) -> Result<(), galleria_ports::Error> {
        self.0.lock().expect("no panic")[file as usize]
            .1
            .extend_from_slice(chunk);
        Ok(())
    }

    fn close(&mut self, _: u32) -> Result<(), galleria_ports::Error> {
        Ok(())
    }
}

/// A line of the log that a plugin wrote.
#[derive(Clone, Debug, Default)]
pub struct Logged {
    pub level: String,
    pub fields: BTreeMap<String, String>,
}

static LOG: Mutex<Vec<Logged>> = Mutex::new(Vec::new());

/// The log lines of an event.
pub fn logged(event_id: &str) -> Vec<Logged> {
    let log = LOG.lock().expect("no panic");
    log.iter()
        .filter(|line| line.fields.get("event").is_some_and(|id| id == event_id))
        .cloned()
        .collect()
}

/// All log lines, of any event.
pub fn whole_log() -> String {
    format!("{:?}", LOG.lock().expect("no panic"))
}

fn capture_log() {
    use tracing_subscriber::layer::{Context, Layer, SubscriberExt};

    struct Capture;

    struct FieldVisitor<'l>(&'l mut Logged);

    impl tracing::field::Visit for FieldVisitor<'_> {
        fn record_debug(&mut self, field: &tracing::field::Field, value: &dyn std::fmt::Debug) {
            self.0
                .fields
                .insert(field.name().into(), format!("{value:?}"));
        }

        fn record_str(&mut self, field: &tracing::field::Field, value: &str) {
            self.0.fields.insert(field.name().into(), value.into());
        }
    }

    impl<S: tracing::Subscriber> Layer<S> for Capture {
        fn on_event(&self, event: &tracing::Event<'_>, _: Context<'_, S>) {
            let mut line = Logged {
                level: event.metadata().level().to_string(),
                ..Logged::default()
            };
            event.record(&mut FieldVisitor(&mut line));
            LOG.lock().expect("no panic").push(line);
        }
    }

    let subscriber = tracing_subscriber::registry().with(Capture);
    tracing::subscriber::set_global_default(subscriber).expect("the only subscriber");
}
