//! The audit log: actions of operators with actor, time, reason, and the state before and after.

use crate::access::route::{Access, Resource};
use crate::endpoint::Routes;
use crate::lists::{MAX_LIMIT, check_limit, default_limit};
use crate::problem_responses::ListProblems;
use crate::reply::ApiResult;
use crate::request::QueryParams;
use crate::state::ApiState;
use axum::Json;
use axum::extract::State;
use galleria_app::operations::OperationPage;
use galleria_ports::records::OperationFilter;
use serde::Deserialize;

pub(super) fn routes() -> Routes {
    Routes::new().with(endpoint!(operation_list, Access::operator(Resource::Host)))
}

/// Filters and paging.
#[derive(Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct OperationsQuery {
    /// Only about this subject, such as an event and its plugin.
    subject: Option<String>,
    /// Only of this kind, such as `dead_letter_replay`.
    action: Option<String>,
    /// Only by this actor, as named in the list.
    actor: Option<String>,
    /// The `next` of the previous page.
    after: Option<String>,
    /// Page size.
    #[serde(default = "default_limit")]
    #[param(required = false, minimum = 1, maximum = 500, default = 100)]
    limit: u32,
}

/// List actions of operators, newest first
#[utoipa::path(
    get, path = "/v1/operations", tag = "operation", params(OperationsQuery),
    responses(
        ListProblems,
        (status = 200, description = "A page of the list.", body = OperationPage,
            example = json!(example!("operations"))),
    ),
)]
async fn operation_list(
    State(state): State<ApiState>,
    QueryParams(OperationsQuery {
        subject,
        action,
        actor,
        after,
        limit,
    }): QueryParams<OperationsQuery>,
) -> ApiResult<Json<OperationPage>> {
    check_limit(limit, MAX_LIMIT)?;
    let filter = OperationFilter {
        subject,
        action,
        actor,
    };
    let page = state.app.operations.log(filter, after.as_deref(), limit);
    Ok(Json(page.await?))
}
