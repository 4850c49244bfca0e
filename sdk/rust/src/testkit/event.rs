//! Converts a fixture's event into the SDK's types.

use super::host::Host;
use super::keys::RealKey;
use crate::bindings::words::types::Context as RawContext;
use galleria_fixtures::Event;
use serde::Serialize;
use serde::de::DeserializeOwned;

/// Converts between the host's types and the contract's types, which have the same JSON.
///
/// # Panics
///
/// If the JSON of the two types differs.
pub(super) fn convert<T: DeserializeOwned>(value: &impl Serialize) -> T {
    let converted = serde_json::to_vec(value).and_then(|text| serde_json::from_slice(&text));
    match converted {
        Ok(converted) => converted,
        Err(error) => panic!("host and contract differ in their JSON: {error}"),
    }
}

/// The variant of `plugin!` for the event's point, such as `OnPayment`.
#[doc(hidden)]
pub fn point_name(event: &Event) -> String {
    format!("{:?}", event.point)
}

/// The context in the contract's type.
#[doc(hidden)]
pub fn raw_context(event: &Event) -> RawContext {
    convert(&event.call_context())
}

/// Creates a host whose feeds contain the event's rows, with its keys. Omits a key that cannot be read;
/// [`Event::read`] reports it.
pub(super) fn host(event: &Event) -> Host {
    Host {
        sale_lines: event.sale_lines.clone().into(),
        products: event.products.clone().into(),
        settlement: event.settlement.clone().into(),
        activities: event.activities.iter().map(convert_pair).collect(),
        input_name: event.input.clone().unwrap_or_default(),
        input: event.input_bytes.clone().into(),
        keys: RealKey::all(&event.keys, &event.context.event_id),
        ..Host::default()
    }
}

fn convert_pair<A: Serialize, B: Serialize, C: DeserializeOwned, D: DeserializeOwned>(
    (first, second): &(A, B),
) -> (C, D) {
    (convert(first), convert(second))
}
