//! The plugins of one configuration, ready to be called.

use crate::bindings::types as guest;
use crate::call::{Call, CallSpec, GuestResult, Keys, call_guest};
use crate::capability::log::Author;
use crate::compiled::{Compiled, Points};
use crate::convert::{IntoDomain, ToGuest};
use crate::decision;
use crate::engine::Engine;
use crate::stop::Stop;
use galleria_app::plugins::{Argument, Called, Loaded, Plugins, Stream, Streams, Usage};
use galleria_domain::plugin::{Limits, Point, Rights};
use galleria_domain::{CallFault, Context, Decision, Fault, HostFault, Member, Scope, Totals};
use std::sync::Arc;
use wasmtime::component::Instance;

/// A slot with everything that its calls need.
pub(crate) struct Linked {
    pub loaded: Loaded,
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
    linked: Vec<Linked>,
    loaded: Vec<Loaded>,
}

impl Generation {
    pub(crate) fn new(engine: Engine, linked: Vec<Linked>) -> Self {
        let loaded = linked.iter().map(|linked| linked.loaded.clone()).collect();
        Self(Arc::new(Inner {
            engine,
            linked,
            loaded,
        }))
    }

    /// Finds a plugin of this generation. A plugin of another generation is not served.
    fn linked(&self, plugin: &Loaded) -> Result<&Linked, HostFault> {
        self.0
            .linked
            .get(plugin.index)
            .filter(|linked| Arc::ptr_eq(&linked.loaded.slot, &plugin.slot))
            .ok_or_else(|| {
                HostFault::NotServed(format!(
                    "{}/{} does not belong to this configuration",
                    plugin.slot.retailer, plugin.slot.name
                ))
            })
    }

    fn call<T>(
        &self,
        linked: &Linked,
        point: Point,
        cx: &Context,
        streams: Streams,
        invoke: impl FnOnce(&mut wasmtime::Store<Call>, &Instance) -> GuestResult<T>,
    ) -> Called<T> {
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
        galleria_app::figures::call(&slot.plugin, point, &called);
        called
    }
}

impl Plugins for Generation {
    fn all(&self) -> &[Loaded] {
        &self.0.loaded
    }

    fn react(&self, plugin: &Loaded, cx: &Context, argument: &Argument) -> Called<Decision> {
        let linked = match self.linked(plugin) {
            Ok(linked) => linked,
            Err(fault) => return unserved(fault),
        };
        let streams = Streams::default();
        self.call(linked, argument.point(), cx, streams, |store, instance| {
            let answer = handle(&linked.compiled.points, store, instance, cx, argument)?;
            let meter = &mut store.data_mut().meter;
            match answer {
                Ok(given) => {
                    let given: Decision = given.into_domain();
                    meter.output(decision::size(&given))?;
                    decision::check(&given, &linked.rights).map_err(Stop)?;
                    Ok(Ok(given))
                }
                Err(fault) => faulted(store, fault),
            }
        })
    }

    fn identify(&self, plugin: &Loaded, cx: &Context, code: &str) -> Called<Option<Member>> {
        let linked = match self.linked(plugin) {
            Ok(linked) => linked,
            Err(fault) => return unserved(fault),
        };
        let streams = Streams::default();
        self.call(
            linked,
            Point::IdentifyMember,
            cx,
            streams,
            |store, instance| {
                let point = linked.compiled.points.identify_member.as_ref();
                let point = point.ok_or_else(|| not_served(Point::IdentifyMember))?;
                let point = point.load(&mut *store, instance)?;
                match point.call_identify(&mut *store, &cx.to_guest(), code)? {
                    Ok(member) => {
                        let member: Option<Member> = member.into_domain();
                        let bytes = member.as_ref().map_or(0, decision::size_of_member);
                        store.data_mut().meter.output(bytes)?;
                        Ok(Ok(member))
                    }
                    Err(fault) => faulted(store, fault),
                }
            },
        )
    }

    fn run(&self, plugin: &Loaded, cx: &Context, run: &Stream, streams: Streams) -> Called<Totals> {
        let linked = match self.linked(plugin) {
            Ok(linked) => linked,
            Err(fault) => return unserved(fault),
        };
        self.call(
            linked,
            run.point(),
            cx,
            streams,
            |store, instance| match stream(&linked.compiled.points, store, instance, cx, run)? {
                Ok(totals) => {
                    let totals: Totals = totals.into_domain();
                    let meter = &mut store.data_mut().meter;
                    meter.output(decision::size_of_totals(&totals))?;
                    Ok(Ok(totals))
                }
                Err(fault) => faulted(store, fault),
            },
        )
    }
}

fn unserved<T>(fault: HostFault) -> Called<T> {
    Called {
        outcome: Err(CallFault::Host(fault)),
        usage: Usage::default(),
    }
}

fn not_served(point: Point) -> Stop {
    Stop(HostFault::NotServed(format!(
        "the component does not export {point}"
    )))
}

fn faulted<T>(store: &mut wasmtime::Store<Call>, fault: guest::Fault) -> GuestResult<T> {
    let fault: Fault = fault.into_domain();
    let meter = &mut store.data_mut().meter;
    meter.output(decision::size_of_fault(&fault))?;
    Ok(Err(CallFault::Guest(fault)))
}

/// Runs the stream point that is meant.
fn stream(
    points: &Points,
    store: &mut wasmtime::Store<Call>,
    instance: &Instance,
    cx: &Context,
    run: &Stream,
) -> wasmtime::Result<Result<guest::Totals, guest::Fault>> {
    macro_rules! run {
        ($module:ident $(, $window:expr)?) => {{
            let point = points.$module.as_ref();
            let point = point.ok_or_else(|| not_served(run.point()))?;
            let point = point.load(&mut *store, instance)?;
            point.call_run(&mut *store, &cx.to_guest() $(, &$window.to_guest())?)
        }};
    }
    match run {
        Stream::Report(window) => run!(report, window),
        Stream::Settlement(window) => run!(write_settlement, window),
        Stream::Catalogue(window) => run!(export_catalogue, window),
        Stream::Statement => run!(read_statement),
    }
}

/// Asks the point that takes the argument.
fn handle(
    points: &Points,
    store: &mut wasmtime::Store<Call>,
    instance: &Instance,
    cx: &Context,
    argument: &Argument,
) -> wasmtime::Result<Result<guest::Decision, guest::Fault>> {
    macro_rules! handle {
        ($module:ident, $($given:expr),+) => {{
            let point = points.$module.as_ref();
            let point = point.ok_or_else(|| not_served(argument.point()))?;
            let point = point.load(&mut *store, instance)?;
            point.call_handle(&mut *store, &cx.to_guest(), $(&$given.to_guest()),+)
        }};
    }
    match argument {
        Argument::Payment(sale) => handle!(on_payment, sale),
        Argument::Refund(refund) => handle!(on_refund, refund),
        Argument::Void(cancelled) => handle!(on_void, cancelled),
        Argument::Verification(verified) => handle!(on_verification, verified),
        Argument::FiscalMark(mark) => handle!(on_fiscal_mark, mark),
        Argument::ShiftEnd(shift) => handle!(on_shift_end, shift),
        Argument::Reply { request, reply } => handle!(on_reply, request, reply),
    }
}
