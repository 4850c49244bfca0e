//! Bounds how many threads do something at the same time.

use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

/// A number of permits, at least one. A thread that finds none waits.
pub(crate) struct Permits {
    free: Mutex<usize>,
    released: Condvar,
}

/// Returns to its permits when dropped.
pub(crate) struct Permit<'p>(&'p Permits);

impl Permits {
    pub fn new(number: usize) -> Self {
        Self {
            free: Mutex::new(number.max(1)),
            released: Condvar::new(),
        }
    }

    /// Waits until a permit is free.
    pub fn acquire(&self) -> Permit<'_> {
        let mut free = self
            .released
            .wait_while(self.free(), |free| *free == 0)
            .unwrap_or_else(PoisonError::into_inner);
        *free -= 1;
        Permit(self)
    }

    fn free(&self) -> MutexGuard<'_, usize> {
        self.free.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Permit<'_> {
    fn drop(&mut self) {
        *self.0.free() += 1;
        self.0.released.notify_one();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicUsize, Ordering};

    #[test]
    fn at_most_as_many_threads_as_permits_proceed() {
        let permits = Permits::new(3);
        let (running, most) = (AtomicUsize::new(0), AtomicUsize::new(0));
        std::thread::scope(|scope| {
            for _ in 0..16 {
                scope.spawn(|| {
                    for _ in 0..100 {
                        let _permit = permits.acquire();
                        let now = running.fetch_add(1, Ordering::SeqCst) + 1;
                        most.fetch_max(now, Ordering::SeqCst);
                        std::thread::yield_now();
                        running.fetch_sub(1, Ordering::SeqCst);
                    }
                });
            }
        });
        assert!((1..=3).contains(&most.into_inner()));
        assert_eq!(*permits.free(), 3, "every permit returned");
    }
}
