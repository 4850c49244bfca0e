//! The health of one part of the host, as probes report it.

use serde::Serialize;

/// The state of a part of the host.
#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
pub(crate) struct Part {
    /// `http`, `database`, `plugins`, a tax service such as `tax_http`, or a worker such as `consumer`.
    #[schema(example = "consumer")]
    part: &'static str,
    /// The role it belongs to; absent if every process has this part.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "consumer")]
    role: Option<&'static str>,
    /// `running`, `loading` (plugins of some retailers), `standing_by` (another host does its work), `draining`,
    /// `silent`, `ended` or `unavailable`.
    #[schema(example = "running")]
    state: &'static str,
    /// Details for people; absent if there are none. Those of `plugins` name retailers that are out of service or
    /// serve with a previous configuration: at most 10 retailers, and 3 errors of each, shortened to 200 characters.
    #[serde(skip_serializing_if = "Option::is_none")]
    detail: Option<String>,
}

impl Part {
    pub(crate) fn new(
        part: &'static str,
        role: Option<&'static str>,
        state: &'static str,
        detail: Option<String>,
    ) -> Self {
        Self {
            part,
            role,
            state,
            detail,
        }
    }
}

/// Every part of the host, which a failed probe adds to its problem.
#[derive(Clone, Debug)]
pub(crate) struct Parts(pub Vec<Part>);
