//! Checks and conversions that requests of several services share.

use galleria_domain::Problem;
use galleria_ports::Error;
use serde::Serialize;
use serde_json::Value;

/// The JSON of a response. Plain records always serialise.
pub(crate) fn answer(view: &impl Serialize) -> Result<Value, Error> {
    serde_json::to_value(view)
        .map_err(|error| Error::Internal(format!("serialising a response: {error}")))
}

pub(crate) fn check_id(field: &str, id: &str) -> Result<(), Error> {
    if galleria_domain::names::is_id(id) {
        Ok(())
    } else {
        Err(Error::invalid(
            field,
            "must have 1 to 64 characters: letters, digits, '-', '_', '.' and ':'",
        ))
    }
}

pub(crate) fn refuse(problems: Vec<Problem>) -> Result<(), Error> {
    if problems.is_empty() {
        Ok(())
    } else {
        Err(Error::Invalid(problems))
    }
}
