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
    const MAX_LENGTH: usize = 1_000;

    pub(crate) fn checked_reason(self) -> ApiResult<String> {
        if self.reason.chars().count() <= Self::MAX_LENGTH {
            return Ok(self.reason);
        }
        let message = format!("must have at most {} characters", Self::MAX_LENGTH);
        Err(Problem::invalid_field("reason", message))
    }
}
