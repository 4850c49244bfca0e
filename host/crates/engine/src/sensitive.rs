//! What may be kept of a call at a sensitive point: that it failed, and where in the plugin; never what
//! the plugin said.
//!
//! A plugin that decrypts a member's number can put that number, by mistake, wherever it can put a
//! text: into its log, into a fault's reason, into the name of a secret it asks for, into a panic's
//! message. Log and standard streams are dropped (`capability::log`); here the rest loses its texts.
//! A backtrace keeps the names of functions, which are compiled in, and loses the address that a memory
//! fault names, which may be a number that was read as one.

use crate::stop;
use galleria_domain::{Fault, HostFault, Later, Problem};
use wasmtime::{Trap, WasmBacktrace};

/// In the place of a guest's words.
pub(crate) const WITHHELD: &str = "withheld: this extension point handles personal data";

/// A guest's own fault, without its words.
pub(crate) fn fault(fault: Fault) -> Fault {
    let problems = || vec![Problem::new("", WITHHELD)];
    match fault {
        Fault::Invalid(_) => Fault::Invalid(problems()),
        Fault::Misconfigured(_) => Fault::Misconfigured(problems()),
        Fault::Retry(_) => Fault::Retry(Later {
            seconds: None,
            reason: WITHHELD.into(),
        }),
        Fault::Failed(_) => Fault::Failed(WITHHELD.into()),
    }
}

/// What the host found, without a guest's words.
pub(crate) fn fault_of(error: &wasmtime::Error) -> HostFault {
    // The limit of output is nothing personal; an answer's is not told.
    match stop::fault_of(error, 0) {
        HostFault::Trapped(_) => HostFault::Trapped(trace(error)),
        HostFault::ContractBroken(_) => HostFault::ContractBroken(WITHHELD.into()),
        // What a guest named stands in quotes.
        HostFault::Denied(what) => {
            let kind = what.split('"').next().unwrap_or_default();
            HostFault::Denied(kind.trim_end().to_owned())
        }
        other @ (HostFault::OutOfCpu(_)
        | HostFault::TimedOut(_)
        | HostFault::OutOfMemory(_)
        | HostFault::OutputTooLarge(_)
        | HostFault::TooManyCalls(_)
        | HostFault::NotServed(_)
        | HostFault::HostFailed(_)) => other,
    }
}

/// Why it crashed, and the names of the functions it was in.
fn trace(error: &wasmtime::Error) -> String {
    let mut text = match error.downcast_ref::<Trap>() {
        Some(trap) => trap.to_string(),
        None => "it left".to_owned(),
    };
    let frames = error.downcast_ref::<WasmBacktrace>();
    for frame in frames.iter().flat_map(|trace| trace.frames()) {
        let symbol = frame.symbols().first().and_then(|symbol| symbol.name());
        text += "\n  in ";
        text += symbol
            .or(frame.func_name())
            .unwrap_or("a function without a name");
    }
    text
}
