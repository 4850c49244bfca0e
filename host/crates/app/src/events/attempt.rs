//! The journal row of an attempt.

use super::prepare::PreparedCall;
use super::{Item, argument_text};
use galleria_domain::Digest;
use galleria_ports::plugins::Usage;
use galleria_ports::records::JournalRow;
use jiff::Timestamp;

/// The journal row of an attempt without its outcome, and the texts that it refers to.
pub(super) fn attempt(
    item: &Item,
    prepared: &PreparedCall,
    usage: Usage,
    now: Timestamp,
) -> (JournalRow, Vec<(Digest, String)>) {
    let settings = prepared.context.settings.clone();
    let text = argument_text(
        prepared.argument.point(),
        &prepared.context,
        &prepared.argument,
    );
    let blobs = vec![
        (Digest::of(settings.as_bytes()), settings),
        (Digest::of(text.as_bytes()), text),
    ];
    let count = |bytes: u64| i64::try_from(bytes).unwrap_or(i64::MAX);
    let row = JournalRow {
        event_id: item.event.id.clone(),
        subscriber: item.subscriber.clone(),
        retailer: prepared.store.retailer.clone(),
        store_id: prepared.store.id.clone(),
        order_id: prepared.order_id.clone(),
        attempt: item.attempts + 1,
        outcome: String::new(),
        detail: None,
        plugin: prepared.plugin.slot.plugin.clone(),
        component: prepared.plugin.inspection.digest.to_string(),
        settings: blobs[0].0.to_string(),
        argument: blobs[1].0.to_string(),
        decision: None,
        cpu_us: i64::try_from(usage.cpu.as_micros()).unwrap_or(i64::MAX),
        memory_bytes: count(usage.memory_bytes),
        output_bytes: count(usage.output_bytes),
        at: now,
    };
    (row, blobs)
}
