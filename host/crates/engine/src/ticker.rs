//! The clock of epochs: a thread that advances the engine's epoch once a millisecond while guests run.
//!
//! It sleeps when nothing has run for a while, so an idle host does not wake a thousand times a second.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

/// How long a runaway guest may run past its limit. Shorter costs more wake-ups and gains nothing:
/// limits are in tens of milliseconds.
const TICK: Duration = Duration::from_millis(1);

/// Ticks without a guest before the thread sleeps: long enough that a busy host never pays for waking it.
const IDLE_TICKS: u32 = 100;

struct Shared {
    running: AtomicU32,
    asleep: AtomicBool,
    ended: AtomicBool,
}

/// The thread. Ends when dropped.
pub(crate) struct Ticker {
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

/// Keeps the clock going while a guest runs.
pub(crate) struct Running<'t>(&'t Shared);

impl Ticker {
    /// Starts the thread.
    pub fn start(engine: wasmtime::Engine) -> std::io::Result<Self> {
        let shared = Arc::new(Shared {
            running: AtomicU32::new(0),
            asleep: AtomicBool::new(false),
            ended: AtomicBool::new(false),
        });
        let seen = Arc::clone(&shared);
        let thread = std::thread::Builder::new()
            .name("galleria-ticker".into())
            .spawn(move || tick(&seen, &engine))?;
        Ok(Self {
            shared,
            thread: Some(thread),
        })
    }

    /// A guest begins; the clock runs until the answer is dropped.
    pub fn run(&self) -> Running<'_> {
        // Sequentially consistent on both sides: either this sees the thread asleep and wakes it, or
        // the thread, which looks once more after it said so, sees this guest.
        self.shared.running.fetch_add(1, Ordering::SeqCst);
        if self.shared.asleep.load(Ordering::SeqCst) {
            self.wake();
        }
        Running(&self.shared)
    }

    fn wake(&self) {
        if let Some(thread) = &self.thread {
            thread.thread().unpark();
        }
    }
}

fn tick(shared: &Shared, engine: &wasmtime::Engine) {
    let mut idle = 0;
    while !shared.ended.load(Ordering::SeqCst) {
        if shared.running.load(Ordering::SeqCst) > 0 {
            idle = 0;
            engine.increment_epoch();
        } else {
            idle += 1;
        }
        if idle < IDLE_TICKS {
            std::thread::sleep(TICK);
            continue;
        }
        shared.asleep.store(true, Ordering::SeqCst);
        while shared.running.load(Ordering::SeqCst) == 0 && !shared.ended.load(Ordering::SeqCst) {
            std::thread::park();
        }
        shared.asleep.store(false, Ordering::SeqCst);
        idle = 0;
    }
}

impl Drop for Running<'_> {
    fn drop(&mut self) {
        self.0.running.fetch_sub(1, Ordering::SeqCst);
    }
}

impl Drop for Ticker {
    fn drop(&mut self) {
        self.shared.ended.store(true, Ordering::SeqCst);
        self.wake();
        if let Some(thread) = self.thread.take() {
            // It answers no one, so that it panicked is all there could be to say.
            if thread.join().is_err() {
                tracing::error!("the engine's ticker panicked");
            }
        }
    }
}
