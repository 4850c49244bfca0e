//! Plugins: the configuration, the rights and the recent faults of each slot.

use crate::access::authenticated::Authenticated;
use crate::access::route::{Access, Resource};
use crate::endpoint::Routes;
use crate::lists::check_limit;
use crate::problem::Problem;
use crate::problem_responses::{ListProblems, ReadProblems};
use crate::reply::ApiResult;
use crate::request::{PathPair, QueryParams};
use crate::state::ApiState;
use axum::Json;
use axum::extract::State;
use galleria_app::operations::{PluginPage, PluginView};
use galleria_domain::plugin::Point;
use serde::Deserialize;

pub(super) fn routes() -> Routes {
    Routes::new()
        .with(endpoint!(plugin_list, Access::operator(Resource::Body)))
        .with(endpoint!(plugin_get, Access::operator(Resource::Retailer)))
}

/// The maximum page size: each plugin lists its grants and faults.
const MAX_PLUGINS: u32 = 200;

/// The default page size.
fn default_limit() -> u32 {
    50
}

/// Filters and paging.
#[derive(Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct PluginsQuery {
    /// Only of this retailer.
    retailer: Option<String>,
    /// Only plugins that export this extension point, such as `on-payment`.
    point: Option<String>,
    /// The `next` of the previous page.
    after: Option<String>,
    /// Page size.
    #[serde(default = "default_limit")]
    #[param(required = false, minimum = 1, maximum = 200, default = 50)]
    limit: u32,
}

fn parse_point(text: &str) -> Result<Point, Problem> {
    let names = || Point::ALL.iter().map(|point| point.name());
    Point::by_name(text).ok_or_else(|| {
        let known = names().collect::<Vec<_>>().join(", ");
        Problem::invalid_field("point", format!("must be one of {known}"))
    })
}

/// List loaded plugins, sorted by retailer and slot
///
/// Faults are those of the last 24 hours, at most the newest 1,000 of each slot. The list is empty for a
/// caller that is bound to single stores, because a slot belongs to its retailer.
#[utoipa::path(
    get, path = "/v1/plugins", tag = "operation", params(PluginsQuery),
    responses(
        ListProblems,
        (status = 200, description = "A page of the list.", body = PluginPage,
            example = json!(example!("plugin_page"))),
    ),
)]
async fn plugin_list(
    State(state): State<ApiState>,
    auth: Authenticated,
    QueryParams(query): QueryParams<PluginsQuery>,
) -> ApiResult<Json<PluginPage>> {
    let PluginsQuery {
        retailer,
        point,
        after,
        limit,
    } = query;
    check_limit(limit, MAX_PLUGINS)?;
    let point = point.as_deref().map(parse_point).transpose()?;
    if retailer.is_some() {
        auth.list_retailer(&state.app, retailer.clone()).await?;
    }
    let (app, reach) = (&state.app, &auth.caller().reach);
    let page = app
        .operations
        .plugins(reach, retailer.as_deref(), point, after.as_deref(), limit);
    Ok(Json(page.await?))
}

/// Get a plugin
///
/// Shows the names of secrets and their permitted use, never a secret.
#[utoipa::path(
    get, path = "/v1/plugins/{retailer}/{slot}", tag = "operation",
    params(
        ("retailer" = String, Path, description = "The retailer's folder name.", example = "example"),
        ("slot" = String, Path, description = "The name in its `retailer.toml`.", example = "daily-sales"),
    ),
    responses(
        ReadProblems,
        (status = 200, description = "The plugin.", body = PluginView, example = json!(example!("plugin"))),
    ),
)]
async fn plugin_get(
    State(state): State<ApiState>,
    PathPair(retailer, slot): PathPair,
) -> ApiResult<Json<PluginView>> {
    Ok(Json(state.app.operations.plugin(&retailer, &slot).await?))
}
