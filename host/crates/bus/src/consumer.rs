//! The consumer: reads the log for its groups, keeps the lanes, lets workers handle what is next.
//!
//! One task owns all of it. Several groups in one process share lanes and workers, so that a store's
//! share of the workers is one number, however many topics its events are in.

use crate::lanes::{LaneKey, Lanes, key};
use crate::reading::Reading;
use futures_util::future::join_all;
use galleria_app::handling::{Group, Handled, Item, Settled};
use galleria_app::{App, Error};
use galleria_domain::Position;
use jiff::Timestamp;
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
    /// Events of all stores that wait in memory. Where it stays full, only stores of which nothing
    /// waits get in.
    pub window: usize,
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
            window: 2_000,
            poll: Duration::from_millis(250),
        }
    }
}

/// Lanes taken from the park at a time, beside those that are taken already.
const DUE: usize = 200;

/// Events parked at a time: together they cost about one commit.
const TOGETHER: usize = 64;

/// How long the window may stay full before what is in it must give way.
const FULL: Duration = Duration::from_secs(1);

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
    /// Since when the window has been full.
    full_since: Option<Timestamp>,
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
            full_since: None,
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
            self.after(turned).await;
            if stopping && self.running.is_empty() {
                return;
            }
            if !stopping && (self.look || self.more() && !self.is_full()) {
                continue;
            }
            tokio::select! {
                Some(ended) = self.running.join_next_with_id(), if !self.running.is_empty() => {
                    let ended = self.ended(ended).await;
                    self.after(ended).await;
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

    /// An error here is the database's: nothing can go on before it is back.
    async fn after(&self, done: Result<(), Error>) {
        if let Err(error) = done {
            tracing::error!("the log cannot be consumed: {}", error.chain());
            self.app.clock().sleep(OUTAGE).await;
        }
    }

    fn is_full(&self) -> bool {
        self.lanes.waiting() >= self.config.window
    }

    /// Whether the window has been full for so long that the log must be read nevertheless: those
    /// in it are slow, and others may wait behind them.
    fn is_stuck(&mut self) -> bool {
        if !self.is_full() {
            self.full_since = None;
            return false;
        }
        let now = self.app.clock().now();
        let since = *self.full_since.get_or_insert(now);
        now.duration_since(since).unsigned_abs() >= FULL
    }

    /// Whether one more item of a store may wait in memory.
    fn admits(&self, store: &str) -> bool {
        let most = if self.is_full() {
            1
        } else {
            self.config.store_backlog
        };
        self.lanes.waiting_of(store) < most
    }

    fn more(&self) -> bool {
        self.readings.iter().any(|reading| reading.more)
    }

    fn expect_more(&mut self) {
        for reading in &mut self.readings {
            reading.more = true;
        }
    }

    /// How far the item's group has come.
    fn settled(&self, item: &Item) -> Position {
        let of_item = |reading: &&Reading| reading.group.name == item.group;
        let reading = self.readings.iter().find(of_item);
        reading.map_or(0, |reading| reading.prefix.settled())
    }

    /// The item's place in the log counts as done. What comes back from the park has none: its
    /// event may still be in the window for another subscriber.
    fn finish(&mut self, item: &Item) {
        if item.parked.is_some() {
            return;
        }
        let of_item = |reading: &&mut Reading| reading.group.name == item.group;
        if let Some(reading) = self.readings.iter_mut().find(of_item) {
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
        let stuck = self.is_stuck();
        for index in 0..self.readings.len() {
            if self.readings[index].more && (stuck || !self.is_full()) {
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
        } else if self.admits(&item.store_id) {
            self.lanes.push(item);
        } else {
            let queued = self.lanes.close(lane);
            let aside = std::iter::chain(queued, [item]);
            self.parking.extend(aside.map(|item| (item, Why::Aside)));
        }
    }

    /// Parks what is to be parked; what the database does not take stays here and is tried again.
    async fn park(&mut self) -> Result<(), Error> {
        while !self.parking.is_empty() {
            let together = self.parking.len().min(TOGETHER);
            let writes = self.parking.iter().take(together).map(|(item, why)| {
                let (app, settled) = (&self.app, self.settled(item));
                async move {
                    match why {
                        Why::Behind => app.park_behind(item, settled).await,
                        Why::Aside => app.park_aside(item, settled).await,
                    }
                }
            });
            let written = join_all(writes).await;
            let items: Vec<_> = self.parking.drain(..together).collect();
            let mut failed = None;
            for ((item, why), written) in items.into_iter().zip(written) {
                match written {
                    Ok(()) => self.finish(&item),
                    Err(error) => {
                        self.parking.push_back((item, why));
                        failed = Some(error);
                    }
                }
            }
            if let Some(error) = failed {
                return Err(error);
            }
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
            // What waits here is parked still, and must not hide what is due behind it.
            let limit = DUE + self.lanes.busy();
            let due = self.app.due(&group, limit.try_into().unwrap_or(u32::MAX));
            let due = due.await?;
            self.look |= due.len() == limit;
            for parked in due {
                let (subscriber, lane) = (parked.subscriber.clone(), parked.lane.clone());
                let lane = (group.clone(), subscriber, lane);
                if self.lanes.is_busy(&lane) {
                    continue;
                }
                // What another process parked, or an operator replays, closes its lane here, too.
                self.close(lane);
                let item = self.app.unpark(parked).await?;
                if self.admits(&item.store_id) {
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
        let id = match &ended {
            Ok((id, _)) => *id,
            Err(error) => error.id(),
        };
        let Some(item) = self.out.remove(&id) else {
            return Ok(());
        };
        let lane = key(&item);
        let Handled { settled, cpu } = match ended {
            Ok((_, Ok(handled))) => handled,
            Ok((_, Err(error))) => {
                // The database's trouble, not the event's: it stays where it is.
                self.lanes.release(&item, Duration::ZERO);
                self.lanes.put_back(item);
                return Err(error);
            }
            Err(error) => {
                tracing::error!(event = %item.event.id, "handling it broke down: {error}");
                self.close(lane);
                self.lanes.release(&item, Duration::ZERO);
                self.parking.push_front((item, Why::Aside));
                return self.park().await;
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
