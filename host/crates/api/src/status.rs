//! How things stand, for people and for those who wait until all is done.

use crate::openapi::examples;
use crate::response::{ApiResult, ReadProblems};
use crate::serve::ApiState;
use axum::Json;
use axum::extract::State;
use galleria_app::lookup::StatusView;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

pub(crate) fn routes() -> OpenApiRouter<ApiState> {
    OpenApiRouter::default().routes(routes!(status))
}

/// How things stand
#[utoipa::path(
    get, path = "/v1/status", tag = "operation",
    responses(ReadProblems, (status = 200, description = "Figures.", body = StatusView,
        example = examples::status)),
)]
async fn status(State(state): State<ApiState>) -> ApiResult<Json<StatusView>> {
    Ok(Json(state.app.status().await?))
}
