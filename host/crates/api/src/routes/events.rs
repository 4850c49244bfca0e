//! Events: their attempts, with the argument and the decision of each.

use crate::access::route::{Access, Resource};
use crate::endpoint::Routes;
use crate::problem_responses::ReadProblems;
use crate::reply::ApiResult;
use crate::request::{Id, PathPair};
use crate::state::ApiState;
use axum::Json;
use axum::extract::State;
use galleria_app::events::{AttemptView, JournalText};

pub(super) fn routes() -> Routes {
    Routes::new()
        .with(endpoint!(
            event_journal,
            Access::back_office(Resource::Event)
        ))
        .with(endpoint!(
            event_journal_text,
            Access::operator(Resource::Event)
        ))
}

/// List the attempts at an event, oldest first
///
/// The event may come from a sale, refund, void, verification, end of a shift, fiscal mark or run. The list is
/// empty if there was no attempt yet or no plugin subscribes to the event.
#[utoipa::path(
    get, path = "/v1/events/{id}/journal", tag = "operation",
    params(("id" = String, Path, description = "The event's id.", example = "payment:payment-1")),
    responses(
        ReadProblems,
        (status = 200, description = "The attempts so far.", body = Vec<AttemptView>,
            example = json!(example!("event_journal"))),
    ),
)]
async fn event_journal(
    State(state): State<ApiState>,
    Id(id): Id,
) -> ApiResult<Json<Vec<AttemptView>>> {
    Ok(Json(state.app.events.journal(&id).await?))
}

/// Get the argument or the decision of an attempt
///
/// `digest` is the value that the attempt has under `argument` or `decision`. Documents are replaced by their
/// digests. Personal data is not shown: headers, bodies, attributes and files of requests and receipts are
/// replaced by their names and sizes. Sensitive extension points store nothing.
#[utoipa::path(
    get, path = "/v1/events/{id}/journal/{digest}", tag = "operation",
    params(
        ("id" = String, Path, description = "The event's id.", example = "payment:payment-1"),
        ("digest" = String, Path, description = "The digest from the list of attempts.",
            example = "87735508228c658200bac1a2f40ec3c53163781cb1676c7435c7eacc4e545904"),
    ),
    responses(
        ReadProblems,
        (status = 200, description = "The text.", body = JournalText,
            example = json!(example!("journal_text"))),
    ),
)]
async fn event_journal_text(
    State(state): State<ApiState>,
    PathPair(event, digest): PathPair,
) -> ApiResult<Json<JournalText>> {
    Ok(Json(state.app.events.journal_text(&event, &digest).await?))
}
