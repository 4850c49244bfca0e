//! Shifts: a drawer opened, counted, closed.

use crate::access::By;
use crate::lists::{ShiftsAsked, word};
use crate::openapi::examples;
use crate::problem::Details;
use crate::request::{Asked, Id, Write, WriteHead};
use crate::response::{Answer, ListProblems, ReadProblems, WriteProblems, Written};
use crate::serve::Face;
use axum::Json;
use axum::extract::State;
use galleria_app::intake::{EndShift, NewShift, ShiftView};
use galleria_app::lookup::{ShiftDetail, ShiftPage};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

pub(crate) fn routes() -> OpenApiRouter<Face> {
    OpenApiRouter::default()
        .routes(routes!(shift_list, shift_open))
        .routes(routes!(shift_get))
        .routes(routes!(shift_end))
}

/// Open a shift
#[utoipa::path(
    post, path = "/v1/shifts", tag = "shifts", params(WriteHead),
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
    State(face): State<Face>,
    by: By,
    Write { key, body }: Write<NewShift>,
) -> Answer<Written> {
    by.store(&face.app, &body.store_id).await?;
    Ok(Written(face.app.shift_open(key, body).await?))
}

/// Close a shift
///
/// Expected is the opening float plus cash sales less cash refunds, plus what was paid in, less
/// what was paid out and picked up: the movements that were told as they happened, and what is named
/// here beside them. A closed shift never moves.
#[utoipa::path(
    post, path = "/v1/shifts/{id}/end", tag = "shifts",
    params(("id" = String, Path, description = "The shift's id.", example = "shift-1"), WriteHead),
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
    State(face): State<Face>,
    Id(id): Id,
    Write { key, body }: Write<EndShift>,
) -> Answer<Written> {
    Ok(Written(face.app.shift_end(key, &id, body).await?))
}

/// Shifts, those opened last first
#[utoipa::path(
    get, path = "/v1/shifts", tag = "shifts", params(ShiftsAsked),
    responses(
        ListProblems,
        (status = 200, description = "A part of the list.", body = ShiftPage,
            example = examples::shift_page),
    ),
)]
async fn shift_list(
    State(face): State<Face>,
    by: By,
    Asked(asked): Asked<ShiftsAsked>,
) -> Answer<Json<ShiftPage>> {
    let name = |open| if open { "open" } else { "closed" };
    let open = word("status", asked.status.as_deref(), &[true, false], name)?;
    Ok(Json(
        face.app.shifts(by.caller(), asked.ask()?, open).await?,
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
async fn shift_get(State(face): State<Face>, Id(id): Id) -> Answer<Json<ShiftDetail>> {
    Ok(Json(face.app.shift(&id).await?))
}
