//! Fair shares of workers: stores and retailers take turns by cost.

use std::collections::{BTreeSet, HashMap};
use std::hash::Hash;
use std::time::Duration;

/// Charged for every turn in addition to its cost, so that cheap turns alternate too.
const HANDLING: Duration = Duration::from_micros(100);

/// The highest cost of a turn. It limits the effect of a step of the machine's clock.
const LONGEST: Duration = Duration::from_secs(60 * 60);

/// The order of magnitude of the time to insert a row, and to digest and store a byte.
const ROW: Duration = Duration::from_micros(100);
const BYTE: Duration = Duration::from_nanos(5);

/// The cost of writing rows, or files, with this number of bytes.
pub fn write_cost(rows: usize, bytes: u64) -> Duration {
    let times = |count: u64, each: Duration| {
        let nanos = u128::from(count).saturating_mul(each.as_nanos());
        Duration::from_nanos(u64::try_from(nanos).unwrap_or(u64::MAX))
    };
    times(rows as u64, ROW).saturating_add(times(bytes, BYTE))
}

/// The shares of those that compete for workers. The one whose turns have cost the least goes first, so that one
/// with much or heavy work delays itself and not the others. While one that was idle waits, one that floods begins
/// at most one more turn.
#[derive(Clone, Debug)]
pub struct Shares<K> {
    /// The cost of the turns.
    used: HashMap<K, Duration>,
    waiting: BTreeSet<(Duration, K)>,
    /// The most that one had used when its turn began.
    served: Duration,
}

impl<K> Default for Shares<K> {
    fn default() -> Self {
        Self {
            used: HashMap::new(),
            waiting: BTreeSet::new(),
            served: Duration::ZERO,
        }
    }
}

impl<K: Clone + Eq + Hash + Ord> Shares<K> {
    /// Adds one that waits after it was idle. It earns no credit against those that worked meanwhile. And it pays
    /// its debt within one round: it waits for each of the others at most until they have used the same.
    pub fn join(&mut self, key: &K) {
        let most = self.waiting.last().map_or(self.served, |(used, _)| *used);
        let used = self.used(key).min(most.max(self.served));
        self.set_used(key, used.max(self.served));
        self.set_waiting(key, true);
    }

    /// Sets whether it waits for a turn.
    pub fn set_waiting(&mut self, key: &K, waits: bool) {
        let entry = (self.used(key), key.clone());
        if waits {
            self.waiting.insert(entry);
        } else {
            self.waiting.remove(&entry);
        }
    }

    /// Lets exactly these wait. Returns them in the order of their turns.
    pub fn compete(&mut self, waiting: impl IntoIterator<Item = K>) -> Vec<K> {
        let now: BTreeSet<K> = waiting.into_iter().collect();
        let before: BTreeSet<K> = self.waiting.iter().map(|(_, key)| key.clone()).collect();
        for gone in before.difference(&now) {
            self.set_waiting(gone, false);
        }
        for new in now.difference(&before) {
            self.join(new);
        }
        self.waiting.iter().map(|(_, key)| key.clone()).collect()
    }

    /// The one whose turn is next.
    pub fn first(&self) -> Option<&K> {
        self.waiting.first().map(|(_, key)| key)
    }

    /// Begins a turn. Charges it a little now, so that the next turn does not go before one that has used the same.
    pub fn begin(&mut self, key: &K) {
        let used = self.used(key);
        self.served = self.served.max(used);
        self.set_used(key, used.saturating_add(HANDLING));
    }

    /// Ends a turn with its cost.
    pub fn charge(&mut self, key: &K, cost: Duration) {
        let used = self.used(key).saturating_add(cost.min(LONGEST));
        self.set_used(key, used);
    }

    fn used(&self, key: &K) -> Duration {
        self.used.get(key).copied().unwrap_or_default()
    }

    fn set_used(&mut self, key: &K, used: Duration) {
        let entry = (self.used(key), key.clone());
        if self.waiting.remove(&entry) {
            self.waiting.insert((used, key.clone()));
        }
        self.used.insert(key.clone(), used);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    /// Gives the next one a turn of this cost.
    fn turn(shares: &mut Shares<&'static str>, cost: Duration) -> &'static str {
        let next = *shares.first().expect("one waits");
        shares.begin(&next);
        shares.charge(&next, cost);
        next
    }

    #[test]
    fn the_one_that_used_the_least_goes_first() {
        let mut shares = Shares::default();
        shares.compete(["heavy", "light"]);
        let mut order = Vec::new();
        for _ in 0..8 {
            let heavy = shares.first() == Some(&"heavy");
            order.push(turn(&mut shares, if heavy { 3 * SECOND } else { SECOND }));
        }
        let expected = [
            "heavy", "light", "light", "light", "heavy", "light", "light", "light",
        ];
        assert_eq!(order, expected);
    }

    #[test]
    fn turns_without_cost_alternate() {
        let mut shares = Shares::default();
        shares.compete(["a", "b", "c"]);
        let order: Vec<_> = (0..6).map(|_| turn(&mut shares, Duration::ZERO)).collect();
        assert_eq!(order, ["a", "b", "c", "a", "b", "c"]);
        // Also while the turns are in progress.
        let begun: Vec<_> = (0..3)
            .map(|_| {
                let next = *shares.first().expect("one waits");
                shares.begin(&next);
                next
            })
            .collect();
        assert_eq!(begun, ["a", "b", "c"]);
    }

    #[test]
    fn a_newcomer_waits_for_one_turn_and_gets_no_credit() {
        let mut shares = Shares::default();
        shares.compete(["busy"]);
        for _ in 0..100 {
            turn(&mut shares, SECOND);
        }
        shares.begin(&"busy");
        shares.compete(["busy", "new"]);
        shares.charge(&"busy", SECOND);
        let order: Vec<_> = (0..4).map(|_| turn(&mut shares, SECOND)).collect();
        assert_eq!(order[0], "new");
        assert_eq!(order.iter().filter(|one| **one == "busy").count(), 2);
    }

    #[test]
    fn work_that_delayed_nobody_is_no_debt() {
        let mut shares = Shares::default();
        for _ in 0..1_000 {
            shares.compete(["early"]);
            turn(&mut shares, SECOND);
            shares.compete([]);
        }
        shares.compete(["flood"]);
        for _ in 0..5 {
            turn(&mut shares, SECOND);
        }
        shares.compete(["early", "flood"]);
        let order: Vec<_> = (0..2).map(|_| turn(&mut shares, SECOND)).collect();
        assert!(order.contains(&"early"), "{order:?}");
    }

    #[test]
    fn a_turn_costs_its_rows_and_bytes_up_to_an_hour() {
        assert_eq!(write_cost(0, 0), Duration::ZERO);
        assert_eq!(write_cost(1_000, 2_000), 1_000 * (ROW + 2 * BYTE));
        assert_eq!(
            write_cost(usize::MAX, u64::MAX),
            Duration::from_nanos(u64::MAX) * 2
        );
        let mut shares = Shares::default();
        shares.compete(["a", "b"]);
        turn(&mut shares, Duration::MAX);
        turn(&mut shares, LONGEST);
        assert_eq!(turn(&mut shares, Duration::ZERO), "a");
    }
}
