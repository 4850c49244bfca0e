//! Checks the pickup directories of statements after the components are loaded.

use galleria_domain::Pickup;
use galleria_domain::plugin::{ConfigError, Point};
use galleria_ports::plugins::Plugins;

/// Returns all errors: a slot that does not read statements, whose files would be retried for ever, and two slots
/// that would import the same files.
pub fn check_pickups(pickups: &[Pickup], plugins: &dyn Plugins) -> Vec<ConfigError> {
    let mut mistakes = Vec::new();
    for (index, pickup) in pickups.iter().enumerate() {
        // A slot that could not be loaded has its own error.
        let Some(loaded) = plugins.named(&pickup.retailer, &pickup.plugin) else {
            continue;
        };
        let mut wrong = |name: &str, message: String| {
            let key = format!("plugins.{}.pickup{name}", pickup.plugin);
            mistakes.push(ConfigError::new(&loaded.slot.file, key, message));
        };
        if !loaded.inspection.exports.contains(&Point::ReadStatement) {
            let plugin = &loaded.slot.plugin;
            wrong(
                "",
                format!("{plugin} does not read statements; remove the pickup"),
            );
        }
        let before = pickups[..index].iter();
        let both = before.filter(|other| {
            (&other.retailer, &other.directory) == (&pickup.retailer, &pickup.directory)
                && overlap(&other.suffix, &pickup.suffix)
        });
        for other in both {
            let message = format!(
                "must have another suffix or directory than plugins.{}.pickup, which would import the same files",
                other.plugin
            );
            wrong(".suffix", message);
        }
    }
    mistakes
}

/// Whether a name may end with both suffixes, which are compared without case.
fn overlap(one: &str, other: &str) -> bool {
    let (one, other) = (one.to_ascii_lowercase(), other.to_ascii_lowercase());
    one.ends_with(&other) || other.ends_with(&one)
}
