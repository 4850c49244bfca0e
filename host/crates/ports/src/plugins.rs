//! The engine as the use cases see it: which plugins serve a store, and what they decide.
//!
//! Implemented by `galleria-engine`. Calls block their thread: one event stays on one thread,
//! because the limit counts the CPU time of the thread.

pub use galleria_domain::feed::{CatalogueRow, SettlementRow};
use galleria_domain::plugin::{Inspection, Point, Slot};
use galleria_domain::schedule::Schedule;
use galleria_domain::{
    CallFault, Cancellation, Context, Decision, FiscalMark, HostFault, MatchingRules, Member,
    Outgoing, Pickup, Refund, Reply, Sale, Shift, StatementHeader, StatementLine, Store, Totals,
    Verification, Window,
};
use serde::{Deserialize, Serialize};
use std::any::Any;
use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

/// A slot whose component was loaded, checked against its grants and compiled.
#[derive(Clone, Debug)]
pub struct LoadedPlugin {
    /// The slot: how the retailer uses the plugin.
    pub slot: Arc<Slot>,
    /// The inspection of the component.
    pub inspection: Arc<Inspection>,
    /// What the engine needs for its calls.
    pub handle: PluginHandle,
}

/// The engine's own part of a plugin. The plugin can be called as long as this exists, also after a reload replaced it.
pub type PluginHandle = Arc<dyn Any + Send + Sync>;

impl LoadedPlugin {
    /// Whether the slot serves a point for a store.
    pub fn serves(&self, store: &Store, point: Point) -> bool {
        self.slot.retailer == store.retailer
            && self.inspection.exports.contains(&point)
            && self.slot.filter.covers(store)
    }
}

macro_rules! calls {
    (
        react { $($(#[$react_doc:meta])* $react:ident $react_module:ident $react_name:literal $react_world:literal
            $argument:ident ($($field:ident: $field_type:ty),+), $react_status:ident;)* }
        answer { $($answer:tt)* }
        stream { $($(#[$stream_doc:meta])* $stream:ident $stream_module:ident $stream_name:literal $stream_world:literal
            $run:ident ($($window:ident: $window_type:ty)?), $stream_status:ident;)* }
    ) => {
        /// The argument of a react point.
        #[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
        #[serde(rename_all = "snake_case")]
        pub enum Argument {
            $(
                #[doc = concat!("For `", $react_name, "`.")]
                $argument($($field_type),+),
            )*
        }

        impl Argument {
            /// Returns the point that takes this argument.
            pub fn point(&self) -> Point {
                match self {
                    $(Self::$argument(..) => Point::$react,)*
                }
            }
        }

        /// A stream point with its argument.
        #[derive(Clone, Debug, PartialEq, Eq)]
        pub enum Stream {
            $(
                #[doc = concat!("For `", $stream_name, "`.")]
                $run $(($window_type))?,
            )*
        }

        impl Stream {
            /// Returns the point that runs.
            pub fn point(&self) -> Point {
                match self {
                    $(Self::$run { .. } => Point::$stream,)*
                }
            }
        }
    };
}
galleria_contract::extension_points!(calls);

/// The resources that a call used.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Usage {
    /// CPU time of the thread.
    pub cpu: Duration,
    /// Wall time.
    pub wall: Duration,
    /// Peak of all memories.
    pub memory_bytes: u64,
    /// Size of everything decided or written.
    pub output_bytes: u64,
    /// Calls of capabilities.
    pub host_calls: u64,
    /// Calls of linked functions that are always denied, such as files and sockets of WASI.
    pub denied_calls: u64,
}

/// A retailer whose plugins could not be loaded, or are being loaded.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct OutOfService {
    /// The retailer's name.
    pub retailer: String,
    /// What to correct: file, key and rule of each error. They contain no secret. If the process still loads the
    /// retailer, a text that begins with `loading`.
    pub errors: Vec<String>,
}

/// Why a retailer is out of service while a process loads it for the first time.
const LOADING: &str =
    "loading: the process compiles and checks its plugins since its start; no correction is needed";

/// How a process serves a retailer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum LoadState {
    /// Not yet: the process loads it for the first time. Until then, it is out of service.
    Loading,
    /// With the files that it read last.
    Serving,
    /// Not at all: its events, runs and pickups wait.
    OutOfService,
    /// With its previous configuration, because the files that it read last have errors.
    ReloadFailed,
}

impl LoadState {
    /// Every state.
    pub const ALL: [Self; 4] = [
        Self::Loading,
        Self::Serving,
        Self::OutOfService,
        Self::ReloadFailed,
    ];

    /// The name in JSON and in the database.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Loading => "loading",
            Self::Serving => "serving",
            Self::OutOfService => "out_of_service",
            Self::ReloadFailed => "reload_failed",
        }
    }

    /// Whether the events, runs and pickups of the retailer wait.
    pub const fn is_out_of_service(self) -> bool {
        matches!(self, Self::Loading | Self::OutOfService)
    }

    /// Whether the last load failed.
    pub const fn is_failed(self) -> bool {
        matches!(self, Self::OutOfService | Self::ReloadFailed)
    }
}

/// How a process loaded a retailer the last time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RetailerLoad {
    /// The retailer's name.
    pub retailer: String,
    /// How the process serves it.
    pub state: LoadState,
    /// What to correct: file, key and rule of each error. They contain no secret. Empty unless the load failed.
    pub errors: Vec<String>,
}

impl RetailerLoad {
    /// The retailer with the reasons, if it is out of service.
    pub fn out_of_service(&self) -> Option<OutOfService> {
        self.state.is_out_of_service().then(|| OutOfService {
            retailer: self.retailer.clone(),
            errors: match self.state {
                LoadState::Loading => vec![LOADING.to_owned()],
                _ => self.errors.clone(),
            },
        })
    }
}

/// The folders of retailers in the host's directories.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RetailerFolders {
    /// The pickups of the retailers that serve.
    pub pickups: Vec<Pickup>,
    /// Retailer and directory of the folders to which plugins may write.
    pub outputs: BTreeSet<(String, String)>,
}

/// The outcome of a call whose plugin is not loaded.
pub fn not_served<T>(plugin: &LoadedPlugin) -> CallOutcome<T> {
    CallOutcome {
        outcome: Err(CallFault::Host(HostFault::NotServed(format!(
            "{}/{} is not loaded",
            plugin.slot.retailer, plugin.slot.name
        )))),
        usage: Usage::default(),
    }
}

/// The outcome of a call.
#[derive(Clone, Debug)]
pub struct CallOutcome<T> {
    /// The answer, or the fault.
    pub outcome: Result<T, CallFault>,
    /// The resources that it used in both cases.
    pub usage: Usage,
}

/// The maximum number of rows of a batch, and the number that the host reads ahead: enough to make the cost of a call
/// and of a query negligible, few enough to keep a batch below 1 MiB.
pub const BATCH_ROWS: u32 = 4096;

/// The end of the time that a call may take.
pub trait Deadline {
    /// Returns `Error::Stopped` if the call's time is over or its run was stopped. Every loop of the host checks it
    /// if the data or the guest determines the loop's length.
    fn check(&self) -> Result<(), crate::Error>;
}

/// A flag that stops a run, for callers without a limit of time.
impl Deadline for AtomicBool {
    fn check(&self) -> Result<(), crate::Error> {
        match self.load(Ordering::Relaxed) {
            true => Err(crate::Error::Stopped),
            false => Ok(()),
        }
    }
}

/// A source of rows, which is read until a batch is empty.
pub trait Feed<T>: Send {
    /// At most `max` rows, in order. The error is for the operator, except `Error::Stopped` of `deadline`.
    fn next(&mut self, max: u32, deadline: &dyn Deadline) -> Result<Vec<T>, crate::Error>;
}

/// Receives the files of a run. They appear only if the run succeeds.
pub trait Sink: Send {
    /// Begins a file and returns its number. Returns `Error::NameTaken` if the run has begun a file of this name
    /// in this directory before.
    fn open(&mut self, directory: &str, name: &str, media_type: &str) -> Result<u32, crate::Error>;
    /// Appends to a file.
    fn write(&mut self, file: u32, chunk: &[u8]) -> Result<(), crate::Error>;
    /// Ends a file and frees its descriptor.
    fn close(&mut self, file: u32) -> Result<(), crate::Error>;
}

/// The file that a run reads.
pub trait Source: Send {
    /// Its name, without the folder.
    fn name(&self) -> String;
    /// At most `max` bytes; empty at the end.
    fn read(&mut self, max: u32) -> Result<Vec<u8>, crate::Error>;
}

/// Receives the lines of a statement. Problems of lines are collected and reported after the run;
/// an error here is an error of the host.
pub trait Lines: Send {
    /// Sets the header of the statement.
    fn describe(&mut self, header: StatementHeader) -> Result<(), crate::Error>;
    /// Adds lines.
    fn push(&mut self, lines: Vec<StatementLine>) -> Result<(), crate::Error>;
}

/// The streams of a run. An absent stream is denied.
#[derive(Default)]
pub struct Streams {
    /// For `sale-lines`.
    pub sale_lines: Option<Box<dyn Feed<crate::records::SaleLine>>>,
    /// For `activities`.
    pub activities: Option<Box<dyn Feed<(Store, galleria_domain::Activity)>>>,
    /// For `settlement`.
    pub settlement: Option<Box<dyn Feed<SettlementRow>>>,
    /// For `products`.
    pub products: Option<Box<dyn Feed<CatalogueRow>>>,
    /// For `input`.
    pub input: Option<Box<dyn Source>>,
    /// For `statement`.
    pub statement: Option<Box<dyn Lines>>,
    /// For `output`.
    pub output: Option<Box<dyn Sink>>,
    /// Set to stop the run at its next call of the host or tick of the clock.
    pub stop: Arc<AtomicBool>,
}

/// The plugins of the active configuration, and what it states about each retailer. A reload may change the
/// configuration between two calls.
pub trait Plugins: Send + Sync {
    /// All loaded slots.
    fn all(&self) -> Vec<LoadedPlugin>;

    /// The slots of a retailer, in the order of `retailer.toml`.
    fn of_retailer(&self, retailer: &str) -> Vec<LoadedPlugin> {
        let mut all = self.all();
        all.retain(|loaded| loaded.slot.retailer == retailer);
        all
    }

    /// How each configured retailer was loaded.
    fn loads(&self) -> Vec<RetailerLoad> {
        Vec::new()
    }

    /// The retailers that are out of service.
    fn out_of_service(&self) -> Vec<OutOfService> {
        let loads = self.loads();
        let broken = loads.iter().filter_map(RetailerLoad::out_of_service);
        broken.collect()
    }

    /// Whether the retailer is out of service.
    fn is_out_of_service(&self, retailer: &str) -> bool {
        let mut all = self.out_of_service().into_iter();
        all.any(|one| one.retailer == retailer)
    }

    /// Whether the events, runs and tenders of the retailer wait: it is out of service, or this process does not know it
    /// because its folder is newer than the start.
    fn is_unavailable(&self, retailer: &str) -> bool {
        self.is_out_of_service(retailer)
    }

    /// The names of the configured retailers, with those that have no plugin or are out of service.
    fn retailers(&self) -> BTreeSet<String> {
        let all = self.all().into_iter();
        all.map(|loaded| loaded.slot.retailer.clone()).collect()
    }

    /// Whether the retailer has a folder now, from which it can be loaded. This reads the file system.
    fn has_folder(&self, retailer: &str) -> Result<bool, crate::Error> {
        Ok(self.retailers().contains(retailer))
    }

    /// The schedules of the loaded slots.
    fn schedules(&self) -> Vec<Schedule> {
        let all = self.all().into_iter();
        all.flat_map(|loaded| loaded.slot.schedules.clone())
            .collect()
    }

    /// The folders from which statements are picked up, and those to which plugins write.
    fn folders(&self) -> RetailerFolders {
        RetailerFolders::default()
    }

    /// The rules by which the statements of a retailer are matched; the default rules for a retailer without rules of
    /// its own. `None` if they could not be read: then its statements wait.
    fn matching(&self, _retailer: &str) -> Option<MatchingRules> {
        Some(MatchingRules::default())
    }

    /// The slots that serve a point for a store, in the order of `retailer.toml`.
    fn serving(&self, store: &Store, point: Point) -> Vec<LoadedPlugin> {
        let mut slots = self.of_retailer(&store.retailer);
        slots.retain(|loaded| loaded.serves(store, point));
        slots
    }

    /// A slot by retailer and name.
    fn named(&self, retailer: &str, name: &str) -> Option<LoadedPlugin> {
        let mut slots = self.of_retailer(retailer).into_iter();
        slots.find(|loaded| loaded.slot.name == name)
    }

    /// Calls a react point.
    fn react(
        &self,
        plugin: &LoadedPlugin,
        cx: &Context,
        argument: &Argument,
    ) -> CallOutcome<Decision>;

    /// Identifies the member of a code. This is a sensitive point: the log of the guest is dropped.
    fn identify(
        &self,
        plugin: &LoadedPlugin,
        cx: &Context,
        code: &str,
    ) -> CallOutcome<Option<Member>>;

    /// Runs a stream point.
    fn run(
        &self,
        plugin: &LoadedPlugin,
        cx: &Context,
        run: &Stream,
        streams: Streams,
    ) -> CallOutcome<Totals>;
}
