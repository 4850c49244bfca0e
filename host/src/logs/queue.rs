//! The queue of log lines that wait for the reader of standard error: bounded by lines and by bytes.

use std::io::{self, Write};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use tracing_appender::non_blocking::{NonBlocking, NonBlockingBuilder, WorkerGuard};

/// Lines that wait. They cover a pause of several seconds at a thousand lines a second.
const QUEUED_LINES: usize = 4096;

/// Bytes that wait. Most lines have less than 500 bytes, but lines of plugins have up to 16 KiB.
const QUEUED_BYTES: usize = 8 << 20;

/// Adds lines to the queue, or drops and counts them if it is full. It never blocks. Cheap to clone.
#[derive(Clone)]
pub struct Lines {
    /// Locked while a line is added, so that a line that the queue drops is known.
    queue: Arc<Mutex<NonBlocking>>,
    /// The bytes that wait.
    waiting: Arc<AtomicUsize>,
    /// The lines that were dropped because of their bytes.
    dropped: Arc<AtomicUsize>,
}

impl Lines {
    /// Starts the thread that writes the lines. The guard writes those that wait when it is dropped.
    pub fn new(writer: impl Write + Send + 'static) -> (Self, WorkerGuard) {
        let waiting = Arc::new(AtomicUsize::new(0));
        let written = Written {
            writer,
            waiting: waiting.clone(),
        };
        let (queue, guard) = NonBlockingBuilder::default()
            .lossy(true)
            .buffered_lines_limit(QUEUED_LINES)
            .thread_name("log")
            .finish(written);
        let lines = Self {
            queue: Arc::new(Mutex::new(queue)),
            waiting,
            dropped: Arc::default(),
        };
        (lines, guard)
    }

    /// The number of dropped lines.
    pub fn dropped(&self) -> usize {
        let queue = self.queue.lock().unwrap_or_else(PoisonError::into_inner);
        queue.error_counter().dropped_lines() + self.dropped.load(Ordering::Relaxed)
    }
}

impl Write for Lines {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        let mut queue = self.queue.lock().unwrap_or_else(PoisonError::into_inner);
        let length = line.len();
        if self.waiting.fetch_add(length, Ordering::Relaxed) + length > QUEUED_BYTES {
            self.waiting.fetch_sub(length, Ordering::Relaxed);
            self.dropped.fetch_add(1, Ordering::Relaxed);
            return Ok(length);
        }
        let counter = queue.error_counter();
        let before = counter.dropped_lines();
        let written = queue.write(line);
        if written.is_err() || counter.dropped_lines() > before {
            self.waiting.fetch_sub(length, Ordering::Relaxed);
        }
        written
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Counts what no longer waits.
struct Written<W> {
    writer: W,
    waiting: Arc<AtomicUsize>,
}

impl<W: Write> Write for Written<W> {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        self.write_all(line).map(|()| line.len())
    }

    /// The thread writes each line with one call. After an error, the line is lost.
    fn write_all(&mut self, line: &[u8]) -> io::Result<()> {
        let written = self.writer.write_all(line);
        self.waiting.fetch_sub(line.len(), Ordering::Relaxed);
        written
    }

    fn flush(&mut self) -> io::Result<()> {
        self.writer.flush()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::{BufRead as _, BufReader};

    /// A line of this number of bytes.
    fn line(length: usize) -> Vec<u8> {
        [vec![b'x'; length - 1], vec![b'\n']].concat()
    }

    /// Fills a queue whose reader has not begun, and returns the numbers of written and of dropped lines.
    fn fill(length: usize, count: usize) -> (usize, usize) {
        let (reader, writer) = io::pipe().expect("a pipe");
        let (mut lines, guard) = Lines::new(writer);
        for _ in 0..count {
            lines.write_all(&line(length)).expect("never fails");
        }
        assert!(lines.waiting.load(Ordering::Relaxed) <= QUEUED_BYTES);
        let reading = std::thread::spawn(move || {
            let read = BufReader::new(reader).lines();
            read.map(|line| assert_eq!(line.expect("text").len(), length - 1))
                .count()
        });
        while lines.waiting.load(Ordering::Relaxed) > 0 {
            std::thread::yield_now();
        }
        let dropped = lines.dropped();
        // There is room again.
        lines.write_all(&line(length)).expect("never fails");
        assert_eq!(lines.dropped(), dropped);
        drop((lines, guard));
        (reading.join().expect("no panic") - 1, dropped)
    }

    #[test]
    fn long_lines_are_bounded_by_bytes_and_short_ones_by_number() {
        // The pipe and the writing thread have room for a few lines more.
        const LONG: usize = 16 << 10;
        let (written, dropped) = fill(LONG, 2_000);
        assert_eq!(written + dropped, 2_000);
        assert!((512..520).contains(&written), "{written}");
        let (written, dropped) = fill(100, 10_000);
        assert_eq!(written + dropped, 10_000);
        assert!(
            (QUEUED_LINES..QUEUED_LINES + 1_000).contains(&written),
            "{written}"
        );
    }
}
