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
mod log;
mod out_of_service;
mod parked;
mod policy;
mod prepare;
mod progress;
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
pub use progress::Progress;
pub use relay::{BROKER_REJECTED, Relayed};

use crate::core::Core;
use galleria_domain::contract;
use galleria_domain::plugin::Point;
use galleria_domain::trace::Origin;
use galleria_domain::{CallFault, Event, HostFault, Store};
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
        let store = self.store_of_event(event).await?;
        Ok(self.route_in(group, event, store.as_ref()))
    }

    /// The same for an event whose store is known.
    pub fn route_in(&self, group: &str, event: &Event, store: Option<&Store>) -> Vec<Item> {
        let Some(point) = point_of(event) else {
            return Vec::new();
        };
        let Some(store) = store else {
            return vec![item(group, event, HOST, None)];
        };
        if self.core.plugins.is_unavailable(&store.retailer) {
            return vec![self.waiting_item(group, event)];
        }
        let plugins = self.core.plugins.serving(store, point).into_iter();
        let items = plugins.map(|plugin| {
            let name = plugin.slot.name.clone();
            item(group, event, &name, Some(plugin))
        });
        items.collect()
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
            awaited_retailer: waits_for_retailer(waits_for.as_deref()),
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

    async fn store_of_event(&self, event: &Event) -> Result<Option<Store>, Error> {
        let Some(id) = event.store.clone() else {
            return Ok(None);
        };
        self.core
            .records
            .read_one(in_tx!(|tx, id| tx.store_get(&id).await))
            .await
    }

    /// Calls the plugin and applies its decision, parks the event, or makes it a dead letter.
    /// `progress` is stored with the effects.
    ///
    /// A failure concerns this event alone: it is parked and retried, and other events do not wait
    /// for it. Returns an error only if the database cannot store even that.
    pub async fn handle(&self, item: &Item, progress: Progress) -> Result<HandlingResult, Error> {
        let exported_span = exported(item);
        let trace = trace::below(&exported_span, item.event.origin.trace);
        let work = async {
            match self.attempt(item, progress).await {
                Ok(handled) => Ok(handled),
                // The event was not tried. The consumer repeats this after a pause.
                Err(error) if item.subscriber == OUT_OF_SERVICE => Err(error),
                Err(error) => {
                    let fault = CallFault::Host(HostFault::HostFailed(error.chain()));
                    let outcome = self.failed(item, None, &fault, progress).await?;
                    Ok(HandlingResult::free(outcome, progress))
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

    async fn attempt(&self, item: &Item, progress: Progress) -> Result<HandlingResult, Error> {
        if item.subscriber == OUT_OF_SERVICE {
            let outcome = self.resume_retailer(item, progress).await?;
            return Ok(HandlingResult::free(outcome, progress));
        }
        if let Some(store) = self.store_out_of_service(item).await? {
            let outcome = self.wait_for_retailer(item, &store, progress).await?;
            return Ok(HandlingResult::free(outcome, progress));
        }
        let prepared = match self.prepare(item).await? {
            prepare::Prepared::Ready(prepared) => *prepared,
            prepare::Prepared::Before => {
                let stored = match item.parked {
                    Some(_) => {
                        self.unpark_settled(item, progress).await?;
                        progress
                    }
                    None => Progress::default(),
                };
                return Ok(HandlingResult::free(HandlingOutcome::Done, stored));
            }
            prepare::Prepared::GivenUp => {
                let stored = Progress::default();
                return Ok(HandlingResult::free(retry::given_up(item), stored));
            }
            prepare::Prepared::Nobody => {
                if let Some(outcome) = self.wait_for_newest(item, progress).await? {
                    return Ok(HandlingResult::free(outcome, progress));
                }
                self.skip(item, progress).await?;
                metrics::event(&item.group, Attempted::Skipped);
                return Ok(HandlingResult::free(HandlingOutcome::Done, progress));
            }
            prepare::Prepared::Waits { on } => {
                let outcome = self.wait_for_cause(item, &on, progress).await?;
                return Ok(HandlingResult::free(outcome, progress));
            }
            prepare::Prepared::Broken(fault) => {
                let outcome = self.failed(item, None, &fault, progress).await?;
                return Ok(HandlingResult::free(outcome, progress));
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
                let applied = self.apply(item, &prepared, &decision, called.usage, progress);
                match applied.instrument(exported_span).await {
                    Ok(()) => {
                        metrics::event(&item.group, Attempted::Applied);
                        HandlingOutcome::Done
                    }
                    Err(Error::NameTaken { directory, name }) => {
                        let fault = retry::name_taken(&directory, &name);
                        self.failed(item, Some((&prepared, called.usage)), &fault, progress)
                            .await?
                    }
                    Err(error) => return Err(error),
                }
            }
            Err(fault) => {
                self.failed(item, Some((&prepared, called.usage)), &fault, progress)
                    .await?
            }
        };
        Ok(HandlingResult {
            outcome,
            cost,
            progress,
        })
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
