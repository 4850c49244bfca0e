//! The log of one call: lines in the host's log under the target `plugin`, from the capability `log` and
//! from a guest's standard output and standard error.
//!
//! The bytes of a call are limited; further lines are dropped and counted. At sensitive points all lines
//! are dropped.

use crate::bindings::log::Level;
use crate::printable::printable;
use galleria_domain::plugin::Operation;
use std::fmt::Write as _;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Maximum bytes of one line. A longer line is truncated, so that it does not use up the whole limit.
const LINE_BYTES: usize = 8 << 10;

/// Bytes that a printed line has around its values: time, level, target and the names of the fields.
const LINE_OVERHEAD: u64 = 140;

/// Maximum bytes of the last lines of standard error that a crash reports. The SDKs limit their reports to
/// less.
const LAST_BYTES: usize = 3 << 10;

/// Maximum bytes of one of these lines, so that a long message does not displace the place of the crash.
const LAST_LINE_BYTES: usize = 2 << 10;

/// The hint that the standard library prints after a panic; the host always adds a backtrace.
const BACKTRACE_HINT: &str = "note: run with `RUST_BACKTRACE";

/// The origin of the lines, logged with each of them.
#[derive(Debug)]
pub(crate) struct Author {
    pub retailer: String,
    pub slot: String,
    pub event: String,
    /// The store's id; empty for a run over all stores.
    pub store: String,
}

impl Author {
    /// Bytes of a printed line without its message and fields.
    fn bytes(&self) -> u64 {
        let Self {
            retailer,
            slot,
            event,
            store,
        } = self;
        let names = [retailer, slot, event, store].map(|name| printed_bytes(name));
        LINE_OVERHEAD + names.iter().sum::<u64>()
    }
}

/// The log of one call. Shared with the guest's standard output and error.
#[derive(Clone)]
pub(crate) struct Log(Arc<Mutex<Lines>>);

struct Lines {
    author: Author,
    sensitive: bool,
    left: u64,
    dropped: u64,
    /// Whether the call already logged an operation beyond its grant.
    grant_warning_logged: bool,
    /// Incomplete lines of standard output and standard error.
    unfinished: [Vec<u8>; 2],
    /// The last lines of standard error: a panic prints its message there.
    last_errors: String,
}

/// One of the guest's standard streams.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Printed {
    Out,
    Err,
}

impl Log {
    /// Creates the log of one call.
    pub fn new(author: Author, bytes: u64, sensitive: bool) -> Self {
        Self(Arc::new(Mutex::new(Lines {
            author,
            sensitive,
            left: bytes,
            dropped: 0,
            grant_warning_logged: false,
            unfinished: [Vec::new(), Vec::new()],
            last_errors: String::new(),
        })))
    }

    fn lines(&self) -> MutexGuard<'_, Lines> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Writes a line.
    pub fn write(&self, level: Level, message: &str, fields: &[(String, String)]) {
        self.lines().write(level, message, fields);
    }

    /// Adds bytes that a guest printed.
    pub fn print(&self, stream: Printed, bytes: &[u8]) {
        let mut lines = self.lines();
        if lines.sensitive {
            return;
        }
        for piece in bytes.split_inclusive(|byte| *byte == b'\n') {
            let unfinished = &mut lines.unfinished[stream as usize];
            unfinished.extend_from_slice(piece);
            if piece.ends_with(b"\n") || unfinished.len() >= LINE_BYTES {
                lines.finish(stream);
            }
        }
    }

    /// Warns of an operation that the grant does not name. Logged once for each call, because a guest may
    /// repeat it. The text contains nothing from the guest.
    pub fn beyond_grant(&self, secret: &str, operation: Operation) {
        let mut lines = self.lines();
        if std::mem::replace(&mut lines.grant_warning_logged, true) {
            return;
        }
        let author = &lines.author;
        tracing::warn!(
            target: "plugin",
            retailer = author.retailer,
            slot = author.slot,
            event = author.event,
            store = author.store,
            "operation {operation} denied: the grant of secret \"{secret}\" does not include it"
        );
    }

    /// The last lines that the guest printed to standard error; empty at sensitive points.
    pub fn last_errors(&self) -> String {
        self.lines().last_errors.trim_end().to_owned()
    }

    /// Writes incomplete lines and the number of dropped ones. Called when the call has ended.
    pub fn close(&self) {
        let mut lines = self.lines();
        lines.finish(Printed::Out);
        lines.finish(Printed::Err);
        let Lines {
            author, dropped, ..
        } = &*lines;
        if *dropped > 0 {
            tracing::warn!(
                target: "plugin",
                retailer = author.retailer,
                slot = author.slot,
                event = author.event,
                store = author.store,
                dropped,
                "log limit exceeded, lines dropped"
            );
        }
    }
}

impl Lines {
    fn finish(&mut self, stream: Printed) {
        let bytes = std::mem::take(&mut self.unfinished[stream as usize]);
        let text = String::from_utf8_lossy(&bytes);
        let text = text.trim_end();
        if !text.is_empty() {
            let level = match stream {
                Printed::Out => Level::Info,
                Printed::Err => Level::Warn,
            };
            if matches!(stream, Printed::Err) && !text.starts_with(BACKTRACE_HINT) {
                self.keep_error(text);
            }
            self.write(level, text, &[]);
        }
    }

    fn keep_error(&mut self, line: &str) {
        self.last_errors += &printable(line, LAST_LINE_BYTES);
        self.last_errors.push('\n');
        let mut start = self.last_errors.len().saturating_sub(LAST_BYTES);
        while !self.last_errors.is_char_boundary(start) {
            start += 1;
        }
        self.last_errors.drain(..start);
    }

    fn write(&mut self, level: Level, message: &str, fields: &[(String, String)]) {
        if self.sensitive {
            return;
        }
        let mut text = String::new();
        for (name, value) in fields {
            if text.len() >= LINE_BYTES {
                break;
            }
            let space = if text.is_empty() { "" } else { " " };
            // Writing to a string cannot fail.
            _ = write!(
                text,
                "{space}{}={:?}",
                printable(name, LINE_BYTES),
                printable(value, LINE_BYTES)
            );
        }
        let (message, fields) = (printable(message, LINE_BYTES), printable(&text, LINE_BYTES));
        let bytes = self.author.bytes() + printed_bytes(&message) + printed_bytes(&fields);
        if bytes > self.left {
            self.dropped += 1;
            return;
        }
        self.left -= bytes;
        let Author {
            retailer,
            slot,
            event,
            store,
        } = &self.author;
        macro_rules! event {
            ($level:ident) => {
                tracing::event!(
                    target: "plugin", tracing::Level::$level,
                    retailer, slot, event, store, fields, "{message}"
                )
            };
        }
        match level {
            Level::Debug => event!(DEBUG),
            Level::Info => event!(INFO),
            Level::Warn => event!(WARN),
            Level::Error => event!(ERROR),
        }
    }
}

/// The length of a text in a JSON line, which escapes quotes and backslashes. Control characters were replaced.
fn printed_bytes(text: &str) -> u64 {
    let escaped = |byte: &u8| matches!(byte, b'"' | b'\\');
    (text.len() + text.bytes().filter(|byte| escaped(byte)).count()) as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMIT: u64 = 300;

    fn log(sensitive: bool) -> Log {
        let author = Author {
            retailer: "r".into(),
            slot: "s".into(),
            event: "e".into(),
            store: String::new(),
        };
        Log::new(author, LIMIT, sensitive)
    }

    fn left_and_dropped(log: &Log) -> (u64, u64) {
        let lines = log.lines();
        (lines.left, lines.dropped)
    }

    #[test]
    fn lines_beyond_the_limit_are_dropped_and_counted() {
        let log = log(false);
        log.write(Level::Info, "12345", &[("ab".into(), "c".into())]);
        // The names of the author have 3 bytes; ab="c" has 6, and JSON escapes two quotes.
        let left = LIMIT - LINE_OVERHEAD - 3 - 5 - 8;
        assert_eq!(left_and_dropped(&log), (left, 0));
        log.print(Printed::Out, &[b'x'; 8]);
        log.print(Printed::Out, b"\n");
        assert_eq!(left_and_dropped(&log), (left, 1));
    }

    #[test]
    fn empty_fields_are_charged_and_cut() {
        let log = log(false);
        log.lines().left = 100_000;
        let empty = vec![(String::new(), String::new()); 1_000_000];
        log.write(Level::Info, "", &empty);
        let charged = 100_000 - left_and_dropped(&log).0;
        let printed = LINE_BYTES as u64;
        assert!((printed..3 * printed).contains(&charged), "{charged}");
    }

    #[test]
    fn sensitive_points_drop_all_lines() {
        let log = log(true);
        log.write(Level::Error, "a secret", &[]);
        log.print(Printed::Err, b"a secret\n");
        assert_eq!(
            left_and_dropped(&log),
            (LIMIT, 0),
            "dropped lines are not counted"
        );
        log.close();
        assert_eq!(log.last_errors(), "");
    }

    #[test]
    fn the_last_errors_are_kept_beyond_the_limit() {
        let log = log(false);
        log.print(Printed::Out, b"printed\n");
        for n in 0..1000 {
            log.print(
                Printed::Err,
                format!("line {n} \x1b[0m \u{e4}\n").as_bytes(),
            );
        }
        log.print(Printed::Err, b"note: run with `RUST_BACKTRACE=1`\nthe end");
        log.close();
        let last = log.last_errors();
        assert!(
            last.len() <= LAST_BYTES && last.ends_with("line 999  [0m \u{e4}\nthe end"),
            "{last}"
        );
        assert!(!last.contains("printed"));
    }
}
