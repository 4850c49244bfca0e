//! Verifications: staff looked into a basket.

use crate::access::Authenticated;
use crate::lists::OrderItemsQuery;
use crate::openapi::examples;
use crate::problem::Details;
use crate::request::{Id, IdempotencyHeader, QueryParams, WriteRequest};
use crate::response::{ApiResult, ListProblems, WriteProblems, WriteReply};
use crate::serve::ApiState;
use axum::Json;
use axum::extract::State;
use galleria_app::intake::{NewVerification, VerificationView};
use galleria_app::lookup::VerificationPage;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

pub(crate) fn routes() -> OpenApiRouter<ApiState> {
    OpenApiRouter::default()
        .routes(routes!(verification_accept))
        .routes(routes!(verification_list))
}

/// Tell that staff looked into a basket
///
/// Before or after it was paid, and as often as staff looks. A verification of a paid order carries
/// its sale; of another one, the basket as it stands.
#[utoipa::path(
    post, path = "/v1/orders/{id}/verifications", tag = "orders",
    params(("id" = String, Path, description = "The order's id.", example = "order-1"), IdempotencyHeader),
    request_body(content = NewVerification, example = examples::verification_request),
    responses(
        WriteProblems,
        (status = 201, description = "The verification.",
            headers(("Idempotency-Replayed" = bool, description = "Answered before.")),
            body = VerificationView, example = examples::verification),
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
        state.app.verification_accept(key, &id, body).await?,
    ))
}

/// Verifications, the newest first
///
/// Sorted by the moment the host accepted them.
#[utoipa::path(
    get, path = "/v1/verifications", tag = "orders", params(OrderItemsQuery),
    responses(
        ListProblems,
        (status = 200, description = "A part of the list.", body = VerificationPage,
            example = examples::verification_page),
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
            .verifications(auth.caller(), query.list_ask()?)
            .await?,
    ))
}
