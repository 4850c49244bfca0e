//! Taxes of baskets: evaluated, and recorded if the caller commits.

use crate::access::authenticated::Authenticated;
use crate::access::route::{Access, Resource};
use crate::endpoint::Routes;
use crate::lists::{check_limit, default_limit};
use crate::problem_responses::{EvaluateProblems, ListProblems, ReadProblems};
use crate::reply::{ApiResult, WriteReply};
use crate::request::{
    Id, OptionalIdempotencyHeader, PathPair, PutRequest, QueryParams, optional_idempotency_key,
};
use crate::state::ApiState;
use axum::Json;
use axum::extract::State;
use axum::http::HeaderMap;
use galleria_app::Reply;
use galleria_app::tax::{
    EvaluationCall, EvaluationPage, EvaluationQuery, RecordedEvaluation, TaxEvaluation,
};
use galleria_domain::tax::TaxRequest;
use jiff::Timestamp;
use serde::Deserialize;

/// The header with the number of tax services that a request has passed.
const HOPS: &str = "galleria-tax-hops";

/// The maximum page size: an evaluation of 2,000 items is a megabyte.
const MAX_EVALUATIONS: u32 = 100;

/// The route of a tax service.
pub(super) fn routes() -> Routes {
    Routes::new().with(endpoint!(tax_evaluate, Access::till(Resource::Body)))
}

/// The route that lists records.
pub(super) fn list_routes() -> Routes {
    let access = || Access::back_office(Resource::Store);
    Routes::new()
        .with(endpoint!(tax_evaluation_list, access()))
        .with(endpoint!(tax_evaluation_get, access()))
}

/// Evaluate the taxes of a basket
///
/// By the route of the store's tax settings: the engine of this host with the tax table of the store, or a tax service.
/// Amounts are decimal strings in major units of the store's currency.
///
/// With `commit` the evaluation is recorded: once for each `Idempotency-Key`, or without one, once for each content on a
/// business date. A repetition gets the recorded response, even if the tax table has changed. Without `commit` the key
/// has no effect.
#[utoipa::path(
    post, path = "/v1/taxes/evaluate", tag = "taxes", params(OptionalIdempotencyHeader),
    request_body(content = TaxRequest, example = json!(example!("tax_request"))),
    responses(
        EvaluateProblems,
        (status = 200, description = "The taxes.",
            headers(("Idempotency-Replayed" = bool, description = "`true` if this response was recorded before.")),
            body = TaxEvaluation, example = json!(example!("tax_evaluation"))),
    ),
)]
async fn tax_evaluate(
    State(state): State<ApiState>,
    auth: Authenticated,
    headers: HeaderMap,
    request: PutRequest<TaxRequest>,
) -> ApiResult<WriteReply> {
    let request = request.body;
    auth.check_store(&state.app, &request.store_data.store_id)
        .await?;
    let call = EvaluationCall {
        caller: auth.caller().clone(),
        idempotency_key: optional_idempotency_key(&headers)?,
        hops: hops(&headers),
    };
    let served = state.app.taxes.serve(request, &call).await?;
    Ok(WriteReply(Reply {
        status: 200,
        repeated: served.repeated,
        body: served.json()?,
    }))
}

/// The number of tax services that a request has passed; 0 if it names none.
fn hops(headers: &HeaderMap) -> u32 {
    let value = headers.get(HOPS).and_then(|value| value.to_str().ok());
    value.and_then(|text| text.parse().ok()).unwrap_or(0)
}

/// Filters and paging.
#[derive(Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct EvaluationsQuery {
    /// Recorded at this time or later, RFC 3339; all if it is absent.
    #[param(value_type = Option<String>, format = DateTime)]
    since: Option<Timestamp>,
    /// Only of this idempotency key, as the caller sent it.
    idempotency_key: Option<String>,
    /// The `next` of the previous page.
    after: Option<String>,
    /// Page size.
    #[serde(default = "default_limit")]
    #[param(required = false, minimum = 1, maximum = 100, default = 100)]
    limit: u32,
}

/// List recorded evaluations of a store, newest first
///
/// Requests with `commit` are recorded. The setting `tax.evaluations_kept` of the host limits their age.
#[utoipa::path(
    get, path = "/v1/stores/{id}/tax-evaluations", tag = "taxes",
    params(("id" = String, Path, description = "The store's id.", example = "madrid-1"), EvaluationsQuery),
    responses(
        ListProblems,
        (status = 200, description = "A page of the list.", body = EvaluationPage,
            example = json!(example!("tax_evaluation_page"))),
    ),
)]
async fn tax_evaluation_list(
    State(state): State<ApiState>,
    Id(id): Id,
    QueryParams(query): QueryParams<EvaluationsQuery>,
) -> ApiResult<Json<EvaluationPage>> {
    let query = EvaluationQuery {
        store: id,
        since: query.since,
        idempotency_key: query.idempotency_key,
        after: query.after,
        limit: check_limit(query.limit, MAX_EVALUATIONS)?,
    };
    Ok(Json(state.app.taxes.evaluations(query).await?))
}

/// Get a recorded evaluation of a store
///
/// Its id is in the list, and in the timeline of the store.
#[utoipa::path(
    get, path = "/v1/stores/{id}/tax-evaluations/{evaluation}", tag = "taxes",
    params(
        ("id" = String, Path, description = "The store's id.", example = "madrid-1"),
        ("evaluation" = String, Path, description = "The id of the evaluation.",
            example = "5ec83c70d55fa824980b0e78cf0e1d70f8617fcba12dcb7cab9ed3d27579019d"),
    ),
    responses(
        ReadProblems,
        (status = 200, description = "The evaluation.", body = RecordedEvaluation,
            example = json!(example!("recorded_tax_evaluation"))),
    ),
)]
async fn tax_evaluation_get(
    State(state): State<ApiState>,
    PathPair(store, id): PathPair,
) -> ApiResult<Json<RecordedEvaluation>> {
    Ok(Json(state.app.taxes.evaluation(&store, &id).await?))
}
