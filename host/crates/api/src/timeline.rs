//! The story of any id.

use crate::access::Authenticated;
use crate::openapi::examples;
use crate::request::Id;
use crate::response::{ApiResult, ReadProblems};
use crate::serve::ApiState;
use axum::Json;
use axum::extract::State;
use galleria_app::story::StoryView;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

pub(crate) fn routes() -> OpenApiRouter<ApiState> {
    OpenApiRouter::default().routes(routes!(timeline_get))
}

/// Everything that is known about an id
///
/// Of any kind: an order, payment, refund, void, shift, event, document, run or statement; the
/// retailer's own number of an order, the number on a receipt, a payment provider's reference, a fiscal
/// mark, a movement of a drawer, or the name of a file. An event's `trace` is the `trace_id` of the
/// lines of the log about its request and its attempts. What happened is told in order of time: what callers sent, events, attempts and what
/// they decided, what is published, documents and their deliveries, statement lines, and what operators did. An id that
/// several things have tells of all of them that are in reach. Characters such as `/` are
/// percent-encoded: `payment%3Ap1%2Fposlog%2F1`.
#[utoipa::path(
    get, path = "/v1/timeline/{id}", tag = "operation",
    params(("id" = String, Path, description = "Any id.", example = "order-1")),
    responses(
        ReadProblems,
        (status = 200, description = "What happened.", body = StoryView, example = examples::timeline),
    ),
)]
async fn timeline_get(
    State(state): State<ApiState>,
    auth: Authenticated,
    Id(id): Id,
) -> ApiResult<Json<StoryView>> {
    Ok(Json(state.app.story(&id, &auth.caller().reach).await?))
}
