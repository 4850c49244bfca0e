//! One subscriber's handling of an event, and its outcome.

use super::Progress;
use galleria_domain::Event;
use galleria_domain::event::{identifier, topic};
use galleria_domain::plugin::Point;
use galleria_ports::plugins::LoadedPlugin;
use galleria_ports::records::ParkedState;
use jiff::Timestamp;
use std::time::Duration;

/// An event and one of its subscribers.
#[derive(Clone, Debug)]
pub struct Item {
    /// The consumer group.
    pub group: String,
    /// The event.
    pub event: Event,
    /// The name of the slot, or [`HOST`] if no plugin can decide about the event.
    pub subscriber: String,
    /// The plugin. `None` if it was removed after the event was parked.
    pub plugin: Option<LoadedPlugin>,
    /// The lane: items of one lane are handled in order.
    pub lane: String,
    /// The store to which fair scheduling charges the item.
    pub store_id: String,
    /// Failed attempts so far.
    pub attempts: u32,
    /// The state in which it was parked. `None` if it comes from the log.
    pub parked: Option<ParkedState>,
    /// The time at which it was first parked.
    pub since: Option<Timestamp>,
    /// Whether it was parked until its retailer serves. That time does not count against a plugin.
    pub awaited_retailer: bool,
}

impl Item {
    /// The time since which the item is retried or waits for its cause. Time behind other items, or
    /// set aside, does not count.
    pub(super) fn tried_since(&self, now: Timestamp) -> Timestamp {
        let counts = self.attempts > 0 || self.parked == Some(ParkedState::Waiting);
        if counts { self.parked_since(now) } else { now }
    }

    /// The time since which it is parked, without the time until its retailer served.
    pub(super) fn parked_since(&self, now: Timestamp) -> Timestamp {
        self.since.filter(|_| !self.awaited_retailer).unwrap_or(now)
    }
}

/// The subscriber of events that no plugin can decide about.
pub const HOST: &str = "host";

/// The outcome of handling an item.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HandlingOutcome {
    /// The effect is applied and the lane is free.
    Done,
    /// The item is parked and closes its lane until it is handled again.
    Parked,
    /// The item's retailer serves again: the event is parked for each of its subscribers, and the lane is free.
    Routed,
    /// The item is a dead letter and closes its lane.
    Blocking,
}

/// The outcome and the cost of handling an item.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HandlingResult {
    pub outcome: HandlingOutcome,
    /// CPU time of the plugin and the cost of applying its decision, for fair scheduling.
    pub cost: Duration,
    /// What the database has stored of the group's progress.
    pub progress: Progress,
}

impl HandlingResult {
    /// Without a call.
    pub(super) fn free(outcome: HandlingOutcome, progress: Progress) -> Self {
        Self {
            outcome,
            cost: Duration::ZERO,
            progress,
        }
    }
}

/// The extension point of an event. The common topic also has events without one.
pub(super) fn point_of(event: &Event) -> Option<Point> {
    match event.topic.as_str() {
        topic::POST_PAYMENT_SUCCESS => Some(Point::OnPayment),
        topic::POST_TRANSACTION_SUCCESS => Some(Point::OnFiscalMark),
        topic::POST_VOID_SUCCESS => Some(Point::OnVoid),
        topic::POST_SHIFT_END_SUCCESS => Some(Point::OnShiftEnd),
        topic::COMMON => match event.text("consumer_identifier_key") {
            Some(identifier::POST_REFUND_SUCCESS) => Some(Point::OnRefund),
            Some(identifier::POST_DASHBOARD_VERIFICATION_SUCCESS) => Some(Point::OnVerification),
            _ => None,
        },
        _ => None,
    }
}

pub(super) fn item(
    group: &str,
    event: &Event,
    subscriber: &str,
    plugin: Option<LoadedPlugin>,
) -> Item {
    Item {
        group: group.to_owned(),
        event: event.clone(),
        subscriber: subscriber.to_owned(),
        plugin,
        // The key preserves the order of its point: it is the order's id, or the workstation for a
        // shift. The store's id comes first, so that no store can close a lane of another store.
        lane: format!(
            "{}/{}",
            event.store.as_deref().unwrap_or_default(),
            event.key.as_deref().unwrap_or(&event.id)
        ),
        store_id: event.store.clone().unwrap_or_default(),
        attempts: 0,
        parked: None,
        since: None,
        awaited_retailer: false,
    }
}
