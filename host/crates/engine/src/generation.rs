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
use galleria_domain::plugin::{Limits, Point, Rights};
use galleria_domain::{CallFault, Context, Decision, Fault, Member, Scope, Totals};
use galleria_ports::plugins::{
    Argument, CallOutcome, LoadedPlugin, Plugins, Stream, Streams, not_served,
};
use std::sync::Arc;
use wasmtime::component::Instance;

/// A slot with everything that its calls need.
pub(crate) struct LinkedPlugin {
    pub loaded: LoadedPlugin,
    pub compiled: Arc<Compiled>,
    pub rights: Arc<Rights>,
    pub keys: Keys,
    pub call_limits: Limits,
    pub run_limits: Limits,
}

/// The plugins of one configuration. Cheap to clone; compiled components live as long as any clone.
#[derive(Clone)]
pub struct Generation(Arc<Inner>);

struct Inner {
    engine: Engine,
    linked: Vec<LinkedPlugin>,
    loaded: Vec<LoadedPlugin>,
}

impl Generation {
    pub(crate) fn new(engine: Engine, linked: Vec<LinkedPlugin>) -> Self {
        let loaded = linked.iter().map(|linked| linked.loaded.clone()).collect();
        Self(Arc::new(Inner {
            engine,
            linked,
            loaded,
        }))
    }

    /// Whether the plugin belongs to this generation.
    pub fn has(&self, plugin: &LoadedPlugin) -> bool {
        self.linked(plugin).is_some()
    }

    /// Finds a plugin of this generation. A plugin of another generation is not served.
    fn linked(&self, plugin: &LoadedPlugin) -> Option<&LinkedPlugin> {
        self.0
            .linked
            .get(plugin.index)
            .filter(|linked| Arc::ptr_eq(&linked.loaded.slot, &plugin.slot))
    }

    fn call<T>(
        &self,
        linked: &LinkedPlugin,
        point: Point,
        cx: &Context,
        streams: Streams,
        invoke: impl FnOnce(&mut wasmtime::Store<Call>, &Instance) -> GuestResult<T>,
    ) -> CallOutcome<T> {
        let slot = &linked.loaded.slot;
        let limits = match point.is_stream() {
            true => linked.run_limits,
            false => linked.call_limits,
        };
        let spec = CallSpec {
            compiled: &linked.compiled,
            limits,
            rights: Arc::clone(&linked.rights),
            keys: Arc::clone(&linked.keys),
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
        let called = call_guest(&self.0.engine.0.ticker, spec, invoke);
        galleria_ports::metrics::call(&slot.plugin, point, &called);
        called
    }
}

impl Plugins for Generation {
    fn all(&self) -> Vec<LoadedPlugin> {
        self.0.loaded.clone()
    }

    fn react(
        &self,
        plugin: &LoadedPlugin,
        cx: &Context,
        argument: &Argument,
    ) -> CallOutcome<Decision> {
        let Some(linked) = self.linked(plugin) else {
            return not_served(plugin);
        };
        let streams = Streams::default();
        self.call(linked, argument.point(), cx, streams, |store, instance| {
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
        let Some(linked) = self.linked(plugin) else {
            return not_served(plugin);
        };
        let streams = Streams::default();
        self.call(
            linked,
            Point::IdentifyMember,
            cx,
            streams,
            |store, instance| {
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
            },
        )
    }

    fn run(
        &self,
        plugin: &LoadedPlugin,
        cx: &Context,
        run: &Stream,
        streams: Streams,
    ) -> CallOutcome<Totals> {
        let Some(linked) = self.linked(plugin) else {
            return not_served(plugin);
        };
        self.call(
            linked,
            run.point(),
            cx,
            streams,
            |store, instance| match linked.compiled.points.run(store, instance, cx, run)? {
                Ok(totals) => {
                    let totals: Totals = totals.into_domain();
                    let meter = &mut store.data_mut().meter;
                    meter.output(guest_values::size_of_totals(&totals))?;
                    guest_values::check_totals(&totals, meter.limits()).map_err(Stop)?;
                    Ok(Ok(totals))
                }
                Err(fault) => guest_fault(store, fault),
            },
        )
    }
}

/// Counts and returns a fault of the guest.
fn guest_fault<T>(store: &mut wasmtime::Store<Call>, fault: guest::Fault) -> GuestResult<T> {
    let fault: Fault = fault.into_domain();
    let meter = &mut store.data_mut().meter;
    meter.output(guest_values::size_of_fault(&fault))?;
    Ok(Err(CallFault::Guest(fault)))
}
