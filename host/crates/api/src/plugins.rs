//! Plugins: what each slot is, what it may do, and how it has done of late.

use crate::access::Authenticated;
use crate::openapi::examples;
use crate::problem::{INVALID, Problem};
use crate::request::{PathPair, QueryParams};
use crate::response::{ApiResult, ListProblems, ReadProblems};
use crate::serve::ApiState;
use axum::Json;
use axum::extract::State;
use galleria_app::desk::{PluginPage, PluginView};
use galleria_domain::plugin::Point;
use serde::Deserialize;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

pub(crate) fn routes() -> OpenApiRouter<ApiState> {
    OpenApiRouter::default()
        .routes(routes!(plugin_list))
        .routes(routes!(plugin_get))
}

/// Which plugins are listed.
#[derive(Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct Listed {
    /// Of this retailer.
    retailer: Option<String>,
    /// That export this extension point, such as `on-payment`.
    point: Option<String>,
    /// The `next` of the page before.
    after: Option<String>,
    /// At most so many.
    #[serde(default = "Listed::usual")]
    #[param(required = false, minimum = 1, maximum = 200, default = 50)]
    limit: u32,
}

impl Listed {
    const MOST: u32 = 200;

    fn usual() -> u32 {
        50
    }
}

fn wrong(field: &str, message: String) -> Problem {
    let detail = format!("{field}: {message}");
    Problem::of_field(INVALID, detail, field.into(), message)
}

fn point(text: &str) -> Result<Point, Problem> {
    let names = || Point::ALL.iter().map(|point| point.name());
    Point::by_name(text).ok_or_else(|| {
        let known = names().collect::<Vec<_>>().join(", ");
        wrong("point", format!("one of {known}"))
    })
}

/// Plugins that are loaded, in the order of retailer and slot
///
/// Faults are those of the last 24 hours, the newest 1,000 of each slot. A caller that is bound to
/// stores alone sees none: a slot is its retailer's.
#[utoipa::path(
    get, path = "/v1/plugins", tag = "operation", params(Listed),
    responses(
        ListProblems,
        (status = 200, description = "A part of the list.", body = PluginPage,
            example = examples::plugin_page),
    ),
)]
async fn plugin_list(
    State(state): State<ApiState>,
    auth: Authenticated,
    QueryParams(listed): QueryParams<Listed>,
) -> ApiResult<Json<PluginPage>> {
    let Listed {
        retailer,
        point: asked,
        after,
        limit,
    } = listed;
    if !(1..=Listed::MOST).contains(&limit) {
        return Err(wrong("limit", format!("1 to {}", Listed::MOST)));
    }
    let asked = asked.as_deref().map(point).transpose()?;
    if retailer.is_some() {
        auth.retailer(retailer.clone())?;
    }
    let (app, reach) = (&state.app, &auth.caller().reach);
    let page = app.plugin_list(reach, retailer.as_deref(), asked, after.as_deref(), limit);
    Ok(Json(page.await?))
}

/// A plugin
///
/// Names of secrets are shown and what may be done with them, never a secret.
#[utoipa::path(
    get, path = "/v1/plugins/{retailer}/{slot}", tag = "operation",
    params(
        ("retailer" = String, Path, description = "The retailer's folder name.", example = "example"),
        ("slot" = String, Path, description = "The name in its `retailer.toml`.", example = "daily-sales"),
    ),
    responses(
        ReadProblems,
        (status = 200, description = "The plugin.", body = PluginView, example = examples::plugin),
    ),
)]
async fn plugin_get(
    State(state): State<ApiState>,
    PathPair(retailer, slot): PathPair,
) -> ApiResult<Json<PluginView>> {
    Ok(Json(state.app.plugin(&retailer, &slot).await?))
}
