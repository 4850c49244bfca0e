//! The lanes under a simulated clock: workers, a store that floods, and stores that send one event at a time.
//!
//! The bound: while an event of another store waits, the flooding store starts at most one more turn. If fewer
//! other stores are active than the flooding store leaves workers free, their events do not wait at all.

use super::tests::item;
use super::{Item, Lanes};
use rand::{RngExt as _, SeedableRng as _};
use rand_chacha::ChaCha8Rng;
use std::collections::{BTreeMap, HashMap};
use std::time::Duration;

/// Different loads. Each is simulated until `EVENTS` events of calm stores started.
const LOADS: u64 = 300;
const EVENTS: usize = 50;

/// One load. Times are in microseconds of the simulated clock.
#[derive(Debug)]
struct Load {
    workers: usize,
    per_store: usize,
    /// The name decides between stores that have used the same time: one sorts before all others, one behind.
    hostile: &'static str,
    /// Items of the hostile store that wait at any time: it is never idle.
    flood: usize,
    lanes_of_flood: u32,
    /// The shortest and the longest turn of the hostile store.
    hostile_turn: (u64, u64),
    /// The calm events before the flood begins. Their stores have used time that the hostile one has not.
    earlier: usize,
    calm_stores: usize,
    longest_calm_turn: u64,
    /// The longest time between the end of a calm store's event and its next one.
    longest_pause: u64,
}

fn one_of<T: Copy>(rng: &mut ChaCha8Rng, choices: &[T]) -> T {
    choices[rng.random_range(0..choices.len())]
}

impl Load {
    fn draw(rng: &mut ChaCha8Rng) -> Self {
        let workers = rng.random_range(2..=8);
        let turn = one_of(rng, &[10, 100, 1_000, 100_000]);
        Self {
            workers,
            per_store: rng.random_range(1..workers),
            hostile: one_of(rng, &["+hostile", "hostile"]),
            flood: one_of(rng, &[2, 10, 100]),
            lanes_of_flood: one_of(rng, &[1, 2, 5, 1_000]),
            hostile_turn: (turn, turn * one_of(rng, &[1, 2, 100])),
            earlier: one_of(rng, &[0, 30]),
            calm_stores: rng.random_range(1..=12),
            longest_calm_turn: turn / 5 * one_of(rng, &[1, 5, 50, 500]),
            longest_pause: turn / 5 * one_of(rng, &[1, 5, 50, 500]),
        }
    }
}

/// What happened while one event of a calm store waited.
#[derive(Debug)]
struct Wait {
    time: u64,
    hostile_turns: usize,
}

struct Simulation<'a> {
    load: &'a Load,
    rng: ChaCha8Rng,
    lanes: Lanes,
    now: u64,
    position: i64,
    /// By the time at which they end.
    running: BTreeMap<(u64, i64), (Item, u64)>,
    /// The next events of the calm stores, by time and store.
    arrivals: BTreeMap<(u64, usize), ()>,
    arrived: usize,
    /// The time of arrival, and the turns that the hostile store had started then, by store.
    waiting: HashMap<String, (u64, usize)>,
    hostile_turns: usize,
    waits: Vec<Wait>,
}

impl<'a> Simulation<'a> {
    fn new(load: &'a Load, mut rng: ChaCha8Rng) -> Self {
        let arrivals = (0..load.calm_stores)
            .map(|store| ((rng.random_range(0..=load.longest_pause), store), ()))
            .collect();
        Self {
            load,
            rng,
            lanes: Lanes::new(load.per_store, []),
            now: 0,
            position: 0,
            running: BTreeMap::new(),
            arrivals,
            arrived: 0,
            waiting: HashMap::new(),
            hostile_turns: 0,
            waits: Vec::new(),
        }
    }

    fn run(mut self) -> Vec<Wait> {
        while self.waits.len() < EVENTS {
            self.flood();
            self.dispatch();
            let end = self.running.first_key_value().map(|(&(at, _), _)| at);
            let arrival = self.arrivals.first_key_value().map(|(&(at, _), ())| at);
            match (end, arrival) {
                (Some(end), Some(arrival)) if end > arrival => self.arrive(),
                (None, _) => self.arrive(),
                _ => self.end_turn(),
            }
        }
        self.waits
    }

    fn flood(&mut self) {
        let Load { hostile, flood, .. } = *self.load;
        while self.arrived >= self.load.earlier && self.lanes.waiting_of(hostile) < flood {
            let lane = self.rng.random_range(0..self.load.lanes_of_flood);
            self.position += 1;
            self.lanes
                .push(item(hostile, &lane.to_string(), self.position));
        }
    }

    fn dispatch(&mut self) {
        while self.running.len() < self.load.workers
            && let Some(next) = self.lanes.take()
        {
            let (shortest, longest) = match next.store_id == self.load.hostile {
                true => self.load.hostile_turn,
                false => (1, self.load.longest_calm_turn),
            };
            let turn = self.rng.random_range(shortest..=longest);
            if let Some((since, turns)) = self.waiting.remove(&next.store_id) {
                self.waits.push(Wait {
                    time: self.now - since,
                    hostile_turns: self.hostile_turns - turns,
                });
            } else {
                self.hostile_turns += 1;
            }
            let end = (self.now + turn, next.event.position);
            self.running.insert(end, (next, turn));
        }
    }

    fn end_turn(&mut self) {
        let Some(((at, _), (done, turn))) = self.running.pop_first() else {
            return;
        };
        self.now = at;
        self.lanes.release(&done, Duration::from_micros(turn));
        if let Ok(store) = done.store_id.parse() {
            let pause = self.rng.random_range(0..=self.load.longest_pause);
            self.arrivals.insert((self.now + pause, store), ());
        }
    }

    fn arrive(&mut self) {
        let Some(((at, store), ())) = self.arrivals.pop_first() else {
            return;
        };
        self.now = at;
        self.arrived += 1;
        self.position += 1;
        let name = store.to_string();
        self.lanes.push(item(&name, "lane", self.position));
        self.waiting.insert(name, (self.now, self.hostile_turns));
    }
}

#[test]
fn an_event_of_another_store_waits_at_most_one_turn_of_a_flooding_store() {
    let (mut waited, mut free) = (0, 0);
    for seed in 0..LOADS {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        let load = Load::draw(&mut rng);
        for wait in Simulation::new(&load, rng).run() {
            assert!(wait.hostile_turns <= 1, "seed {seed}: {wait:?}, {load:?}");
            if load.calm_stores <= load.workers - load.per_store {
                assert_eq!(wait.time, 0, "seed {seed}: {wait:?}, {load:?}");
                free += 1;
            }
            waited += usize::from(wait.hostile_turns == 1);
        }
    }
    // The loads reach the bound, and both cases occur.
    assert!(waited > 100 && free > 1_000, "{waited} waited, {free} free");
}
