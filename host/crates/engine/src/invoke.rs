//! Calls a guest: creates a fresh instance with its limits, and reports how the call ended.

use crate::call::{Call, Keys};
use crate::capability::read_ahead;
use crate::compiled::Compiled;
use crate::meter::Meter;
use crate::plugin_log::{Author, Log};
use crate::sensitive;
use crate::stop::fault_of;
use crate::ticker::Ticker;
use crate::wasi;
use galleria_domain::plugin::{Limits, Rights};
use galleria_domain::{CallFault, HostFault};
use galleria_ports::plugins::{CallOutcome, Streams};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use wasmtime::UpdateDeadline;
use wasmtime::component::{Instance, ResourceTable};

/// Resources of the host that a guest may have open at once: files, keys, streams.
const RESOURCES: usize = 1024;

/// The largest value that a guest may pass at once, in bytes. The host allocates a value before it can
/// count it as output.
const TRANSFER_BYTES: u64 = 64 << 20;

/// Everything that a call needs, except the function to call.
pub(crate) struct CallSpec<'a> {
    pub compiled: &'a Compiled,
    pub limits: Limits,
    pub rights: Arc<Rights>,
    pub keys: Keys,
    pub author: Author,
    pub occurred_at: &'a str,
    pub streams: Streams,
    /// Whether the point handles personal data, so that no text of the guest may be stored.
    pub sensitive: bool,
}

/// The result of a guest's function. An inner error is a fault that the guest returned.
pub(crate) type GuestResult<T> = wasmtime::Result<Result<T, CallFault>>;

/// Creates a fresh instance and calls it with `invoke`. A panic in the host's own code ends only this
/// call.
pub(crate) fn call_guest<T>(
    ticker: &Ticker,
    spec: CallSpec<'_>,
    invoke: impl FnOnce(&mut wasmtime::Store<Call>, &Instance) -> GuestResult<T>,
) -> CallOutcome<T> {
    let CallSpec {
        compiled,
        limits,
        rights,
        keys,
        author,
        occurred_at,
        streams,
        sensitive,
    } = spec;
    let _running = ticker.run();
    let stop = Some(Arc::clone(&streams.stop));
    let streams = read_ahead(streams);
    let event = author.event.clone();
    let log = Log::new(author, limits.log_bytes, sensitive);
    let wasi = wasi::context(&event, occurred_at, &log);
    let mut table = ResourceTable::new();
    table.set_max_capacity(RESOURCES);
    let call = Call {
        meter: Meter::start(limits, stop),
        log: log.clone(),
        rights,
        keys,
        streams,
        table,
        open_files: 0,
        opened_files: 0,
        event,
        encryptions: 0,
        header_sent: false,
        wasi,
    };
    let mut store = wasmtime::Store::new(compiled.pre.engine(), call);
    limit(&mut store, &limits);

    let ended = catch_unwind(AssertUnwindSafe(|| {
        let instance = compiled.pre.instantiate(&mut store)?;
        invoke(&mut store, &instance)
    }));
    log.close();
    let usage = store.data().meter.usage();
    let outcome = match ended {
        Ok(Ok(Err(CallFault::Guest(fault)))) if sensitive => {
            Err(CallFault::Guest(sensitive::fault(fault)))
        }
        Ok(Ok(answer)) => answer,
        Ok(Err(error)) if sensitive => Err(CallFault::Host(sensitive::fault_of(&error))),
        Ok(Err(error)) => {
            let fault = fault_of(&error, limits.output_bytes);
            Err(CallFault::Host(explained(fault, &log.last_errors())))
        }
        Err(panic) => Err(CallFault::Host(panicked(panic.as_ref(), sensitive))),
    };
    CallOutcome { outcome, usage }
}

/// Puts the message of a panic before its backtrace.
fn explained(fault: HostFault, printed: &str) -> HostFault {
    match fault {
        HostFault::Trapped(trace) if !printed.is_empty() => {
            HostFault::Trapped(format!("{printed}\n{trace}"))
        }
        fault => fault,
    }
}

fn limit(store: &mut wasmtime::Store<Call>, limits: &Limits) {
    store.limiter(|call| &mut call.meter);
    // Records take more memory in the host than their bytes; `Meter::output` counts exactly afterwards.
    let transfer = limits.output_bytes.min(TRANSFER_BYTES) * 2 + (64 << 10);
    store.set_hostcall_fuel(usize::try_from(transfer).unwrap_or(usize::MAX));
    store.set_epoch_deadline(1);
    store.epoch_deadline_callback(|call| {
        call.data().meter.tick()?;
        Ok(UpdateDeadline::Continue(1))
    });
}

/// At a sensitive point the panic's message is withheld, because it may quote personal data.
fn panicked(panic: &(dyn std::any::Any + Send), sensitive: bool) -> HostFault {
    let message = match sensitive {
        true => sensitive::WITHHELD.to_owned(),
        false => panic_message(panic),
    };
    tracing::error!(panic = message, "engine panicked during a plugin call");
    HostFault::HostFailed(format!("the engine panicked: {message}"))
}

fn panic_message(panic: &(dyn std::any::Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
    text.or_else(|| panic.downcast_ref::<String>().cloned())
        .unwrap_or_else(|| "no message".into())
}
