//! Runs of stream plugins: listed, requested, replayed and cancelled.

use crate::access::authenticated::Authenticated;
use crate::access::route::{Access, Resource};
use crate::endpoint::Routes;
use crate::lists::{check_limit, default_limit, one_of};
use crate::problem::Details;
use crate::problem_responses::{ListProblems, ReadProblems, WriteProblems};
use crate::reply::{ApiResult, WriteReply};
use crate::request::{Id, IdempotencyHeader, QueryParams, WriteRequest};
use crate::state::ApiState;
use axum::Json;
use axum::extract::State;
use galleria_app::access::Subject;
use galleria_app::events::Acting;
use galleria_app::runs::{RunPage, RunRequest, RunView};
use galleria_ports::records::{RunFilter, RunState};
use serde::Deserialize;

pub(super) fn routes() -> Routes {
    Routes::new()
        .with(endpoint!(run_list, Access::back_office(Resource::Body)))
        .with(endpoint!(run_request, Access::back_office(Resource::Body)))
        .with(endpoint!(run_get, Access::back_office(Resource::Run)))
        .with(endpoint!(run_replay, Access::operator(Resource::Run)))
        .with(endpoint!(run_cancel, Access::operator(Resource::Run)))
}

/// The maximum page size.
const MAX_RUNS: u32 = 1000;

/// Filters and paging.
#[derive(Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct RunsQuery {
    /// Only of this retailer.
    retailer: Option<String>,
    /// Only of this slot.
    plugin: Option<String>,
    /// `due`, `running`, `ended`, `failed`, `dead` or `cancelled`.
    state: Option<String>,
    /// Only runs whose first business date is this one or later.
    #[param(value_type = Option<String>, format = Date)]
    from: Option<jiff::civil::Date>,
    /// The `next` of the previous page; the list starts with the newest if it is absent.
    before: Option<i64>,
    /// Page size.
    #[serde(default = "default_limit")]
    #[param(required = false, minimum = 1, maximum = 1000, default = 100)]
    limit: u32,
}

/// List runs, newest first
#[utoipa::path(
    get, path = "/v1/runs", tag = "runs", params(RunsQuery),
    responses(
        ListProblems,
        (status = 200, description = "A page of the list.", body = RunPage, example = json!(example!("run_page"))),
    ),
)]
async fn run_list(
    State(state): State<ApiState>,
    auth: Authenticated,
    QueryParams(query): QueryParams<RunsQuery>,
) -> ApiResult<Json<RunPage>> {
    check_limit(query.limit, MAX_RUNS)?;
    let filter = RunFilter {
        state: one_of(
            "state",
            query.state.as_deref(),
            RunState::ALL,
            RunState::name,
        )?,
        retailer: auth.list_retailer(&state.app, query.retailer).await?,
        subscriber: query.plugin,
        from: query.from.map(|date| date.to_string()),
    };
    let page = state
        .app
        .runs
        .list(filter, query.before, query.limit)
        .await?;
    Ok(Json(page))
}

/// Request a run
///
/// The next free worker executes it. Slot, scope and window identify a run: if it exists, the response shows
/// it and nothing runs again.
#[utoipa::path(
    post, path = "/v1/runs", tag = "runs", params(IdempotencyHeader),
    request_body(content = RunRequest, example = json!(example!("run_request"))),
    responses(
        WriteProblems,
        (status = 202, description = "The run.",
            headers(("Idempotency-Replayed" = bool, description = "`true` if this response was sent before.")),
            body = RunView, example = json!(example!("run"))),
    ),
)]
async fn run_request(
    State(state): State<ApiState>,
    auth: Authenticated,
    WriteRequest { key, body }: WriteRequest<RunRequest>,
) -> ApiResult<WriteReply> {
    let whole = Subject::Retailer(body.retailer.clone());
    let subject = body.store.clone().map_or(whole, Subject::Store);
    auth.check_reach(&state.app, subject).await?;
    Ok(WriteReply(state.app.runs.request(key, body).await?))
}

/// Get a run: progress, rows, sums, files, and the reason of a failure
#[utoipa::path(
    get, path = "/v1/runs/{id}", tag = "runs",
    params(("id" = String, Path, description = "The run's id.", example = "b2fb626c72513623a070f7b624d71853")),
    responses(
        ReadProblems,
        (status = 200, description = "The run.", body = RunView, example = json!(example!("run"))),
    ),
)]
async fn run_get(State(state): State<ApiState>, Id(id): Id) -> ApiResult<Json<RunView>> {
    Ok(Json(state.app.runs.run(&id).await?))
}

/// Replay a run
///
/// A run that is dead, cancelled or waiting for its next attempt becomes due now, with all its attempts. It
/// writes what its first attempt would have written.
#[utoipa::path(
    post, path = "/v1/runs/{id}/replay", tag = "runs",
    params(("id" = String, Path, description = "The run's id.", example = "b2fb626c72513623a070f7b624d71853"), IdempotencyHeader),
    request_body(content = Acting, example = json!(example!("run_verdict"))),
    responses(
        WriteProblems,
        (status = 200, description = "The run.",
            headers(("Idempotency-Replayed" = bool, description = "`true` if this response was sent before.")),
            body = RunView, example = json!(example!("run_replayed"))),
        (status = 409, description = "`run_not_dead`", body = Details,
            content_type = "application/problem+json"),
    ),
)]
async fn run_replay(
    State(state): State<ApiState>,
    auth: Authenticated,
    Id(id): Id,
    WriteRequest { key, mut body }: WriteRequest<Acting>,
) -> ApiResult<WriteReply> {
    body.actor = auth.actor(&body.actor);
    Ok(WriteReply(state.app.runs.replay(key, &id, body).await?))
}

/// Cancel a run
///
/// A running run stops within a second and writes nothing. A dead run counts as handled.
#[utoipa::path(
    post, path = "/v1/runs/{id}/cancel", tag = "runs",
    params(("id" = String, Path, description = "The run's id.", example = "b2fb626c72513623a070f7b624d71853"), IdempotencyHeader),
    request_body(content = Acting, example = json!(example!("run_verdict"))),
    responses(
        WriteProblems,
        (status = 200, description = "The run.",
            headers(("Idempotency-Replayed" = bool, description = "`true` if this response was sent before.")),
            body = RunView, example = json!(example!("run_cancelled"))),
        (status = 409, description = "`run_ended`", body = Details,
            content_type = "application/problem+json"),
    ),
)]
async fn run_cancel(
    State(state): State<ApiState>,
    auth: Authenticated,
    Id(id): Id,
    WriteRequest { key, mut body }: WriteRequest<Acting>,
) -> ApiResult<WriteReply> {
    body.actor = auth.actor(&body.actor);
    Ok(WriteReply(state.app.runs.cancel(key, &id, body).await?))
}
