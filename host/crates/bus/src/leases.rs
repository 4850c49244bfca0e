//! Leases of consumer groups: only one host reads a group at a time.
//!
//! Owns: which groups this host holds. It consumes or relays those and reads nothing of the others. A host
//! that drains releases its leases. The leases of a host that died expire before another host takes them.

use crate::{Consumer, ConsumerConfig, Relay};
use galleria_app::App;
use galleria_app::events::Group;
use galleria_domain::retry::OUTAGE_PAUSE;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

/// How often a host that waits for a group requests its lease, and reports progress to its watchdog.
const STANDBY_POLL: Duration = Duration::from_secs(1);

/// Renewals during one lease, so that a single failed renewal does not lose it.
const RENEWALS: u32 = 3;

/// The leases of the groups that this host wants to read.
pub struct GroupLeases {
    app: App,
    groups: Vec<Group>,
    owner: String,
    lease: Duration,
    held: watch::Sender<Vec<String>>,
    status: LeaseStatus,
}

/// Which of the requested groups this host holds, for `status` and the probes. Clones share the state.
#[derive(Clone, Debug, Default)]
pub struct LeaseStatus(Arc<Mutex<Vec<(String, bool)>>>);

impl LeaseStatus {
    /// Every requested group, and whether this host holds its lease.
    pub fn groups(&self) -> Vec<(String, bool)> {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }
}

impl GroupLeases {
    /// `owner` names this host among others on the same database.
    pub fn new(app: App, groups: Vec<Group>, owner: impl Into<String>, lease: Duration) -> Self {
        let leases = Self {
            app,
            groups,
            owner: owner.into(),
            lease,
            held: watch::Sender::new(Vec::new()),
            status: LeaseStatus::default(),
        };
        leases.publish(Vec::new());
        leases
    }

    /// A view of the leases that stays up to date.
    pub fn status(&self) -> LeaseStatus {
        self.status.clone()
    }

    /// Consumes the groups whose leases this host holds.
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
                        tracing::error!(error = error.chain(), "consumer not started");
                        tokio::time::sleep(OUTAGE_PAUSE).await;
                    }
                }
            }
        })
    }

    /// Relays the groups whose leases this host holds.
    pub fn relay(&self, relay: Relay, stop: CancellationToken) -> impl Future<Output = ()> + use<> {
        self.work(stop, move |groups, quit| relay.clone().run(groups, quit))
    }

    /// Runs `work` for the groups that are held and restarts it when they change, until `stop`. Work in
    /// flight finishes first.
    fn work<W, F>(&self, stop: CancellationToken, work: W) -> impl Future<Output = ()> + use<W, F>
    where
        W: Fn(Vec<Group>, CancellationToken) -> F,
        F: Future<Output = ()>,
    {
        let (groups, mut held) = (self.groups.clone(), self.held.subscribe());
        async move {
            while !stop.is_cancelled() {
                let current = held.borrow_and_update().clone();
                if current.is_empty() {
                    tokio::select! {
                        changed = held.changed() => if changed.is_err() { return },
                        () = tokio::time::sleep(STANDBY_POLL) => {}
                        () = stop.cancelled() => {}
                    }
                    continue;
                }
                let working_on = groups.iter().filter(|group| current.contains(&group.name));
                let quit = stop.child_token();
                let mut running = std::pin::pin!(work(working_on.cloned().collect(), quit.clone()));
                tokio::select! {
                    () = &mut running => continue,
                    // An error means that nobody renews the leases any more: stop as well.
                    _ = held.changed() => quit.cancel(),
                }
                running.await;
            }
        }
    }

    /// Acquires and renews the leases while something consumes the groups, then releases them.
    pub async fn keep(self) {
        let names: Vec<String> = self.groups.iter().map(|one| one.name.clone()).collect();
        let (interval, mut expires) = (self.lease / RENEWALS, Instant::now());
        loop {
            if Instant::now() >= expires {
                self.publish(Vec::new());
            }
            // The lease runs from before the request: the answer may be slow.
            let requested = Instant::now();
            let hold = self.app.events.take_groups(&self.owner, &names, self.lease);
            match tokio::time::timeout(interval, hold).await {
                Ok(Ok(held)) => {
                    expires = requested + self.lease;
                    self.publish(held);
                }
                Ok(Err(error)) => {
                    tracing::warn!(error = error.chain(), "group leases not renewed")
                }
                Err(_) => tracing::warn!(timeout = ?interval, "group leases not renewed in time"),
            }
            let left = expires.saturating_duration_since(Instant::now());
            let mut pause = if left.is_zero() {
                interval
            } else {
                interval.min(left)
            };
            if self.held.borrow().len() < names.len() {
                // Another host may release a missing group long before its lease expires.
                pause = pause.min(STANDBY_POLL);
            }
            tokio::select! {
                () = self.held.closed() => break,
                () = tokio::time::sleep(pause) => {}
            }
        }
        let held = self.held.borrow().clone();
        if let Err(error) = self.app.events.release_groups(&self.owner, &held).await {
            tracing::warn!(
                error = error.chain(),
                "group leases not released; other hosts wait until they expire"
            );
        }
    }

    /// Updates the status, and notifies the work when the set of groups has changed.
    fn publish(&self, current: Vec<String>) {
        let status = self.groups.iter().map(|group| {
            let name = group.name.clone();
            let is_held = current.contains(&name);
            (name, is_held)
        });
        *self.status.0.lock().unwrap_or_else(PoisonError::into_inner) = status.collect();
        self.held.send_if_modified(|held| {
            let changed = *held != current;
            if changed {
                tracing::info!(groups = current.join(","), "group leases changed");
                *held = current;
            }
            changed
        });
    }
}
