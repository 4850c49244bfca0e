//! Voids: an order that came to nothing, or is undone after it was paid.

use crate::access::By;
use crate::lists::OfOrderAsked;
use crate::openapi::examples;
use crate::problem::Details;
use crate::request::{Asked, Id, Write, WriteHead};
use crate::response::{Answer, ListProblems, WriteProblems, Written};
use crate::serve::Face;
use axum::Json;
use axum::extract::State;
use galleria_app::intake::{NewVoid, VoidView};
use galleria_app::lookup::VoidPage;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

pub(crate) fn routes() -> OpenApiRouter<Face> {
    OpenApiRouter::default()
        .routes(routes!(void_accept))
        .routes(routes!(void_list))
}

/// Tell that an order came to nothing
///
/// `post_void` undoes a paid order, as long as nothing of it was given back; the other causes end
/// one that was not paid.
#[utoipa::path(
    post, path = "/v1/orders/{id}/voids", tag = "orders",
    params(("id" = String, Path, description = "The order's id.", example = "order-2"), WriteHead),
    request_body(content = NewVoid, example = examples::void_request),
    responses(
        WriteProblems,
        (status = 201, description = "The void and the numbers it took.",
            headers(("Idempotency-Replayed" = bool, description = "Answered before.")),
            body = VoidView, example = examples::void),
        (status = 409, description = "`exists`, `order_not_paid`, `order_paid`, `order_refunded`, `order_voided`, `shift_closed`", body = Details,
            content_type = "application/problem+json"),
    ),
)]
async fn void_accept(
    State(face): State<Face>,
    Id(id): Id,
    Write { key, body }: Write<NewVoid>,
) -> Answer<Written> {
    Ok(Written(face.app.void_accept(key, &id, body).await?))
}

/// Voids, the newest first
///
/// Sorted by the moment the host accepted them.
#[utoipa::path(
    get, path = "/v1/voids", tag = "orders", params(OfOrderAsked),
    responses(
        ListProblems,
        (status = 200, description = "A part of the list.", body = VoidPage,
            example = examples::void_page),
    ),
)]
async fn void_list(
    State(face): State<Face>,
    by: By,
    Asked(asked): Asked<OfOrderAsked>,
) -> Answer<Json<VoidPage>> {
    Ok(Json(face.app.voids(by.caller(), asked.ask()?).await?))
}
