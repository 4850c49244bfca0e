//! How a call ends before its answer: the host's own reasons, and how wasmtime's errors are read.

use galleria_domain::HostFault;
use wasmtime::Trap;

/// The host stops a guest. Travels through wasmtime as an error and is found again by its type.
#[derive(Clone, Debug, thiserror::Error)]
#[error("the host stopped the call: {0:?}")]
pub(crate) struct Stop(pub HostFault);

impl Stop {
    /// A call of what was not granted.
    pub fn denied(what: impl Into<String>) -> Self {
        Self(HostFault::Denied(what.into()))
    }
}

/// wasmtime keeps the type of this error to itself; only its words tell that a guest handed over
/// more than `set_hostcall_fuel` allows. A test hands over too much and would notice other words.
const TOO_MUCH_DATA: &str = "fuel allocated for hostcalls has been exhausted";

/// What an error of wasmtime means for the caller.
pub(crate) fn fault_of(error: &wasmtime::Error, output_limit: u64) -> HostFault {
    if let Some(Stop(fault)) = error.downcast_ref::<Stop>() {
        return fault.clone();
    }
    if error.is::<wasmtime::PoolConcurrencyLimitError>() {
        return HostFault::HostFailed("more calls at once than the engine has room for".into());
    }
    if let Some(exit) = error.downcast_ref::<wasmtime_wasi::I32Exit>() {
        return HostFault::Trapped(format!("it left with exit code {}", exit.0));
    }
    if error.is::<Trap>() {
        return HostFault::Trapped(format!("{error:?}"));
    }
    let text = format!("{error:#}");
    if text.contains(TOO_MUCH_DATA) {
        return HostFault::OutputTooLarge(output_limit);
    }
    HostFault::ContractBroken(text)
}
