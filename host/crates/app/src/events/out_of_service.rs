//! Events of a retailer that is out of service.
//!
//! Its plugins are unknown, so a new event waits under one subscriber. When the retailer serves again, the event
//! is parked for each plugin that serves it. An event that was parked for a plugin before waits as it is. No
//! attempt is counted meanwhile.
//!
//! An event that was parked for a slot waits, too, while this process does not serve the retailer with its newest
//! configuration: another process may know the slot.

use super::{HandlingOutcome, Item, Progress, item, point_of};
use crate::core::out_of_service;
use crate::events::Events;
use crate::newest::serves_newest;
use galleria_domain::{Event, Store};
use galleria_ports::Error;
use galleria_ports::clock::later;
use galleria_ports::in_tx;
use galleria_ports::records::{ParkedEvent, ParkedState};
use std::time::Duration;

/// The subscriber of events whose retailer is out of service. No slot has a name with a colon.
pub const OUT_OF_SERVICE: &str = "host:out-of-service";

/// The interval between checks of a waiting event. A process that loads the retailer, or begins to read a group,
/// wakes its events, so this is only a precaution.
const CHECK_EVERY: Duration = Duration::from_secs(3_600);

/// Precedes the retailer in the key that wakes its events.
const WAKE: &str = "retailer:";

fn wake_key(retailer: &str) -> String {
    format!("{WAKE}{retailer}")
}

/// Whether a parked event waits for its retailer.
pub(super) fn waits_for_retailer(waits_for: Option<&str>) -> bool {
    waits_for.is_some_and(|key| key.starts_with(WAKE))
}

impl Events {
    /// The item of an event that waits for its retailer.
    pub fn waiting_item(&self, group: &str, event: &Event) -> Item {
        item(group, event, OUT_OF_SERVICE, None)
    }

    /// Makes the events that wait for a retailer due, for all retailers that serve. Returns their number.
    pub async fn wake_retailers(&self) -> Result<u64, Error> {
        let plugins = &self.core.plugins;
        let retailers = plugins.retailers().into_iter();
        let serving = retailers.filter(|name| !plugins.is_unavailable(name));
        let keys: Vec<_> = serving.map(|name| wake_key(&name)).collect();
        let now = self.core.clock.now();
        let woken = self.core.records.write(in_tx!(|tx, keys| {
            let mut woken = 0;
            // Also the events of slots that were removed meanwhile: they are skipped.
            for key in &keys {
                woken += tx.parked_wake_all(key, now).await?;
            }
            Ok(woken)
        }));
        let woken = woken.await?;
        if woken > 0 {
            self.core.parked_woke.notify();
        }
        Ok(woken)
    }

    /// Parks the event for each plugin that serves it, or leaves it waiting.
    pub(super) async fn resume_retailer(
        &self,
        item: &Item,
        progress: Progress,
    ) -> Result<HandlingOutcome, Error> {
        let Some(store) = self.store_of_event(&item.event).await? else {
            return self.routed(item, Vec::new(), progress).await;
        };
        if self.core.plugins.is_unavailable(&store.retailer) {
            return self.wait_for_retailer(item, &store, progress).await;
        }
        let plugins = point_of(&item.event).map(|point| self.core.plugins.serving(&store, point));
        let subscribers = plugins.unwrap_or_default().into_iter();
        let names = subscribers.map(|plugin| plugin.slot.name.clone()).collect();
        self.routed(item, names, progress).await
    }

    /// The store of an item without a plugin, if its retailer is out of service.
    pub(super) async fn store_out_of_service(&self, item: &Item) -> Result<Option<Store>, Error> {
        if item.plugin.is_some() {
            return Ok(None);
        }
        let store = self.store_of_event(&item.event).await?;
        Ok(store.filter(|store| self.core.plugins.is_unavailable(&store.retailer)))
    }

    /// Parks the event until its retailer serves.
    pub(super) async fn wait_for_retailer(
        &self,
        item: &Item,
        store: &Store,
        progress: Progress,
    ) -> Result<HandlingOutcome, Error> {
        let cause = out_of_service(&store.retailer).to_string();
        self.park_for_retailer(item, store, cause, progress).await?;
        // A reload that completed after the check above did not wake this event.
        if !self.core.plugins.is_unavailable(&store.retailer) {
            self.wake_retailers().await?;
        }
        Ok(HandlingOutcome::Parked)
    }

    /// Parks an event of an unknown slot, unless this process serves the retailer with the newest configuration.
    pub(super) async fn wait_for_newest(
        &self,
        item: &Item,
        progress: Progress,
    ) -> Result<Option<HandlingOutcome>, Error> {
        let Some(store) = self.store_of_event(&item.event).await? else {
            return Ok(None);
        };
        if serves_newest(&self.core, &store.retailer).await? {
            return Ok(None);
        }
        let (retailer, slot) = (&store.retailer, &item.subscriber);
        let cause = format!(
            "slot {slot} is not in the configuration of retailer {retailer} that this process has loaded, and another \
             process has loaded a newer one: run `galleria retailer reload {retailer}`, or restart this process"
        );
        self.park_for_retailer(item, &store, cause, progress)
            .await?;
        // As above.
        if serves_newest(&self.core, &store.retailer).await? {
            self.wake_retailers().await?;
        }
        Ok(Some(HandlingOutcome::Parked))
    }

    async fn park_for_retailer(
        &self,
        item: &Item,
        store: &Store,
        cause: String,
        progress: Progress,
    ) -> Result<(), Error> {
        let now = self.core.clock.now();
        let parked = ParkedEvent {
            group: item.group.clone(),
            subscriber: item.subscriber.clone(),
            lane: item.lane.clone(),
            event: item.event.clone(),
            state: ParkedState::Waiting,
            attempts: item.attempts,
            due_at: later(now, CHECK_EVERY),
            since: item.since.unwrap_or(now),
            waits_for: Some(wake_key(&store.retailer)),
            cause,
        };
        let write = self.core.records.write(in_tx!(|tx, parked| {
            tx.parked_put(&parked).await?;
            progress.store(tx, &parked.group).await
        }));
        write.await
    }

    /// Replaces the waiting event by one parked event for each subscriber, in one transaction.
    async fn routed(
        &self,
        item: &Item,
        subscribers: Vec<String>,
        progress: Progress,
    ) -> Result<HandlingOutcome, Error> {
        let now = self.core.clock.now();
        let parked = |subscriber: String| ParkedEvent {
            group: item.group.clone(),
            subscriber,
            lane: item.lane.clone(),
            event: item.event.clone(),
            state: ParkedState::Retry,
            attempts: 0,
            due_at: now,
            since: now,
            waits_for: None,
            cause: "its retailer serves again".into(),
        };
        let parked: Vec<ParkedEvent> = subscribers.into_iter().map(parked).collect();
        let (group, id) = (item.group.clone(), item.event.id.clone());
        let write = self.core.records.write(in_tx!(|tx, parked, group, id| {
            for one in &parked {
                // The log is read again after a crash.
                let settled = tx.effect_get(&id, &one.subscriber).await?.is_some()
                    || tx.dead_letter_get(&id, &one.subscriber).await?.is_some();
                if !settled && tx.parked_get(&id, &one.subscriber).await?.is_none() {
                    tx.parked_put(one).await?;
                }
            }
            tx.parked_remove(&id, OUT_OF_SERVICE).await?;
            progress.store(tx, &group).await
        }));
        write.await?;
        Ok(HandlingOutcome::Routed)
    }
}
