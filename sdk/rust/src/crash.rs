//! Reports panics. The host records the report with the crash.

use std::io::Write as _;
use std::panic::PanicHookInfo;

/// The maximum length of a message. The host keeps the last 3 KiB.
const MESSAGE_BYTES: usize = 1_000;

/// Reports the panics of a component. The hook of the standard library prints the whole message after the
/// location, so that a long message displaces the location.
pub fn report_panics() {
    if cfg!(target_arch = "wasm32") {
        std::panic::set_hook(Box::new(|panic| {
            // A report that cannot be written has no other place to go.
            _ = writeln!(std::io::stderr(), "{}", report(panic));
        }));
    }
}

/// Returns the location and the beginning of the message.
fn report(panic: &PanicHookInfo<'_>) -> String {
    let message = panic
        .payload_as_str()
        .unwrap_or("a panic without a message");
    let cut = &message[..message.floor_char_boundary(MESSAGE_BYTES)];
    let more = if cut.len() < message.len() { "..." } else { "" };
    match panic.location() {
        Some(location) => format!("panicked at {location}:\n{cut}{more}"),
        None => format!("panicked:\n{cut}{more}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Mutex;

    #[test]
    fn a_long_message_is_cut_after_its_location() {
        static REPORTS: Mutex<Vec<String>> = Mutex::new(Vec::new());
        let earlier = std::panic::take_hook();
        std::panic::set_hook(Box::new(|panic| {
            REPORTS.lock().expect("reports").push(report(panic));
        }));
        let line = line!() + 1;
        let long = std::panic::catch_unwind(|| panic!("{}", "\u{e4}\n".repeat(1_000)));
        let short = std::panic::catch_unwind(|| panic!("one is {}", "less"));
        std::panic::set_hook(earlier);
        assert!(long.is_err() && short.is_err());
        let reports = REPORTS.lock().expect("reports");
        // Panics of other tests may be among them.
        let of = |line: u32| {
            let start = format!("panicked at {}:{line}:", file!());
            let found = reports.iter().find(|report| report.starts_with(&start));
            found.expect("a report")
        };
        let (long, short) = (of(line), of(line + 1));
        assert!(
            long.len() < MESSAGE_BYTES + 200 && long.ends_with("\u{e4}\n..."),
            "{long}"
        );
        assert!(short.ends_with(":\none is less"), "{short}");
    }
}
