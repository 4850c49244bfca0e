//! The newest configuration of each retailer that a process has loaded, as it is in the list of operations.
//!
//! Files have no log of changes, so the processes record what they load. Until all processes have loaded a change,
//! one of them may not know a slot that another one knows.

use crate::core::Core;
use crate::rights::rights;
use galleria_domain::Digest;
use galleria_ports::Error;
use galleria_ports::in_tx;
use galleria_ports::plugins::Plugins;
use galleria_ports::records::{OperationFilter, Tx};
use serde_json::{Map, Value, json};

/// The action of the records.
pub(crate) const ACTION: &str = "plugins_loaded";

/// The subject of the list of retailers.
pub(crate) const RETAILERS: &str = "retailers";

/// The subject of the slots of a retailer.
pub(crate) fn subject(retailer: &str) -> String {
    format!("{RETAILERS}:{retailer}")
}

/// The slots of a retailer in this process: components, grants, stores and digests of settings.
pub(crate) fn slots(plugins: &dyn Plugins, retailer: &str) -> Value {
    let slots = plugins.of_retailer(retailer).into_iter().map(|loaded| {
        let slot = &loaded.slot;
        let settings: Vec<String> = slot
            .all_settings()
            .map(|text| Digest::of(text.as_bytes()).to_string())
            .collect();
        let state = json!({
            "plugin": slot.plugin,
            "component": loaded.inspection.digest.to_string(),
            "granted": rights(slot.rights()),
            "filter": slot.filter,
            "settings": settings,
        });
        (slot.name.clone(), state)
    });
    Value::Object(slots.collect::<Map<_, _>>())
}

/// The latest record of a subject, as JSON text.
pub(crate) async fn latest(tx: &mut dyn Tx, subject: &str) -> Result<Option<String>, Error> {
    let filter = OperationFilter {
        subject: Some(subject.to_owned()),
        action: Some(ACTION.to_owned()),
        actor: None,
    };
    let last = tx.operation_list(&filter, i64::MAX, 1).await?;
    Ok(last.into_iter().next().map(|(_, row)| row.after))
}

/// Whether this process serves the retailer with the newest configuration: it has followed the latest request to load
/// it, and no process has loaded another configuration since. Otherwise it may not know a slot that exists.
pub(crate) async fn serves_newest(core: &Core, retailer: &str) -> Result<bool, Error> {
    let (served, name) = (core.served(retailer), retailer.to_owned());
    let own = slots(&*core.plugins, retailer).to_string();
    let read = core.records.read(in_tx!(|tx, name, own| {
        let request = tx.reload_get(&name).await?;
        if request.is_some_and(|request| request.generation > served) {
            return Ok(false);
        }
        let latest = latest(tx, &subject(&name)).await?;
        Ok(latest.is_none_or(|latest| latest == own))
    }));
    read.await
}
