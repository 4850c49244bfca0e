//! Retailers: how each running process serves them, and the request to load one again.

use crate::access::authenticated::Authenticated;
use crate::access::route::{Access, Resource};
use crate::endpoint::Routes;
use crate::lists::{MAX_LIMIT, check_limit, default_limit};
use crate::problem::Details;
use crate::problem_responses::{ListProblems, ReadProblems, WriteProblems};
use crate::reply::{ApiResult, WriteReply};
use crate::request::{Id, IdempotencyHeader, QueryParams, WriteRequest};
use crate::state::ApiState;
use axum::Json;
use axum::extract::State;
use galleria_app::events::Acting;
use galleria_app::reloads::{RetailerPage, RetailerView};
use serde::Deserialize;

pub(super) fn routes() -> Routes {
    Routes::new()
        .with(endpoint!(retailer_list, Access::operator(Resource::Body)))
        .with(endpoint!(
            retailer_get,
            Access::operator(Resource::Retailer)
        ))
        .with(endpoint!(
            retailer_reload,
            Access::operator(Resource::Retailer)
        ))
}

/// Paging.
#[derive(Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct RetailersQuery {
    /// The `next` of the previous page.
    after: Option<String>,
    /// Page size.
    #[serde(default = "default_limit")]
    #[param(required = false, minimum = 1, maximum = 500, default = 100)]
    limit: u32,
}

/// List retailers by name
///
/// Shows how each running process serves them. The list is empty for a caller that is bound to single stores.
#[utoipa::path(
    get, path = "/v1/retailers", tag = "operation", params(RetailersQuery),
    responses(
        ListProblems,
        (status = 200, description = "A page of the list.", body = RetailerPage,
            example = json!(example!("retailer_page"))),
    ),
)]
async fn retailer_list(
    State(state): State<ApiState>,
    auth: Authenticated,
    QueryParams(RetailersQuery { after, limit }): QueryParams<RetailersQuery>,
) -> ApiResult<Json<RetailerPage>> {
    check_limit(limit, MAX_LIMIT)?;
    let (reloads, reach) = (&state.app.reloads, &auth.caller().reach);
    let page = reloads.retailers(reach, after.as_deref(), limit);
    Ok(Json(page.await?))
}

/// Get a retailer
///
/// Shows how each running process serves it. After a request to load it again, the result of a process is here when the
/// `generation` of the process is that of the retailer.
#[utoipa::path(
    get, path = "/v1/retailers/{retailer}", tag = "operation",
    params(("retailer" = String, Path, description = "The retailer's folder name.", example = "example")),
    responses(
        ReadProblems,
        (status = 200, description = "The retailer.", body = RetailerView,
            example = json!(example!("retailer"))),
    ),
)]
async fn retailer_get(
    State(state): State<ApiState>,
    Id(retailer): Id,
) -> ApiResult<Json<RetailerView>> {
    Ok(Json(state.app.reloads.retailer(&retailer).await?))
}

/// Load a retailer again
///
/// Every running process reads the retailer's folder, the components of its plugins, and its secrets in files again. A
/// new folder is loaded, too. Calls and runs in progress end with the configuration that they began with. If the files
/// have errors, the retailer serves on with its previous configuration, or stays out of service.
///
/// The response does not wait for the processes: `GET /v1/retailers/{retailer}` shows their results.
#[utoipa::path(
    post, path = "/v1/retailers/{retailer}/reload", tag = "operation",
    params(
        ("retailer" = String, Path, description = "The retailer's folder name.", example = "example"),
        IdempotencyHeader,
    ),
    request_body(content = Acting,
        example = json!({ "actor": "ana", "reason": "the settings were corrected" })),
    responses(
        WriteProblems,
        (status = 202, description = "The retailer, before the processes load it again.",
            headers(("Idempotency-Replayed" = bool, description = "`true` if this response was sent before.")),
            body = RetailerView, example = json!(example!("retailer_reload"))),
        (status = 409, description = "`retailer_folder_missing`", body = Details,
            content_type = "application/problem+json"),
    ),
)]
async fn retailer_reload(
    State(state): State<ApiState>,
    auth: Authenticated,
    Id(retailer): Id,
    WriteRequest { key, mut body }: WriteRequest<Acting>,
) -> ApiResult<WriteReply> {
    body.actor = auth.actor(&body.actor);
    let requested = state.app.reloads.request(key, &retailer, body);
    Ok(WriteReply(requested.await?))
}
