//! Movements: cash paid into or out of a drawer, other than sales and refunds.

use crate::access::route::{Access, Resource};
use crate::endpoint::Routes;
use crate::problem::Details;
use crate::problem_responses::WriteProblems;
use crate::reply::{ApiResult, WriteReply};
use crate::request::{Id, IdempotencyHeader, WriteRequest};
use crate::state::ApiState;
use axum::extract::State;
use galleria_app::orders::{MovementView, NewMovement};

pub(super) fn routes() -> Routes {
    Routes::new().with(endpoint!(shift_move, Access::till(Resource::Shift)))
}

/// Record a movement of cash
///
/// Pay-in, pay-out or pickup, recorded as it happens while the shift is open. The end of the shift sums these
/// movements and adds those that it contains itself.
#[utoipa::path(
    post, path = "/v1/shifts/{id}/movements", tag = "shifts",
    params(("id" = String, Path, description = "The shift's id.", example = "shift-1"), IdempotencyHeader),
    request_body(content = NewMovement, example = json!(example!("movement_request"))),
    responses(
        WriteProblems,
        (status = 201, description = "The movement, and the sums of the shift's movements.",
            headers(("Idempotency-Replayed" = bool, description = "`true` if this response was sent before.")),
            body = MovementView,
            example = json!(example!("movement"))),
        (status = 409, description = "`exists`, `shift_closed`", body = Details,
            content_type = "application/problem+json"),
    ),
)]
async fn shift_move(
    State(state): State<ApiState>,
    Id(id): Id,
    WriteRequest { key, body }: WriteRequest<NewMovement>,
) -> ApiResult<WriteReply> {
    Ok(WriteReply(
        state.app.orders.record_movement(key, &id, body).await?,
    ))
}
