//! Orders, with their documents and the attempts at their events.

use crate::access::authenticated::Authenticated;
use crate::access::route::{Access, Resource};
use crate::endpoint::Routes;
use crate::lists::{OrderListQuery, one_of};
use crate::problem::Details;
use crate::problem_responses::{ListProblems, ReadProblems, TaxWriteProblems};
use crate::reply::{ApiResult, WriteReply};
use crate::request::{Id, IdempotencyHeader, QueryParams, WriteRequest};
use crate::state::ApiState;
use axum::Json;
use axum::extract::State;
use galleria_app::documents::DocumentView;
use galleria_app::events::AttemptView;
use galleria_app::orders::OrderPage;
use galleria_app::orders::{NewOrder, OrderView};
use galleria_ports::records::OrderStatus;

pub(super) fn routes() -> Routes {
    Routes::new()
        .with(endpoint!(order_list, Access::till(Resource::Body)))
        .with(endpoint!(order_place, Access::till(Resource::Body)))
        .with(endpoint!(order_get, Access::till(Resource::Order)))
        .with(endpoint!(
            order_documents,
            Access::back_office(Resource::Order)
        ))
        .with(endpoint!(
            order_journal,
            Access::back_office(Resource::Order)
        ))
}

/// Place an order
///
/// The amount of a line is its price times its quantity, less its discounts. The total must not be negative.
///
/// If the store has tax settings or a tax table, a line without taxes gets them through the store's tax route, and the
/// response shows them. Its code in the tax table is the attribute `tax-code` of the line, else the `tax_code` of the
/// product. Deposits, gift cards and donations without a code, and voided lines, have no taxes. A line with taxes keeps
/// them; the store's tax settings can require that they agree with the route.
#[utoipa::path(
    post, path = "/v1/orders", tag = "orders", params(IdempotencyHeader),
    request_body(content = NewOrder, example = json!(example!("order_request"))),
    responses(
        TaxWriteProblems,
        (status = 201, description = "The open order.",
            headers(("Idempotency-Replayed" = bool, description = "`true` if this response was sent before.")),
            body = OrderView,
            example = json!(example!("order"))),
        (status = 409, description = "`exists`", body = Details,
            content_type = "application/problem+json"),
    ),
)]
async fn order_place(
    State(state): State<ApiState>,
    auth: Authenticated,
    WriteRequest { key, body }: WriteRequest<NewOrder>,
) -> ApiResult<WriteReply> {
    auth.check_store(&state.app, &body.store_id).await?;
    Ok(WriteReply(state.app.orders.place(key, body).await?))
}

/// List orders, newest first
///
/// Sorted by the time at which the host accepted them.
#[utoipa::path(
    get, path = "/v1/orders", tag = "orders", params(OrderListQuery),
    responses(
        ListProblems,
        (status = 200, description = "A page of the list.", body = OrderPage,
            example = json!(example!("order_page"))),
    ),
)]
async fn order_list(
    State(state): State<ApiState>,
    auth: Authenticated,
    QueryParams(query): QueryParams<OrderListQuery>,
) -> ApiResult<Json<OrderPage>> {
    let status = query.status.as_deref();
    let status = one_of("status", status, OrderStatus::ALL, OrderStatus::name)?;
    Ok(Json(
        state
            .app
            .orders
            .list(
                auth.caller(),
                query.list_query(&state.app, &auth).await?,
                status,
            )
            .await?,
    ))
}

/// Get an order with its payment, refunds and void
#[utoipa::path(
    get, path = "/v1/orders/{id}", tag = "orders",
    params(("id" = String, Path, description = "The order's id.", example = "order-1")),
    responses(
        ReadProblems,
        (status = 200, description = "The order.", body = OrderView, example = json!(example!("order_paid"))),
    ),
)]
async fn order_get(State(state): State<ApiState>, Id(id): Id) -> ApiResult<Json<OrderView>> {
    Ok(Json(state.app.orders.order(&id).await?))
}

/// List the documents about an order, oldest first
#[utoipa::path(
    get, path = "/v1/orders/{id}/documents", tag = "orders",
    params(("id" = String, Path, description = "The order's id.", example = "order-1")),
    responses(
        ReadProblems,
        (status = 200, description = "The documents so far.", body = Vec<DocumentView>,
            example = json!(example!("documents"))),
    ),
)]
async fn order_documents(
    State(state): State<ApiState>,
    Id(id): Id,
) -> ApiResult<Json<Vec<DocumentView>>> {
    Ok(Json(state.app.documents.list_by_order(&id).await?))
}

/// Attempts at an order's events, oldest first
#[utoipa::path(
    get, path = "/v1/orders/{id}/journal", tag = "orders",
    params(("id" = String, Path, description = "The order's id.", example = "order-1")),
    responses(
        ReadProblems,
        (status = 200, description = "Those made so far.", body = Vec<AttemptView>,
            example = json!(example!("journal"))),
    ),
)]
async fn order_journal(
    State(state): State<ApiState>,
    Id(id): Id,
) -> ApiResult<Json<Vec<AttemptView>>> {
    Ok(Json(state.app.events.journal_of_order(&id).await?))
}
