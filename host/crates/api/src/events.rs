//! Events: what was tried, what each attempt was given, and what it decided.

use crate::openapi::examples;
use crate::request::{Id, PathPair};
use crate::response::{ApiResult, ReadProblems};
use crate::serve::ApiState;
use axum::Json;
use axum::extract::State;
use galleria_app::lookup::{AttemptView, JournalText};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

pub(crate) fn routes() -> OpenApiRouter<ApiState> {
    OpenApiRouter::default()
        .routes(routes!(event_journal))
        .routes(routes!(event_journal_text))
}

/// Attempts at an event, oldest first
///
/// Of any event: a sale's, a refund's, a void's, a verification's, a shift's end, a fiscal mark's, a
/// run's. None where it has not been tried, or no plugin is for it.
#[utoipa::path(
    get, path = "/v1/events/{id}/journal", tag = "operation",
    params(("id" = String, Path, description = "The event's id.", example = "payment:payment-1")),
    responses(
        ReadProblems,
        (status = 200, description = "Those made so far.", body = Vec<AttemptView>,
            example = examples::event_journal),
    ),
)]
async fn event_journal(
    State(state): State<ApiState>,
    Id(id): Id,
) -> ApiResult<Json<Vec<AttemptView>>> {
    Ok(Json(state.app.journal_of_event(&id).await?))
}

/// What an attempt at an event was given, or what it decided
///
/// By the digest that the attempt has under `argument` or `decision`. Documents are told by their
/// digests. What is the customer's own is not shown: headers, bodies, attributes and files of requests
/// and receipts are named and measured. Of what was asked at a sensitive point nothing is kept.
#[utoipa::path(
    get, path = "/v1/events/{id}/journal/{digest}", tag = "operation",
    params(
        ("id" = String, Path, description = "The event's id.", example = "payment:payment-1"),
        ("digest" = String, Path, description = "The digest, as the attempt names it.",
            example = "87735508228c658200bac1a2f40ec3c53163781cb1676c7435c7eacc4e545904"),
    ),
    responses(
        ReadProblems,
        (status = 200, description = "The text.", body = JournalText,
            example = examples::journal_text),
    ),
)]
async fn event_journal_text(
    State(state): State<ApiState>,
    PathPair(event, digest): PathPair,
) -> ApiResult<Json<JournalText>> {
    Ok(Json(state.app.journal_text(&event, &digest).await?))
}
