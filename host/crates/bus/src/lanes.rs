//! Lanes by key, and fairness among stores.
//!
//! Within a lane the order is kept and one item is in flight at a time. Among the lanes that are ready, the
//! store whose items have cost the least time goes first, and the items in flight of a store are limited. So a
//! store with much or heavy work delays itself and not the others. While an item of a store that was idle waits,
//! a store that floods starts at most one more item.

use galleria_app::events::Item;
use galleria_domain::Shares;
use std::collections::{HashMap, HashSet, VecDeque};
use std::time::Duration;

/// Group, subscriber and lane key.
pub(crate) type LaneKey = (String, String, String);

#[derive(Debug, Default)]
struct Lane {
    queue: VecDeque<Item>,
    in_flight: bool,
}

#[derive(Debug, Default)]
struct Turn {
    in_flight: usize,
    waiting: usize,
    ready: VecDeque<LaneKey>,
}

/// The items that wait for a worker.
#[derive(Debug)]
pub(crate) struct Lanes {
    per_store: usize,
    lanes: HashMap<LaneKey, Lane>,
    stores: HashMap<String, Turn>,
    /// A store with a ready lane and a free call waits for its turn.
    shares: Shares<String>,
    closed: HashSet<LaneKey>,
    waiting: usize,
    /// The items in flight or waiting that are parked in the database.
    parked: usize,
}

pub(crate) fn lane_key(item: &Item) -> LaneKey {
    (
        item.group.clone(),
        item.subscriber.clone(),
        item.lane.clone(),
    )
}

impl Lanes {
    /// Starts with these lanes closed; at most `per_store` items of a store are in flight.
    pub(crate) fn new(per_store: usize, closed: impl IntoIterator<Item = LaneKey>) -> Self {
        Self {
            per_store: per_store.max(1),
            lanes: HashMap::new(),
            stores: HashMap::new(),
            shares: Shares::default(),
            closed: closed.into_iter().collect(),
            waiting: 0,
            parked: 0,
        }
    }

    /// The number of items that wait for a worker.
    pub(crate) fn waiting(&self) -> usize {
        self.waiting
    }

    /// The number of items in flight or waiting that are parked in the database.
    pub(crate) fn parked(&self) -> usize {
        self.parked
    }

    /// The number of items of a store that wait for a worker.
    pub(crate) fn waiting_of(&self, store: &str) -> usize {
        self.stores.get(store).map_or(0, |turn| turn.waiting)
    }

    /// Whether a lane is closed because an item of it is parked.
    pub(crate) fn is_closed(&self, lane: &LaneKey) -> bool {
        self.closed.contains(lane)
    }

    /// Closes a lane and returns the items that waited in it.
    pub(crate) fn close(&mut self, lane: LaneKey) -> Vec<Item> {
        let queued = match self.lanes.get_mut(&lane) {
            Some(found) => std::mem::take(&mut found.queue),
            None => VecDeque::new(),
        };
        self.waiting -= queued.len();
        for item in &queued {
            self.parked -= usize::from(item.parked.is_some());
            if let Some(turn) = self.stores.get_mut(&item.store_id) {
                turn.waiting -= 1;
            }
        }
        if let Some(first) = queued.front() {
            let store = first.store_id.clone();
            if let Some(turn) = self.stores.get_mut(&store) {
                turn.ready.retain(|ready| *ready != lane);
            }
            self.rank(&store);
        }
        self.closed.insert(lane);
        queued.into()
    }

    /// Opens a lane of which no item is parked any more.
    pub(crate) fn open(&mut self, lane: &LaneKey) {
        self.closed.remove(lane);
    }

    /// Whether an item of the lane is in flight or waits here.
    pub(crate) fn is_busy(&self, lane: &LaneKey) -> bool {
        self.lanes
            .get(lane)
            .is_some_and(|lane| lane.in_flight || !lane.queue.is_empty())
    }

    /// Adds an item at the end of its lane.
    pub(crate) fn push(&mut self, item: Item) {
        self.add(item, VecDeque::push_back);
    }

    /// Puts an item back to the front of its lane; the caller has released it.
    pub(crate) fn put_back(&mut self, item: Item) {
        self.add(item, VecDeque::push_front);
    }

    fn add(&mut self, item: Item, how: fn(&mut VecDeque<Item>, Item)) {
        let (key, store) = (lane_key(&item), item.store_id.clone());
        let lane = self.lanes.entry(key.clone()).or_default();
        let becomes_ready = !lane.in_flight && lane.queue.is_empty();
        self.parked += usize::from(item.parked.is_some());
        how(&mut lane.queue, item);
        self.waiting += 1;
        let turn = self.stores.entry(store.clone()).or_default();
        if turn.waiting == 0 && turn.in_flight == 0 {
            self.shares.join(&store);
        }
        turn.waiting += 1;
        if becomes_ready {
            turn.ready.push_back(key);
        }
        self.rank(&store);
    }

    /// Takes the next item.
    pub(crate) fn take(&mut self) -> Option<Item> {
        let store = self.shares.first()?.clone();
        let turn = self.stores.get_mut(&store)?;
        let key = turn.ready.pop_front()?;
        let lane = self.lanes.get_mut(&key)?;
        let item = lane.queue.pop_front()?;
        lane.in_flight = true;
        turn.in_flight += 1;
        turn.waiting -= 1;
        self.waiting -= 1;
        self.shares.begin(&store);
        self.rank(&store);
        Some(item)
    }

    /// Releases an item that was in flight and cost `cost`.
    pub(crate) fn release(&mut self, item: &Item, cost: Duration) {
        let key = lane_key(item);
        self.parked -= usize::from(item.parked.is_some());
        let has_more = match self.lanes.get_mut(&key) {
            Some(lane) => {
                lane.in_flight = false;
                !lane.queue.is_empty()
            }
            None => false,
        };
        if !has_more {
            self.lanes.remove(&key);
        }
        let store = item.store_id.clone();
        self.shares.charge(&store, cost);
        if let Some(turn) = self.stores.get_mut(&store) {
            turn.in_flight -= 1;
            if has_more {
                turn.ready.push_back(key);
            }
        }
        self.rank(&store);
    }

    fn rank(&mut self, store: &String) {
        if let Some(turn) = self.stores.get(store) {
            let waits = !turn.ready.is_empty() && turn.in_flight < self.per_store;
            self.shares.set_waiting(store, waits);
        }
    }
}

#[cfg(test)]
mod simulation;

#[cfg(test)]
mod tests {
    use super::*;
    use galleria_domain::Event;
    use galleria_ports::records::ParkedState;

    pub(super) fn item(store: &str, lane: &str, position: i64) -> Item {
        Item {
            lane: format!("{store}/{lane}"),
            group: "g".into(),
            event: Event {
                position,
                id: format!("e{position}"),
                topic: "t".into(),
                key: None,
                store: Some(store.into()),
                data: serde_json::Value::Null,
                server_timestamp: 0,
                origin: galleria_domain::trace::Origin::default(),
            },
            subscriber: "s".into(),
            plugin: None,
            store_id: store.into(),
            attempts: 0,
            parked: None,
            since: None,
            awaited_retailer: false,
        }
    }

    fn positions(lanes: &mut Lanes) -> Vec<i64> {
        std::iter::from_fn(|| lanes.take())
            .map(|item| item.event.position)
            .collect()
    }

    #[test]
    fn the_order_within_a_lane_is_kept() {
        let mut lanes = Lanes::new(4, []);
        for (lane, position) in [("a", 1), ("a", 2), ("b", 3)] {
            lanes.push(item("s1", lane, position));
        }
        assert_eq!(positions(&mut lanes), [1, 3]);
        lanes.release(&item("s1", "a", 1), Duration::ZERO);
        assert_eq!(positions(&mut lanes), [2]);
    }

    #[test]
    fn parked_items_are_counted_until_they_are_released_or_parked_again() {
        let mut lanes = Lanes::new(4, []);
        for (lane, position, parked) in [("a", 1, true), ("a", 2, true), ("b", 3, false)] {
            let parked = parked.then_some(ParkedState::Retry);
            lanes.push(Item {
                parked,
                ..item("s1", lane, position)
            });
        }
        assert_eq!(lanes.parked(), 2);
        let taken = [lanes.take(), lanes.take()].map(|item| item.expect("an item"));
        assert_eq!(lanes.parked(), 2);
        for item in &taken {
            lanes.release(item, Duration::ZERO);
        }
        assert_eq!(lanes.parked(), 1);
        lanes.close(lane_key(&taken[0]));
        assert_eq!(lanes.parked(), 0);
    }

    #[test]
    fn a_busy_store_leaves_workers_to_others() {
        let mut lanes = Lanes::new(2, []);
        for position in 1..=10 {
            lanes.push(item("busy", &position.to_string(), position));
        }
        lanes.push(item("calm", "x", 11));
        assert_eq!(positions(&mut lanes), [1, 11, 2]);
    }

    #[test]
    fn the_store_that_used_the_least_time_goes_first() {
        let mut lanes = Lanes::new(1, []);
        for position in 1..=3 {
            lanes.push(item("heavy", &position.to_string(), position));
            lanes.push(item("light", &position.to_string(), 10 + position));
        }
        let mut order = Vec::new();
        while let Some(next) = lanes.take() {
            let heavy = next.store_id == "heavy";
            let cpu = if heavy { 1000 } else { 1 };
            lanes.release(&next, Duration::from_millis(cpu));
            order.push(next.event.position);
        }
        assert_eq!(order, [1, 11, 12, 13, 2, 3]);
    }

    #[test]
    fn an_idle_store_earns_no_credit() {
        let mut lanes = Lanes::new(1, []);
        for position in 1..=3 {
            lanes.push(item("steady", &position.to_string(), position));
        }
        let second = Duration::from_secs(1);
        let first = lanes.take().expect("an item");
        lanes.release(&first, second);
        let next = lanes.take().expect("an item");
        for position in 11..=13 {
            lanes.push(item("new", &position.to_string(), position));
        }
        lanes.release(&next, second);
        // The new store starts with the second that the other had used when its item was taken.
        let mut order = Vec::new();
        while let Some(next) = lanes.take() {
            lanes.release(&next, Duration::from_millis(600));
            order.push(next.event.position);
        }
        assert_eq!(order, [11, 12, 3, 13]);
    }

    #[test]
    fn closing_a_lane_returns_its_waiting_items() {
        let mut lanes = Lanes::new(4, []);
        for position in 1..=3 {
            lanes.push(item("s1", "a", position));
        }
        let first = lanes.take().expect("the first");
        let rest = lanes.close(lane_key(&first));
        lanes.release(&first, Duration::ZERO);
        assert_eq!(rest.len(), 2);
        assert!(lanes.is_closed(&lane_key(&first)) && !lanes.is_busy(&lane_key(&first)));
        assert_eq!((lanes.waiting(), lanes.waiting_of("s1")), (0, 0));
        assert!(lanes.take().is_none());
    }
}
