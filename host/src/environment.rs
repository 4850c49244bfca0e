//! The environment variables of the process.

use std::collections::BTreeMap;
use std::ffi::OsString;

/// Reads the environment. `std::env::vars` would panic at a variable that is not UTF-8, and print its value.
/// This function replaces invalid characters; the configuration rejects a secret with such characters.
pub fn read() -> BTreeMap<String, String> {
    let text = |text: OsString| text.to_string_lossy().into_owned();
    std::env::vars_os()
        .map(|(name, value)| (text(name), text(value)))
        .collect()
}
