//! Voids: an order that came to nothing, or is undone after it was paid.

use crate::openapi::examples;
use crate::problem::Details;
use crate::request::{Id, Write, WriteHead};
use crate::response::{Answer, WriteProblems, Written};
use crate::serve::Face;
use axum::extract::State;
use galleria_app::intake::{NewVoid, VoidView};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

pub(crate) fn routes() -> OpenApiRouter<Face> {
    OpenApiRouter::default().routes(routes!(void_accept))
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
