//! Refunds: whole, by line or by amount.

use crate::access::Authenticated;
use crate::lists::OrderItemsQuery;
use crate::openapi::examples;
use crate::problem::Details;
use crate::request::{Id, IdempotencyHeader, QueryParams, WriteRequest};
use crate::response::{ApiResult, ListProblems, ReadProblems, WriteProblems, WriteReply};
use crate::serve::ApiState;
use axum::Json;
use axum::extract::State;
use galleria_app::intake::{NewRefund, RefundView};
use galleria_app::lookup::{RefundDetail, RefundPage};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

pub(crate) fn routes() -> OpenApiRouter<ApiState> {
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
    params(("id" = String, Path, description = "The order's id.", example = "order-1"), IdempotencyHeader),
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
    State(state): State<ApiState>,
    Id(id): Id,
    WriteRequest { key, body }: WriteRequest<NewRefund>,
) -> ApiResult<WriteReply> {
    Ok(WriteReply(state.app.refund_accept(key, &id, body).await?))
}

/// Refunds, the newest first
///
/// Sorted by the moment the host accepted them.
#[utoipa::path(
    get, path = "/v1/refunds", tag = "orders", params(OrderItemsQuery),
    responses(
        ListProblems,
        (status = 200, description = "A part of the list.", body = RefundPage,
            example = examples::refund_page),
    ),
)]
async fn refund_list(
    State(state): State<ApiState>,
    auth: Authenticated,
    QueryParams(query): QueryParams<OrderItemsQuery>,
) -> ApiResult<Json<RefundPage>> {
    Ok(Json(
        state.app.refunds(auth.caller(), query.list_ask()?).await?,
    ))
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
async fn refund_get(State(state): State<ApiState>, Id(id): Id) -> ApiResult<Json<RefundDetail>> {
    Ok(Json(state.app.refund(&id).await?))
}
