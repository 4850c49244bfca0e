//! Parked events: events that wait outside the log.

use crate::access::authenticated::Authenticated;
use crate::access::route::{Access, Resource};
use crate::endpoint::Routes;
use crate::lists::{MAX_LIMIT, check_limit, default_limit};
use crate::problem::{Details, Problem};
use crate::problem_responses::{ListProblems, ReadProblems, WriteProblems};
use crate::reply::{ApiResult, WriteReply};
use crate::request::{IdempotencyHeader, PathPair, QueryParams, WriteRequest};
use crate::state::ApiState;
use axum::Json;
use axum::extract::State;
use galleria_app::events::Acting;
use galleria_app::events::{ParkedListQuery, ParkedPage, ParkedView};
use serde::Deserialize;

pub(super) fn routes() -> Routes {
    Routes::new()
        .with(endpoint!(parked_list, Access::operator(Resource::Body)))
        .with(endpoint!(parked_get, Access::operator(Resource::Parked)))
        .with(endpoint!(parked_retry, Access::operator(Resource::Parked)))
}

/// Filters and paging.
#[derive(Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct ParkedQuery {
    /// Only of this retailer.
    retailer: Option<String>,
    /// Only of this store.
    store: Option<String>,
    /// Only of this plugin, by its name in `retailer.toml`.
    subscriber: Option<String>,
    /// `retry`, `waiting`, `behind` or `held`.
    cause: Option<String>,
    /// The `next` of the previous page.
    after: Option<String>,
    /// Page size.
    #[serde(default = "default_limit")]
    #[param(required = false, minimum = 1, maximum = 500, default = 100)]
    limit: u32,
}

/// List parked events, longest waiting first
///
/// An event is parked until its next attempt, until the event that it depends on, behind another event of its
/// lane, or behind a dead letter that keeps its lane closed. The log does not wait for it.
#[utoipa::path(
    get, path = "/v1/parked", tag = "operation", params(ParkedQuery),
    responses(
        ListProblems,
        (status = 200, description = "A page of the list.", body = ParkedPage,
            example = json!(example!("parked_page"))),
    ),
)]
async fn parked_list(
    State(state): State<ApiState>,
    auth: Authenticated,
    QueryParams(query): QueryParams<ParkedQuery>,
) -> ApiResult<Json<ParkedPage>> {
    let ParkedQuery {
        retailer,
        store,
        subscriber,
        cause,
        after,
        limit,
    } = query;
    check_limit(limit, MAX_LIMIT)?;
    let cause = cause.as_deref().map(ParkedListQuery::cause_of).transpose();
    let cause = cause.map_err(|message| Problem::invalid_field("cause", message))?;
    auth.check_filter(&state.app, retailer.as_deref(), store.as_deref())
        .await?;
    let filter = ParkedListQuery {
        retailer,
        store,
        subscriber,
        cause,
    };
    let reach = &auth.caller().reach;
    let page = state
        .app
        .events
        .parked_list(filter, reach, after.as_deref(), limit);
    Ok(Json(page.await?))
}

/// Get a parked event
#[utoipa::path(
    get, path = "/v1/parked/{event}/{subscriber}", tag = "operation",
    params(
        ("event" = String, Path, description = "The event's id.", example = "refund:refund-1"),
        ("subscriber" = String, Path, description = "The plugin.", example = "poslog"),
    ),
    responses(
        ReadProblems,
        (status = 200, description = "The event.", body = ParkedView, example = json!(example!("parked"))),
    ),
)]
async fn parked_get(
    State(state): State<ApiState>,
    PathPair(event, subscriber): PathPair,
) -> ApiResult<Json<ParkedView>> {
    Ok(Json(
        state.app.events.parked_event(&event, &subscriber).await?,
    ))
}

/// Retry a parked event now
///
/// The event is due now. Earlier events of its lane still come first. The number of attempts is not reset.
#[utoipa::path(
    post, path = "/v1/parked/{event}/{subscriber}/retry", tag = "operation",
    params(
        ("event" = String, Path, description = "The event's id.", example = "refund:refund-1"),
        ("subscriber" = String, Path, description = "The plugin.", example = "poslog"),
        IdempotencyHeader,
    ),
    request_body(content = Acting,
        example = json!({ "actor": "ana", "reason": "the target is available again" })),
    responses(
        WriteProblems,
        (status = 200, description = "The parked event.",
            headers(("Idempotency-Replayed" = bool, description = "`true` if this response was sent before.")),
            body = ParkedView, example = json!(example!("parked_retried"))),
        (status = 409, description = "`not_retryable`", body = Details,
            content_type = "application/problem+json"),
    ),
)]
async fn parked_retry(
    State(state): State<ApiState>,
    auth: Authenticated,
    PathPair(event, subscriber): PathPair,
    WriteRequest { key, mut body }: WriteRequest<Acting>,
) -> ApiResult<WriteReply> {
    body.actor = auth.actor(&body.actor);
    let retried = state
        .app
        .events
        .retry_parked(key, &event, &subscriber, body);
    Ok(WriteReply(retried.await?))
}
