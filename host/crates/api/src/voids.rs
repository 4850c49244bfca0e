//! Voids: an order that came to nothing, or is undone after it was paid.

use crate::access::Authenticated;
use crate::lists::OrderItemsQuery;
use crate::openapi::examples;
use crate::problem::Details;
use crate::request::{Id, IdempotencyHeader, QueryParams, WriteRequest};
use crate::response::{ApiResult, ListProblems, WriteProblems, WriteReply};
use crate::serve::ApiState;
use axum::Json;
use axum::extract::State;
use galleria_app::intake::{NewVoid, VoidView};
use galleria_app::lookup::VoidPage;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

pub(crate) fn routes() -> OpenApiRouter<ApiState> {
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
    params(("id" = String, Path, description = "The order's id.", example = "order-2"), IdempotencyHeader),
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
    State(state): State<ApiState>,
    Id(id): Id,
    WriteRequest { key, body }: WriteRequest<NewVoid>,
) -> ApiResult<WriteReply> {
    Ok(WriteReply(state.app.void_accept(key, &id, body).await?))
}

/// Voids, the newest first
///
/// Sorted by the moment the host accepted them.
#[utoipa::path(
    get, path = "/v1/voids", tag = "orders", params(OrderItemsQuery),
    responses(
        ListProblems,
        (status = 200, description = "A part of the list.", body = VoidPage,
            example = examples::void_page),
    ),
)]
async fn void_list(
    State(state): State<ApiState>,
    auth: Authenticated,
    QueryParams(query): QueryParams<OrderItemsQuery>,
) -> ApiResult<Json<VoidPage>> {
    Ok(Json(
        state.app.voids(auth.caller(), query.list_ask()?).await?,
    ))
}
