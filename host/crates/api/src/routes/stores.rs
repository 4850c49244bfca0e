//! Stores: onboarded one by one, or thousands from a file.

use crate::access::authenticated::Authenticated;
use crate::access::route::{Access, Resource, RouteKind};
use crate::endpoint::Routes;
use crate::lists::{check_limit, cut_page, default_limit};
use crate::problem::{Details, Problem};
use crate::problem_kinds::MEDIA_TYPE;
use crate::problem_responses::{ListProblems, PutProblems, ReadProblems, StoresImportProblems};
use crate::reason::{ReasonQuery, checked_reason};
use crate::reply::{ApiResult, WriteReply};
use crate::request::{
    Id, IdempotencyHeader, OptionalIdempotencyHeader, PutRequest, QueryParams, idempotency_key,
};
use crate::state::ApiState;
use crate::upload;
use axum::Json;
use axum::extract::{Request, State};
use galleria_app::stores::NewStore;
use galleria_app::stores::{StoreImportRequest, StoresImported, Watch};
use galleria_domain::Store;
use serde::{Deserialize, Serialize};

pub(super) fn routes() -> Routes {
    Routes::new()
        .with(endpoint!(store_put, Access::operator(Resource::Body)))
        .with(endpoint!(store_get, Access::till(Resource::Store)))
        .with(endpoint!(store_list, Access::till(Resource::Body)))
        .with(endpoint!(store_import, Access::operator(Resource::Body)).kind(RouteKind::Upload))
}

/// Create or replace a store
///
/// Retailer, currency and minor digits of an existing store cannot change, because they define the meaning of
/// its sales. The change is recorded in the audit log.
#[utoipa::path(
    put, path = "/v1/stores/{id}", tag = "stores",
    params(("id" = String, Path, description = "The store's id.", example = "madrid-1"), ReasonQuery, OptionalIdempotencyHeader),
    request_body(content = NewStore, example = json!(example!("store_request"))),
    responses(
        PutProblems,
        (status = 200, description = "The store.",
            headers(("Idempotency-Replayed" = bool, description = "`true` if this response was sent before.")),
            body = Store,
            example = json!(example!("store"))),
        (status = 409, description = "`store_identity`", body = Details,
            content_type = "application/problem+json"),
    ),
)]
async fn store_put(
    State(state): State<ApiState>,
    auth: Authenticated,
    Id(id): Id,
    QueryParams(query): QueryParams<ReasonQuery>,
    PutRequest { key, body }: PutRequest<NewStore>,
) -> ApiResult<WriteReply> {
    state
        .app
        .access
        .check_put_store(auth.caller(), &id, &body)
        .await?;
    let reason = query.checked_reason()?;
    let actor = auth.actor("");
    let put = state.app.stores.put(key, &id, body, &actor, &reason);
    Ok(WriteReply(put.await?))
}

/// Get a store
#[utoipa::path(
    get, path = "/v1/stores/{id}", tag = "stores",
    params(("id" = String, Path, description = "The store's id.", example = "madrid-1")),
    responses(
        ReadProblems,
        (status = 200, description = "The store.", body = Store, example = json!(example!("store"))),
    ),
)]
async fn store_get(State(state): State<ApiState>, Id(id): Id) -> ApiResult<Json<Store>> {
    Ok(Json(state.app.stores.store(&id).await?))
}

/// The maximum page size: a thousand stores are half a megabyte.
const MAX_STORES: u32 = 1000;

/// Paging.
#[derive(Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct StoresQuery {
    /// The `next` of the previous page; the list starts with the first id if it is absent.
    #[serde(default)]
    #[param(required = false)]
    after: String,
    /// Page size.
    #[serde(default = "default_limit")]
    #[param(required = false, minimum = 1, maximum = 1000, default = 100)]
    limit: u32,
}

/// A page of the list of stores.
#[derive(Serialize, utoipa::ToSchema)]
struct StorePage {
    /// Sorted by id.
    stores: Vec<Store>,
    /// The `after` of the next page; null on the last page.
    next: Option<String>,
}

/// List stores, sorted by id
#[utoipa::path(
    get, path = "/v1/stores", tag = "stores", params(StoresQuery),
    responses(
        ListProblems,
        (status = 200, description = "A page of the list.", body = StorePage,
            example = json!(example!("store_page"))),
    ),
)]
async fn store_list(
    State(state): State<ApiState>,
    auth: Authenticated,
    QueryParams(StoresQuery { after, limit }): QueryParams<StoresQuery>,
) -> ApiResult<Json<StorePage>> {
    check_limit(limit, MAX_STORES)?;
    // Read one more row to find out whether there is a next page.
    let mut stores = state
        .app
        .access
        .stores_within(auth.caller(), &after, limit + 1)
        .await?;
    let more = cut_page(&mut stores, limit);
    let last = stores.last().filter(|_| more);
    let next = last.map(|store| store.id.clone());
    Ok(Json(StorePage { stores, next }))
}

import_query!(StoreImportQuery with reason {});

/// Import a file of stores
///
/// Imports the complete file or nothing. A row is a complete store: an existing store is replaced, and its
/// retailer, currency and minor digits cannot change. Columns are identified by name: `id`, `external_id`,
/// `retailer`, `store_type`, `country`, `currency`, `minor_digits`, `zone`, and optionally `day_starts` (`HH:MM`
/// or minutes after midnight; midnight if empty), `cash_step` (the smallest cash amount, such as `0.05`; that of the
/// currency if empty) and any number of `attribute:<name>`.
///
/// The file is UTF-8, or UTF-16 with a byte order mark. It has `,`, `;`, `|` or a tab between cells, or the delimiter
/// of a first line such as `sep=|`; then a header row, and at most 10,000 rows. Rows end with LF, CRLF or CR. A
/// cell that starts with `"` ends with `"`, may contain line breaks, and has each quote in it twice; every other
/// `"` is text.
///
/// A `'` that precedes a text starting with `=`, `+`, `-` or `@`, so that no spreadsheet evaluates it, is not part of
/// the text: CSV files of plugins have it. `guards=keep` keeps it.
///
/// All problems are reported together: the first 1,000 invalid cells with row and column. A row is numbered as in a
/// spreadsheet; if the line of the file differs because of line breaks in cells, the message names it.
#[utoipa::path(
    post, path = "/v1/stores/import", tag = "stores", params(StoreImportQuery, IdempotencyHeader),
    request_body(content(
        (String = "text/csv", example = json!(example!("stores_import_request"))),
    )),
    responses(
        StoresImportProblems,
        (status = 200, description = "The result of the import.",
            headers(("Idempotency-Replayed" = bool, description = "`true` if this response was sent before.")),
            body = StoresImported, example = json!(example!("stores_import"))),
    ),
)]
async fn store_import(
    State(state): State<ApiState>,
    auth: Authenticated,
    QueryParams(query): QueryParams<StoreImportQuery>,
    request: Request,
) -> ApiResult<WriteReply> {
    if upload::media_type(request.headers()).as_deref() != Some("text/csv") {
        return Err(Problem::new(MEDIA_TYPE, "Send `Content-Type: text/csv`."));
    }
    let options = query.options();
    let reason = checked_reason(query.reason)?;
    let key = idempotency_key(&request)?;
    let (file, key) = upload::receive(key, request, &state).await?;
    let import = StoreImportRequest {
        options,
        reach: auth.caller().reach.clone(),
        actor: auth.actor(""),
        reason,
    };
    // If the caller disconnects, it can repeat the request under the same key to get the result.
    let imported = state
        .app
        .stores
        .import(import, Box::new(file), Some(key), Watch::default());
    Ok(WriteReply(imported.await?))
}
