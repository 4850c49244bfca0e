//! Orders: placed, looked up, and what became of their events.

use crate::access::Authenticated;
use crate::lists::{OrderListQuery, word};
use crate::openapi::examples;
use crate::problem::Details;
use crate::request::{Id, IdempotencyHeader, QueryParams, WriteRequest};
use crate::response::{ApiResult, ListProblems, ReadProblems, WriteProblems, WriteReply};
use crate::serve::ApiState;
use axum::Json;
use axum::extract::State;
use galleria_app::intake::{NewOrder, OrderView};
use galleria_app::lookup::{AttemptView, DocumentView, OrderPage};
use galleria_app::records::OrderStatus;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

pub(crate) fn routes() -> OpenApiRouter<ApiState> {
    OpenApiRouter::default()
        .routes(routes!(order_list, order_place))
        .routes(routes!(order_get))
        .routes(routes!(order_documents))
        .routes(routes!(order_journal))
}

/// Place an order
///
/// Each line's amount is its price times its quantity less its discounts; the lines come to no
/// less than nothing.
#[utoipa::path(
    post, path = "/v1/orders", tag = "orders", params(IdempotencyHeader),
    request_body(content = NewOrder, example = examples::order_request),
    responses(
        WriteProblems,
        (status = 201, description = "The order, open.",
            headers(("Idempotency-Replayed" = bool, description = "Answered before.")),
            body = OrderView,
            example = examples::order),
        (status = 409, description = "`exists`", body = Details,
            content_type = "application/problem+json"),
    ),
)]
async fn order_place(
    State(state): State<ApiState>,
    auth: Authenticated,
    WriteRequest { key, body }: WriteRequest<NewOrder>,
) -> ApiResult<WriteReply> {
    auth.store(&state.app, &body.store_id).await?;
    Ok(WriteReply(state.app.order_place(key, body).await?))
}

/// Orders, the newest first
///
/// Sorted by the moment the host accepted them.
#[utoipa::path(
    get, path = "/v1/orders", tag = "orders", params(OrderListQuery),
    responses(
        ListProblems,
        (status = 200, description = "A part of the list.", body = OrderPage,
            example = examples::order_page),
    ),
)]
async fn order_list(
    State(state): State<ApiState>,
    auth: Authenticated,
    QueryParams(query): QueryParams<OrderListQuery>,
) -> ApiResult<Json<OrderPage>> {
    let status = query.status.as_deref();
    let status = word("status", status, OrderStatus::ALL, OrderStatus::name)?;
    Ok(Json(
        state
            .app
            .orders(auth.caller(), query.list_ask()?, status)
            .await?,
    ))
}

/// An order as it stands, and what became of it
#[utoipa::path(
    get, path = "/v1/orders/{id}", tag = "orders",
    params(("id" = String, Path, description = "The order's id.", example = "order-1")),
    responses(
        ReadProblems,
        (status = 200, description = "The order.", body = OrderView, example = examples::order_paid),
    ),
)]
async fn order_get(State(state): State<ApiState>, Id(id): Id) -> ApiResult<Json<OrderView>> {
    Ok(Json(state.app.order(&id).await?))
}

/// Documents about an order, oldest first
#[utoipa::path(
    get, path = "/v1/orders/{id}/documents", tag = "orders",
    params(("id" = String, Path, description = "The order's id.", example = "order-1")),
    responses(
        ReadProblems,
        (status = 200, description = "Those decided so far.", body = Vec<DocumentView>,
            example = examples::documents),
    ),
)]
async fn order_documents(
    State(state): State<ApiState>,
    Id(id): Id,
) -> ApiResult<Json<Vec<DocumentView>>> {
    Ok(Json(state.app.documents_of_order(&id).await?))
}

/// Attempts at an order's events, oldest first
#[utoipa::path(
    get, path = "/v1/orders/{id}/journal", tag = "orders",
    params(("id" = String, Path, description = "The order's id.", example = "order-1")),
    responses(
        ReadProblems,
        (status = 200, description = "Those made so far.", body = Vec<AttemptView>,
            example = examples::journal),
    ),
)]
async fn order_journal(
    State(state): State<ApiState>,
    Id(id): Id,
) -> ApiResult<Json<Vec<AttemptView>>> {
    Ok(Json(state.app.journal_of_order(&id).await?))
}
