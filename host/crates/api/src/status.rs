//! How things stand, for people and for those who wait until all is done.

use crate::openapi::examples;
use crate::response::{Answer, ReadProblems};
use crate::serve::Face;
use axum::Json;
use axum::extract::State;
use galleria_app::lookup::StatusView;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

pub(crate) fn routes() -> OpenApiRouter<Face> {
    OpenApiRouter::default().routes(routes!(status))
}

/// How things stand
#[utoipa::path(
    get, path = "/v1/status", tag = "operation",
    responses(ReadProblems, (status = 200, description = "Figures.", body = StatusView,
        example = examples::status)),
)]
async fn status(State(face): State<Face>) -> Answer<Json<StatusView>> {
    Ok(Json(face.app.status().await?))
}
