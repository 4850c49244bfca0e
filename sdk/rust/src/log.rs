//! Log lines for people. Every plugin can write them; at sensitive points the host drops them.
//!
//! ```
//! use galleria_sdk::log;
//!
//! log::warn("a line without a category", &[("sku", "4711")]);
//! ```

use crate::bindings::words::log::Level;
use crate::host;

/// Helps to debug the plugin.
pub fn debug(message: &str, fields: &[(&str, &str)]) {
    write(Level::Debug, message, fields);
}

/// Informs operators.
pub fn info(message: &str, fields: &[(&str, &str)]) {
    write(Level::Info, message, fields);
}

/// An operator should check it.
pub fn warn(message: &str, fields: &[(&str, &str)]) {
    write(Level::Warn, message, fields);
}

/// An operator must act.
pub fn error(message: &str, fields: &[(&str, &str)]) {
    write(Level::Error, message, fields);
}

fn write(level: Level, message: &str, fields: &[(&str, &str)]) {
    let owned = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
    let fields: Vec<(String, String)> = fields.iter().map(owned).collect();
    host::log::write(level, message, &fields);
}
