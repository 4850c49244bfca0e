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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stop::Stop;
    use wasmtime::{Engine, Instance, Module, Store};

    /// A function that reads at an address which is a member's number.
    fn memory_fault() -> wasmtime::Error {
        let wasm = wat::parse_str(
            r#"(module (memory 1)
                (func $read_member (export "run") (result i32) (i32.load (i32.const 0x49291234))))"#,
        );
        let engine = Engine::default();
        let module = Module::new(&engine, wasm.expect("a module")).expect("compiled");
        let mut store = Store::new(&engine, ());
        let instance = Instance::new(&mut store, &module, &[]).expect("an instance");
        let run = instance.get_typed_func::<(), i32>(&mut store, "run");
        run.expect("a function")
            .call(&mut store, ())
            .expect_err("a fault")
    }

    #[test]
    fn an_address_is_not_told() {
        let error = memory_fault();
        let HostFault::Trapped(told) = stop::fault_of(&error, 0) else {
            panic!("{error:?}");
        };
        assert!(told.contains("49291234"), "elsewhere it helps: {told}");
        let HostFault::Trapped(told) = fault_of(&error) else {
            panic!("{error:?}");
        };
        assert!(!told.contains("49291234"), "{told}");
        assert!(told.contains("out of bounds memory access"), "{told}");
        assert!(told.contains("read_member"), "{told}");
    }

    #[test]
    fn what_a_guest_named_or_said_is_not_told() {
        let told = |fault| fault_of(&Stop(fault).into());
        assert_eq!(
            told(HostFault::Denied("secret \"4929\"".into())),
            HostFault::Denied("secret".into())
        );
        assert_eq!(
            told(HostFault::Denied("waiting for a time to come".into())),
            HostFault::Denied("waiting for a time to come".into())
        );
        assert_eq!(
            told(HostFault::ContractBroken("\"4929\" is no file name".into())),
            HostFault::ContractBroken(WITHHELD.into())
        );
        let said = |fault| format!("{:?}", super::fault(fault));
        let problem = || vec![Problem::new("4929", "4929")];
        for told in [
            said(Fault::Failed("4929".into())),
            said(Fault::Invalid(problem())),
            said(Fault::Misconfigured(problem())),
            said(Fault::Retry(Later {
                seconds: Some(4929),
                reason: "4929".into(),
            })),
        ] {
            assert!(!told.contains("4929"), "{told}");
        }
    }
}
