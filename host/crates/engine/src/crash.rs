//! The text of wasmtime's errors: the messages, and the functions that were on the stack.
//!
//! wasmtime's own text of a backtrace is not used. It contains names that the guest chose, of any length, and
//! it demangles them as C++: a mangled name of 300 bytes can grow to gigabytes.

use crate::printable::{first_line, printable};
use wasmtime::WasmBacktrace;

/// How wasmtime's own text of a backtrace starts.
const BACKTRACE: &str = "error while executing at wasm backtrace";

/// Maximum bytes of one message. Messages quote names of the component.
const MESSAGE_BYTES: usize = 1 << 10;

/// Maximum bytes of a function's name. wasmtime reports at most 20 functions.
const NAME_BYTES: usize = 200;

/// The messages of an error and its causes in one line, without a backtrace.
pub(crate) fn messages(error: &wasmtime::Error) -> String {
    let mut text = String::new();
    for cause in error.chain() {
        let message = first_line(cause, MESSAGE_BYTES);
        if message.starts_with(BACKTRACE) {
            continue;
        }
        let separator = if text.is_empty() { "" } else { ": " };
        text += separator;
        text += &message;
    }
    text
}

/// The functions on the stack, innermost first: a line for each, with its offset in the component.
pub(crate) fn functions(error: &wasmtime::Error) -> String {
    let mut text = String::new();
    let trace = error.downcast_ref::<WasmBacktrace>();
    for frame in trace.iter().flat_map(|trace| trace.frames()) {
        text += "\n  in ";
        text += &frame
            .func_name()
            .map_or_else(|| "unnamed function".to_owned(), demangled);
        if let Some(offset) = frame.module_offset() {
            text += &format!(" at {offset:#x}");
        }
    }
    text
}

/// The readable form of a name that Rust mangled. Other names stay as they are.
fn demangled(name: &str) -> String {
    match rustc_demangle::try_demangle(name) {
        Ok(rust) => first_line(format_args!("{rust:#}"), NAME_BYTES),
        Err(_) => printable(name, NAME_BYTES),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use wasmtime::{Engine, Instance, Module, Store};

    /// The error of a function with this name that crashes.
    fn crash_in(name: &str) -> wasmtime::Error {
        let text = format!(r#"(module (func $"{name}" (export "run") (unreachable)))"#);
        let wasm = wat::parse_str(text).expect("a module");
        let engine = Engine::default();
        let module = Module::new(&engine, wasm).expect("compiled");
        let mut store = Store::new(&engine, ());
        let instance = Instance::new(&mut store, &module, &[]).expect("an instance");
        let run = instance.get_typed_func::<(), ()>(&mut store, "run");
        run.expect("a function")
            .call(&mut store, ())
            .expect_err("a crash")
    }

    #[test]
    fn crash_has_a_message_and_functions() {
        let error = crash_in("_RNvC6_123foo3bar");
        assert_eq!(
            messages(&error),
            "wasm trap: wasm `unreachable` instruction executed"
        );
        let functions = functions(&error);
        assert!(
            functions.starts_with("\n  in 123foo::bar at 0x"),
            "{functions}"
        );
        assert_eq!(functions.lines().count(), 2);
    }

    #[test]
    fn names_of_functions_are_cut() {
        let name = format!("{}\\n{}", "n".repeat(100), "n".repeat(100_000));
        let functions = functions(&crash_in(&name));
        assert!(functions.len() < NAME_BYTES + 40, "{}", functions.len());
        assert_eq!(functions.lines().count(), 2);
    }

    /// As C++ it would be demangled to gigabytes: each level repeats the level below twice.
    #[test]
    fn names_of_functions_do_not_grow() {
        let mut name = "_Z1f1AIiiE".to_owned();
        for level in "0123456789ABCDEFGHIJKLMNOPQR".chars() {
            name += &format!("S_IS{level}_S{level}_E");
        }
        let text = functions(&crash_in(&name));
        assert!(text.len() < NAME_BYTES + 40, "{}", text.len());
    }
}
