//! The consumer: reads the log for its groups, fills the lanes and starts workers for the next items.
//!
//! One task owns all of this state. Groups in one process share lanes and workers, so that a store's share
//! of the workers is one number, however many topics its events are in.

use crate::config::ConsumerConfig;
use crate::group_reader::{GroupReader, PAGE};
use crate::lanes::{LaneKey, Lanes, lane_key};
use crate::park_reason::ParkReason;
use futures_util::future::join_all;
use galleria_app::App;
use galleria_app::events::{Group, HandlingOutcome, HandlingResult, Item, Progress};
use galleria_domain::retry::OUTAGE_PAUSE;
use galleria_ports::Error;
use galleria_ports::clock::elapsed;
use jiff::Timestamp;
use std::collections::{HashMap, VecDeque};
use std::time::Duration;
use tokio::task::{Id, JoinError, JoinSet};
use tokio_util::sync::CancellationToken;

/// Lanes unparked in one pass, in addition to those already unparked.
const DUE_LANES: usize = 200;

/// Events parked concurrently: group commit makes them cost about one commit.
const PARK_BATCH: usize = 64;

/// How long the window may stay full before its events are set aside for others.
const FULL_FOR: Duration = Duration::from_secs(1);

/// Consumes the log for a set of groups.
pub struct Consumer {
    app: App,
    config: ConsumerConfig,
    readers: Vec<GroupReader>,
    lanes: Lanes,
    running: JoinSet<Result<HandlingResult, Error>>,
    /// The items in progress, and the time at which each started.
    in_flight: HashMap<Id, (Item, Timestamp)>,
    /// Items to park, whose lanes are closed. They stay here until the database has stored them.
    parking: VecDeque<(Item, ParkReason)>,
    /// Whether to check for parked events that are due.
    check_parked: bool,
    /// When the window became full.
    full_since: Option<Timestamp>,
}

impl Consumer {
    /// Continues at the stored positions of the groups.
    pub async fn start(
        app: App,
        groups: Vec<Group>,
        config: ConsumerConfig,
    ) -> Result<Self, Error> {
        // Another host may have parked events of a retailer that serves here.
        app.events.wake_retailers().await?;
        let (mut readers, mut closed) = (Vec::new(), Vec::new());
        for group in groups {
            let (position, lanes) = app.events.resume(&group.name).await?;
            let keys = lanes
                .into_iter()
                .map(|(subscriber, lane)| (group.name.clone(), subscriber, lane));
            closed.extend(keys);
            readers.push(GroupReader::new(group, position));
        }
        Ok(Self {
            lanes: Lanes::new(config.per_store, closed),
            readers,
            running: JoinSet::new(),
            in_flight: HashMap::new(),
            parking: VecDeque::new(),
            check_parked: true,
            full_since: None,
            app,
            config,
        })
    }

    /// Consumes until `stop`; items in flight finish first.
    pub async fn run(mut self, stop: CancellationToken) {
        let app = self.app.clone();
        let (mut grew, mut woke) = (app.core.log_grew(), app.core.parked_woke());
        loop {
            let stopping = stop.is_cancelled();
            let passed = match stopping {
                true => self.store_progress().await,
                false => self.pass().await,
            };
            self.pause_after(passed).await;
            if stopping && self.running.is_empty() {
                return;
            }
            if !stopping && (self.check_parked || self.more() && !self.is_full()) {
                continue;
            }
            tokio::select! {
                Some(ended) = self.running.join_next_with_id(), if !self.running.is_empty() => {
                    let ended = self.ended(ended).await;
                    self.pause_after(ended).await;
                }
                () = grew.notified() => self.expect_more(),
                () = woke.notified() => self.check_parked = true,
                () = app.core.clock().sleep(self.config.poll) => {
                    self.expect_more();
                    self.check_parked = true;
                }
                () = stop.cancelled(), if !stopping => {}
            }
        }
    }

    /// Pauses after an error: all errors here are the database's, and nothing can continue without it.
    async fn pause_after(&self, done: Result<(), Error>) {
        if let Err(error) = done {
            tracing::error!(error = error.chain(), "consumer paused");
            self.app.core.clock().sleep(OUTAGE_PAUSE).await;
        }
    }

    fn is_full(&self) -> bool {
        self.lanes.waiting() >= self.config.window
    }

    /// Whether the window has been full for too long. Then the log is read nevertheless: the events in the
    /// window are slow, and other stores may wait behind them.
    fn is_stuck(&mut self) -> bool {
        if !self.is_full() {
            self.full_since = None;
            return false;
        }
        let now = self.app.core.clock().now();
        let since = *self.full_since.get_or_insert(now);
        now.duration_since(since).unsigned_abs() >= FULL_FOR
    }

    /// Whether the window admits another item of this store.
    fn admits(&self, store: &str) -> bool {
        let limit = if self.is_full() {
            1
        } else {
            self.config.store_backlog
        };
        self.lanes.waiting_of(store) < limit
    }

    fn more(&self) -> bool {
        self.readers.iter().any(|reader| reader.more)
    }

    fn expect_more(&mut self) {
        for reader in &mut self.readers {
            reader.more = true;
        }
    }

    /// What is stored when the item is settled.
    fn progress(&self, item: &Item) -> Progress {
        let mut readers = self.readers.iter();
        let reader = readers.find(|reader| reader.group.name == item.group);
        reader.map_or_else(Progress::default, |reader| reader.progress(item))
    }

    /// Counts the item's position as done, after `progress` was stored.
    fn finish(&mut self, item: &Item, progress: Progress) {
        let mut readers = self.readers.iter_mut();
        if let Some(reader) = readers.find(|reader| reader.group.name == item.group) {
            reader.finish(item, progress);
        }
    }

    /// Does everything that does not wait for a worker.
    async fn pass(&mut self) -> Result<(), Error> {
        while let Some(ended) = self.running.try_join_next_with_id() {
            self.ended(ended).await?;
        }
        self.park().await?;
        if self.check_parked {
            self.unpark_due().await?;
        }
        let stuck = self.is_stuck();
        if self.more() && (stuck || !self.is_full()) {
            self.read().await?;
        }
        self.dispatch();
        if self.running.is_empty() && self.lanes.waiting() == 0 {
            self.store_progress().await?;
        }
        Ok(())
    }

    /// Reads the next page of each group that may have more, in one query.
    async fn read(&mut self) -> Result<(), Error> {
        let readers = self.readers.iter().filter(|reader| reader.more);
        let topics = readers.flat_map(GroupReader::topics).collect();
        let page = self.app.events.next_events(topics, PAGE).await?;
        for index in 0..self.readers.len() {
            if !self.readers[index].more {
                continue;
            }
            let group = self.readers[index].group.name.clone();
            for (event, store) in self.readers[index].page(&page) {
                // Earlier events of the key may wait for their retailer: keep the order behind them.
                let waiting = self.app.events.waiting_item(&group, &event);
                let lane = lane_key(&waiting);
                let items = match self.lanes.is_closed(&lane) || self.lanes.is_busy(&lane) {
                    true => vec![waiting],
                    false => self.app.events.route_in(&group, &event, store.as_ref()),
                };
                let reader = &mut self.readers[index];
                reader.watermark.begin(event.position, items.len());
                for item in items {
                    self.accept(item);
                }
            }
        }
        self.park().await
    }

    /// Adds a new item to its lane, parks it behind the parked items of the lane, or sets it aside.
    fn accept(&mut self, item: Item) {
        let lane = lane_key(&item);
        if self.lanes.is_closed(&lane) {
            self.parking.push_back((item, ParkReason::Behind));
        } else if self.admits(&item.store_id) {
            self.lanes.push(item);
        } else {
            let queued = self.lanes.close(lane);
            let items = std::iter::chain(queued, [item]);
            self.parking
                .extend(items.map(|item| (item, ParkReason::SetAside)));
        }
    }

    /// Parks the queued items. An item that the database could not store stays queued.
    async fn park(&mut self) -> Result<(), Error> {
        while !self.parking.is_empty() {
            let count = self.parking.len().min(PARK_BATCH);
            // Concurrent writes: none knows which of the others succeed.
            let progress = match count {
                1 => self.progress(&self.parking[0].0),
                _ => Progress::default(),
            };
            let items = self.parking.iter().take(count);
            let writes = items.map(|(item, reason)| reason.park(&self.app, item, progress));
            let written = join_all(writes).await;
            let items: Vec<_> = self.parking.drain(..count).collect();
            let mut failed = None;
            for ((item, reason), written) in items.into_iter().zip(written) {
                match written {
                    Ok(()) => self.finish(&item, progress),
                    Err(error) => {
                        self.parking.push_back((item, reason));
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

    /// Closes a lane and queues its waiting items for parking.
    fn close(&mut self, lane: LaneKey) {
        let behind = self.lanes.close(lane).into_iter();
        self.parking
            .extend(behind.map(|item| (item, ParkReason::Behind)));
    }

    async fn unpark_due(&mut self) -> Result<(), Error> {
        self.check_parked = false;
        for index in 0..self.readers.len() {
            let group = self.readers[index].group.name.clone();
            // Unparked items that wait here are still parked in the database: request more items, so that the
            // page also contains due ones.
            let limit = DUE_LANES + self.lanes.parked();
            let most = limit.try_into().unwrap_or(u32::MAX);
            let due = self.app.events.due(&group, most).await?;
            self.check_parked |= due.len() == limit;
            for parked in due {
                let (subscriber, lane) = (parked.subscriber.clone(), parked.lane.clone());
                let lane = (group.clone(), subscriber, lane);
                if self.lanes.is_busy(&lane) {
                    continue;
                }
                // Another process may have parked it, or an operator replayed it: close its lane here too.
                self.close(lane);
                let item = self.app.events.unpark(parked).await?;
                if self.admits(&item.store_id) {
                    self.lanes.push(item);
                } else {
                    self.parking.push_back((item, ParkReason::SetAside));
                }
            }
        }
        self.park().await
    }

    fn dispatch(&mut self) {
        while self.running.len() < self.config.workers
            && let Some(item) = self.lanes.take()
        {
            let (app, progress, task) = (self.app.clone(), self.progress(&item), item.clone());
            let handle = self
                .running
                .spawn(async move { app.events.handle(&task, progress).await });
            let started = self.app.core.clock().now();
            self.in_flight.insert(handle.id(), (item, started));
        }
    }

    async fn ended(
        &mut self,
        ended: Result<(Id, Result<HandlingResult, Error>), JoinError>,
    ) -> Result<(), Error> {
        let id = match &ended {
            Ok((id, _)) => *id,
            Err(error) => error.id(),
        };
        let Some((item, started)) = self.in_flight.remove(&id) else {
            return Ok(());
        };
        let lane = lane_key(&item);
        let handled = match ended {
            Ok((_, Ok(handled))) => handled,
            Ok((_, Err(error))) => {
                // The database failed, not the event: put it back.
                self.lanes.release(&item, Duration::ZERO);
                self.lanes.put_back(item);
                return Err(error);
            }
            Err(error) => {
                tracing::error!(event = %item.event.id, %error, "event handler panicked");
                self.close(lane);
                self.lanes.release(&item, Duration::ZERO);
                self.parking.push_front((item, ParkReason::SetAside));
                return self.park().await;
            }
        };
        // An item that waits, such as for the database, occupies a worker too.
        let cost = handled
            .cost
            .max(elapsed(started, self.app.core.clock().now()));
        match handled.outcome {
            HandlingOutcome::Routed => {
                self.lanes.release(&item, cost);
                if let Err(error) = self.close_subscribers(&item).await {
                    // Routing again changes nothing in the database.
                    self.lanes.put_back(item);
                    return Err(error);
                }
                self.finish(&item, handled.progress);
                self.reopen(&lane).await?;
            }
            HandlingOutcome::Done => {
                self.lanes.release(&item, cost);
                self.finish(&item, handled.progress);
                if self.lanes.is_closed(&lane) {
                    self.reopen(&lane).await?;
                }
            }
            HandlingOutcome::Parked | HandlingOutcome::Blocking => {
                self.close(lane);
                self.lanes.release(&item, cost);
                self.finish(&item, handled.progress);
                self.park().await?;
            }
        }
        Ok(())
    }

    /// Closes the lanes of an event that was parked for its subscribers, so that later events of its key wait.
    async fn close_subscribers(&mut self, item: &Item) -> Result<(), Error> {
        for parked in self.app.events.route(&item.group, &item.event).await? {
            self.close(lane_key(&parked));
        }
        self.check_parked = true;
        Ok(())
    }

    /// After an item of a closed lane is done: unparks the next one, or opens the lane.
    async fn reopen(&mut self, lane: &LaneKey) -> Result<(), Error> {
        self.park().await?;
        let (group, subscriber, name) = lane;
        if self.app.events.lane_waits(group, subscriber, name).await? {
            self.check_parked = true;
        } else {
            self.lanes.open(lane);
        }
        Ok(())
    }

    async fn store_progress(&mut self) -> Result<(), Error> {
        for reader in &mut self.readers {
            reader.store(&self.app).await?;
        }
        Ok(())
    }
}
