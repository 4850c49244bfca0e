//! Voids: orders that were abandoned, or reversed after payment.

use crate::access::authenticated::Authenticated;
use crate::access::route::{Access, Resource};
use crate::endpoint::Routes;
use crate::lists::OrderItemsQuery;
use crate::problem::Details;
use crate::problem_responses::{ListProblems, WriteProblems};
use crate::reply::{ApiResult, WriteReply};
use crate::request::{Id, IdempotencyHeader, QueryParams, WriteRequest};
use crate::state::ApiState;
use axum::Json;
use axum::extract::State;
use galleria_app::orders::VoidPage;
use galleria_app::orders::{NewVoid, VoidView};

pub(super) fn routes() -> Routes {
    Routes::new()
        .with(endpoint!(void_accept, Access::till(Resource::Order)))
        .with(endpoint!(void_list, Access::till(Resource::Body)))
}

/// Void an order
///
/// The cause `post_void` reverses a paid order without refunds. The other causes end an order that was not
/// paid.
#[utoipa::path(
    post, path = "/v1/orders/{id}/voids", tag = "orders",
    params(("id" = String, Path, description = "The order's id.", example = "order-2"), IdempotencyHeader),
    request_body(content = NewVoid, example = json!(example!("void_request"))),
    responses(
        WriteProblems,
        (status = 201, description = "The void and its numbers.",
            headers(("Idempotency-Replayed" = bool, description = "`true` if this response was sent before.")),
            body = VoidView, example = json!(example!("void"))),
        (status = 409, description = "`exists`, `order_not_paid`, `order_paid`, `order_refunded`, `order_voided`, `shift_closed`", body = Details,
            content_type = "application/problem+json"),
    ),
)]
async fn void_accept(
    State(state): State<ApiState>,
    Id(id): Id,
    WriteRequest { key, body }: WriteRequest<NewVoid>,
) -> ApiResult<WriteReply> {
    Ok(WriteReply(
        state.app.orders.accept_void(key, &id, body).await?,
    ))
}

/// List voids, newest first
///
/// Sorted by the time at which the host accepted them.
#[utoipa::path(
    get, path = "/v1/voids", tag = "orders", params(OrderItemsQuery),
    responses(
        ListProblems,
        (status = 200, description = "A page of the list.", body = VoidPage,
            example = json!(example!("void_page"))),
    ),
)]
async fn void_list(
    State(state): State<ApiState>,
    auth: Authenticated,
    QueryParams(query): QueryParams<OrderItemsQuery>,
) -> ApiResult<Json<VoidPage>> {
    Ok(Json(
        state
            .app
            .orders
            .voids(auth.caller(), query.list_query(&state.app, &auth).await?)
            .await?,
    ))
}
