//! Stores: onboarded over HTTP, one by one or thousands from a file.

use crate::access::Authenticated;
use crate::openapi::examples;
use crate::problem::{Details, INVALID, MEDIA_TYPE, Problem};
use crate::request::{Id, IdempotencyHeader, QueryParams, WriteRequest, own_key};
use crate::response::{
    ApiResult, ListProblems, ReadProblems, StoresImportProblems, WriteProblems, WriteReply,
};
use crate::serve::ApiState;
use crate::upload;
use axum::Json;
use axum::extract::{Request, State};
use galleria_app::intake::NewStore;
use galleria_app::stores::{StoresAsk, StoresImported, Watch};
use galleria_domain::Store;
use serde::{Deserialize, Serialize};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

pub(crate) const IMPORT: &str = "/v1/stores/import";

pub(crate) fn routes() -> OpenApiRouter<ApiState> {
    OpenApiRouter::default()
        .routes(routes!(store_put, store_get))
        .routes(routes!(store_list))
        .routes(routes!(store_import))
}

/// Create or replace a store
///
/// It keeps its retailer, its currency and its minor digits: what was sold there would change its
/// meaning. What changes is written down among the operations.
#[utoipa::path(
    put, path = "/v1/stores/{id}", tag = "stores",
    params(("id" = String, Path, description = "The store's id.", example = "madrid-1"), Why, IdempotencyHeader),
    request_body(content = NewStore, example = examples::store_request),
    responses(
        WriteProblems,
        (status = 200, description = "The store as it is now.",
            headers(("Idempotency-Replayed" = bool, description = "Answered before.")),
            body = Store,
            example = examples::store),
        (status = 409, description = "`store_identity`", body = Details,
            content_type = "application/problem+json"),
    ),
)]
async fn store_put(
    State(state): State<ApiState>,
    auth: Authenticated,
    Id(id): Id,
    QueryParams(why): QueryParams<Why>,
    WriteRequest { key, body }: WriteRequest<NewStore>,
) -> ApiResult<WriteReply> {
    state.app.may_put_store(auth.caller(), &id, &body).await?;
    let reason = why.checked()?;
    let by = auth.signs("");
    let put = state.app.store_put(key, &id, body, &auth, &reason);
    Ok(WriteReply(put.await?))
}

/// A store
#[utoipa::path(
    get, path = "/v1/stores/{id}", tag = "stores",
    params(("id" = String, Path, description = "The store's id.", example = "madrid-1")),
    responses(
        ReadProblems,
        (status = 200, description = "The store.", body = Store, example = examples::store),
    ),
)]
async fn store_get(State(state): State<ApiState>, Id(id): Id) -> ApiResult<Json<Store>> {
    Ok(Json(state.app.store(&id).await?))
}

/// What is said beside a store's facts.
#[derive(Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct Why {
    /// Why, for those who look at the operations later.
    #[serde(default)]
    #[param(required = false, max_length = 1000)]
    reason: String,
}

impl Why {
    const MOST: usize = 1_000;

    fn checked(self) -> ApiResult<String> {
        if self.reason.chars().count() <= Self::MOST {
            return Ok(self.reason);
        }
        let message = format!("at most {} characters", Self::MOST);
        let detail = format!("reason: {message}");
        Err(Problem::of_field(INVALID, detail, "reason".into(), message))
    }
}

/// Which part of a list is asked for.
#[derive(Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct Page {
    /// Begin after this id; from the first where it is not given.
    #[serde(default)]
    #[param(required = false)]
    after: String,
    /// At most so many.
    #[serde(default = "Page::usual")]
    #[param(required = false, minimum = 1, maximum = 1000, default = 100)]
    limit: u32,
}

impl Page {
    /// A thousand stores are half a megabyte.
    const MOST: u32 = 1000;

    fn usual() -> u32 {
        100
    }
}

/// A part of the list of stores.
#[derive(Serialize, utoipa::ToSchema)]
struct StorePage {
    /// In the order of ids.
    stores: Vec<Store>,
    /// The `after` of the next part; none where this is the last.
    next: Option<String>,
}

/// Stores in the order of their ids
#[utoipa::path(
    get, path = "/v1/stores", tag = "stores", params(Page),
    responses(
        ListProblems,
        (status = 200, description = "A part of the list.", body = StorePage,
            example = examples::store_page),
    ),
)]
async fn store_list(
    State(state): State<ApiState>,
    auth: Authenticated,
    QueryParams(Page { after, limit }): QueryParams<Page>,
) -> ApiResult<Json<StorePage>> {
    if !(1..=Page::MOST).contains(&limit) {
        let message = format!("1 to {}", Page::MOST);
        let detail = format!("limit: {message}");
        return Err(Problem::of_field(INVALID, detail, "limit".into(), message));
    }
    // One more than asked for tells whether there is a next part.
    let mut stores = state
        .app
        .stores_within(auth.caller(), &after, limit + 1)
        .await?;
    let asked = usize::try_from(limit).unwrap_or(usize::MAX);
    let more = stores.len() > asked;
    stores.truncate(asked);
    let last = stores.last().filter(|_| more);
    let next = last.map(|store| store.id.clone());
    Ok(Json(StorePage { stores, next }))
}

/// How a file is imported.
#[derive(Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct How {
    /// Only look, and tell what would come of it.
    #[serde(default)]
    #[param(required = false, default = false)]
    dry_run: bool,
    /// Why; kept with what was done.
    #[serde(default)]
    #[param(required = false)]
    reason: String,
}

/// Import a file of stores
///
/// All of it or nothing. A row is a whole store, as a request that puts one: a store that is there is
/// replaced, and keeps its retailer, its currency and its minor digits. Columns are found by name: `id`,
/// `external_id`, `retailer`, `store_type`, `country`, `currency`, `minor_digits`, `zone`, and where
/// wanted `day_starts` (`HH:MM` or minutes after midnight; midnight where empty) and any number of
/// `attribute:<name>`.
///
/// The file is UTF-8 with `,` or `;` between cells, a header first, every row on one line, and at most
/// 10,000 of them. What is wrong is told together, the first 1,000 cells with row and column.
#[utoipa::path(
    post, path = "/v1/stores/import", tag = "stores", params(How, IdempotencyHeader),
    request_body(content(
        (String = "text/csv", example = examples::stores_import_request),
    )),
    responses(
        StoresImportProblems,
        (status = 200, description = "What came of it.",
            headers(("Idempotency-Replayed" = bool, description = "Answered before.")),
            body = StoresImported, example = examples::stores_import),
    ),
)]
async fn store_import(
    State(state): State<ApiState>,
    auth: Authenticated,
    QueryParams(How { dry_run, reason }): QueryParams<How>,
    request: Request,
) -> ApiResult<WriteReply> {
    if upload::media_type(request.headers()).as_deref() != Some("text/csv") {
        return Err(Problem::new(MEDIA_TYPE, "Send `Content-Type: text/csv`."));
    }
    let key = own_key(&request)?;
    let (file, key) = upload::spool_under(key, request, &state).await?;
    let ask = StoresAsk {
        dry_run,
        reach: auth.caller().reach.clone(),
        by: auth.signs(""),
        reason,
    };
    // Where the caller goes away it is done or not: asked again under the same key, it tells.
    let imported = state
        .app
        .stores_import(ask, Box::new(file), Some(key), Watch::default());
    Ok(WriteReply(imported.await?))
}
