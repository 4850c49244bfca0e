//! Orders: placed, looked up, and what became of their events.

use crate::access::By;
use crate::lists::{OrdersAsked, word};
use crate::openapi::examples;
use crate::problem::Details;
use crate::request::{Asked, Id, Write, WriteHead};
use crate::response::{Answer, ListProblems, ReadProblems, WriteProblems, Written};
use crate::serve::Face;
use axum::Json;
use axum::extract::State;
use galleria_app::intake::{NewOrder, OrderView};
use galleria_app::lookup::{AttemptView, DocumentView, OrderPage};
use galleria_app::records::OrderStatus;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

pub(crate) fn routes() -> OpenApiRouter<Face> {
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
    post, path = "/v1/orders", tag = "orders", params(WriteHead),
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
    State(face): State<Face>,
    by: By,
    Write { key, body }: Write<NewOrder>,
) -> Answer<Written> {
    by.store(&face.app, &body.store_id).await?;
    Ok(Written(face.app.order_place(key, body).await?))
}

/// Orders, the newest first
///
/// Sorted by the moment the host accepted them.
#[utoipa::path(
    get, path = "/v1/orders", tag = "orders", params(OrdersAsked),
    responses(
        ListProblems,
        (status = 200, description = "A part of the list.", body = OrderPage,
            example = examples::order_page),
    ),
)]
async fn order_list(
    State(face): State<Face>,
    by: By,
    Asked(asked): Asked<OrdersAsked>,
) -> Answer<Json<OrderPage>> {
    let status = asked.status.as_deref();
    let status = word("status", status, OrderStatus::ALL, OrderStatus::name)?;
    Ok(Json(
        face.app.orders(by.caller(), asked.ask()?, status).await?,
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
async fn order_get(State(face): State<Face>, Id(id): Id) -> Answer<Json<OrderView>> {
    Ok(Json(face.app.order(&id).await?))
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
async fn order_documents(State(face): State<Face>, Id(id): Id) -> Answer<Json<Vec<DocumentView>>> {
    Ok(Json(face.app.documents_of_order(&id).await?))
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
async fn order_journal(State(face): State<Face>, Id(id): Id) -> Answer<Json<Vec<AttemptView>>> {
    Ok(Json(face.app.journal_of_order(&id).await?))
}
