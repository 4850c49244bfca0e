//! Bounds how many components are compiled at the same time, with turns of the retailers.

use std::collections::BTreeMap;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

/// A number of permits, at least one. A thread that finds none waits.
///
/// One retailer has at most all permits but one, so that its compilations delay no other retailer. If there is only one
/// permit, they take turns. Retailers with fewer permits come first, then those whose last turn was earlier.
pub(crate) struct Permits {
    number: usize,
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    /// The retailers that have had a turn.
    turns: BTreeMap<String, Turns>,
    /// The retailers of the waiting threads, by arrival.
    waiting: BTreeMap<u64, String>,
    /// The number of the next thread that waits, or of the next turn.
    next: u64,
}

/// The turns of a retailer. Those with fewer permits are less.
#[derive(Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
struct Turns {
    /// Its permits.
    permits: usize,
    /// The number of its last turn.
    last: u64,
}

impl State {
    fn of(&self, retailer: &str) -> Turns {
        self.turns.get(retailer).copied().unwrap_or_default()
    }

    fn number(&mut self) -> u64 {
        self.next += 1;
        self.next
    }

    fn taken(&self) -> usize {
        self.turns.values().map(|turns| turns.permits).sum()
    }

    /// The waiting thread that gets the next permit.
    fn first(&self, number: usize) -> Option<u64> {
        let most = (number - 1).max(1);
        if self.taken() >= number {
            return None;
        }
        let waiting = self.waiting.iter();
        let allowed = waiting.filter(|(_, retailer)| self.of(retailer).permits < most);
        let first = allowed.min_by_key(|(thread, retailer)| (self.of(retailer), **thread));
        first.map(|(thread, _)| *thread)
    }
}

/// Returns to its permits when dropped.
pub(crate) struct Permit<'p> {
    permits: &'p Permits,
    retailer: String,
}

impl Permits {
    pub fn new(number: usize) -> Self {
        Self {
            number: number.max(1),
            state: Mutex::default(),
            changed: Condvar::new(),
        }
    }

    /// Waits for the retailer's turn.
    pub fn acquire(&self, retailer: &str) -> Permit<'_> {
        let mut state = self.state();
        let thread = state.number();
        state.waiting.insert(thread, retailer.to_owned());
        let mut state = self
            .changed
            .wait_while(state, |state| state.first(self.number) != Some(thread))
            .unwrap_or_else(PoisonError::into_inner);
        state.waiting.remove(&thread);
        let turn = state.number();
        let turns = state.turns.entry(retailer.to_owned()).or_default();
        turns.permits += 1;
        turns.last = turn;
        // Another permit may be free.
        self.changed.notify_all();
        Permit {
            permits: self,
            retailer: retailer.to_owned(),
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Permit<'_> {
    fn drop(&mut self) {
        let mut state = self.permits.state();
        if let Some(turns) = state.turns.get_mut(&self.retailer) {
            turns.permits -= 1;
        }
        self.permits.changed.notify_all();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::sync::mpsc::{Receiver, channel};
    use std::thread::{Scope, yield_now};
    use std::time::Duration;

    /// Threads that wait.
    fn waiting(permits: &Permits) -> usize {
        permits.state().waiting.len()
    }

    /// Lets a thread acquire a permit, and waits until it does or waits for one. The receiver gets the permit.
    fn acquire<'s, 'p: 's>(
        scope: &'s Scope<'s, 'p>,
        permits: &'p Permits,
        retailer: &'p str,
    ) -> Receiver<Permit<'p>> {
        let (before, (sender, receiver)) = (permits.state().next, channel());
        scope.spawn(move || sender.send(permits.acquire(retailer)));
        while permits.state().next == before {
            yield_now();
        }
        receiver
    }

    fn get<'p>(receiver: &Receiver<Permit<'p>>) -> Permit<'p> {
        receiver
            .recv_timeout(Duration::from_secs(20))
            .expect("a permit")
    }

    #[test]
    fn at_most_as_many_threads_as_permits_proceed() {
        let permits = Permits::new(3);
        let (running, most) = (AtomicUsize::new(0), AtomicUsize::new(0));
        std::thread::scope(|scope| {
            for thread in 0..16 {
                let retailer = ["a", "b", "c", "d"][thread % 4];
                let (permits, running, most) = (&permits, &running, &most);
                scope.spawn(move || {
                    for _ in 0..100 {
                        let _permit = permits.acquire(retailer);
                        let now = running.fetch_add(1, Ordering::SeqCst) + 1;
                        most.fetch_max(now, Ordering::SeqCst);
                        yield_now();
                        running.fetch_sub(1, Ordering::SeqCst);
                    }
                });
            }
        });
        assert!((1..=3).contains(&most.into_inner()));
        let state = permits.state();
        assert!(state.taken() == 0 && state.waiting.is_empty());
    }

    #[test]
    fn one_retailer_leaves_a_permit_for_the_others() {
        for number in [2, 3, 5] {
            let permits = Permits::new(number);
            std::thread::scope(|scope| {
                let busy: Vec<_> = (0..=number)
                    .map(|_| acquire(scope, &permits, "busy"))
                    .collect();
                let first: Vec<_> = busy[..number - 1].iter().map(get).collect();
                assert_eq!(waiting(&permits), 2, "of {number}");
                for name in ["good", "other"] {
                    drop(get(&acquire(scope, &permits, name)));
                }
                let good = get(&acquire(scope, &permits, "good"));
                let other = acquire(scope, &permits, "other");
                assert_eq!(waiting(&permits), 3, "all {number} permits are taken");
                drop(good);
                drop((get(&other), first));
                for rest in &busy[number - 1..] {
                    drop(get(rest));
                }
            });
        }
    }

    #[test]
    fn retailers_take_turns_for_a_single_permit() {
        let permits = Permits::new(1);
        std::thread::scope(|scope| {
            let first = get(&acquire(scope, &permits, "busy"));
            let busy = [(); 2].map(|()| acquire(scope, &permits, "busy"));
            let good = acquire(scope, &permits, "good");
            drop(first);
            drop(get(&good));
            drop(get(&busy[0]));
            drop(get(&busy[1]));
        });
    }
}
