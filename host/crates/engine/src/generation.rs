//! The plugins of one configuration, ready to be called.

use crate::bindings::types as guest;
use crate::call::{Call, Keys};
use crate::compiled::Compiled;
use crate::convert::{IntoDomain, ToGuest};
use crate::engine::Engine;
use crate::invoke::{CallSpec, GuestResult, call_guest};
use crate::plugin_log::Author;
use crate::points::exported;
use crate::stop::Stop;
use galleria_domain::guest_values;
use galleria_domain::plugin::{Limits, Point, Rights, Slot};
use galleria_domain::{CallFault, Context, Decision, Fault, Member, Scope, Totals};
use galleria_ports::plugins::{
    Argument, CallOutcome, LoadedPlugin, Plugins, Stream, Streams, not_served,
};
use std::sync::Arc;
use wasmtime::component::Instance;

/// A slot with everything that its calls need.
pub(crate) struct LinkedPlugin {
    pub engine: Engine,
    pub slot: Arc<Slot>,
    pub compiled: Arc<Compiled>,
    pub rights: Arc<Rights>,
    pub keys: Keys,
    pub call_limits: Limits,
    pub run_limits: Limits,
}

/// The plugins of one configuration. Cheap to clone; a compiled component lives as long as a plugin that uses it.
#[derive(Clone)]
pub struct Generation(Arc<[LoadedPlugin]>);

impl Generation {
    pub(crate) fn new(linked: Vec<LinkedPlugin>) -> Self {
        let loaded = linked.into_iter().map(|linked| LoadedPlugin {
            slot: Arc::clone(&linked.slot),
            inspection: Arc::clone(&linked.compiled.inspection),
            handle: Arc::new(linked),
        });
        Self(loaded.collect())
    }
}

/// The engine's part of a plugin. It is called even if a newer generation replaced it, so that a call or a run that
/// has begun ends with the configuration that it began with. A plugin that no engine loaded has no such part.
fn linked(plugin: &LoadedPlugin) -> Option<&LinkedPlugin> {
    plugin.handle.downcast_ref()
}

impl LinkedPlugin {
    fn call<T>(
        &self,
        point: Point,
        cx: &Context,
        streams: Streams,
        invoke: impl FnOnce(&mut wasmtime::Store<Call>, &Instance) -> GuestResult<T>,
    ) -> CallOutcome<T> {
        let slot = &self.slot;
        let limits = match point.is_stream() {
            true => self.run_limits,
            false => self.call_limits,
        };
        let spec = CallSpec {
            compiled: &self.compiled,
            limits,
            rights: Arc::clone(&self.rights),
            keys: Arc::clone(&self.keys),
            author: Author {
                retailer: slot.retailer.clone(),
                slot: slot.name.clone(),
                event: cx.event_id.clone(),
                store: match &cx.scope {
                    Scope::Store(store) => store.id.clone(),
                    Scope::Retailer(_) => String::new(),
                },
            },
            occurred_at: &cx.occurred_at,
            streams,
            sensitive: point.is_sensitive(),
        };
        let called = call_guest(&self.engine.0.ticker, spec, invoke);
        galleria_ports::metrics::call(&slot.plugin, point, &called);
        called
    }
}

impl Plugins for Generation {
    fn all(&self) -> Vec<LoadedPlugin> {
        self.0.to_vec()
    }

    fn react(
        &self,
        plugin: &LoadedPlugin,
        cx: &Context,
        argument: &Argument,
    ) -> CallOutcome<Decision> {
        let Some(linked) = linked(plugin) else {
            return not_served(plugin);
        };
        let streams = Streams::default();
        linked.call(argument.point(), cx, streams, |store, instance| {
            let points = &linked.compiled.points;
            match points.handle(store, instance, cx, argument)? {
                Ok(decision) => {
                    let decision: Decision<String> = decision.into_domain();
                    let meter = &mut store.data_mut().meter;
                    meter.output(guest_values::size_of_decision(&decision))?;
                    let rights = Some(&*linked.rights);
                    let checked = guest_values::check_decision(decision, meter.limits(), rights);
                    Ok(Ok(checked.map_err(Stop)?))
                }
                Err(fault) => guest_fault(store, fault),
            }
        })
    }

    fn identify(
        &self,
        plugin: &LoadedPlugin,
        cx: &Context,
        code: &str,
    ) -> CallOutcome<Option<Member>> {
        let Some(linked) = linked(plugin) else {
            return not_served(plugin);
        };
        let streams = Streams::default();
        linked.call(Point::IdentifyMember, cx, streams, |store, instance| {
            let point = &linked.compiled.points.identify_member;
            let point = exported(point, Point::IdentifyMember)?;
            let point = point.load(&mut *store, instance)?;
            match point.call_identify(&mut *store, &cx.to_guest(), code)? {
                Ok(member) => {
                    let member: Option<Member> = member.into_domain();
                    if let Some(member) = &member {
                        let meter = &mut store.data_mut().meter;
                        meter.output(guest_values::size_of_member(member))?;
                        guest_values::check_member(member, meter.limits()).map_err(Stop)?;
                    }
                    Ok(Ok(member))
                }
                Err(fault) => guest_fault(store, fault),
            }
        })
    }

    fn run(
        &self,
        plugin: &LoadedPlugin,
        cx: &Context,
        run: &Stream,
        streams: Streams,
    ) -> CallOutcome<Totals> {
        let Some(linked) = linked(plugin) else {
            return not_served(plugin);
        };
        linked.call(run.point(), cx, streams, |store, instance| {
            match linked.compiled.points.run(store, instance, cx, run)? {
                Ok(totals) => {
                    let totals: Totals = totals.into_domain();
                    let meter = &mut store.data_mut().meter;
                    meter.output(guest_values::size_of_totals(&totals))?;
                    guest_values::check_totals(&totals, meter.limits()).map_err(Stop)?;
                    Ok(Ok(totals))
                }
                Err(fault) => guest_fault(store, fault),
            }
        })
    }
}

/// Counts and returns a fault of the guest.
fn guest_fault<T>(store: &mut wasmtime::Store<Call>, fault: guest::Fault) -> GuestResult<T> {
    let fault: Fault = fault.into_domain();
    let meter = &mut store.data_mut().meter;
    meter.output(guest_values::size_of_fault(&fault))?;
    Ok(Err(CallFault::Guest(fault)))
}
