//! Routes events to subscribers and handles them.
//!
//! The consumers of `galleria-bus` call [`Events::route`] once for each event, and
//! [`Events::handle`] for each subscriber until the event is settled. Each subscriber has its own
//! transaction and outcome. Its effect is applied once, whatever fails in between.

mod apply;
mod attempt;
mod dead_letters;
mod group_leases;
mod item;
mod journal;
mod out_of_service;
mod parked;
mod policy;
mod prepare;
pub(crate) mod relay;
mod retry;

pub(crate) use dead_letters::unknown as no_letter;
pub use dead_letters::{Acting, DeadLetterPage, DeadLetterView, Verdict};
pub use item::{HOST, HandlingOutcome, HandlingResult, Item};
pub use journal::{AttemptView, JournalText};
pub use out_of_service::OUT_OF_SERVICE;
use out_of_service::waits_for_retailer;
pub(crate) use parked::unknown as not_parked;
pub use parked::{ParkedListQuery, ParkedPage, ParkedView};
pub use policy::{EventPolicy, Group, RelayPolicy};
pub use relay::{BROKER_REJECTED, Relayed};

use crate::core::Core;
use galleria_domain::contract;
use galleria_domain::plugin::Point;
use galleria_domain::trace::Origin;
use galleria_domain::{CallFault, Event, HostFault, Position, Store};
use galleria_ports::Error;
use galleria_ports::in_tx;
use galleria_ports::metrics;
use galleria_ports::metrics::Attempted;
use galleria_ports::plugins::Argument;
use galleria_ports::plugins::LoadedPlugin;
use galleria_ports::records::ParkedEvent;
use galleria_ports::trace;
use item::{item, point_of};
use std::sync::Arc;
use tracing::Instrument as _;

/// Routes and handles events, and manages parked events, dead letters and the journal. Cheap to clone.
#[derive(Clone)]
pub struct Events {
    core: Core,
    policy: Arc<EventPolicy>,
}

impl Events {
    pub(crate) fn new(core: Core, policy: Arc<EventPolicy>) -> Self {
        Self { core, policy }
    }

    /// The ports of this service.
    pub fn core(&self) -> &Core {
        &self.core
    }
}

impl Events {
    /// The consumer groups of this host.
    pub fn groups(&self) -> Vec<Group> {
        self.policy.groups()
    }

    /// The subscribers of an event, in the order of `retailer.toml`. An invalid event goes to
    /// [`HOST`], which makes it a dead letter. An event without subscribers is skipped.
    pub async fn route(&self, group: &str, event: &Event) -> Result<Vec<Item>, Error> {
        let Some(point) = point_of(event) else {
            return Ok(Vec::new());
        };
        let Some(store) = self.store_of_event(event).await? else {
            return Ok(vec![item(group, event, HOST, None)]);
        };
        if self.core.plugins.is_unavailable(&store.retailer) {
            return Ok(vec![self.waiting_item(group, event)]);
        }
        let plugins = self.core.plugins.serving(&store, point);
        Ok(plugins
            .into_iter()
            .map(|plugin| {
                let name = plugin.slot.name.clone();
                item(group, event, &name, Some(plugin))
            })
            .collect())
    }

    /// The item of a parked event that is due.
    pub async fn unpark(&self, parked: ParkedEvent) -> Result<Item, Error> {
        let ParkedEvent {
            group,
            subscriber,
            lane,
            event,
            state,
            attempts,
            due_at: _,
            since,
            waits_for,
            cause: _,
        } = parked;
        let plugin = self.subscribed(&event, &subscriber).await?;
        // The time for which its retailer was out of service does not count against a plugin.
        let is_back = plugin.is_some() && waits_for_retailer(waits_for.as_deref());
        let since = match is_back {
            true => self.core.clock.now(),
            false => since,
        };
        Ok(Item {
            group,
            store_id: event.store.clone().unwrap_or_default(),
            event,
            subscriber,
            plugin,
            lane,
            attempts,
            parked: Some(state),
            since: Some(since),
        })
    }

    /// The plugin of a subscriber, if it serves the event in the active configuration.
    pub(super) async fn subscribed(
        &self,
        event: &Event,
        subscriber: &str,
    ) -> Result<Option<LoadedPlugin>, Error> {
        let store = self.store_of_event(event).await?;
        let serves = |store: &Store, point: Point| {
            let plugin = self.core.plugins.named(&store.retailer, subscriber)?;
            let good =
                plugin.inspection.exports.contains(&point) && plugin.slot.filter.covers(store);
            good.then_some(plugin)
        };
        let found = store.zip(point_of(event));
        Ok(found.and_then(|(store, point)| serves(&store, point)))
    }

    /// The position of a group, and its closed lanes.
    pub async fn resume(&self, group: &str) -> Result<(Position, Vec<(String, String)>), Error> {
        let group = group.to_owned();
        self.core
            .records
            .read(in_tx!(|tx, group| {
                let position = tx.position_get(&group).await?;
                Ok((position, tx.parked_lane_list(&group).await?))
            }))
            .await
    }

    /// The next events of a group's topics.
    pub async fn events_after(
        &self,
        group: &Group,
        after: Position,
        limit: u32,
    ) -> Result<Vec<Event>, Error> {
        let topics = group.topics();
        self.core
            .records
            .read(in_tx!(|tx, topics| tx
                .event_list(&topics, after, limit)
                .await))
            .await
    }

    /// Stores the position of a group.
    pub async fn store_position(&self, group: &str, prefix: Position) -> Result<(), Error> {
        let group = group.to_owned();
        self.core
            .records
            .write(in_tx!(|tx, group| tx.position_set(&group, prefix).await))
            .await
    }

    /// Parked events of a group that are due, at most one per lane.
    pub async fn due(&self, group: &str, limit: u32) -> Result<Vec<ParkedEvent>, Error> {
        let (group, now) = (group.to_owned(), self.core.clock.now());
        self.core
            .records
            .read(in_tx!(|tx, group| tx.parked_due(&group, now, limit).await))
            .await
    }

    /// Whether a lane has parked events.
    pub async fn lane_waits(
        &self,
        group: &str,
        subscriber: &str,
        lane: &str,
    ) -> Result<bool, Error> {
        let names = (group.to_owned(), subscriber.to_owned(), lane.to_owned());
        self.core
            .records
            .read(in_tx!(|tx, names| {
                let (group, subscriber, lane) = names;
                Ok(tx.parked_count_in_lane(&group, &subscriber, &lane).await? > 0)
            }))
            .await
    }

    async fn store_of_event(&self, event: &Event) -> Result<Option<Store>, Error> {
        let Some(id) = event.store.clone() else {
            return Ok(None);
        };
        self.core
            .records
            .read(in_tx!(|tx, id| tx.store_get(&id).await))
            .await
    }

    /// Calls the plugin and applies its decision, parks the event, or makes it a dead letter.
    /// `prefix` is the position of the group, which is stored with the effects.
    ///
    /// A failure concerns this event alone: it is parked and retried, and other events do not wait
    /// for it. Returns an error only if the database cannot store even that.
    pub async fn handle(&self, item: &Item, prefix: Position) -> Result<HandlingResult, Error> {
        let exported_span = exported(item);
        let trace = trace::below(&exported_span, item.event.origin.trace);
        let work = async {
            match self.attempt(item, prefix).await {
                Ok(handled) => Ok(handled),
                // The event was not tried. The consumer repeats this after a pause.
                Err(error) if item.subscriber == OUT_OF_SERVICE => Err(error),
                Err(error) => {
                    let fault = CallFault::Host(HostFault::HostFailed(error.chain()));
                    let outcome = self.failed(item, None, &fault, prefix).await?;
                    Ok(HandlingResult::free(outcome))
                }
            }
        };
        let request = item.event.origin.request.clone();
        // At error level, as for requests, so that every log line has the ids at any log level.
        let trace_id = trace.map(|trace| format!("{:032x}", trace.id));
        let span = tracing::error_span!(
            "event",
            event = item.event.id,
            subscriber = item.subscriber,
            request_id = request.as_deref(),
            trace_id
        );
        let work = trace::within(Origin { trace, request }, work.instrument(span));
        work.instrument(exported_span).await
    }

    async fn attempt(&self, item: &Item, prefix: Position) -> Result<HandlingResult, Error> {
        if item.subscriber == OUT_OF_SERVICE {
            let outcome = self.resume_retailer(item, prefix).await?;
            return Ok(HandlingResult::free(outcome));
        }
        if let Some(store) = self.store_out_of_service(item).await? {
            let outcome = self.wait_for_retailer(item, &store, prefix).await?;
            return Ok(HandlingResult::free(outcome));
        }
        let prepared = match self.prepare(item).await? {
            prepare::Prepared::Ready(prepared) => *prepared,
            prepare::Prepared::Before => {
                if item.parked.is_some() {
                    self.unpark_settled(item, prefix).await?;
                }
                return Ok(HandlingResult::free(HandlingOutcome::Done));
            }
            prepare::Prepared::GivenUp => return Ok(HandlingResult::free(retry::given_up(item))),
            prepare::Prepared::Nobody => {
                if let Some(outcome) = self.wait_for_newest(item, prefix).await? {
                    return Ok(HandlingResult::free(outcome));
                }
                self.skip(item, prefix).await?;
                metrics::event(&item.group, Attempted::Skipped);
                return Ok(HandlingResult::free(HandlingOutcome::Done));
            }
            prepare::Prepared::Waits { on } => {
                let outcome = self.wait_for_cause(item, &on, prefix).await?;
                return Ok(HandlingResult::free(outcome));
            }
            prepare::Prepared::Broken(fault) => {
                let outcome = self.failed(item, None, &fault, prefix).await?;
                return Ok(HandlingResult::free(outcome));
            }
        };
        let called = self.call(&prepared).await?;
        let mut cost = called.usage.cpu;
        let outcome = match called.outcome {
            Ok(decision) => {
                cost += apply::cost(&decision);
                let exported_span = tracing::info_span!(
                    target: trace::TARGET, "apply decision",
                    documents = decision.documents.len(),
                    publications = decision.publications.len(),
                );
                let applied = self.apply(item, &prepared, &decision, called.usage, prefix);
                match applied.instrument(exported_span).await {
                    Ok(()) => {
                        metrics::event(&item.group, Attempted::Applied);
                        HandlingOutcome::Done
                    }
                    Err(Error::NameTaken { directory, name }) => {
                        let fault = retry::name_taken(&directory, &name);
                        self.failed(item, Some((&prepared, called.usage)), &fault, prefix)
                            .await?
                    }
                    Err(error) => return Err(error),
                }
            }
            Err(fault) => {
                self.failed(item, Some((&prepared, called.usage)), &fault, prefix)
                    .await?
            }
        };
        Ok(HandlingResult { outcome, cost })
    }

    /// Calls the plugin on its own thread, because the engine blocks and measures the CPU time of
    /// the thread.
    async fn call(
        &self,
        prepared: &prepare::PreparedCall,
    ) -> Result<galleria_ports::plugins::CallOutcome<galleria_domain::Decision>, Error> {
        let plugins = std::sync::Arc::clone(&self.core.plugins);
        let (plugin, cx, argument) = (
            prepared.plugin.clone(),
            prepared.context.clone(),
            prepared.argument.clone(),
        );
        let span = tracing::info_span!(
            target: trace::TARGET, "plugin call", plugin = plugin.slot.plugin,
            point = argument.point().name(), component = plugin.inspection.digest.short(),
            outcome = tracing::field::Empty, otel.status_code = tracing::field::Empty,
        );
        let call_span = span.clone();
        // The log lines of the guest belong to the event.
        let event = tracing::Span::current();
        let react = move || plugins.react(&plugin, &cx, &argument);
        let call = move || event.in_scope(|| span.in_scope(react));
        let called = tokio::task::spawn_blocking(call)
            .await
            .map_err(|error| Error::Internal(format!("calling a plugin: {error}")))?;
        match &called.outcome {
            Ok(_) => call_span.record("outcome", "decided"),
            Err(fault) => call_span
                .record("outcome", fault.code())
                .record("otel.status_code", "ERROR"),
        };
        Ok(called)
    }
}

/// The exported span of an attempt at an event. It has identifiers, and nothing of the payload.
fn exported(item: &Item) -> tracing::Span {
    let topic = &item.event.topic;
    tracing::info_span!(
        target: trace::TARGET, "event", otel.kind = "consumer",
        otel.name = format_args!("process {topic}"), messaging.destination.name = topic,
        messaging.consumer.group.name = item.group, messaging.message.id = item.event.id,
        subscriber = item.subscriber, attempt = item.attempts + 1,
    )
}

/// The input of the argument's digest.
fn argument_text(point: Point, context: &galleria_domain::Context, argument: &Argument) -> String {
    // Plain records always serialise.
    let mut text = serde_json::json!({
        "contract": contract::VERSION, "point": point, "context": context, "argument": argument,
    });
    // The journal's row has the number of the attempt. Without it, all attempts share one text.
    if let Some(context) = text["context"].as_object_mut() {
        context.remove("attempt");
    }
    text.to_string()
}
