//! The consumer: reads the log for its groups, keeps the lanes, lets workers handle what is next.
//!
//! One task owns all of it. Several groups in one process share lanes and workers, so that a store's
//! share of the workers is one number, however many topics its events are in.

use crate::lanes::{LaneKey, Lanes, key};
use crate::reading::Reading;
use galleria_app::handling::{Group, Handled, Item, Settled};
use galleria_app::{App, Error};
use std::collections::{HashMap, VecDeque};
use std::time::Duration;
use tokio::task::{Id, JoinError, JoinSet};
use tokio_util::sync::CancellationToken;

/// How a consumer works.
#[derive(Clone, Debug)]
pub struct ConsumerConfig {
    /// Calls in flight.
    pub workers: usize,
    /// Calls in flight of one store; fewer than workers.
    pub per_store: usize,
    /// Events of one store that wait in memory; more are set aside, so that the window stays open for others.
    pub store_backlog: usize,
    /// How often parked events are looked after, and the log where nobody told that it grew.
    pub poll: Duration,
}

impl ConsumerConfig {
    /// For `workers` calls in flight.
    pub fn new(workers: usize, per_store: usize) -> Self {
        Self {
            workers: workers.max(1),
            per_store,
            store_backlog: 200,
            poll: Duration::from_millis(250),
        }
    }
}

/// Events that wait in memory, of all stores.
const WINDOW: usize = 2_000;

/// Lanes taken from the park at a time.
const DUE: u32 = 200;

/// How long an event of a store with much to do is set aside.
const ASIDE: Duration = Duration::from_secs(2);

/// The wait after the database could not be reached.
const OUTAGE: Duration = Duration::from_secs(1);

/// Why an item is parked.
#[derive(Clone, Copy, Debug)]
enum Why {
    Behind,
    Aside,
}

/// Consumes the log for some groups.
pub struct Consumer {
    app: App,
    config: ConsumerConfig,
    readings: Vec<Reading>,
    lanes: Lanes,
    running: JoinSet<Result<Handled, Error>>,
    out: HashMap<Id, Item>,
    /// To be parked: their lanes are closed. Kept until the database has them.
    parking: VecDeque<(Item, Why)>,
    /// The park is to be looked after.
    look: bool,
}

impl Consumer {
    /// Picks up where the groups stopped.
    pub async fn start(
        app: App,
        groups: Vec<Group>,
        config: ConsumerConfig,
    ) -> Result<Self, Error> {
        let (mut readings, mut closed) = (Vec::new(), Vec::new());
        for group in groups {
            let (position, lanes) = app.resume(&group.name).await?;
            let named = |(subscriber, lane)| (group.name.clone(), subscriber, lane);
            closed.extend(lanes.into_iter().map(named));
            readings.push(Reading::new(group, position));
        }
        Ok(Self {
            lanes: Lanes::new(config.per_store, closed),
            readings,
            running: JoinSet::new(),
            out: HashMap::new(),
            parking: VecDeque::new(),
            look: true,
            app,
            config,
        })
    }

    /// Consumes until told to stop; what is in flight then is finished first.
    pub async fn run(mut self, stop: CancellationToken) {
        let app = self.app.clone();
        let (mut grew, mut woke) = (app.log_grew(), app.parked_woke());
        loop {
            let stopping = stop.is_cancelled();
            let turned = if stopping {
                self.store_progress().await
            } else {
                self.turn().await
            };
            if let Err(error) = turned {
                complain(&error);
                app.clock().sleep(OUTAGE).await;
            }
            if stopping && self.running.is_empty() {
                return;
            }
            if !stopping && self.more() && self.lanes.waiting() < WINDOW {
                continue;
            }
            tokio::select! {
                Some(ended) = self.running.join_next_with_id(), if !self.running.is_empty() => {
                    if let Err(error) = self.ended(ended).await {
                        complain(&error);
                    }
                }
                () = grew.heard() => self.expect_more(),
                () = woke.heard() => self.look = true,
                () = app.clock().sleep(self.config.poll) => {
                    self.expect_more();
                    self.look = true;
                }
                () = stop.cancelled(), if !stopping => {}
            }
        }
    }

    fn more(&self) -> bool {
        self.readings.iter().any(|reading| reading.more)
    }

    fn expect_more(&mut self) {
        for reading in &mut self.readings {
            reading.more = true;
        }
    }

    fn reading(&mut self, item: &Item) -> Option<&mut Reading> {
        let of_item = |reading: &&mut Reading| reading.group.name == item.group;
        self.readings.iter_mut().find(of_item)
    }

    /// How far the item's group has come.
    fn settled(&mut self, item: &Item) -> i64 {
        self.reading(item)
            .map_or(0, |reading| reading.prefix.settled())
    }

    /// The item's place in the log counts as done.
    fn finish(&mut self, item: &Item) {
        if let Some(reading) = self.reading(item) {
            reading.prefix.finish(item.event.position);
        }
    }

    /// Everything that can be done without waiting for a worker.
    async fn turn(&mut self) -> Result<(), Error> {
        while let Some(ended) = self.running.try_join_next_with_id() {
            self.ended(ended).await?;
        }
        self.park().await?;
        if self.look {
            self.look_after_parked().await?;
        }
        for index in 0..self.readings.len() {
            if self.readings[index].more && self.lanes.waiting() < WINDOW {
                self.read(index).await?;
            }
        }
        self.dispatch();
        if self.running.is_empty() && self.lanes.waiting() == 0 {
            self.store_progress().await?;
        }
        Ok(())
    }

    async fn read(&mut self, index: usize) -> Result<(), Error> {
        let events = self.readings[index].page(&self.app).await?;
        for event in events {
            let reading = &mut self.readings[index];
            let items = self.app.route(&reading.group.name, &event).await?;
            reading.prefix.begin(event.position, items.len());
            for item in items {
                self.accept(item);
            }
        }
        self.park().await
    }

    /// A new item goes into its lane; or behind what is parked of it; or aside.
    fn accept(&mut self, item: Item) {
        let lane = key(&item);
        if self.lanes.is_closed(&lane) {
            self.parking.push_back((item, Why::Behind));
        } else if self.lanes.waiting_of(&item.store_id) >= self.config.store_backlog {
            let queued = self.lanes.close(lane);
            let aside = std::iter::chain(queued, [item]);
            self.parking.extend(aside.map(|item| (item, Why::Aside)));
        } else {
            self.lanes.push(item);
        }
    }

    /// Parks what is to be parked; what the database does not take stays here and is tried again.
    async fn park(&mut self) -> Result<(), Error> {
        while let Some((item, why)) = self.parking.front().cloned() {
            let settled = self.settled(&item);
            match why {
                Why::Behind => self.app.park_behind(&item, settled).await?,
                Why::Aside => self.app.park_aside(&item, ASIDE, settled).await?,
            }
            self.finish(&item);
            self.parking.pop_front();
        }
        Ok(())
    }

    /// Parks what waits in a lane behind one that is parked already.
    fn close(&mut self, lane: LaneKey) {
        let behind = self.lanes.close(lane).into_iter();
        self.parking.extend(behind.map(|item| (item, Why::Behind)));
    }

    async fn look_after_parked(&mut self) -> Result<(), Error> {
        self.look = false;
        for index in 0..self.readings.len() {
            let group = self.readings[index].group.name.clone();
            for parked in self.app.due(&group, DUE).await? {
                let (subscriber, lane) = (parked.subscriber.clone(), parked.lane.clone());
                let lane = (group.clone(), subscriber, lane);
                if self.lanes.is_busy(&lane) {
                    continue;
                }
                // What another process parked, or an operator replays, closes its lane here, too.
                self.close(lane);
                let item = self.app.unpark(parked).await?;
                if self.lanes.waiting_of(&item.store_id) < self.config.store_backlog {
                    self.lanes.push(item);
                } else {
                    self.parking.push_back((item, Why::Aside));
                }
            }
        }
        self.park().await
    }

    fn dispatch(&mut self) {
        while self.running.len() < self.config.workers
            && let Some(item) = self.lanes.take()
        {
            let (app, prefix, task) = (self.app.clone(), self.settled(&item), item.clone());
            let handle = self
                .running
                .spawn(async move { app.handle(&task, prefix).await });
            self.out.insert(handle.id(), item);
        }
    }

    async fn ended(
        &mut self,
        ended: Result<(Id, Result<Handled, Error>), JoinError>,
    ) -> Result<(), Error> {
        let (id, handled) = match ended {
            Ok((id, handled)) => (id, handled),
            Err(error) => (
                error.id(),
                Err(Error::Internal(format!("handling an event: {error}"))),
            ),
        };
        let Some(item) = self.out.remove(&id) else {
            return Ok(());
        };
        let lane = key(&item);
        let Handled { settled, cpu } = match handled {
            Ok(handled) => handled,
            Err(error) => {
                // Our trouble, not the event's: it stays where it is and is handled again.
                self.lanes.release(&item, Duration::ZERO);
                self.lanes.put_back(item);
                self.app.clock().sleep(OUTAGE).await;
                return Err(error);
            }
        };
        match settled {
            Settled::Done => {
                self.lanes.release(&item, cpu);
                self.finish(&item);
                if self.lanes.is_closed(&lane) {
                    self.reopen(&lane).await?;
                }
            }
            Settled::Parked | Settled::Held => {
                self.close(lane);
                self.lanes.release(&item, cpu);
                self.finish(&item);
                self.park().await?;
            }
        }
        Ok(())
    }

    /// One of a closed lane is done: the next parked one follows, or the lane opens.
    async fn reopen(&mut self, lane: &LaneKey) -> Result<(), Error> {
        self.park().await?;
        let (group, subscriber, name) = lane;
        if self.app.lane_waits(group, subscriber, name).await? {
            self.look = true;
        } else {
            self.lanes.open(lane);
        }
        Ok(())
    }

    async fn store_progress(&mut self) -> Result<(), Error> {
        for reading in &mut self.readings {
            reading.store(&self.app).await?;
        }
        Ok(())
    }
}

fn complain(error: &Error) {
    tracing::error!("the log cannot be consumed: {}", error.chain());
}
