//! The queue of evaluations in the background: one lane for each shadow route, shared fairly by the stores.
//!
//! A lane limits the items of its baskets and its concurrent evaluations, so that a slow service delays only the
//! stores whose shadow it is. Within a lane, the next basket is that of the store with the fewest evaluations in
//! progress, and one store gets at most half of them. If a lane is full, a store within its equal part of the lane
//! displaces the newest waiting basket of the store that has the most.

use galleria_domain::tax::TaxRoute;
use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::Notify;

/// The queue of a process.
pub(super) struct ShadowQueue<J> {
    state: Mutex<State<J>>,
    /// Notified when a basket was added.
    added: Notify,
}

/// What waits in the queue.
pub(super) trait Queued {
    /// The route that evaluates it.
    fn lane(&self) -> TaxRoute;
    /// The store.
    fn store(&self) -> &str;
    /// The number of items.
    fn items(&self) -> u64;
}

struct State<J> {
    phase: Phase,
    lanes: BTreeMap<TaxRoute, Lane<J>>,
    /// The most items in a lane.
    most_items: u64,
    /// The most evaluations in progress in a lane.
    at_once: usize,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    /// Nobody evaluates in this process.
    Unused,
    Open,
    Closed,
}

/// Whether a basket entered the queue.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Entry<J> {
    /// Nobody evaluates in this process.
    Unused,
    /// It waits, or it was added after others were dropped.
    Added { dropped: Vec<J> },
    /// The queue is full or closed.
    Dropped(J),
}

struct Lane<J> {
    stores: BTreeMap<String, StoreQueue<J>>,
    /// Of all baskets that wait or are being evaluated.
    items: u64,
    running: usize,
    /// The number of started evaluations.
    started: u64,
}

impl<J> Default for Lane<J> {
    fn default() -> Self {
        Self {
            stores: BTreeMap::new(),
            items: 0,
            running: 0,
            started: 0,
        }
    }
}

struct StoreQueue<J> {
    waiting: VecDeque<J>,
    items: u64,
    running: usize,
    /// The number of its last evaluation in the lane.
    last_started: u64,
}

impl<J> Default for StoreQueue<J> {
    fn default() -> Self {
        Self {
            waiting: VecDeque::new(),
            items: 0,
            running: 0,
            last_started: 0,
        }
    }
}

/// The place of an evaluation in progress. It is free when this is dropped.
pub(super) struct Place<J: Queued> {
    queue: Arc<ShadowQueue<J>>,
    route: TaxRoute,
    store: String,
    items: u64,
}

impl<J: Queued> ShadowQueue<J> {
    pub fn new(most_items: u32, at_once: usize) -> Self {
        Self {
            state: Mutex::new(State {
                phase: Phase::Unused,
                lanes: BTreeMap::new(),
                most_items: most_items.into(),
                at_once,
            }),
            added: Notify::new(),
        }
    }

    fn state(&self) -> MutexGuard<'_, State<J>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Accepts baskets from now on. Returns whether this is the first call.
    pub fn open(&self) -> bool {
        let mut state = self.state();
        let is_first = state.phase == Phase::Unused;
        if is_first {
            state.phase = Phase::Open;
        }
        is_first
    }

    /// Whether baskets are evaluated in this process, or were.
    pub fn is_used(&self) -> bool {
        self.state().phase != Phase::Unused
    }

    /// Adds a basket. Never waits.
    pub fn add(&self, job: J) -> Entry<J> {
        let mut state = self.state();
        match state.phase {
            Phase::Unused => return Entry::Unused,
            Phase::Closed => return Entry::Dropped(job),
            Phase::Open => {}
        }
        let most_items = state.most_items;
        let entry = state.lanes.entry(job.lane()).or_default();
        let entry = entry.add(job, most_items);
        drop(state);
        self.added.notify_one();
        entry
    }

    /// Completes when a basket was added since the last call.
    pub async fn added(&self) {
        self.added.notified().await;
    }

    /// Takes the next basket that may be evaluated now.
    pub fn next(self: &Arc<Self>) -> Option<(J, Place<J>)> {
        let mut state = self.state();
        let at_once = state.at_once;
        let mut lanes = state.lanes.iter_mut();
        let (route, job) = lanes.find_map(|(route, lane)| Some((*route, lane.next(at_once)?)))?;
        let place = Place {
            queue: Arc::clone(self),
            route,
            store: job.store().to_owned(),
            items: job.items(),
        };
        Some((job, place))
    }

    /// Accepts no further baskets, and returns those that wait.
    pub fn close(&self) -> Vec<J> {
        let mut state = self.state();
        state.phase = Phase::Closed;
        let stores = state.lanes.values_mut().flat_map(|lane| {
            let queues = lane.stores.values_mut();
            queues.flat_map(|store| std::mem::take(&mut store.waiting))
        });
        stores.collect()
    }
}

impl<J: Queued> Drop for Place<J> {
    fn drop(&mut self) {
        let mut state = self.queue.state();
        if let Some(lane) = state.lanes.get_mut(&self.route) {
            lane.running -= 1;
            lane.remove(&self.store, self.items, 1);
        }
    }
}

impl<J: Queued> Lane<J> {
    fn add(&mut self, job: J, most_items: u64) -> Entry<J> {
        let items = job.items();
        let Some(dropped) = self.make_room(job.store(), items, most_items) else {
            return Entry::Dropped(job);
        };
        self.items += items;
        let queue = self.stores.entry(job.store().to_owned()).or_default();
        queue.items += items;
        queue.waiting.push_back(job);
        Entry::Added { dropped }
    }

    /// Returns the baskets that are dropped for `items` of a store; `None` if there is no room.
    fn make_room(&mut self, store: &str, items: u64, most_items: u64) -> Option<Vec<J>> {
        let excess = (self.items + items).saturating_sub(most_items);
        if excess == 0 {
            return Some(Vec::new());
        }
        let own = self.stores.get(store);
        let others = self.stores.len() as u64 - u64::from(own.is_some());
        let part = most_items / (others + 1);
        let own_items = own.map_or(0, |queue| queue.items);
        if own_items + items > part || self.removable(part) < excess {
            return None;
        }
        let mut dropped = Vec::new();
        while self.items + items > most_items {
            let most = self
                .stores
                .iter_mut()
                .filter(|(_, queue)| queue.is_above(part));
            let (id, queue) = most.max_by_key(|(_, queue)| queue.items)?;
            let (id, job) = (id.clone(), queue.waiting.pop_back()?);
            self.remove(&id, job.items(), 0);
            dropped.push(job);
        }
        Some(dropped)
    }

    /// The items that could be removed from stores that have more than their part.
    fn removable(&self, part: u64) -> u64 {
        let of = |queue: &StoreQueue<J>| {
            let mut removed = 0;
            for job in queue.waiting.iter().rev() {
                if queue.items - removed <= part {
                    break;
                }
                removed += job.items();
            }
            removed
        };
        self.stores.values().map(of).sum()
    }

    fn remove(&mut self, store: &str, items: u64, running: usize) {
        self.items -= items;
        if let Some(queue) = self.stores.get_mut(store) {
            queue.items -= items;
            queue.running -= running;
            if queue.running == 0 && queue.waiting.is_empty() {
                self.stores.remove(store);
            }
        }
    }

    /// Takes the next basket: of the store with the fewest evaluations in progress, then of the one that waits longest
    /// for its turn.
    fn next(&mut self, at_once: usize) -> Option<J> {
        if self.running >= at_once {
            return None;
        }
        let of_a_store = at_once.div_ceil(2);
        let waiting = self.stores.values_mut();
        let waiting =
            waiting.filter(|queue| !queue.waiting.is_empty() && queue.running < of_a_store);
        let queue = waiting.min_by_key(|queue| (queue.running, queue.last_started))?;
        let job = queue.waiting.pop_front()?;
        self.started += 1;
        self.running += 1;
        queue.running += 1;
        queue.last_started = self.started;
        Some(job)
    }
}

impl<J> StoreQueue<J> {
    /// Whether the store has more items than its part, and one of its baskets can be dropped.
    fn is_above(&self, part: u64) -> bool {
        self.items > part && !self.waiting.is_empty()
    }
}
