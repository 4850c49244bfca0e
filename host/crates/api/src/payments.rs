//! Payments that succeeded: the order becomes a sale.

use crate::access::Authenticated;
use crate::lists::OrderItemsQuery;
use crate::openapi::examples;
use crate::problem::Details;
use crate::request::{Id, IdempotencyHeader, QueryParams, WriteRequest};
use crate::response::{ApiResult, ListProblems, ReadProblems, WriteProblems, WriteReply};
use crate::serve::ApiState;
use axum::Json;
use axum::extract::State;
use galleria_app::intake::{NewPayment, PaymentView};
use galleria_app::lookup::{PaymentDetail, PaymentPage};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

pub(crate) fn routes() -> OpenApiRouter<ApiState> {
    OpenApiRouter::default()
        .routes(routes!(payment_accept))
        .routes(routes!(payment_list))
        .routes(routes!(payment_get))
}

/// Tell that an order was paid
///
/// The tenders sum to what the order comes to, give or take cash rounding. The sale takes the next
/// number of its workstation, and the log learns of it in the same transaction.
#[utoipa::path(
    post, path = "/v1/orders/{id}/payments", tag = "orders",
    params(("id" = String, Path, description = "The order's id.", example = "order-1"), IdempotencyHeader),
    request_body(content = NewPayment, example = examples::payment_request),
    responses(
        WriteProblems,
        (status = 201, description = "The payment and the numbers its sale took.",
            headers(("Idempotency-Replayed" = bool, description = "Answered before.")),
            body = PaymentView, example = examples::payment),
        (status = 409, description = "`exists`, `order_paid`, `order_voided`, `shift_closed`", body = Details,
            content_type = "application/problem+json"),
    ),
)]
async fn payment_accept(
    State(state): State<ApiState>,
    Id(id): Id,
    WriteRequest { key, body }: WriteRequest<NewPayment>,
) -> ApiResult<WriteReply> {
    Ok(WriteReply(state.app.payment_accept(key, &id, body).await?))
}

/// Payments, the newest first
///
/// Sorted by the moment the host accepted them.
#[utoipa::path(
    get, path = "/v1/payments", tag = "orders", params(OrderItemsQuery),
    responses(
        ListProblems,
        (status = 200, description = "A part of the list.", body = PaymentPage,
            example = examples::payment_page),
    ),
)]
async fn payment_list(
    State(state): State<ApiState>,
    auth: Authenticated,
    QueryParams(query): QueryParams<OrderItemsQuery>,
) -> ApiResult<Json<PaymentPage>> {
    Ok(Json(
        state.app.payments(auth.caller(), query.list_ask()?).await?,
    ))
}

/// A payment, and what of it may still be given back
#[utoipa::path(
    get, path = "/v1/payments/{id}", tag = "orders",
    params(("id" = String, Path, description = "The payment's id.", example = "payment-1")),
    responses(
        ReadProblems,
        (status = 200, description = "The payment.", body = PaymentDetail, example = examples::payment_detail),
    ),
)]
async fn payment_get(State(state): State<ApiState>, Id(id): Id) -> ApiResult<Json<PaymentDetail>> {
    Ok(Json(state.app.payment(&id).await?))
}
