//! Payments that succeeded: the order becomes a sale.

use crate::openapi::examples;
use crate::problem::Details;
use crate::request::{Id, Write, WriteHead};
use crate::response::{Answer, WriteProblems, Written};
use crate::serve::Face;
use axum::extract::State;
use galleria_app::intake::{NewPayment, PaymentView};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

pub(crate) fn routes() -> OpenApiRouter<Face> {
    OpenApiRouter::default().routes(routes!(payment_accept))
}

/// Tell that an order was paid
///
/// The tenders sum to what the order comes to, give or take cash rounding. The sale takes the next
/// number of its workstation, and the log learns of it in the same transaction.
#[utoipa::path(
    post, path = "/v1/orders/{id}/payments", tag = "orders",
    params(("id" = String, Path, description = "The order's id.", example = "order-1"), WriteHead),
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
    State(face): State<Face>,
    Id(id): Id,
    Write { key, body }: Write<NewPayment>,
) -> Answer<Written> {
    Ok(Written(face.app.payment_accept(key, &id, body).await?))
}
