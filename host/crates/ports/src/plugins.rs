//! What the use cases need of the engine: which plugins serve a store, and what they decide.
//!
//! Fulfilled by `galleria-engine`. Calls block the thread they are made on: one event stays on one
//! thread, whose CPU time is what the limit counts.

pub use galleria_domain::feed::{CatalogueRow, SettlementRow};
use galleria_domain::plugin::{Inspection, Point, Slot};
use galleria_domain::{
    CallFault, Cancellation, Context, Decision, FiscalMark, Member, Outgoing, Refund, Reply, Sale,
    Shift, StatementHeader, StatementLine, Store, Totals, Verification, Window,
};
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use std::time::Duration;

/// A slot whose component was loaded, checked against its grants and compiled.
#[derive(Clone, Debug)]
pub struct LoadedPlugin {
    /// How the retailer uses it.
    pub slot: Arc<Slot>,
    /// What the component is.
    pub inspection: Arc<Inspection>,
    /// The engine's own number for it.
    pub index: usize,
}

macro_rules! calls {
    (
        react { $($(#[$react_doc:meta])* $react:ident $react_module:ident $react_name:literal $react_world:literal
            $argument:ident ($($field:ident: $field_type:ty),+);)* }
        answer { $($answer:tt)* }
        stream { $($(#[$stream_doc:meta])* $stream:ident $stream_module:ident $stream_name:literal $stream_world:literal
            $run:ident ($($window:ident: $window_type:ty)?);)* }
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

/// What a call used.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Usage {
    /// CPU time of the thread.
    pub cpu: Duration,
    /// Wall time.
    pub wall: Duration,
    /// Peak of all memories.
    pub memory_bytes: u64,
    /// Of everything decided or written.
    pub output_bytes: u64,
    /// Calls of capabilities.
    pub host_calls: u64,
    /// Calls of what is linked but offers nothing, such as WASI's files and sockets.
    pub denied_calls: u64,
}

/// How a call ended.
#[derive(Clone, Debug)]
pub struct CallOutcome<T> {
    /// The answer, or why there is none.
    pub outcome: Result<T, CallFault>,
    /// What it used, either way.
    pub usage: Usage,
}

/// A feed: pulled until a batch is empty.
pub trait Feed<T>: Send {
    /// At most `max` rows, in order. The error is for the operator.
    fn next(&mut self, max: u32) -> Result<Vec<T>, crate::Error>;
}

/// Where a run's files go. Nothing is seen outside before the run has ended well.
pub trait Sink: Send {
    /// Begins a file and answers its number.
    fn open(&mut self, directory: &str, name: &str, media_type: &str) -> Result<u32, crate::Error>;
    /// Appends to it.
    fn write(&mut self, file: u32, chunk: &[u8]) -> Result<(), crate::Error>;
}

/// The file a run reads.
pub trait Source: Send {
    /// Its name, without the folder.
    fn name(&self) -> String;
    /// At most `max` bytes; none at the end.
    fn read(&mut self, max: u32) -> Result<Vec<u8>, crate::Error>;
}

/// Where the lines of a statement go as they are read. Refusals of what a line says are kept there
/// and told after the run; an error here is the host's own trouble.
pub trait Lines: Send {
    /// What holds for the whole statement.
    fn describe(&mut self, header: StatementHeader) -> Result<(), crate::Error>;
    /// The next lines.
    fn push(&mut self, lines: Vec<StatementLine>) -> Result<(), crate::Error>;
}

/// Everything a run may pull from or push to; what is none is denied.
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
    pub stop: Arc<std::sync::atomic::AtomicBool>,
}

/// The plugins of the active configuration.
pub trait Plugins: Send + Sync {
    /// All that are loaded.
    fn all(&self) -> &[LoadedPlugin];

    /// Those that serve a point for a store, in the order of `retailer.toml`.
    fn serving(&self, store: &Store, point: Point) -> Vec<LoadedPlugin> {
        let serves = |loaded: &&LoadedPlugin| {
            loaded.slot.retailer == store.retailer
                && loaded.inspection.exports.contains(&point)
                && loaded.slot.filter.covers(store)
        };
        self.all().iter().filter(serves).cloned().collect()
    }

    /// A slot by retailer and name.
    fn named(&self, retailer: &str, name: &str) -> Option<LoadedPlugin> {
        let is =
            |loaded: &&LoadedPlugin| loaded.slot.retailer == retailer && loaded.slot.name == name;
        self.all().iter().find(is).cloned()
    }

    /// Asks for a decision.
    fn react(
        &self,
        plugin: &LoadedPlugin,
        cx: &Context,
        argument: &Argument,
    ) -> CallOutcome<Decision>;

    /// Asks who is behind a code. A sensitive point: what the guest logs is dropped.
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
