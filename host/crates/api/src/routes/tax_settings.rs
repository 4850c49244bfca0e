//! The tax settings of stores, and the tax services that this host calls.

use crate::access::authenticated::Authenticated;
use crate::access::route::{Access, Resource};
use crate::endpoint::Routes;
use crate::problem_responses::{PutProblems, ReadProblems, TaxDeleteProblems};
use crate::reason::ReasonQuery;
use crate::reply::{ApiResult, WriteReply};
use crate::request::{Id, OptionalIdempotencyHeader, OptionalKey, PutRequest, QueryParams};
use crate::state::ApiState;
use axum::Json;
use axum::extract::State;
use galleria_app::tax::TaxSettingsDeleted;
use galleria_domain::tax::TaxSettings;
use galleria_ports::tax::TaxUpstream;
use serde::Serialize;

pub(super) fn routes() -> Routes {
    Routes::new()
        .with(endpoint!(
            tax_settings_put,
            Access::operator(Resource::Store)
        ))
        .with(endpoint!(
            tax_settings_delete,
            Access::operator(Resource::Store)
        ))
        .with(endpoint!(tax_settings_get, Access::till(Resource::Store)))
        .with(endpoint!(tax_upstreams, Access::operator(Resource::Host)))
}

/// Replace the tax settings of a store
///
/// They apply to the next evaluation on every host. A field that is absent gets its default. A new `route`, `fallback`
/// or `shadow` must be one that this host can call. The change is recorded in the audit log.
#[utoipa::path(
    put, path = "/v1/stores/{id}/tax-settings", tag = "taxes",
    params(("id" = String, Path, description = "The store's id.", example = "madrid-1"), ReasonQuery, OptionalIdempotencyHeader),
    request_body(content = TaxSettings, example = json!(example!("tax_settings"))),
    responses(
        PutProblems,
        (status = 200, description = "The settings.",
            headers(("Idempotency-Replayed" = bool, description = "`true` if this response was sent before.")),
            body = TaxSettings,
            example = json!(example!("tax_settings"))),
    ),
)]
async fn tax_settings_put(
    State(state): State<ApiState>,
    auth: Authenticated,
    Id(id): Id,
    QueryParams(query): QueryParams<ReasonQuery>,
    PutRequest { key, body }: PutRequest<TaxSettings>,
) -> ApiResult<WriteReply> {
    let reason = query.checked_reason()?;
    let actor = auth.actor("");
    let put = state
        .app
        .taxes
        .put_settings(key, &id, body, &actor, &reason);
    Ok(WriteReply(put.await?))
}

/// Delete the tax settings of a store
///
/// The defaults apply to the next evaluation on every host. Orders of the store are no longer evaluated, unless it has
/// a tax table: delete that, too. A shadow stops, and its counts start anew with new settings. Tax table, recorded
/// evaluations and comparisons stay. The deletion is recorded in the audit log.
#[utoipa::path(
    delete, path = "/v1/stores/{id}/tax-settings", tag = "taxes",
    params(("id" = String, Path, description = "The store's id.", example = "madrid-1"), ReasonQuery, OptionalIdempotencyHeader),
    responses(
        TaxDeleteProblems,
        (status = 200, description = "The removed settings.",
            headers(("Idempotency-Replayed" = bool, description = "`true` if this response was sent before.")),
            body = TaxSettingsDeleted,
            example = json!(example!("tax_settings_deleted"))),
    ),
)]
async fn tax_settings_delete(
    State(state): State<ApiState>,
    auth: Authenticated,
    Id(id): Id,
    QueryParams(query): QueryParams<ReasonQuery>,
    OptionalKey(key): OptionalKey,
) -> ApiResult<WriteReply> {
    let reason = query.checked_reason()?;
    let actor = auth.actor("");
    let deleted = state.app.taxes.delete_settings(key, &id, &actor, &reason);
    Ok(WriteReply(deleted.await?))
}

/// Get the tax settings of a store
///
/// A store without settings has the defaults.
#[utoipa::path(
    get, path = "/v1/stores/{id}/tax-settings", tag = "taxes",
    params(("id" = String, Path, description = "The store's id.", example = "madrid-1")),
    responses(
        ReadProblems,
        (status = 200, description = "The settings.", body = TaxSettings,
            example = json!(example!("tax_settings"))),
    ),
)]
async fn tax_settings_get(
    State(state): State<ApiState>,
    Id(id): Id,
) -> ApiResult<Json<TaxSettings>> {
    Ok(Json(state.app.taxes.settings(&id).await?))
}

/// The tax services that this host calls.
#[derive(Serialize, utoipa::ToSchema)]
struct TaxUpstreams {
    /// The configured services, by route.
    upstreams: Vec<TaxUpstream>,
}

/// List the tax services that this host calls
///
/// Breaker and last failure are those of the process that responds.
#[utoipa::path(
    get, path = "/v1/taxes/upstreams", tag = "taxes",
    responses(
        ReadProblems,
        (status = 200, description = "The configured services.", body = TaxUpstreams,
            example = json!(example!("tax_upstreams"))),
    ),
)]
async fn tax_upstreams(State(state): State<ApiState>) -> Json<TaxUpstreams> {
    Json(TaxUpstreams {
        upstreams: state.app.taxes.upstreams(),
    })
}
