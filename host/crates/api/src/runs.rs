//! Runs: what is due, under way, done or dead; asked for, replayed and cancelled.

use crate::access::Authenticated;
use crate::openapi::examples;
use crate::problem::{Details, INVALID, Problem};
use crate::request::{Id, IdempotencyHeader, QueryParams, WriteRequest};
use crate::response::{ApiResult, ListProblems, ReadProblems, WriteProblems, WriteReply};
use crate::serve::ApiState;
use axum::Json;
use axum::extract::State;
use galleria_app::access::Subject;
use galleria_app::handling::Acting;
use galleria_app::records::{RunFilter, RunState};
use galleria_app::runs::{RunAsk, RunPage, RunView};
use serde::Deserialize;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

pub(crate) fn routes() -> OpenApiRouter<ApiState> {
    OpenApiRouter::default()
        .routes(routes!(run_list, run_ask))
        .routes(routes!(run_get))
        .routes(routes!(run_replay))
        .routes(routes!(run_cancel))
}

/// Which runs are asked for.
#[derive(Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct Which {
    /// Of this retailer.
    retailer: Option<String>,
    /// Of this slot.
    plugin: Option<String>,
    /// `due`, `running`, `ended`, `failed`, `dead` or `cancelled`.
    state: Option<String>,
    /// Whose first business date is this one or later.
    #[param(value_type = Option<String>, format = Date)]
    from: Option<jiff::civil::Date>,
    /// Behind this place; from the newest where it is not given.
    before: Option<i64>,
    /// At most so many.
    #[serde(default = "Which::usual")]
    #[param(required = false, minimum = 1, maximum = 1000, default = 100)]
    limit: u32,
}

impl Which {
    const MOST: u32 = 1000;

    fn usual() -> u32 {
        100
    }

    fn state(&self) -> Result<Option<RunState>, Problem> {
        let Some(text) = &self.state else {
            return Ok(None);
        };
        let found = RunState::ALL.iter().find(|state| state.name() == text);
        match found {
            Some(state) => Ok(Some(*state)),
            None => {
                let names: Vec<_> = RunState::ALL.iter().map(|state| state.name()).collect();
                Err(wrong("state", format!("one of {}", names.join(", "))))
            }
        }
    }
}

fn wrong(field: &str, message: String) -> Problem {
    let detail = format!("{field}: {message}");
    Problem::of_field(INVALID, detail, field.into(), message)
}

/// Runs, the newest first
#[utoipa::path(
    get, path = "/v1/runs", tag = "runs", params(Which),
    responses(
        ListProblems,
        (status = 200, description = "A part of the list.", body = RunPage, example = examples::run_page),
    ),
)]
async fn run_list(
    State(state): State<ApiState>,
    auth: Authenticated,
    QueryParams(which): QueryParams<Which>,
) -> ApiResult<Json<RunPage>> {
    if !(1..=Which::MOST).contains(&which.limit) {
        return Err(wrong("limit", format!("1 to {}", Which::MOST)));
    }
    let filter = RunFilter {
        state: which.state()?,
        retailer: auth.retailer(which.retailer)?,
        subscriber: which.plugin,
        from: which.from.map(|date| date.to_string()),
    };
    let page = state.app.runs(filter, which.before, which.limit).await?;
    Ok(Json(page))
}

/// Ask for a run
///
/// Whoever has time does it. The same slot, scope and window is the same run: where it is there
/// already, it is answered as it stands, and nothing is run again.
#[utoipa::path(
    post, path = "/v1/runs", tag = "runs", params(IdempotencyHeader),
    request_body(content = RunAsk, example = examples::run_request),
    responses(
        WriteProblems,
        (status = 202, description = "The run as it stands.",
            headers(("Idempotency-Replayed" = bool, description = "Answered before.")),
            body = RunView, example = examples::run),
    ),
)]
async fn run_ask(
    State(state): State<ApiState>,
    auth: Authenticated,
    WriteRequest { key, body }: WriteRequest<RunAsk>,
) -> ApiResult<WriteReply> {
    let whole = Subject::Retailer(body.retailer.clone());
    let subject = body.store.clone().map_or(whole, Subject::Store);
    auth.reaches(&state.app, subject).await?;
    Ok(WriteReply(state.app.run_ask(key, body).await?))
}

/// A run: progress, rows, sums, files, and why it did not end well
#[utoipa::path(
    get, path = "/v1/runs/{id}", tag = "runs",
    params(("id" = String, Path, description = "The run's id.", example = "b2fb626c72513623a070f7b624d71853")),
    responses(
        ReadProblems,
        (status = 200, description = "The run.", body = RunView, example = examples::run),
    ),
)]
async fn run_get(State(state): State<ApiState>, Id(id): Id) -> ApiResult<Json<RunView>> {
    Ok(Json(state.app.run(&id).await?))
}

/// Run it again
///
/// A run that is dead, cancelled or waiting for its next try is due now, with all its tries. It
/// writes what its first attempt would have written.
#[utoipa::path(
    post, path = "/v1/runs/{id}/replay", tag = "runs",
    params(("id" = String, Path, description = "The run's id.", example = "b2fb626c72513623a070f7b624d71853"), IdempotencyHeader),
    request_body(content = Acting, example = examples::run_verdict),
    responses(
        WriteProblems,
        (status = 200, description = "The run as it stands.",
            headers(("Idempotency-Replayed" = bool, description = "Answered before.")),
            body = RunView, example = examples::run_replayed),
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
    body.operator = auth.signs(&body.operator);
    Ok(WriteReply(state.app.run_replay(key, &id, body).await?))
}

/// Cancel it
///
/// A run that is under way stops within a second and leaves nothing; a dead one is put aside.
#[utoipa::path(
    post, path = "/v1/runs/{id}/cancel", tag = "runs",
    params(("id" = String, Path, description = "The run's id.", example = "b2fb626c72513623a070f7b624d71853"), IdempotencyHeader),
    request_body(content = Acting, example = examples::run_verdict),
    responses(
        WriteProblems,
        (status = 200, description = "The run as it stands.",
            headers(("Idempotency-Replayed" = bool, description = "Answered before.")),
            body = RunView, example = examples::run_cancelled),
        (status = 409, description = "`run_over`", body = Details,
            content_type = "application/problem+json"),
    ),
)]
async fn run_cancel(
    State(state): State<ApiState>,
    auth: Authenticated,
    Id(id): Id,
    WriteRequest { key, mut body }: WriteRequest<Acting>,
) -> ApiResult<WriteReply> {
    body.operator = auth.signs(&body.operator);
    Ok(WriteReply(state.app.run_cancel(key, &id, body).await?))
}
