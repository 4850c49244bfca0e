//! Reading settings for `settings.check`.

use crate::{Plugin, Problem};

/// What is wrong with a settings text. Nothing: the plugin can work with it.
pub fn check<P: Plugin>(text: &str) -> Vec<Problem> {
    match serde_json::from_str::<P::Settings>(text) {
        Ok(settings) => P::check(&settings),
        Err(error) => vec![Problem::new("settings", error.to_string())],
    }
}
