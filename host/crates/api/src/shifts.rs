//! Shifts: a drawer opened, counted, closed.

use crate::access::Authenticated;
use crate::lists::{ShiftListQuery, word};
use crate::openapi::examples;
use crate::problem::Details;
use crate::request::{Id, IdempotencyHeader, QueryParams, WriteRequest};
use crate::response::{ApiResult, ListProblems, ReadProblems, WriteProblems, WriteReply};
use crate::serve::ApiState;
use axum::Json;
use axum::extract::State;
use galleria_app::intake::{EndShift, NewShift, ShiftView};
use galleria_app::lookup::{ShiftDetail, ShiftPage};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

pub(crate) fn routes() -> OpenApiRouter<ApiState> {
    OpenApiRouter::default()
        .routes(routes!(shift_list, shift_open))
        .routes(routes!(shift_get))
        .routes(routes!(shift_end))
}

/// Open a shift
#[utoipa::path(
    post, path = "/v1/shifts", tag = "shifts", params(IdempotencyHeader),
    request_body(content = NewShift, example = examples::shift_request),
    responses(
        WriteProblems,
        (status = 201, description = "The shift, open.",
            headers(("Idempotency-Replayed" = bool, description = "Answered before.")),
            body = ShiftView,
            example = examples::shift),
        (status = 409, description = "`exists`", body = Details,
            content_type = "application/problem+json"),
    ),
)]
async fn shift_open(
    State(state): State<ApiState>,
    auth: Authenticated,
    WriteRequest { key, body }: WriteRequest<NewShift>,
) -> ApiResult<WriteReply> {
    auth.store(&state.app, &body.store_id).await?;
    Ok(WriteReply(state.app.shift_open(key, body).await?))
}

/// Close a shift
///
/// Expected is the opening float plus cash sales less cash refunds, plus what was paid in, less
/// what was paid out and picked up: the movements that were told as they happened, and what is named
/// here beside them. A closed shift never moves.
#[utoipa::path(
    post, path = "/v1/shifts/{id}/end", tag = "shifts",
    params(("id" = String, Path, description = "The shift's id.", example = "shift-1"), IdempotencyHeader),
    request_body(content = EndShift, example = examples::shift_end_request),
    responses(
        WriteProblems,
        (status = 200, description = "The shift, closed.",
            headers(("Idempotency-Replayed" = bool, description = "Answered before.")),
            body = ShiftView,
            example = examples::shift_end),
        (status = 409, description = "`shift_closed`", body = Details,
            content_type = "application/problem+json"),
    ),
)]
async fn shift_end(
    State(state): State<ApiState>,
    Id(id): Id,
    WriteRequest { key, body }: WriteRequest<EndShift>,
) -> ApiResult<WriteReply> {
    Ok(WriteReply(state.app.shift_end(key, &id, body).await?))
}

/// Shifts, those opened last first
#[utoipa::path(
    get, path = "/v1/shifts", tag = "shifts", params(ShiftListQuery),
    responses(
        ListProblems,
        (status = 200, description = "A part of the list.", body = ShiftPage,
            example = examples::shift_page),
    ),
)]
async fn shift_list(
    State(state): State<ApiState>,
    auth: Authenticated,
    QueryParams(query): QueryParams<ShiftListQuery>,
) -> ApiResult<Json<ShiftPage>> {
    let name = |open| if open { "open" } else { "closed" };
    let open = word("status", query.status.as_deref(), &[true, false], name)?;
    Ok(Json(
        state
            .app
            .shifts(auth.caller(), query.list_ask()?, open)
            .await?,
    ))
}

/// A shift: what its drawer has taken, and how it was closed
#[utoipa::path(
    get, path = "/v1/shifts/{id}", tag = "shifts",
    params(("id" = String, Path, description = "The shift's id.", example = "shift-1")),
    responses(
        ReadProblems,
        (status = 200, description = "The shift.", body = ShiftDetail,
            example = examples::shift_detail),
    ),
)]
async fn shift_get(State(state): State<ApiState>, Id(id): Id) -> ApiResult<Json<ShiftDetail>> {
    Ok(Json(state.app.shift(&id).await?))
}
