//! Events that wait outside the log: looked at, and let be tried now.

use crate::access::Authenticated;
use crate::openapi::examples;
use crate::problem::{Details, INVALID, Problem};
use crate::request::{IdempotencyHeader, PathPair, QueryParams, WriteRequest};
use crate::response::{ApiResult, ListProblems, ReadProblems, WriteProblems, WriteReply};
use crate::serve::ApiState;
use axum::Json;
use axum::extract::State;
use galleria_app::desk::{ParkedAsk, ParkedPage, ParkedView};
use galleria_app::handling::Acting;
use serde::Deserialize;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

pub(crate) fn routes() -> OpenApiRouter<ApiState> {
    OpenApiRouter::default()
        .routes(routes!(parked_list))
        .routes(routes!(parked_get))
        .routes(routes!(parked_retry))
}

/// Which parked events are listed.
#[derive(Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct Listed {
    /// Of this retailer.
    retailer: Option<String>,
    /// Of this store.
    store: Option<String>,
    /// Of this plugin, as `retailer.toml` names it.
    subscriber: Option<String>,
    /// `retry`, `waiting`, `behind` or `held`.
    cause: Option<String>,
    /// The `next` of the page before.
    after: Option<String>,
    /// At most so many.
    #[serde(default = "Listed::usual")]
    #[param(required = false, minimum = 1, maximum = 500, default = 100)]
    limit: u32,
}

impl Listed {
    const MOST: u32 = 500;

    fn usual() -> u32 {
        100
    }
}

fn wrong(field: &str, message: String) -> Problem {
    let detail = format!("{field}: {message}");
    Problem::of_field(INVALID, detail, field.into(), message)
}

/// Events that wait outside the log, those first that have waited longest
///
/// An event waits for its next attempt, for its cause, behind another of its lane, or behind a dead
/// letter that keeps its lane closed. The log has moved on past it.
#[utoipa::path(
    get, path = "/v1/parked", tag = "operation", params(Listed),
    responses(
        ListProblems,
        (status = 200, description = "A part of the list.", body = ParkedPage,
            example = examples::parked_page),
    ),
)]
async fn parked_list(
    State(state): State<ApiState>,
    auth: Authenticated,
    QueryParams(listed): QueryParams<Listed>,
) -> ApiResult<Json<ParkedPage>> {
    let Listed {
        retailer,
        store,
        subscriber,
        cause,
        after,
        limit,
    } = listed;
    if !(1..=Listed::MOST).contains(&limit) {
        return Err(wrong("limit", format!("1 to {}", Listed::MOST)));
    }
    let cause = cause.as_deref().map(ParkedAsk::cause_of).transpose();
    let cause = cause.map_err(|message| wrong("cause", message))?;
    auth.named(&state.app, retailer.as_deref(), store.as_deref())
        .await?;
    let ask = ParkedAsk {
        retailer,
        store,
        subscriber,
        cause,
    };
    let reach = &auth.caller().reach;
    let page = state.app.parked_list(ask, reach, after.as_deref(), limit);
    Ok(Json(page.await?))
}

/// An event that waits
#[utoipa::path(
    get, path = "/v1/parked/{event}/{subscriber}", tag = "operation",
    params(
        ("event" = String, Path, description = "The event's id.", example = "refund:refund-1"),
        ("subscriber" = String, Path, description = "The plugin.", example = "poslog"),
    ),
    responses(
        ReadProblems,
        (status = 200, description = "The event.", body = ParkedView, example = examples::parked),
    ),
)]
async fn parked_get(
    State(state): State<ApiState>,
    PathPair(event, subscriber): PathPair,
) -> ApiResult<Json<ParkedView>> {
    Ok(Json(state.app.parked_one(&event, &subscriber).await?))
}

/// Let an event that waits be tried now
///
/// Its time is now; what is before it in its lane comes first all the same, and its attempts count on.
#[utoipa::path(
    post, path = "/v1/parked/{event}/{subscriber}/retry", tag = "operation",
    params(
        ("event" = String, Path, description = "The event's id.", example = "refund:refund-1"),
        ("subscriber" = String, Path, description = "The plugin.", example = "poslog"),
        IdempotencyHeader,
    ),
    request_body(content = Acting,
        example = json!({ "operator": "ana", "reason": "the target is back" })),
    responses(
        WriteProblems,
        (status = 200, description = "The event as it waits now.",
            headers(("Idempotency-Replayed" = bool, description = "Answered before.")),
            body = ParkedView, example = examples::parked_retried),
        (status = 409, description = "`not_to_be_tried`", body = Details,
            content_type = "application/problem+json"),
    ),
)]
async fn parked_retry(
    State(state): State<ApiState>,
    auth: Authenticated,
    PathPair(event, subscriber): PathPair,
    WriteRequest { key, mut body }: WriteRequest<Acting>,
) -> ApiResult<WriteReply> {
    body.operator = auth.signs(&body.operator);
    let retried = state.app.parked_retry(key, &event, &subscriber, body);
    Ok(WriteReply(retried.await?))
}
