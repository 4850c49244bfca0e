//! Records what a host has loaded if it differs from the last record: changed grants, components
//! and settings. Files have no log of changes; this is it.

use super::plugins::rights;
use crate::operations::Operations;
use galleria_domain::Digest;
use galleria_ports::Error;
use galleria_ports::in_tx;
use galleria_ports::plugins::Plugins;
use galleria_ports::records::{OperationFilter, OperationRow, Tx};
use jiff::Timestamp;
use serde_json::{Map, Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

const ACTION: &str = "plugins_loaded";
/// The subject of the list of retailers. The subject of a retailer's slots has its name after a
/// colon.
const SUBJECT: &str = "retailers";

impl Operations {
    /// Records each retailer whose slots changed in the operations log: components, grants and
    /// digests of settings, before and after. `host` is the actor. Returns the names of the changed
    /// retailers.
    pub async fn record_loaded_plugins(&self, host: &str) -> Result<Vec<String>, Error> {
        let now = self.core.clock.now();
        let host: Arc<str> = host.into();
        let states = Arc::new(states(&*self.core.plugins));
        let changed = self.core.records.write(in_tx!(|tx, host, states| {
            let mut changed = Vec::new();
            for (subject, state) in states.iter() {
                if noted(tx, &host, subject, state, now).await? {
                    changed.push(subject.clone());
                }
            }
            Ok(changed)
        }));
        changed.await
    }
}

/// The current records by subject: the retailers, and the slots of each.
fn states(plugins: &dyn Plugins) -> BTreeMap<String, Value> {
    let mut retailers: BTreeMap<String, Map<String, Value>> = BTreeMap::new();
    for loaded in plugins.all() {
        let slot = &loaded.slot;
        let settings: Vec<String> = slot
            .all_settings()
            .map(|text| Digest::of(text.as_bytes()).to_string())
            .collect();
        let state = json!({
            "plugin": slot.plugin,
            "component": loaded.inspection.digest.to_string(),
            "granted": rights(slot.rights()),
            "settings": settings,
        });
        let slots = retailers.entry(slot.retailer.clone()).or_default();
        slots.insert(slot.name.clone(), state);
    }
    let names: BTreeSet<String> = plugins.retailers();
    // A retailer may have lost its last slot. The slots of one that is out of service are unknown.
    for name in names.iter().filter(|name| !plugins.is_out_of_service(name)) {
        retailers.entry(name.clone()).or_default();
    }
    let mut states = BTreeMap::from([(SUBJECT.to_owned(), json!({ SUBJECT: names }))]);
    for (name, slots) in retailers {
        states.insert(format!("{SUBJECT}:{name}"), Value::Object(slots));
    }
    states
}

async fn noted(
    tx: &mut dyn Tx,
    host: &str,
    subject: &str,
    state: &Value,
    now: Timestamp,
) -> Result<bool, Error> {
    let filter = OperationFilter {
        subject: Some(subject.to_owned()),
        action: Some(ACTION.to_owned()),
        actor: None,
    };
    let last = tx.operation_list(&filter, i64::MAX, 1).await?;
    let before = last.into_iter().next().map(|(_, row)| row.after);
    let after = state.to_string();
    if before.as_deref() == Some(&*after) {
        return Ok(false);
    }
    tx.operation_insert(&OperationRow {
        at: now,
        actor: format!("host {host}"),
        action: ACTION.into(),
        subject: subject.to_owned(),
        reason: "the host loaded it".into(),
        before: before.unwrap_or_else(|| "null".into()),
        after,
    })
    .await?;
    Ok(true)
}
