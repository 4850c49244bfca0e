//! One call of a guest: a fresh instance, its limits, and how it ended. Nothing of it is kept.

use crate::capability::log::{Author, Log};
use crate::compiled::Compiled;
use crate::meter::Meter;
use crate::sensitive;
use crate::stop::fault_of;
use crate::ticker::Ticker;
use crate::wasi;
use galleria_app::plugins::{Called, Streams};
use galleria_domain::plugin::{Limits, Rights};
use galleria_domain::{CallFault, HostFault, SecretKey};
use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use wasmtime::UpdateDeadline;
use wasmtime::component::{Instance, ResourceTable};
use wasmtime_wasi::{WasiCtx, WasiCtxView, WasiView};

/// What a guest may hold of the host at once: open files, streams.
const RESOURCES: usize = 1024;

/// The most that crosses from the guest in one piece, before it is counted as output: what is lifted
/// is allocated in the host first.
const TRANSFER_BYTES: u64 = 64 << 20;

/// Keys by the name the grant gives them.
pub(crate) type Keys = Arc<BTreeMap<String, Arc<SecretKey>>>;

/// What the host keeps while a guest runs.
pub(crate) struct Call {
    pub meter: Meter,
    pub log: Log,
    pub rights: Arc<Rights>,
    pub keys: Keys,
    pub streams: Streams,
    pub table: ResourceTable,
    /// The event's id.
    pub event: String,
    /// Texts that were encrypted so far.
    pub sealed: u64,
    /// Whether a statement's header was told.
    pub described: bool,
    wasi: WasiCtx,
}

impl WasiView for Call {
    fn ctx(&mut self) -> WasiCtxView<'_> {
        WasiCtxView {
            ctx: &mut self.wasi,
            table: &mut self.table,
        }
    }
}

/// Everything about a call but what is asked.
pub(crate) struct Asked<'a> {
    pub compiled: &'a Compiled,
    pub limits: Limits,
    pub rights: Arc<Rights>,
    pub keys: Keys,
    pub author: Author,
    pub occurred_at: &'a str,
    pub streams: Streams,
    /// Whether nothing the guest says may be kept.
    pub sensitive: bool,
}

/// What is asked of a fresh instance. An inner error is the guest's own fault.
pub(crate) type Answer<T> = wasmtime::Result<Result<T, CallFault>>;

/// Makes a fresh instance and asks it. A panic of the host's own code ends this call and no other.
pub(crate) fn ask<T>(
    ticker: &Ticker,
    asked: Asked<'_>,
    question: impl FnOnce(&mut wasmtime::Store<Call>, &Instance) -> Answer<T>,
) -> Called<T> {
    let Asked {
        compiled,
        limits,
        rights,
        keys,
        author,
        occurred_at,
        streams,
        sensitive,
    } = asked;
    let _running = ticker.run();
    let stop = Some(Arc::clone(&streams.stop));
    let event = author.event.clone();
    let log = Log::new(author, limits.log_bytes, sensitive);
    let wasi = wasi::context(&event, occurred_at, &log);
    let mut table = ResourceTable::new();
    table.set_max_capacity(RESOURCES);
    let call = Call {
        meter: Meter::begin(limits, stop),
        log: log.clone(),
        rights,
        keys,
        streams,
        table,
        event,
        sealed: 0,
        described: false,
        wasi,
    };
    let mut store = wasmtime::Store::new(compiled.pre.engine(), call);
    limit(&mut store, &limits);

    let asked = catch_unwind(AssertUnwindSafe(|| {
        let instance = compiled.pre.instantiate(&mut store)?;
        question(&mut store, &instance)
    }));
    log.close();
    let usage = store.data().meter.usage();
    let outcome = match asked {
        Ok(Ok(Err(CallFault::Guest(fault)))) if sensitive => {
            Err(CallFault::Guest(sensitive::fault(fault)))
        }
        Ok(Ok(answer)) => answer,
        Ok(Err(error)) if sensitive => Err(CallFault::Host(sensitive::fault_of(&error))),
        Ok(Err(error)) => Err(CallFault::Host(fault_of(&error, limits.output_bytes))),
        Err(panic) => Err(CallFault::Host(panicked(panic.as_ref(), sensitive))),
    };
    Called { outcome, usage }
}

fn limit(store: &mut wasmtime::Store<Call>, limits: &Limits) {
    store.limiter(|call| &mut call.meter);
    // Records take more room in the host than their bytes; what is exact is counted after.
    let transfer = limits.output_bytes.min(TRANSFER_BYTES) * 2 + (64 << 10);
    store.set_hostcall_fuel(usize::try_from(transfer).unwrap_or(usize::MAX));
    store.set_epoch_deadline(1);
    store.epoch_deadline_callback(|call| {
        call.data().meter.tick()?;
        Ok(UpdateDeadline::Continue(1))
    });
}

/// A panic's words may quote what it stumbled over.
fn panicked(panic: &(dyn std::any::Any + Send), sensitive: bool) -> HostFault {
    let what = match sensitive {
        true => sensitive::WITHHELD.to_owned(),
        false => words_of(panic),
    };
    tracing::error!(panic = what, "the engine panicked while it called a plugin");
    HostFault::HostFailed(format!("the engine panicked: {what}"))
}

fn words_of(panic: &(dyn std::any::Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
    text.or_else(|| panic.downcast_ref::<String>().cloned())
        .unwrap_or_else(|| "without a word".into())
}
