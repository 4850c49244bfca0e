//! The journal row of an attempt.

use super::prepare::PreparedCall;
use super::{Item, argument_text};
use crate::shared_texts::SharedTexts;
use galleria_domain::{Digest, names};
use galleria_ports::plugins::Usage;
use galleria_ports::records::JournalRow;
use jiff::Timestamp;

/// The journal row of an attempt without its outcome, and the texts to store with it.
pub(super) fn attempt(
    item: &Item,
    prepared: &PreparedCall,
    usage: Usage,
    settings: &SharedTexts,
    now: Timestamp,
) -> (JournalRow, Vec<(Digest, String)>) {
    let argument = argument_text(
        prepared.argument.point(),
        &prepared.context,
        &prepared.argument,
    );
    let digest = Digest::of(argument.as_bytes());
    let count = |bytes: u64| i64::try_from(bytes).unwrap_or(i64::MAX);
    let (settings_digest, is_due) = settings.digest(&prepared.context.settings, now);
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
        settings: settings_digest.to_string(),
        argument: digest.to_string(),
        decision: None,
        cpu_us: i64::try_from(usage.cpu.as_micros()).unwrap_or(i64::MAX),
        memory_bytes: count(usage.memory_bytes),
        output_bytes: count(usage.output_bytes),
        at: now,
    };
    let mut texts = vec![(digest, argument)];
    if is_due {
        texts.push((settings_digest, prepared.context.settings.clone()));
    }
    (row, texts)
}

/// The journal row of an attempt whose plugin was not called.
pub(super) fn not_called(item: &Item, now: Timestamp) -> JournalRow {
    // An index has the column, so no other text of the payload may get there.
    let order_id = item.event.text("order_id").filter(|id| names::is_id(id));
    JournalRow {
        event_id: item.event.id.clone(),
        subscriber: item.subscriber.clone(),
        retailer: item
            .plugin
            .as_ref()
            .map(|plugin| plugin.slot.retailer.clone())
            .unwrap_or_default(),
        store_id: item.store_id.clone(),
        order_id: order_id.map(ToOwned::to_owned),
        attempt: item.attempts + 1,
        outcome: String::new(),
        detail: None,
        plugin: item
            .plugin
            .as_ref()
            .map(|plugin| plugin.slot.plugin.clone())
            .unwrap_or_default(),
        component: String::new(),
        settings: String::new(),
        argument: String::new(),
        decision: None,
        cpu_us: 0,
        memory_bytes: 0,
        output_bytes: 0,
        at: now,
    }
}

#[cfg(test)]
mod tests {
    use super::super::HOST;
    use super::super::item::item;
    use super::*;
    use galleria_domain::Event;
    use galleria_domain::trace::Origin;

    #[test]
    fn only_an_id_gets_into_the_index_of_orders() {
        let long = "o".repeat(9_999);
        for (order_id, expected) in [("o-1", Some("o-1")), ("o 1", None), (&*long, None)] {
            let event = Event {
                position: 1,
                id: "e".into(),
                topic: "t".into(),
                key: None,
                store: None,
                data: serde_json::json!({ "order_id": order_id }),
                server_timestamp: 0,
                origin: Origin::default(),
            };
            let item = item("g", &event, HOST, None);
            let row = not_called(&item, Timestamp::UNIX_EPOCH);
            assert_eq!(row.order_id.as_deref(), expected);
        }
    }
}
