//! Shifts: a cash drawer is opened, counted and closed.

use crate::access::authenticated::Authenticated;
use crate::access::route::{Access, Resource};
use crate::endpoint::Routes;
use crate::lists::{ShiftListQuery, one_of};
use crate::problem::Details;
use crate::problem_responses::{ListProblems, ReadProblems, WriteProblems};
use crate::reply::{ApiResult, WriteReply};
use crate::request::{Id, IdempotencyHeader, QueryParams, WriteRequest};
use crate::state::ApiState;
use axum::Json;
use axum::extract::State;
use galleria_app::orders::{EndShift, NewShift, ShiftView};
use galleria_app::orders::{ShiftDetail, ShiftPage};

pub(super) fn routes() -> Routes {
    Routes::new()
        .with(endpoint!(shift_list, Access::till(Resource::Body)))
        .with(endpoint!(shift_open, Access::till(Resource::Body)))
        .with(endpoint!(shift_get, Access::till(Resource::Shift)))
        .with(endpoint!(shift_end, Access::till(Resource::Shift)))
}

/// Open a shift
#[utoipa::path(
    post, path = "/v1/shifts", tag = "shifts", params(IdempotencyHeader),
    request_body(content = NewShift, example = json!(example!("shift_request"))),
    responses(
        WriteProblems,
        (status = 201, description = "The open shift.",
            headers(("Idempotency-Replayed" = bool, description = "`true` if this response was sent before.")),
            body = ShiftView,
            example = json!(example!("shift"))),
        (status = 409, description = "`exists`", body = Details,
            content_type = "application/problem+json"),
    ),
)]
async fn shift_open(
    State(state): State<ApiState>,
    auth: Authenticated,
    WriteRequest { key, body }: WriteRequest<NewShift>,
) -> ApiResult<WriteReply> {
    auth.check_store(&state.app, &body.store_id).await?;
    Ok(WriteReply(state.app.orders.open_shift(key, body).await?))
}

/// Close a shift
///
/// The expected cash is the opening float, plus cash sales, less cash refunds, plus pay-ins, less pay-outs and
/// pickups. Movements are those recorded during the shift and those in this request. A closed shift never
/// changes.
#[utoipa::path(
    post, path = "/v1/shifts/{id}/end", tag = "shifts",
    params(("id" = String, Path, description = "The shift's id.", example = "shift-1"), IdempotencyHeader),
    request_body(content = EndShift, example = json!(example!("shift_end_request"))),
    responses(
        WriteProblems,
        (status = 200, description = "The closed shift.",
            headers(("Idempotency-Replayed" = bool, description = "`true` if this response was sent before.")),
            body = ShiftView,
            example = json!(example!("shift_end"))),
        (status = 409, description = "`shift_closed`", body = Details,
            content_type = "application/problem+json"),
    ),
)]
async fn shift_end(
    State(state): State<ApiState>,
    Id(id): Id,
    WriteRequest { key, body }: WriteRequest<EndShift>,
) -> ApiResult<WriteReply> {
    Ok(WriteReply(
        state.app.orders.end_shift(key, &id, body).await?,
    ))
}

/// List shifts, last opened first
#[utoipa::path(
    get, path = "/v1/shifts", tag = "shifts", params(ShiftListQuery),
    responses(
        ListProblems,
        (status = 200, description = "A page of the list.", body = ShiftPage,
            example = json!(example!("shift_page"))),
    ),
)]
async fn shift_list(
    State(state): State<ApiState>,
    auth: Authenticated,
    QueryParams(query): QueryParams<ShiftListQuery>,
) -> ApiResult<Json<ShiftPage>> {
    let name = |open| if open { "open" } else { "closed" };
    let open = one_of("status", query.status.as_deref(), &[true, false], name)?;
    Ok(Json(
        state
            .app
            .orders
            .shifts(
                auth.caller(),
                query.list_query(&state.app, &auth).await?,
                open,
            )
            .await?,
    ))
}

/// Get a shift with the totals of its drawer
#[utoipa::path(
    get, path = "/v1/shifts/{id}", tag = "shifts",
    params(("id" = String, Path, description = "The shift's id.", example = "shift-1")),
    responses(
        ReadProblems,
        (status = 200, description = "The shift.", body = ShiftDetail,
            example = json!(example!("shift_detail"))),
    ),
)]
async fn shift_get(State(state): State<ApiState>, Id(id): Id) -> ApiResult<Json<ShiftDetail>> {
    Ok(Json(state.app.orders.shift(&id).await?))
}
