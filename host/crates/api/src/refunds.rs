//! Refunds: whole, by line or by amount.

use crate::openapi::examples;
use crate::problem::Details;
use crate::request::{Id, Write, WriteHead};
use crate::response::{Answer, WriteProblems, Written};
use crate::serve::Face;
use axum::extract::State;
use galleria_app::intake::{NewRefund, RefundView};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

pub(crate) fn routes() -> OpenApiRouter<Face> {
    OpenApiRouter::default().routes(routes!(refund_accept))
}

/// Tell that money was given back
///
/// It may come before the payment: then `gross` is null, and it is worked out when the payment
/// comes. One that a drawer pays needs its payment first.
#[utoipa::path(
    post, path = "/v1/orders/{id}/refunds", tag = "orders",
    params(("id" = String, Path, description = "The order's id.", example = "order-1"), WriteHead),
    request_body(content = NewRefund, example = examples::refund_request),
    responses(
        WriteProblems,
        (status = 201, description = "The refund and the numbers it took.",
            headers(("Idempotency-Replayed" = bool, description = "Answered before.")),
            body = RefundView, example = examples::refund),
        (status = 409, description = "`exists`, `order_not_paid`, `order_voided`, `shift_closed`", body = Details,
            content_type = "application/problem+json"),
    ),
)]
async fn refund_accept(
    State(face): State<Face>,
    Id(id): Id,
    Write { key, body }: Write<NewRefund>,
) -> Answer<Written> {
    Ok(Written(face.app.refund_accept(key, &id, body).await?))
}
