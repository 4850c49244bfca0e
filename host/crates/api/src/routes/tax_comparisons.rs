//! Comparisons of a store's tax route with its shadow.

use crate::access::route::{Access, Resource};
use crate::endpoint::Routes;
use crate::lists::{MAX_LIMIT, check_limit, default_limit};
use crate::problem_responses::{ListProblems, ReadProblems};
use crate::reply::ApiResult;
use crate::request::{Id, QueryParams};
use crate::state::ApiState;
use axum::Json;
use axum::extract::State;
use galleria_app::tax::{ComparisonPage, ComparisonQuery};
use galleria_ports::records::ShadowOutcome;
use jiff::Timestamp;
use serde::Deserialize;

pub(super) fn routes() -> Routes {
    Routes::new().with(endpoint!(
        tax_comparison_list,
        Access::back_office(Resource::Store)
    ))
}

/// Filters and paging.
#[derive(Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct ComparisonsQuery {
    /// At this time or later, RFC 3339; all if it is absent. The counts are those since the day of this time, in UTC.
    #[param(value_type = Option<String>, format = DateTime)]
    since: Option<Timestamp>,
    /// Only with this outcome; `dropped` selects none.
    #[param(inline)]
    outcome: Option<ShadowOutcome>,
    /// The `next` of the previous page.
    after: Option<String>,
    /// Page size.
    #[serde(default = "default_limit")]
    #[param(required = false, minimum = 1, maximum = 500, default = 100)]
    limit: u32,
}

/// List comparisons of tax routes, newest first
///
/// If the tax settings of a store name a `shadow`, the shadow evaluates each basket in the background, and both answers
/// are compared. `summary` counts all of them. `comparisons` contains those that are recorded: differences, failures
/// and a sample of equal baskets. Recorded baskets and counts are removed after the time in `tax.shadow.keep`.
#[utoipa::path(
    get, path = "/v1/stores/{id}/tax-comparisons", tag = "taxes",
    params(("id" = String, Path, description = "The store's id.", example = "madrid-1"), ComparisonsQuery),
    responses(
        ReadProblems, ListProblems,
        (status = 200, description = "A page of the list.", body = ComparisonPage,
            example = json!(example!("tax_comparisons"))),
    ),
)]
async fn tax_comparison_list(
    State(state): State<ApiState>,
    Id(store): Id,
    QueryParams(ComparisonsQuery {
        since,
        outcome,
        after,
        limit,
    }): QueryParams<ComparisonsQuery>,
) -> ApiResult<Json<ComparisonPage>> {
    check_limit(limit, MAX_LIMIT)?;
    let query = ComparisonQuery {
        store,
        since,
        outcome,
        after,
        limit,
    };
    Ok(Json(state.app.taxes.comparisons(query).await?))
}
