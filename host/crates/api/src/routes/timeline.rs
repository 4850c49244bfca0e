//! The timeline of any id.

use crate::access::authenticated::Authenticated;
use crate::access::route::{Access, Resource};
use crate::endpoint::Routes;
use crate::problem_responses::ReadProblems;
use crate::reply::ApiResult;
use crate::request::Id;
use crate::state::ApiState;
use axum::Json;
use axum::extract::State;
use galleria_app::operations::TimelineView;

pub(super) fn routes() -> Routes {
    Routes::new().with(endpoint!(timeline_get, Access::back_office(Resource::Body)))
}

/// Get everything that happened to an id
///
/// The id may be of any kind: an order, payment, refund, void, shift, event, document, run, statement, store or
/// recorded evaluation of taxes; the idempotency key of such an evaluation, the
/// retailer's own number of an order, the number on a receipt, a payment provider's reference, a fiscal
/// mark, a movement of a drawer, or the name of a file. The entries are sorted by time: requests of callers,
/// events, attempts and their decisions, publications, documents and their deliveries, statement lines, and
/// actions of operators. A store has the operations on it, such as changes and moves of its tax route, and its
/// recorded evaluations of taxes, the newest 200 of each kind. The `trace` of an event is the `trace_id` of the log lines about its request and its
/// attempts. If several things have the id, the timeline covers all of them that are in reach.
/// Percent-encode characters such as `/`: `payment%3Ap1%2Fposlog%2F1`.
#[utoipa::path(
    get, path = "/v1/timeline/{id}", tag = "operation",
    params(("id" = String, Path, description = "Any id.", example = "order-1")),
    responses(
        ReadProblems,
        (status = 200, description = "The timeline.", body = TimelineView, example = json!(example!("timeline"))),
    ),
)]
async fn timeline_get(
    State(state): State<ApiState>,
    auth: Authenticated,
    Id(id): Id,
) -> ApiResult<Json<TimelineView>> {
    Ok(Json(
        state
            .app
            .operations
            .timeline(&id, &auth.caller().reach)
            .await?,
    ))
}
