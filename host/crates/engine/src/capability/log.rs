//! `log`: lines for people, into the host's own log under the target `plugin`. Also where a guest's
//! standard output and error go, line by line.
//!
//! Bounded in bytes for each call: what goes beyond is dropped and counted. At sensitive points
//! everything is dropped.

use crate::bindings::log::{Host, Level};
use crate::call::Call;
use galleria_domain::plugin::Operation;
use std::fmt::Write as _;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Of one line. A longer one is cut: lines are for people, and one must not fill the whole bound.
const LINE_BYTES: usize = 8 << 10;

/// Whose lines they are.
#[derive(Debug)]
pub(crate) struct Author {
    pub retailer: String,
    pub slot: String,
    pub event: String,
    /// The store's id, or nothing for a run over all of them.
    pub store: String,
}

/// The log of one call. Shared with the guest's standard output and error.
#[derive(Clone)]
pub(crate) struct Log(Arc<Mutex<Lines>>);

struct Lines {
    author: Author,
    sensitive: bool,
    left: u64,
    dropped: u64,
    /// Whether the operator was told of a key that was asked for too much.
    told: bool,
    /// What was printed and is no line yet, for standard output and standard error.
    unfinished: [Vec<u8>; 2],
}

/// One of the guest's standard streams.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Printed {
    Out,
    Err,
}

impl Log {
    /// For one call.
    pub fn new(author: Author, bytes: u64, sensitive: bool) -> Self {
        Self(Arc::new(Mutex::new(Lines {
            author,
            sensitive,
            left: bytes,
            dropped: 0,
            told: false,
            unfinished: [Vec::new(), Vec::new()],
        })))
    }

    fn lines(&self) -> MutexGuard<'_, Lines> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes what a guest printed.
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

    /// A key was asked for what the grant does not name: told once, because a guest may ask again and
    /// again. The words are the grant's and ours.
    pub fn beyond_grant(&self, secret: &str, operation: Operation) {
        let mut lines = self.lines();
        if std::mem::replace(&mut lines.told, true) {
            return;
        }
        let author = &lines.author;
        tracing::warn!(
            target: "plugin",
            retailer = author.retailer,
            slot = author.slot,
            event = author.event,
            store = author.store,
            "it asked to {operation} with secret \"{secret}\", which its grant does not name"
        );
    }

    /// When the call has ended.
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
                "log lines beyond the limit were dropped"
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
            self.write(level, text, &[]);
        }
    }

    fn write(&mut self, level: Level, message: &str, fields: &[(String, String)]) {
        if self.sensitive {
            return;
        }
        let named: usize = fields
            .iter()
            .map(|(name, value)| name.len() + value.len())
            .sum();
        let bytes = (message.len() + named) as u64;
        if bytes > self.left {
            self.dropped += 1;
            return;
        }
        self.left -= bytes;
        let mut text = String::new();
        for (name, value) in fields {
            let space = if text.is_empty() { "" } else { " " };
            // Writing to a string cannot fail.
            _ = write!(text, "{space}{name}={value:?}");
        }
        let (message, fields) = (plain(message), plain(&text));
        let Author {
            retailer,
            slot,
            event,
            store,
        } = &self.author;
        macro_rules! at {
            ($level:ident) => {
                tracing::event!(
                    target: "plugin", tracing::Level::$level,
                    retailer, slot, event, store, fields, "{message}"
                )
            };
        }
        match level {
            Level::Debug => at!(DEBUG),
            Level::Info => at!(INFO),
            Level::Warn => at!(WARN),
            Level::Error => at!(ERROR),
        }
    }
}

/// Cut to a line's length, and without the characters that would move a terminal's cursor.
fn plain(text: &str) -> String {
    let mut end = text.len().min(LINE_BYTES);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    text[..end]
        .chars()
        .map(|c| if c.is_control() { ' ' } else { c })
        .collect()
}

impl Host for Call {
    fn write(
        &mut self,
        level: Level,
        message: String,
        fields: Vec<(String, String)>,
    ) -> wasmtime::Result<()> {
        self.meter.host_call()?;
        self.log.lines().write(level, &message, &fields);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn log(sensitive: bool) -> Log {
        let author = Author {
            retailer: "r".into(),
            slot: "s".into(),
            event: "e".into(),
            store: String::new(),
        };
        Log::new(author, 100, sensitive)
    }

    fn left_and_dropped(log: &Log) -> (u64, u64) {
        let lines = log.lines();
        (lines.left, lines.dropped)
    }

    #[test]
    fn a_line_costs_its_bytes_and_what_goes_beyond_is_counted() {
        let log = log(false);
        log.lines()
            .write(Level::Info, "12345", &[("ab".into(), "c".into())]);
        assert_eq!(left_and_dropped(&log), (92, 0));
        log.print(Printed::Out, &[b'x'; 93]);
        log.print(Printed::Out, b"\n");
        assert_eq!(left_and_dropped(&log), (92, 1));
    }

    #[test]
    fn at_sensitive_points_everything_is_dropped() {
        let log = log(true);
        log.lines().write(Level::Error, "a secret", &[]);
        log.print(Printed::Err, b"a secret\n");
        assert_eq!(left_and_dropped(&log), (100, 0), "not even counted");
    }

    #[test]
    fn a_line_is_cut_between_characters() {
        let long = "ä".repeat(LINE_BYTES);
        assert_eq!(plain(&long).len(), LINE_BYTES);
        assert_eq!(plain(&long[..LINE_BYTES - 2]).len(), LINE_BYTES - 2);
        assert_eq!(plain("a\x1b[2Jb\nc"), "a [2Jb c");
    }
}
