//! The reason of a change, for the audit log.

use crate::problem::Problem;
use crate::reply::ApiResult;
use serde::Deserialize;

/// The reason of a change.
#[derive(Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct ReasonQuery {
    /// The reason, for the audit log.
    #[serde(default)]
    #[param(required = false, max_length = 1000)]
    reason: String,
}

impl ReasonQuery {
    pub(crate) fn checked_reason(self) -> ApiResult<String> {
        checked_reason(self.reason)
    }
}

/// Returns the reason of a change unless it is too long for the audit log.
pub(crate) fn checked_reason(reason: String) -> ApiResult<String> {
    const MAX_LENGTH: usize = 1_000;
    if reason.chars().count() <= MAX_LENGTH {
        return Ok(reason);
    }
    let message = format!("must have at most {MAX_LENGTH} characters");
    Err(Problem::invalid_field("reason", message))
}
