//! Removes a guest's texts from the faults of sensitive points. A fault keeps its kind and the place in
//! the plugin, but nothing that the plugin wrote.
//!
//! A plugin that decrypts a member's number can put it, by mistake, into any text: its log, a fault's
//! reason, the name of a secret, a panic's message. `capability::log` drops log lines and standard
//! streams; this module removes all other texts. A backtrace keeps the names of functions, which are
//! compiled in. It loses the address of a memory fault, because the plugin may have used personal data
//! as an address.

use crate::{crash, stop};
use galleria_domain::{Fault, HostFault, Later, Problem};
use wasmtime::Trap;

/// Replaces a guest's text.
pub(crate) const WITHHELD: &str = "withheld: this extension point handles personal data";

/// Removes the texts from a fault that the guest returned.
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

/// Converts an error of wasmtime into a fault without a guest's texts.
pub(crate) fn fault_of(error: &wasmtime::Error) -> HostFault {
    // The output limit is not personal data, but an answer's limit is not reported.
    match stop::fault_of(error, 0) {
        HostFault::Trapped(_) => HostFault::Trapped(trace(error)),
        HostFault::ContractBroken(_) => HostFault::ContractBroken(WITHHELD.into()),
        // The guest's text is in quotes.
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

/// The reason of a crash and the names of the functions on the stack.
fn trace(error: &wasmtime::Error) -> String {
    let reason = match error.downcast_ref::<Trap>() {
        Some(trap) => trap.to_string(),
        None => "exited".to_owned(),
    };
    reason + &crash::functions(error)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stop::Stop;
    use wasmtime::{Engine, Instance, Module, Store};

    /// The error of a function that uses a member's number as an address.
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
    fn trap_omits_the_address() {
        let error = memory_fault();
        let HostFault::Trapped(full) = stop::fault_of(&error, 0) else {
            panic!("{error:?}");
        };
        assert!(
            full.contains("49291234"),
            "at other points the address stays: {full}"
        );
        let HostFault::Trapped(trace) = fault_of(&error) else {
            panic!("{error:?}");
        };
        assert!(!trace.contains("49291234"), "{trace}");
        assert!(trace.contains("out of bounds memory access"), "{trace}");
        assert!(trace.contains("read_member"), "{trace}");
    }

    #[test]
    fn faults_omit_the_guests_texts() {
        let redacted = |fault| fault_of(&Stop(fault).into());
        assert_eq!(
            redacted(HostFault::Denied("secret \"4929\"".into())),
            HostFault::Denied("secret".into())
        );
        assert_eq!(
            redacted(HostFault::Denied("waiting for a future time".into())),
            HostFault::Denied("waiting for a future time".into())
        );
        assert_eq!(
            redacted(HostFault::ContractBroken(
                "\"4929\" is not a valid file name".into()
            )),
            HostFault::ContractBroken(WITHHELD.into())
        );
        let text_of = |fault| format!("{:?}", super::fault(fault));
        let problem = || vec![Problem::new("4929", "4929")];
        for text in [
            text_of(Fault::Failed("4929".into())),
            text_of(Fault::Invalid(problem())),
            text_of(Fault::Misconfigured(problem())),
            text_of(Fault::Retry(Later {
                seconds: Some(4929),
                reason: "4929".into(),
            })),
        ] {
            assert!(!text.contains("4929"), "{text}");
        }
    }
}
