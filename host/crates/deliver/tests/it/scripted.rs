//! A host with a scripted plugin, on a real database and real folders.

use galleria_app::App;
use galleria_app::Policy;
use galleria_app::runs::{RunWorker, RunsConfig};
use galleria_db::{Db, DbConfig};
use galleria_deliver::{Deliverer, Directories};
use galleria_domain::plugin::{
    Capability, Inspection, Limits, OnDeadLetter, Point, Rights, Slot, StoreFilter,
};
use galleria_domain::schedule::Schedule;
use galleria_domain::{
    CallFault, Context, Decimal, Decision, Digest, Fault, HostFault, Member, Pickup, Problem,
    Scope, Store, Totals,
};
use galleria_ports::clock::{Clock as _, DrivenClock};
use galleria_ports::in_tx;
use galleria_ports::plugins::{
    Argument, CallOutcome, LoadedPlugin, Plugins, RetailerFolders, Stream, Streams, Usage,
};
use galleria_ports::records::{Records, RunFilter, RunRow, SaleLine};
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// The lease of runs in these tests.
pub const LEASE: Duration = Duration::from_secs(30);

/// Runs while a call is in progress, with the retailer.
type OnCall = Box<dyn Fn(&str) + Send>;

/// Serves `report` as `report` and `export-catalogue` as `catalogue`, for the retailer `example`; `report`
/// for `small`; and rejects the statements of both. A run writes its window and every sale line to one file.
pub struct Scripted {
    slots: Vec<LoadedPlugin>,
    /// Faults of the next runs, in order; later runs succeed.
    pub faults: Mutex<VecDeque<CallFault>>,
    /// While true, runs stop before their first row.
    pub blocked: AtomicBool,
    /// The number of runs before their first row.
    pub waiting: AtomicUsize,
    /// Every call, by run.
    pub calls: Mutex<Vec<String>>,
    /// The retailer of every run and statement, in the order of the calls.
    pub retailers: Mutex<Vec<String>>,
    pub on_call: Mutex<Option<OnCall>>,
    /// The configured schedules.
    schedules: Mutex<Vec<Schedule>>,
    /// The configured pickups.
    pub pickups: Mutex<Vec<Pickup>>,
}

impl Default for Scripted {
    fn default() -> Self {
        let of_s = StoreFilter {
            stores: ["Xs".to_owned()].into(),
            ..StoreFilter::default()
        };
        Self {
            slots: vec![
                loaded("report", Point::Report, StoreFilter::default()),
                loaded("catalogue", Point::ExportCatalogue, StoreFilter::default()),
                loaded("of-s", Point::Report, of_s),
                loaded_for("small", "report", Point::Report, StoreFilter::default()),
                loaded("statements", Point::ReadStatement, StoreFilter::default()),
                loaded_for(
                    "small",
                    "statements",
                    Point::ReadStatement,
                    StoreFilter::default(),
                ),
            ],
            faults: Mutex::default(),
            blocked: AtomicBool::new(false),
            waiting: AtomicUsize::new(0),
            calls: Mutex::default(),
            retailers: Mutex::default(),
            on_call: Mutex::default(),
            schedules: Mutex::default(),
            pickups: Mutex::default(),
        }
    }
}

fn loaded(name: &str, point: Point, filter: StoreFilter) -> LoadedPlugin {
    loaded_for("example", name, point, filter)
}

fn loaded_for(retailer: &str, name: &str, point: Point, filter: StoreFilter) -> LoadedPlugin {
    let capabilities: BTreeSet<_> = [Capability::SaleLines, Capability::Output].into();
    let rights = Rights {
        capabilities: capabilities.clone(),
        directories: ["reports".to_owned()].into(),
        ..Rights::default()
    };
    let slot = Slot {
        retailer: retailer.into(),
        name: name.into(),
        plugin: name.into(),
        component: format!("{name}.wasm").into(),
        file: "retailer.toml".into(),
        asks: rights.clone(),
        grants: rights,
        filter,
        settings: "{}".into(),
        settings_for: Vec::new(),
        call_limits: Limits::CALL,
        run_limits: Limits::RUN,
        keys: BTreeMap::new(),
        counters: BTreeMap::new(),
        on_dead_letter: OnDeadLetter::Hold,
        retry_for_s: 0,
        schedules: Vec::new(),
        shared_directories: BTreeSet::new(),
    };
    let inspection = Inspection {
        digest: Digest::of(name.as_bytes()),
        size: 7,
        exports: [point].into(),
        imports: capabilities,
        wasi: Vec::new(),
        stamp: None,
    };
    LoadedPlugin {
        slot: Arc::new(slot),
        inspection: Arc::new(inspection),
        handle: Arc::new(()),
    }
}

impl Scripted {
    fn execute(
        &self,
        cx: &Context,
        run: &Stream,
        mut streams: Streams,
    ) -> Result<Totals, CallFault> {
        if let Scope::Retailer(retailer) = &cx.scope {
            self.retailers
                .lock()
                .expect("retailers")
                .push(retailer.clone());
            if let Some(on_call) = &*self.on_call.lock().expect("a hook") {
                on_call(retailer);
            }
        }
        let (Stream::Report(window) | Stream::Catalogue(window)) = run else {
            let problem = Problem::new("amount", "wrong");
            return Err(CallFault::Guest(Fault::Invalid(vec![problem])));
        };
        self.calls.lock().expect("calls").push(window.id.clone());
        let host =
            |error: galleria_ports::Error| CallFault::Host(HostFault::HostFailed(error.chain()));
        let mut output = streams.output.take().expect("an output");
        let name = format!("{}.txt", window.id);
        let file = output.open("reports", &name, "text/plain").map_err(host)?;
        let head = format!("{} {}\n", cx.occurred_at, window.as_of);
        output.write(file, head.as_bytes()).map_err(host)?;
        self.waiting.fetch_add(1, Ordering::SeqCst);
        let failed = |what: &str| CallFault::Host(HostFault::HostFailed(what.to_owned()));
        while self.blocked.load(Ordering::SeqCst) {
            if streams.stop.load(Ordering::SeqCst) {
                self.waiting.fetch_sub(1, Ordering::SeqCst);
                return Err(failed("the run was stopped"));
            }
            std::thread::sleep(Duration::from_millis(2));
        }
        self.waiting.fetch_sub(1, Ordering::SeqCst);
        if let Some(fault) = self.faults.lock().expect("faults").pop_front() {
            return Err(fault);
        }
        let (mut rows, mut lines) = (0, streams.sale_lines.take().expect("sale lines"));
        loop {
            let page = lines.next(3, &*streams.stop).map_err(host)?;
            if page.is_empty() {
                break;
            }
            for line in page {
                rows += 1;
                let row = format!("{} {}\n", line.entry_id, line.amount);
                output.write(file, row.as_bytes()).map_err(host)?;
            }
        }
        Ok(Totals {
            rows,
            sums: Vec::new(),
        })
    }
}

impl Plugins for Scripted {
    fn all(&self) -> Vec<LoadedPlugin> {
        self.slots.clone()
    }

    fn folders(&self) -> RetailerFolders {
        RetailerFolders {
            pickups: self.pickups.lock().expect("pickups").clone(),
            ..RetailerFolders::default()
        }
    }

    fn schedules(&self) -> Vec<Schedule> {
        self.schedules.lock().expect("schedules").clone()
    }

    fn react(&self, _: &LoadedPlugin, _: &Context, _: &Argument) -> CallOutcome<Decision> {
        unreachable!("no test handles events")
    }

    fn identify(&self, _: &LoadedPlugin, _: &Context, _: &str) -> CallOutcome<Option<Member>> {
        unreachable!("no test identifies members")
    }

    fn run(
        &self,
        _: &LoadedPlugin,
        cx: &Context,
        run: &Stream,
        streams: Streams,
    ) -> CallOutcome<Totals> {
        CallOutcome {
            outcome: self.execute(cx, run, streams),
            usage: Usage::default(),
        }
    }
}

/// One database and its folders, which several hosts may share.
pub struct Fixture {
    pub folder: tempfile::TempDir,
    pub db: Db,
    pub clock: Arc<DrivenClock>,
    pub plugins: Arc<Scripted>,
}

impl Fixture {
    pub async fn at(now: &str) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let config = DbConfig::new(format!("sqlite://{}/records.db", folder.path().display()));
        Db::migrate(&config).await.expect("migrated");
        let db = Db::open(&config).await.expect("a database");
        let clock = Arc::new(DrivenClock::new(now.parse().expect("an instant")));
        Self {
            folder,
            db,
            clock,
            plugins: Arc::default(),
        }
    }

    pub fn app(&self) -> App {
        App::new(
            Arc::new(self.db.clone()),
            Arc::clone(&self.plugins) as _,
            Arc::clone(&self.clock) as _,
            Policy::default(),
        )
    }

    pub fn directories(&self) -> Directories {
        let paths = [("reports".to_owned(), self.folder.path().join("reports"))].into();
        Directories::open(&paths).expect("directories")
    }

    pub fn worker(&self, owner: &str, schedules: Vec<Schedule>) -> RunWorker {
        let config = RunsConfig {
            at_once: 2,
            lease: LEASE,
        };
        let files = Arc::new(self.directories());
        *self.plugins.schedules.lock().expect("schedules") = schedules;
        RunWorker::new(self.app().runs, files, owner.into(), config)
    }

    pub async fn deliver(&self) {
        let deliverer = Deliverer::new(self.app(), self.directories(), "deliverer");
        while deliverer.deliver_batch().await.expect("a batch") > 0 {}
    }

    pub fn records(&self) -> &dyn Records {
        &self.db
    }

    pub async fn add_store(&self, id: &str, zone: &str, day_starts_minute: u16) {
        let store = Store {
            id: id.into(),
            external_id: format!("X{id}"),
            retailer: "example".into(),
            store_type: "scan-and-go".into(),
            country: "ES".into(),
            currency: "EUR".into(),
            minor_digits: 2,
            zone: zone.into(),
            day_starts_minute,
            cash_step: None,
            attributes: Vec::new(),
        };
        let put = self
            .records()
            .write(in_tx!(|tx, store| tx.store_put(&store).await));
        put.await.expect("a store");
    }

    /// Records a sale line.
    pub async fn sell(&self, store: &str, date: &str, entry: &str) {
        let line = SaleLine {
            store_id: store.into(),
            store_external_id: format!("X{store}"),
            business_date: date.into(),
            begun_at: format!("{date}T10:00:00.000+01:00"),
            entry_id: entry.into(),
            number: 1,
            returned: false,
            sku: "a".into(),
            description: "A".into(),
            category: String::new(),
            quantity: Decimal::whole(1),
            currency: "EUR".into(),
            amount: 125,
            net: 103,
            discount: 0,
            tax_code: "A".into(),
            tax: 22,
            accepted_at: self.clock.now(),
        };
        let sold = self
            .records()
            .write(in_tx!(|tx, line| tx.sale_line_insert_many(&[line]).await));
        sold.await.expect("a line");
    }

    /// All runs, the oldest first.
    pub async fn runs(&self) -> Vec<RunRow> {
        let listed = self.records().read(in_tx!(|tx| tx
            .run_list(&RunFilter::default(), i64::MAX, 1_000_000)
            .await));
        let mut runs = listed.await.expect("runs");
        runs.reverse();
        runs
    }

    pub async fn run(&self, id: &str) -> RunRow {
        let mut runs = self.runs().await.into_iter();
        runs.find(|run| run.id == id).expect("it is there")
    }

    /// The files in `reports/example` with their contents, including hidden files.
    pub fn files(&self) -> BTreeMap<String, String> {
        let folder: PathBuf = self.folder.path().join("reports/example");
        let entries = std::fs::read_dir(folder).into_iter().flatten();
        let read = entries.map(|entry| {
            let path = entry.expect("an entry").path();
            let name = path
                .file_name()
                .expect("a name")
                .to_string_lossy()
                .into_owned();
            (name, std::fs::read_to_string(&path).expect("a file"))
        });
        read.collect()
    }

    /// Waits in real time until this many runs stopped before their first row.
    pub async fn until_waiting(&self, count: usize) {
        for _ in 0..5_000 {
            if self.plugins.waiting.load(Ordering::SeqCst) == count {
                return;
            }
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
        panic!("timeout: {count} runs before their first row");
    }

    pub fn block(&self, blocked: bool) {
        self.plugins.blocked.store(blocked, Ordering::SeqCst);
    }
}
