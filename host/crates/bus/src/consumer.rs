//! One group's consumer: reads the log, keeps the lanes, lets workers handle what is next.

use crate::lanes::{LaneKey, Lanes, key};
use crate::prefix::Prefix;
use galleria_app::handling::{Group, Handled, Item, Settled};
use galleria_app::{App, Error};
use galleria_domain::Position;
use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::task::{Id, JoinError, JoinSet};
use tokio_util::sync::CancellationToken;

/// How a consumer works.
#[derive(Clone, Debug)]
pub struct ConsumerConfig {
    /// Calls in flight, shared by all groups of the process.
    pub workers: Arc<Semaphore>,
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
            workers: Arc::new(Semaphore::new(workers.max(1))),
            per_store,
            store_backlog: 200,
            poll: Duration::from_millis(250),
        }
    }
}

/// Events read at a time.
const PAGE: u32 = 200;

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

/// One group's consumer.
pub struct Consumer {
    app: App,
    group: Group,
    config: ConsumerConfig,
    lanes: Lanes,
    prefix: Prefix,
    /// What was stored last.
    stored: Position,
    running: JoinSet<Result<Handled, Error>>,
    out: HashMap<Id, Item>,
    /// To be parked: their lanes are closed. Kept until the database has them.
    parking: VecDeque<(Item, Why)>,
    /// More may be in the log.
    more: bool,
    /// The park is to be looked after.
    look: bool,
}

impl Consumer {
    /// Picks up where the group stopped.
    pub async fn start(app: App, group: Group, config: ConsumerConfig) -> Result<Self, Error> {
        let (position, closed) = app.resume(&group.name).await?;
        Ok(Self {
            lanes: Lanes::new(config.per_store, closed),
            prefix: Prefix::new(position),
            stored: position,
            running: JoinSet::new(),
            out: HashMap::new(),
            parking: VecDeque::new(),
            more: true,
            look: true,
            app,
            group,
            config,
        })
    }

    /// Consumes until told to stop; what is in flight then is finished first.
    pub async fn run(mut self, stop: CancellationToken) {
        let (grew, woke) = (self.app.log_grew(), self.app.parked_woke());
        loop {
            // Listening begins before looking: what happens in between is not missed.
            let (told, woken) = (grew.notified(), woke.notified());
            tokio::pin!(told, woken);
            told.as_mut().enable();
            woken.as_mut().enable();
            if let Err(error) = self.turn(&stop).await {
                self.complain(&error);
                self.app.clock().sleep(OUTAGE).await;
            }
            if stop.is_cancelled() && self.running.is_empty() {
                return;
            }
            if self.more && !stop.is_cancelled() && self.lanes.waiting() < WINDOW {
                continue;
            }
            let (app, workers) = (self.app.clone(), Arc::clone(&self.config.workers));
            let wants_worker = self.lanes.can_take() && !stop.is_cancelled();
            tokio::select! {
                Some(ended) = self.running.join_next_with_id(), if !self.running.is_empty() => {
                    if let Err(error) = self.ended(ended).await {
                        self.complain(&error);
                    }
                }
                Ok(permit) = workers.acquire_owned(), if wants_worker => self.start_next(permit),
                () = told => self.more = true,
                () = woken => self.look = true,
                () = app.clock().sleep(self.config.poll) => {
                    self.more = true;
                    self.look = true;
                }
                () = stop.cancelled(), if !stop.is_cancelled() => {}
            }
        }
    }

    fn complain(&self, error: &Error) {
        tracing::error!(group = %self.group.name, "the log cannot be consumed: {}", error.chain());
    }

    /// Everything that can be done without waiting for a worker.
    async fn turn(&mut self, stop: &CancellationToken) -> Result<(), Error> {
        while let Some(ended) = self.running.try_join_next_with_id() {
            self.ended(ended).await?;
        }
        if stop.is_cancelled() {
            return self.store_progress().await;
        }
        self.park().await?;
        if self.look {
            self.look_after_parked().await?;
        }
        if self.more && self.lanes.waiting() < WINDOW {
            self.read().await?;
        }
        self.dispatch();
        if self.running.is_empty() && self.lanes.waiting() == 0 {
            self.store_progress().await?;
        }
        Ok(())
    }

    async fn read(&mut self) -> Result<(), Error> {
        let after = self.prefix.read();
        let events = self.app.events_after(&self.group, after, PAGE).await?;
        self.more = events.len() == PAGE as usize;
        for event in events {
            let items = self.app.route(&self.group.name, &event).await?;
            self.prefix.begin(event.position, items.len());
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
        while let Some((item, why)) = self.parking.front() {
            let settled = self.prefix.settled();
            match why {
                Why::Behind => self.app.park_behind(item, settled).await?,
                Why::Aside => self.app.park_aside(item, ASIDE, settled).await?,
            }
            self.prefix.finish(item.event.position);
            self.parking.pop_front();
        }
        Ok(())
    }

    async fn look_after_parked(&mut self) -> Result<(), Error> {
        self.look = false;
        let due = self.app.due(&self.group.name, DUE).await?;
        for parked in due {
            let lane = (parked.subscriber.clone(), parked.lane.clone());
            if self.lanes.is_busy(&lane) {
                continue;
            }
            // What another process parked, or an operator replays, closes its lane here, too.
            let queued = self.lanes.close(lane);
            let behind = queued.into_iter().map(|item| (item, Why::Behind));
            self.parking.extend(behind);
            let item = self.app.unpark(parked).await?;
            if self.lanes.waiting_of(&item.store_id) < self.config.store_backlog {
                self.lanes.push(item);
            } else {
                self.parking.push_back((item, Why::Aside));
            }
        }
        self.park().await
    }

    fn dispatch(&mut self) {
        while self.lanes.can_take()
            && let Ok(permit) = Arc::clone(&self.config.workers).try_acquire_owned()
        {
            self.start_next(permit);
        }
    }

    fn start_next(&mut self, permit: OwnedSemaphorePermit) {
        let Some(item) = self.lanes.take() else {
            return;
        };
        let (app, prefix, task) = (self.app.clone(), self.prefix.settled(), item.clone());
        let handle = self.running.spawn(async move {
            let handled = app.handle(&task, prefix).await;
            drop(permit);
            handled
        });
        self.out.insert(handle.id(), item);
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
                self.prefix.finish(item.event.position);
                if self.lanes.is_closed(&lane) {
                    self.reopen(&lane).await?;
                }
            }
            Settled::Parked | Settled::Held => {
                let rest = self.lanes.close(lane);
                self.lanes.release(&item, cpu);
                self.prefix.finish(item.event.position);
                let behind = rest.into_iter().map(|item| (item, Why::Behind));
                self.parking.extend(behind);
                self.park().await?;
            }
        }
        Ok(())
    }

    /// One of a closed lane is done: the next parked one follows, or the lane opens.
    async fn reopen(&mut self, lane: &LaneKey) -> Result<(), Error> {
        self.park().await?;
        let (subscriber, name) = lane;
        if self
            .app
            .lane_waits(&self.group.name, subscriber, name)
            .await?
        {
            self.look = true;
        } else {
            self.lanes.open(lane);
        }
        Ok(())
    }

    async fn store_progress(&mut self) -> Result<(), Error> {
        let settled = self.prefix.settled();
        if settled > self.stored {
            self.app.progress(&self.group.name, settled).await?;
            self.stored = settled;
        }
        Ok(())
    }
}
