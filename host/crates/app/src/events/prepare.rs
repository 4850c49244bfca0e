//! Prepares the call of a plugin: its argument and context, and whether its cause has had its effect.

mod find;

use self::find::find;
use super::{HOST, Item, point_of};
use crate::events::Events;
use galleria_domain::plugin::{CounterScope, OnDeadLetter, Point};
use galleria_domain::{CallFault, Context, Counter, Fault, PriorDocument, Problem, Scope, Store};
use galleria_ports::Error;
use galleria_ports::in_tx;
use galleria_ports::plugins::{Argument, LoadedPlugin};
use galleria_ports::records::{PaymentRow, Tx};
use std::sync::Arc;

/// Everything a call needs.
#[derive(Clone, Debug)]
pub(super) struct PreparedCall {
    pub plugin: LoadedPlugin,
    pub context: Context,
    pub argument: Argument,
    pub store: Store,
    pub order_id: Option<String>,
    pub workstation: String,
}

/// Whether an item can be asked about.
pub(super) enum Prepared {
    /// Now.
    Ready(Box<PreparedCall>),
    /// It had its effect before.
    Before,
    /// It is a dead letter; only an operator brings it back.
    GivenUp,
    /// The plugin does not serve it any more.
    Nobody,
    /// Something must have its effect first; the text names it for waking up.
    Waits { on: String },
    /// It never can.
    Broken(CallFault),
}

const PAID: &str = "paid:";

/// What wakes events that wait until an order's payment has had its effect.
pub(super) fn paid(order_id: &str) -> String {
    format!("{PAID}{order_id}")
}

/// Who wakes what waits for this, and who begins to wait for it, come one after the other: at once,
/// neither would see what the other has not committed, and what waits would be woken by nobody. Taken
/// before anything else, as by who accepts: so none waits for another in a circle.
pub(super) async fn take_turn(tx: &mut dyn Tx, cause: &str) -> Result<(), Error> {
    match cause.strip_prefix(PAID) {
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
        let Some(plugin) = item.plugin.clone() else {
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

    /// Takes the numbers the plugin wants for this event: the same on every attempt.
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

/// Whether the cause of an event has still not had its effect.
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
    if tx.effect_get(&event.id, &item.subscriber).await?.is_some() {
        return Ok(Prepared::Before);
    }
    // Read from the log again after a crash.
    if tx
        .dead_letter_get(&event.id, &item.subscriber)
        .await?
        .is_some()
    {
        return Ok(Prepared::GivenUp);
    }
    let store_id = event.store.as_deref().unwrap_or_default();
    let Some(store) = tx.store_get(store_id).await? else {
        return Ok(broken("store", "the event names no store that is known"));
    };
    let Some(point) = point_of(event) else {
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

/// Whether the plugin has done with a payment: applied, skipped, discarded; or given up where its
/// retailer lets the next events pass. A plugin that is not asked about payments need not wait, nor
/// one that came, or was named anew, after the payment had passed in the log.
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
    if tx.parked_get(&event_id, subscriber).await?.is_some() {
        return Ok(false);
    }
    // Everything up to the group's position has an effect, or is parked, or dead, for whoever was
    // asked. An event that has left the log is older than that.
    let settled = tx.position_get(payments).await?;
    let event = tx.event_get(&event_id).await?;
    Ok(event.is_none_or(|event| event.position <= settled))
}
