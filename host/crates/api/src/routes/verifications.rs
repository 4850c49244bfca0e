//! Verifications: checks of a basket by staff.

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
use galleria_app::orders::VerificationPage;
use galleria_app::orders::{NewVerification, VerificationView};

pub(super) fn routes() -> Routes {
    Routes::new()
        .with(endpoint!(
            verification_accept,
            Access::till(Resource::Order)
        ))
        .with(endpoint!(verification_list, Access::till(Resource::Body)))
}

/// Record a check of a basket by staff
///
/// An order may be verified any number of times, before and after its payment. The verification of a paid
/// order contains the sale; otherwise it contains the current basket.
#[utoipa::path(
    post, path = "/v1/orders/{id}/verifications", tag = "orders",
    params(("id" = String, Path, description = "The order's id.", example = "order-1"), IdempotencyHeader),
    request_body(content = NewVerification, example = json!(example!("verification_request"))),
    responses(
        WriteProblems,
        (status = 201, description = "The verification.",
            headers(("Idempotency-Replayed" = bool, description = "`true` if this response was sent before.")),
            body = VerificationView, example = json!(example!("verification"))),
        (status = 409, description = "`exists`, `order_voided`", body = Details,
            content_type = "application/problem+json"),
    ),
)]
async fn verification_accept(
    State(state): State<ApiState>,
    Id(id): Id,
    WriteRequest { key, body }: WriteRequest<NewVerification>,
) -> ApiResult<WriteReply> {
    Ok(WriteReply(
        state.app.orders.accept_verification(key, &id, body).await?,
    ))
}

/// List verifications, newest first
///
/// Sorted by the time at which the host accepted them.
#[utoipa::path(
    get, path = "/v1/verifications", tag = "orders", params(OrderItemsQuery),
    responses(
        ListProblems,
        (status = 200, description = "A page of the list.", body = VerificationPage,
            example = json!(example!("verification_page"))),
    ),
)]
async fn verification_list(
    State(state): State<ApiState>,
    auth: Authenticated,
    QueryParams(query): QueryParams<OrderItemsQuery>,
) -> ApiResult<Json<VerificationPage>> {
    Ok(Json(
        state
            .app
            .orders
            .verifications(auth.caller(), query.list_query(&state.app, &auth).await?)
            .await?,
    ))
}
