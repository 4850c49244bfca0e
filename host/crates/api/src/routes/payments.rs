//! Successful payments, which turn orders into sales.

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
use galleria_app::orders::{NewPayment, PaymentView};
use galleria_app::orders::{PaymentDetail, PaymentPage};

pub(super) fn routes() -> Routes {
    Routes::new()
        .with(endpoint!(payment_accept, Access::till(Resource::Order)))
        .with(endpoint!(payment_list, Access::till(Resource::Body)))
        .with(endpoint!(payment_get, Access::till(Resource::Payment)))
}

/// Record the payment of an order
///
/// The tenders must sum to the total of the order, apart from cash rounding. The sale gets the next number of
/// its workstation. The host stores the sale and its event in one transaction.
#[utoipa::path(
    post, path = "/v1/orders/{id}/payments", tag = "orders",
    params(("id" = String, Path, description = "The order's id.", example = "order-1"), IdempotencyHeader),
    request_body(content = NewPayment, example = json!(example!("payment_request"))),
    responses(
        WriteProblems,
        (status = 201, description = "The payment and the numbers of its sale.",
            headers(("Idempotency-Replayed" = bool, description = "`true` if this response was sent before.")),
            body = PaymentView, example = json!(example!("payment"))),
        (status = 409, description = "`exists`, `order_paid`, `order_voided`, `shift_closed`", body = Details,
            content_type = "application/problem+json"),
    ),
)]
async fn payment_accept(
    State(state): State<ApiState>,
    Id(id): Id,
    WriteRequest { key, body }: WriteRequest<NewPayment>,
) -> ApiResult<WriteReply> {
    Ok(WriteReply(
        state.app.orders.accept_payment(key, &id, body).await?,
    ))
}

/// List payments, newest first
///
/// Sorted by the time at which the host accepted them.
#[utoipa::path(
    get, path = "/v1/payments", tag = "orders", params(OrderItemsQuery),
    responses(
        ListProblems,
        (status = 200, description = "A page of the list.", body = PaymentPage,
            example = json!(example!("payment_page"))),
    ),
)]
async fn payment_list(
    State(state): State<ApiState>,
    auth: Authenticated,
    QueryParams(query): QueryParams<OrderItemsQuery>,
) -> ApiResult<Json<PaymentPage>> {
    Ok(Json(
        state
            .app
            .orders
            .payments(auth.caller(), query.list_query(&state.app, &auth).await?)
            .await?,
    ))
}

/// Get a payment and the amount that can still be refunded
#[utoipa::path(
    get, path = "/v1/payments/{id}", tag = "orders",
    params(("id" = String, Path, description = "The payment's id.", example = "payment-1")),
    responses(
        ReadProblems,
        (status = 200, description = "The payment.", body = PaymentDetail, example = json!(example!("payment_detail"))),
    ),
)]
async fn payment_get(State(state): State<ApiState>, Id(id): Id) -> ApiResult<Json<PaymentDetail>> {
    Ok(Json(state.app.orders.payment(&id).await?))
}
