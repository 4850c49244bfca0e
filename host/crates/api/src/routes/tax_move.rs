//! The move of a store to another tax route.

use crate::access::authenticated::Authenticated;
use crate::access::route::{Access, Resource};
use crate::endpoint::Routes;
use crate::problem::Details;
use crate::problem_responses::WriteProblems;
use crate::reply::{ApiResult, WriteReply};
use crate::request::{Id, IdempotencyHeader, WriteRequest};
use crate::state::ApiState;
use axum::extract::State;
use galleria_app::tax::{NewTaxMove, TaxMoved};

pub(super) fn routes() -> Routes {
    Routes::new().with(endpoint!(tax_move, Access::operator(Resource::Store)))
}

/// Move a store to another tax route
///
/// The move is refused unless enough baskets (`tax.move.baskets`) were compared with the new route since the last
/// change of the store's tax table or tax settings, and none of them differs. `force` with a reason moves it
/// nevertheless. The next evaluation on every host uses the new route. The move is recorded in the audit log.
///
/// A shadow or fallback that is the new route is removed from the settings. `keep_shadow` makes the previous route the
/// shadow.
#[utoipa::path(
    post, path = "/v1/stores/{id}/tax-move", tag = "taxes",
    params(("id" = String, Path, description = "The store's id.", example = "madrid-1"), IdempotencyHeader),
    request_body(content = NewTaxMove, example = json!(example!("tax_move_request"))),
    responses(
        WriteProblems,
        (status = 200, description = "The store has moved.",
            headers(("Idempotency-Replayed" = bool, description = "`true` if this response was sent before.")),
            body = TaxMoved, example = json!(example!("tax_move"))),
        (status = 409, description = "`tax_move_refused`", body = Details,
            content_type = "application/problem+json"),
    ),
)]
async fn tax_move(
    State(state): State<ApiState>,
    auth: Authenticated,
    Id(store): Id,
    WriteRequest { key, mut body }: WriteRequest<NewTaxMove>,
) -> ApiResult<WriteReply> {
    body.actor = auth.actor(&body.actor);
    let moved = state.app.taxes.move_store(key, &store, body);
    Ok(WriteReply(moved.await?))
}
