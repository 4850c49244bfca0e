//! Refunds: whole, by line or by amount.

use crate::access::By;
use crate::lists::OfOrderAsked;
use crate::openapi::examples;
use crate::problem::Details;
use crate::request::{Asked, Id, Write, WriteHead};
use crate::response::{Answer, ListProblems, ReadProblems, WriteProblems, Written};
use crate::serve::Face;
use axum::Json;
use axum::extract::State;
use galleria_app::intake::{NewRefund, RefundView};
use galleria_app::lookup::{RefundDetail, RefundPage};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

pub(crate) fn routes() -> OpenApiRouter<Face> {
    OpenApiRouter::default()
        .routes(routes!(refund_accept))
        .routes(routes!(refund_list))
        .routes(routes!(refund_get))
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

/// Refunds, the newest first
///
/// Sorted by the moment the host accepted them.
#[utoipa::path(
    get, path = "/v1/refunds", tag = "orders", params(OfOrderAsked),
    responses(
        ListProblems,
        (status = 200, description = "A part of the list.", body = RefundPage,
            example = examples::refund_page),
    ),
)]
async fn refund_list(
    State(face): State<Face>,
    by: By,
    Asked(asked): Asked<OfOrderAsked>,
) -> Answer<Json<RefundPage>> {
    Ok(Json(face.app.refunds(by.caller(), asked.ask()?).await?))
}

/// A refund, and what is left to give back
#[utoipa::path(
    get, path = "/v1/refunds/{id}", tag = "orders",
    params(("id" = String, Path, description = "The refund's id.", example = "refund-1")),
    responses(
        ReadProblems,
        (status = 200, description = "The refund.", body = RefundDetail, example = examples::refund_detail),
    ),
)]
async fn refund_get(State(face): State<Face>, Id(id): Id) -> Answer<Json<RefundDetail>> {
    Ok(Json(face.app.refund(&id).await?))
}
