//! Prepares the call of a plugin: looks up the frozen argument, builds the context, and checks
//! whether the event must wait.

mod find;

use self::find::find;
use super::{HOST, Item, OUT_OF_SERVICE, point_of};
use crate::events::Events;
use galleria_domain::plugin::{CounterScope, OnDeadLetter, Point};
use galleria_domain::{CallFault, Context, Counter, Fault, PriorDocument, Problem, Scope, Store};
use galleria_ports::Error;
use galleria_ports::in_tx;
use galleria_ports::plugins::{Argument, LoadedPlugin};
use galleria_ports::records::{PaymentRow, Tx};
use std::sync::Arc;

/// Everything that a call needs.
#[derive(Clone, Debug)]
pub(super) struct PreparedCall {
    pub plugin: LoadedPlugin,
    pub context: Context,
    pub argument: Argument,
    pub store: Store,
    pub order_id: Option<String>,
    pub workstation: String,
}

/// The result of preparing a call.
pub(super) enum Prepared {
    /// The plugin can be called.
    Ready(Box<PreparedCall>),
    /// The event took effect before.
    Before,
    /// The event is a dead letter. Only an operator can replay it.
    GivenUp,
    /// The plugin no longer serves the event.
    Nobody,
    /// A cause must take effect first. The text is the key that wakes the event.
    Waits { on: String },
    /// The event can never be handled.
    Broken(CallFault),
}

const PAID: &str = "paid:";

/// The key that wakes events which wait for the effect of an order's payment.
pub(super) fn paid(order_id: &str) -> String {
    format!("{PAID}{order_id}")
}

/// The order of a key that wakes events.
pub(super) fn order_of(cause: &str) -> Option<&str> {
    cause.strip_prefix(PAID)
}

/// Serialise waker and waiter: otherwise a wake-up is lost between their commits. Take this lock
/// before all others, as the use cases that accept records do, to prevent deadlocks.
pub(super) async fn take_turn(tx: &mut dyn Tx, cause: &str) -> Result<(), Error> {
    match order_of(cause) {
        Some(order_id) => tx.order_lock(order_id).await,
        None => Ok(()),
    }
}

fn broken(field: &str, message: impl Into<String>) -> Prepared {
    Prepared::Broken(CallFault::Guest(Fault::Invalid(vec![Problem::new(
        field, message,
    )])))
}

/// The record that an event refers to.
struct EventRecord {
    argument: Argument,
    occurred_at: jiff::Timestamp,
    business_date: String,
    order_id: Option<String>,
    workstation: String,
    /// The payment whose effect must come first.
    after: Option<PaymentRow>,
}

/// The result of looking up the record of an event.
enum Lookup {
    Record(Box<EventRecord>),
    /// The event cannot be handled now.
    Unavailable(Prepared),
}

impl From<EventRecord> for Lookup {
    fn from(record: EventRecord) -> Self {
        Self::Record(Box::new(record))
    }
}

impl Events {
    pub(super) async fn prepare(&self, item: &Item) -> Result<Prepared, Error> {
        // A reload may have replaced the plugin since the item was routed, or loaded it.
        let plugin = match &item.plugin {
            Some(plugin) => self.current(plugin),
            None => self.subscribed(&item.event, &item.subscriber).await?,
        };
        let Some(plugin) = plugin else {
            if item.subscriber == HOST {
                return Ok(broken("store", "the event names no store that is known"));
            }
            return Ok(Prepared::Nobody);
        };
        let item = Arc::new(item.clone());
        let payments: Arc<str> = self.policy.payment_group.as_str().into();
        let prepared = self
            .core
            .records
            .read({
                let item = Arc::clone(&item);
                in_tx!(|tx, item, plugin, payments| look_up(tx, &item, plugin, &payments).await)
            })
            .await?;
        match prepared {
            Prepared::Ready(prepared) if !prepared.plugin.slot.counters.is_empty() => {
                self.take_counters(&item, *prepared).await
            }
            other => Ok(other),
        }
    }

    /// The plugin in the active configuration. None if its slot was removed.
    fn current(&self, plugin: &LoadedPlugin) -> Option<LoadedPlugin> {
        let slot = &plugin.slot;
        self.core.plugins.named(&slot.retailer, &slot.name)
    }

    /// Takes the counters that the plugin requested for this event. Every attempt gets the same
    /// numbers.
    async fn take_counters(
        &self,
        item: &Arc<Item>,
        prepared: PreparedCall,
    ) -> Result<Prepared, Error> {
        let item = Arc::clone(item);
        let prepared = Arc::new(prepared);
        self.core
            .records
            .write(in_tx!(|tx, item, prepared| {
                let mut prepared = PreparedCall::clone(&prepared);
                let slot = Arc::clone(&prepared.plugin.slot);
                for (name, over) in &slot.counters {
                    let scope = match over {
                        CounterScope::Retailer => prepared.store.retailer.clone(),
                        CounterScope::Store => prepared.store.id.clone(),
                        CounterScope::Workstation => {
                            format!("{}/{}", prepared.store.id, prepared.workstation)
                        }
                    };
                    let scope = format!("{}/{scope}", slot.name);
                    let value = tx
                        .counter_take(&item.event.id, &item.subscriber, &scope, name)
                        .await?;
                    let name = name.clone();
                    prepared.context.counters.push(Counter { name, value });
                }
                Ok(Prepared::Ready(Box::new(prepared)))
            }))
            .await
    }
}

/// Whether the cause of an event has not taken effect yet.
pub(super) async fn still_waits(
    tx: &mut dyn Tx,
    item: &Item,
    payments: &str,
) -> Result<bool, Error> {
    let Some(plugin) = item.plugin.clone() else {
        return Ok(false);
    };
    let found = look_up(tx, item, plugin, payments).await?;
    Ok(matches!(found, Prepared::Waits { .. }))
}

/// `payments` is the group that reads payments.
async fn look_up(
    tx: &mut dyn Tx,
    item: &Item,
    plugin: LoadedPlugin,
    payments: &str,
) -> Result<Prepared, Error> {
    let event = &item.event;
    let store_id = event.store.as_deref().unwrap_or_default();
    let state = tx
        .handling_state(&event.id, &item.subscriber, store_id)
        .await?;
    if state.has_effect {
        return Ok(Prepared::Before);
    }
    // The log may be read again after a crash.
    if state.is_dead_letter {
        return Ok(Prepared::GivenUp);
    }
    let Some(store) = state.store else {
        return Ok(broken("store", "the event names no store that is known"));
    };
    let Some(point) = point_of(event).filter(|point| plugin.serves(&store, *point)) else {
        return Ok(Prepared::Nobody);
    };
    let record = match find(tx, event, point).await? {
        Lookup::Record(record) => *record,
        Lookup::Unavailable(prepared) => return Ok(prepared),
    };
    if let Some(payment) = &record.after
        && !has_had_effect(tx, payment, &plugin, payments).await?
    {
        return Ok(Prepared::Waits {
            on: paid(&payment.order_id),
        });
    }
    let prior = match &record.order_id {
        Some(order_id) => {
            tx.document_list_before(order_id, &item.subscriber, &event.id)
                .await?
        }
        None => Vec::new(),
    };
    let context = Context {
        event_id: event.id.clone(),
        attempt: item.attempts + 1,
        occurred_at: store.local_text(record.occurred_at),
        business_date: record.business_date,
        settings: plugin.slot.settings_of(&store).to_owned(),
        scope: Scope::Store(store.clone()),
        counters: Vec::new(),
        prior: prior
            .into_iter()
            .map(|document| PriorDocument {
                event_id: document.event_id,
                directory: document.directory,
                name: document.name,
            })
            .collect(),
    };
    Ok(Prepared::Ready(Box::new(PreparedCall {
        plugin,
        context,
        argument: record.argument,
        store,
        order_id: record.order_id,
        workstation: record.workstation,
    })))
}

/// Whether the plugin is done with a payment: applied, skipped or discarded, or a dead letter if
/// the retailer lets the next events pass. Returns true for a plugin that does not serve payments,
/// and for a slot that was added or renamed after the group passed the payment.
async fn has_had_effect(
    tx: &mut dyn Tx,
    payment: &PaymentRow,
    plugin: &LoadedPlugin,
    payments: &str,
) -> Result<bool, Error> {
    if !plugin.inspection.exports.contains(&Point::OnPayment) {
        return Ok(true);
    }
    let event_id = format!("payment:{}", payment.id);
    let subscriber = &plugin.slot.name;
    if tx.effect_get(&event_id, subscriber).await?.is_some() {
        return Ok(true);
    }
    if tx.dead_letter_get(&event_id, subscriber).await?.is_some() {
        return Ok(plugin.slot.on_dead_letter == OnDeadLetter::Continue);
    }
    for parked_for in [subscriber, OUT_OF_SERVICE] {
        if tx.parked_get(&event_id, parked_for).await?.is_some() {
            return Ok(false);
        }
    }
    // Every event up to the position of the group took effect, is parked or is a dead letter for
    // its subscribers. An event that has left the log is older than that.
    let settled = tx.position_get(payments).await?;
    let event = tx.event_get(&event_id).await?;
    Ok(event.is_none_or(|event| event.position <= settled))
}
