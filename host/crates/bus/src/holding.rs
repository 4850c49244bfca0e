//! One host reads a group at a time: it holds the group's lease, and keeps it while it consumes or relays.
//!
//! Owns: which groups are this host's now, and that nothing is read of the others. A host that drains
//! gives its groups back; one that died is waited for until its lease has ended.

use crate::{Consumer, ConsumerConfig, Relay};
use galleria_app::App;
use galleria_app::handling::Group;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

/// How often a host that waits for a group asks for it, and shows that it lives.
const STANDING_BY: Duration = Duration::from_secs(1);

/// The wait after the database could not be reached.
const OUTAGE: Duration = Duration::from_secs(1);

/// A lease is kept so many times before it would end.
const KEPT: u32 = 3;

/// The groups that a host wants to read.
pub struct Holding {
    app: App,
    groups: Vec<Group>,
    owner: String,
    lease: Duration,
    held: watch::Sender<Vec<String>>,
    told: Held,
}

/// What a host holds of what it wants, for people and probes. Clones share it.
#[derive(Clone, Debug, Default)]
pub struct Held(Arc<Mutex<Vec<(String, bool)>>>);

impl Held {
    /// Every group that is wanted, and whether this host has it.
    pub fn groups(&self) -> Vec<(String, bool)> {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }
}

impl Holding {
    /// `owner` names this host among others on the same database.
    pub fn new(app: App, groups: Vec<Group>, owner: impl Into<String>, lease: Duration) -> Self {
        let holding = Self {
            app,
            groups,
            owner: owner.into(),
            lease,
            held: watch::Sender::new(Vec::new()),
            told: Held::default(),
        };
        holding.tell(Vec::new());
        holding
    }

    /// What is held, now and later.
    pub fn held(&self) -> Held {
        self.told.clone()
    }

    /// Consumes the groups that are held.
    pub fn consume(
        &self,
        config: ConsumerConfig,
        stop: CancellationToken,
    ) -> impl Future<Output = ()> + use<> {
        let app = self.app.clone();
        self.work(stop, move |groups, quit| {
            let started = Consumer::start(app.clone(), groups, config.clone());
            async move {
                match started.await {
                    Ok(consumer) => consumer.run(quit).await,
                    Err(error) => {
                        tracing::error!("groups cannot be consumed: {}", error.chain());
                        tokio::time::sleep(OUTAGE).await;
                    }
                }
            }
        })
    }

    /// Relays the groups that are held.
    pub fn relay(&self, relay: Relay, stop: CancellationToken) -> impl Future<Output = ()> + use<> {
        self.work(stop, move |groups, quit| relay.clone().run(groups, quit))
    }

    /// Works at the groups that are held, as they come and go, until told to stop; what is in flight then
    /// is finished first.
    fn work<W, F>(&self, stop: CancellationToken, work: W) -> impl Future<Output = ()> + use<W, F>
    where
        W: Fn(Vec<Group>, CancellationToken) -> F,
        F: Future<Output = ()>,
    {
        let (groups, mut held) = (self.groups.clone(), self.held.subscribe());
        async move {
            while !stop.is_cancelled() {
                let mine = held.borrow_and_update().clone();
                if mine.is_empty() {
                    tokio::select! {
                        changed = held.changed() => if changed.is_err() { return },
                        () = tokio::time::sleep(STANDING_BY) => {}
                        () = stop.cancelled() => {}
                    }
                    continue;
                }
                let of_mine = groups.iter().filter(|group| mine.contains(&group.name));
                let quit = stop.child_token();
                let mut running = std::pin::pin!(work(of_mine.cloned().collect(), quit.clone()));
                tokio::select! {
                    () = &mut running => continue,
                    // Also where nobody keeps them any more.
                    _ = held.changed() => quit.cancel(),
                }
                running.await;
            }
        }
    }

    /// Takes and keeps the groups for as long as somebody consumes them, then gives them back.
    pub async fn keep(self) {
        let names: Vec<String> = self.groups.iter().map(|one| one.name.clone()).collect();
        let (beat, mut until) = (self.lease / KEPT, Instant::now());
        loop {
            if Instant::now() >= until {
                self.tell(Vec::new());
            }
            let asked = Instant::now();
            let hold = self.app.groups_hold(&self.owner, &names, self.lease);
            match tokio::time::timeout(beat, hold).await {
                Ok(Ok(held)) => {
                    until = asked + self.lease;
                    self.tell(held);
                }
                Ok(Err(error)) => {
                    tracing::warn!("leases of groups were not kept: {}", error.chain())
                }
                Err(_) => tracing::warn!("leases of groups were not kept within {beat:?}"),
            }
            let left = until.saturating_duration_since(Instant::now());
            let mut pause = if left.is_zero() { beat } else { beat.min(left) };
            if self.held.borrow().len() < names.len() {
                // Another host may give back what is waited for, long before its lease would end.
                pause = pause.min(STANDING_BY);
            }
            tokio::select! {
                () = self.held.closed() => break,
                () = tokio::time::sleep(pause) => {}
            }
        }
        let held = self.held.borrow().clone();
        if let Err(error) = self.app.groups_release(&self.owner, &held).await {
            tracing::warn!(
                "groups were not given back, and wait for their leases to end: {}",
                error.chain()
            );
        }
    }

    /// Tells the consumer and whoever looks, where something has changed.
    fn tell(&self, mine: Vec<String>) {
        let told = self.groups.iter().map(|group| {
            let name = group.name.clone();
            let has = mine.contains(&name);
            (name, has)
        });
        *self.told.0.lock().unwrap_or_else(PoisonError::into_inner) = told.collect();
        self.held.send_if_modified(|held| {
            let changed = *held != mine;
            if changed {
                tracing::info!(groups = mine.join(","), "groups that this host reads");
                *held = mine;
            }
            changed
        });
    }
}
