//! The status of the host, for people and for scripts that wait until all work is done.

use crate::access::route::{Access, Resource};
use crate::endpoint::Routes;
use crate::problem_responses::ReadProblems;
use crate::reply::ApiResult;
use crate::state::ApiState;
use axum::Json;
use axum::extract::State;
use galleria_app::operations::StatusView;

pub(super) fn routes() -> Routes {
    Routes::new().with(endpoint!(status, Access::operator(Resource::Host)))
}

/// Get the status of the host
///
/// Numbers of events, documents and runs by state.
#[utoipa::path(
    get, path = "/v1/status", tag = "operation",
    responses(ReadProblems, (status = 200, description = "The status.", body = StatusView,
        example = json!(example!("status")))),
)]
async fn status(State(state): State<ApiState>) -> ApiResult<Json<StatusView>> {
    Ok(Json(state.app.operations.status().await?))
}
