//! Refunds: of a whole order, of lines, or of an amount.

use crate::access::authenticated::Authenticated;
use crate::access::route::{Access, Resource};
use crate::endpoint::Routes;
use crate::lists::OrderItemsQuery;
use crate::problem::Details;
use crate::problem_responses::{ListProblems, ReadProblems, WriteProblems};
use crate::reply::{ApiResult, WriteReply};
use crate::request::{Id, IdempotencyHeader, QueryParams, WriteRequest};
use crate::state::ApiState;
use axum::Json;
use axum::extract::State;
use galleria_app::orders::{NewRefund, RefundView};
use galleria_app::orders::{RefundDetail, RefundPage};

pub(super) fn routes() -> Routes {
    Routes::new()
        .with(endpoint!(refund_accept, Access::till(Resource::Order)))
        .with(endpoint!(refund_list, Access::till(Resource::Body)))
        .with(endpoint!(refund_get, Access::till(Resource::Refund)))
}

/// Record a refund
///
/// A refund may arrive before its payment. Its `gross` is then null until the payment arrives. A refund in
/// cash from a drawer needs the payment first.
///
/// Without `tenders`, the payment's tenders pay the refund, in proportion to what each has not refunded yet. Cash
/// is paid in multiples of the cash step of the store or its currency: the part in cash is rounded to the nearest
/// multiple, half up, and the difference is the `rounding`. The last refund pays what is left of the payment, so
/// that all refunds together pay exactly what was paid. Cash in `tenders` that is not a multiple is rejected with
/// the two nearest amounts. A free article alone is returned without tenders.
#[utoipa::path(
    post, path = "/v1/orders/{id}/refunds", tag = "orders",
    params(("id" = String, Path, description = "The order's id.", example = "order-1"), IdempotencyHeader),
    request_body(content = NewRefund, example = json!(example!("refund_request"))),
    responses(
        WriteProblems,
        (status = 201, description = "The refund and its numbers.",
            headers(("Idempotency-Replayed" = bool, description = "`true` if this response was sent before.")),
            body = RefundView, example = json!(example!("refund"))),
        (status = 409, description = "`exists`, `order_not_paid`, `order_voided`, `shift_closed`", body = Details,
            content_type = "application/problem+json"),
    ),
)]
async fn refund_accept(
    State(state): State<ApiState>,
    Id(id): Id,
    WriteRequest { key, body }: WriteRequest<NewRefund>,
) -> ApiResult<WriteReply> {
    Ok(WriteReply(
        state.app.orders.accept_refund(key, &id, body).await?,
    ))
}

/// List refunds, newest first
///
/// Sorted by the time at which the host accepted them.
#[utoipa::path(
    get, path = "/v1/refunds", tag = "orders", params(OrderItemsQuery),
    responses(
        ListProblems,
        (status = 200, description = "A page of the list.", body = RefundPage,
            example = json!(example!("refund_page"))),
    ),
)]
async fn refund_list(
    State(state): State<ApiState>,
    auth: Authenticated,
    QueryParams(query): QueryParams<OrderItemsQuery>,
) -> ApiResult<Json<RefundPage>> {
    Ok(Json(
        state
            .app
            .orders
            .refunds(auth.caller(), query.list_query(&state.app, &auth).await?)
            .await?,
    ))
}

/// Get a refund and the amount that can still be refunded
#[utoipa::path(
    get, path = "/v1/refunds/{id}", tag = "orders",
    params(("id" = String, Path, description = "The refund's id.", example = "refund-1")),
    responses(
        ReadProblems,
        (status = 200, description = "The refund.", body = RefundDetail, example = json!(example!("refund_detail"))),
    ),
)]
async fn refund_get(State(state): State<ApiState>, Id(id): Id) -> ApiResult<Json<RefundDetail>> {
    Ok(Json(state.app.orders.refund(&id).await?))
}
