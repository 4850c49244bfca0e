//! Movements: money into a drawer or out of it beside sales and refunds.

use crate::openapi::examples;
use crate::problem::Details;
use crate::request::{Id, IdempotencyHeader, WriteRequest};
use crate::response::{ApiResult, WriteProblems, WriteReply};
use crate::serve::ApiState;
use axum::extract::State;
use galleria_app::intake::{MovementView, NewMovement};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

pub(crate) fn routes() -> OpenApiRouter<ApiState> {
    OpenApiRouter::default().routes(routes!(shift_move))
}

/// Pay in, pay out or pick up
///
/// As it happens, while the shift is open. The end of the shift sums what was told here, and adds what
/// it names itself.
#[utoipa::path(
    post, path = "/v1/shifts/{id}/movements", tag = "shifts",
    params(("id" = String, Path, description = "The shift's id.", example = "shift-1"), IdempotencyHeader),
    request_body(content = NewMovement, example = examples::movement_request),
    responses(
        WriteProblems,
        (status = 201, description = "The movement, and what those of the shift come to.",
            headers(("Idempotency-Replayed" = bool, description = "Answered before.")),
            body = MovementView,
            example = examples::movement),
        (status = 409, description = "`exists`, `shift_closed`", body = Details,
            content_type = "application/problem+json"),
    ),
)]
async fn shift_move(
    State(state): State<ApiState>,
    Id(id): Id,
    WriteRequest { key, body }: WriteRequest<NewMovement>,
) -> ApiResult<WriteReply> {
    Ok(WriteReply(state.app.shift_move(key, &id, body).await?))
}
