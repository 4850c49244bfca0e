//! Why a call ended without an answer: the host's own reasons, and the meaning of wasmtime's errors.

use crate::crash;
use crate::printable::printable;
use galleria_domain::HostFault;
use wasmtime::Trap;

/// Maximum bytes of a fault's text: it may quote a text of the guest.
const FAULT_BYTES: usize = 2 << 10;

/// The host stops a guest. Passes through wasmtime as an error and is recognised by its type.
#[derive(Clone, Debug, thiserror::Error)]
#[error("the host stopped the call: {0:?}")]
pub(crate) struct Stop(pub HostFault);

impl Stop {
    /// The guest called something that it was not granted.
    pub fn denied(what: impl Into<String>) -> Self {
        Self(HostFault::Denied(what.into()))
    }
}

/// wasmtime does not export the type of the error that reports a guest exceeding `set_hostcall_fuel`,
/// so it is recognised by its text. A test exceeds the limit and fails if the text changes.
const TOO_MUCH_DATA: &str = "fuel allocated for hostcalls has been exhausted";

/// Converts an error of wasmtime into a fault.
pub(crate) fn fault_of(error: &wasmtime::Error, output_limit: u64) -> HostFault {
    if let Some(Stop(fault)) = error.downcast_ref::<Stop>() {
        return cut(fault);
    }
    if error.is::<wasmtime::PoolConcurrencyLimitError>() {
        return HostFault::HostFailed(
            "the engine is already running as many calls as it can".into(),
        );
    }
    if let Some(exit) = error.downcast_ref::<wasmtime_wasi::I32Exit>() {
        return HostFault::Trapped(format!("exited with code {}", exit.0));
    }
    if error.is::<Trap>() {
        return HostFault::Trapped(crash::messages(error) + &crash::functions(error));
    }
    let text = crash::messages(error);
    if text.contains(TOO_MUCH_DATA) {
        return HostFault::OutputTooLarge(output_limit);
    }
    cut(&HostFault::ContractBroken(text))
}

/// Cuts the text of a fault, which may quote a text of the guest.
fn cut(fault: &HostFault) -> HostFault {
    match fault {
        HostFault::Denied(what) => HostFault::Denied(printable(what, FAULT_BYTES)),
        HostFault::ContractBroken(what) => HostFault::ContractBroken(printable(what, FAULT_BYTES)),
        other => other.clone(),
    }
}
