//! The version of the contract that this host speaks, and which recorded events can be replayed.

pub use galleria_contract::{PACKAGE, VERSION, is_supported};
use serde_json::Value;

/// Checks that a recorded event (an argument of the journal, an `event.json`) can be replayed.
///
/// The host writes `contract` into every argument it records. Contract 0.1.0 did not; its records are
/// recognised by what 0.2.0 writes differently: decimals were objects, and the cashier was `operator`.
pub fn check_replayable(event: &Value) -> Result<(), String> {
    let advice = "the text can be read, but only an event recorded with that contract replays";
    match event.get("contract") {
        None | Some(Value::Null) => {}
        Some(Value::String(version)) if is_supported(version) => {}
        Some(version) => {
            return Err(format!(
                "contract: must be \"{VERSION}\", got {version}: {advice}"
            ));
        }
    }
    // Settings belong to the plugin and may use any name.
    for part in [
        "argument",
        "activities",
        "sale_lines",
        "products",
        "settlement",
    ] {
        let Some(value) = event.get(part) else {
            continue;
        };
        let mut path = vec![part.to_owned()];
        if let Some(found) = older_form(value, &mut path) {
            return Err(format!(
                "{}: {found} is the form of contract 0.1.0; must be {VERSION}: {advice}",
                path.join(".")
            ));
        }
    }
    Ok(())
}

/// Returns the name of a form that only contract 0.1.0 wrote, if the value has one; `path` then leads to it.
fn older_form(value: &Value, path: &mut Vec<String>) -> Option<&'static str> {
    let step = |name: String, value: &Value, path: &mut Vec<String>| {
        path.push(name);
        let found = older_form(value, path);
        if found.is_none() {
            path.pop();
        }
        found
    };
    match value {
        Value::Object(fields) if is_decimal_object(fields) => Some("a decimal as an object"),
        Value::Object(fields) if fields.contains_key("operator") => {
            path.push("operator".to_owned());
            Some("this field")
        }
        Value::Object(fields) => fields
            .iter()
            .find_map(|(name, value)| step(name.clone(), value, path)),
        Value::Array(values) => values
            .iter()
            .enumerate()
            .find_map(|(index, value)| step(index.to_string(), value, path)),
        _ => None,
    }
}

/// Whether an object is a decimal as contract 0.1.0 wrote it: `{"unscaled": 125, "scale": 2}`.
pub fn is_decimal_object(fields: &serde_json::Map<String, Value>) -> bool {
    fields.len() == 2 && fields.contains_key("unscaled") && fields.contains_key("scale")
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn an_event_of_this_contract_replays() {
        let settings = json!({ "operator": { "unscaled": 1, "scale": 0 } });
        for contract in [json!(null), json!("0.2.0"), json!("0.2.7")] {
            let event = json!({
                "contract": contract, "context": { "settings": settings },
                "argument": { "entry": { "cashier": "ana" }, "lines": [{ "quantity": "1.25" }] },
            });
            assert_eq!(check_replayable(&event), Ok(()));
        }
    }

    #[test]
    fn an_event_of_another_contract_is_rejected_with_its_place() {
        let decimal = json!({ "lines": [{ "quantity": { "unscaled": 125, "scale": 2 } }] });
        let cases = [
            (
                json!({ "contract": "0.1.0" }),
                "contract: must be \"0.2.0\", got \"0.1.0\"",
            ),
            (
                json!({ "contract": "0.3.0" }),
                "contract: must be \"0.2.0\", got \"0.3.0\"",
            ),
            (
                json!({ "argument": decimal }),
                "argument.lines.0.quantity: a decimal as an object",
            ),
            (
                json!({ "argument": { "entry": { "operator": null } } }),
                "argument.entry.operator: this field is the form of contract 0.1.0",
            ),
        ];
        for (event, start) in cases {
            let message = check_replayable(&event).expect_err(start);
            assert!(message.starts_with(start), "{message}");
        }
    }
}
