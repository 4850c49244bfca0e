//! A thread that advances the engine's epoch once a millisecond while guests run.
//!
//! The thread parks after an idle period, so that an idle host does not wake a thousand times a second.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

/// A runaway guest exceeds its limit by at most this long. A shorter tick would only cost wake-ups:
/// limits are tens of milliseconds.
const TICK: Duration = Duration::from_millis(1);

/// Ticks without a guest before the thread parks: long enough that a busy host never has to wake it.
const IDLE_TICKS: u32 = 100;

struct Shared {
    running: AtomicU32,
    parked: AtomicBool,
    stopped: AtomicBool,
}

/// The thread. Stops when dropped.
pub(crate) struct Ticker {
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

/// Keeps the epoch advancing while a guest runs.
pub(crate) struct Running<'t>(&'t Shared);

impl Ticker {
    /// Starts the thread.
    pub fn start(engine: wasmtime::Engine) -> std::io::Result<Self> {
        let shared = Arc::new(Shared {
            running: AtomicU32::new(0),
            parked: AtomicBool::new(false),
            stopped: AtomicBool::new(false),
        });
        let for_thread = Arc::clone(&shared);
        let thread = std::thread::Builder::new()
            .name("galleria-ticker".into())
            .spawn(move || tick(&for_thread, &engine))?;
        Ok(Self {
            shared,
            thread: Some(thread),
        })
    }

    /// Advances the epoch until the returned guard is dropped.
    pub fn run(&self) -> Running<'_> {
        // Sequentially consistent on both sides: either this call sees that the thread is parked and
        // wakes it, or the thread, which checks once more after it set the flag, sees this guest.
        self.shared.running.fetch_add(1, Ordering::SeqCst);
        if self.shared.parked.load(Ordering::SeqCst) {
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
    while !shared.stopped.load(Ordering::SeqCst) {
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
        shared.parked.store(true, Ordering::SeqCst);
        while shared.running.load(Ordering::SeqCst) == 0 && !shared.stopped.load(Ordering::SeqCst) {
            std::thread::park();
        }
        shared.parked.store(false, Ordering::SeqCst);
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
        self.shared.stopped.store(true, Ordering::SeqCst);
        self.wake();
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
        {
            tracing::error!("engine ticker panicked");
        }
    }
}
