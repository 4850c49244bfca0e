//! What must hold of the places where statements are left, once the components are known.

use galleria_domain::Pickup;
use galleria_domain::plugin::{ConfigError, Point};
use galleria_ports::plugins::Plugins;

/// Every mistake: a slot that reads no statements, whose files would be tried for ever, and two slots that
/// would take the same files, of which one refuses the other's.
pub fn check_pickups(pickups: &[Pickup], plugins: &dyn Plugins) -> Result<(), Vec<ConfigError>> {
    let mut mistakes = Vec::new();
    for (index, pickup) in pickups.iter().enumerate() {
        // A slot that could not be loaded is a mistake of its own.
        let Some(loaded) = plugins.named(&pickup.retailer, &pickup.plugin) else {
            continue;
        };
        let mut wrong = |name: &str, message: String| {
            let key = format!("plugins.{}.pickup{name}", pickup.plugin);
            mistakes.push(ConfigError::new(&loaded.slot.file, key, message));
        };
        if !loaded.inspection.exports.contains(&Point::ReadStatement) {
            let plugin = &loaded.slot.plugin;
            wrong("", format!("{plugin} reads no statements: take it out"));
        }
        let before = pickups[..index].iter();
        let both = before.filter(|other| {
            (&other.retailer, &other.directory) == (&pickup.retailer, &pickup.directory)
                && (other.suffix.ends_with(&pickup.suffix)
                    || pickup.suffix.ends_with(&other.suffix))
        });
        for other in both {
            let message = format!(
                "another suffix or directory than plugins.{}.pickup, which would take the same files",
                other.plugin
            );
            wrong(".suffix", message);
        }
    }
    match mistakes.is_empty() {
        true => Ok(()),
        false => Err(mistakes),
    }
}
