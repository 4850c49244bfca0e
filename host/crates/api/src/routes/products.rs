//! Products of a retailer: listed, replaced one by one, imported from a file.

use crate::access::authenticated::Authenticated;
use crate::access::route::{Access, Resource, RouteKind};
use crate::endpoint::Routes;
use crate::lists::{check_limit, default_limit};
use crate::problem::Details;
use crate::problem_responses::{ImportProblems, ListProblems, PutProblems, ReadProblems};
use crate::reply::{ApiResult, WriteReply};
use crate::request::{
    Id, IdempotencyHeader, OptionalIdempotencyHeader, PathPair, PutRequest, QueryParams,
    idempotency_key,
};
use crate::state::ApiState;
use crate::upload;
use axum::Json;
use axum::extract::{Request, State};
use galleria_app::catalogue::{
    CatalogueImportRequest, Imported, Missing, NewProduct, ProductDetail, ProductPage,
    ProductQuery, Watch,
};
use jiff::Timestamp;
use serde::Deserialize;

pub(super) fn routes() -> Routes {
    Routes::new()
        .with(endpoint!(product_list, Access::till(Resource::Shared)))
        .with(
            endpoint!(product_import, Access::back_office(Resource::Retailer))
                .kind(RouteKind::Upload),
        )
        .with(endpoint!(product_get, Access::till(Resource::Shared)))
        .with(endpoint!(
            product_put,
            Access::back_office(Resource::Retailer)
        ))
}

/// The maximum page size: a thousand products are a third of a megabyte.
const MAX_PRODUCTS: u32 = 1000;

/// Filters and paging.
#[derive(Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct ProductsQuery {
    /// The `next` of the previous page; the list starts with the first sku if it is absent.
    #[serde(default)]
    #[param(required = false)]
    after: String,
    /// Page size.
    #[serde(default = "default_limit")]
    #[param(required = false, minimum = 1, maximum = 1000, default = 100)]
    limit: u32,
    /// Show the prices of this store; the common prices if it is absent.
    #[param(required = false)]
    store: Option<String>,
    /// Only products that changed later, or whose price in the scope changed later.
    #[param(required = false, value_type = Option<String>, format = DateTime)]
    changed_since: Option<Timestamp>,
}

/// List products, sorted by sku
///
/// A store's own price takes precedence over the common price. A product without a price in the store's
/// currency is not sold there. With `changed_since`, a page may be short although there is a next page.
#[utoipa::path(
    get, path = "/v1/retailers/{retailer}/products", tag = "products",
    params(("retailer" = String, Path, description = "The retailer's name.", example = "example"), ProductsQuery),
    responses(
        ListProblems,
        (status = 200, description = "A page of the list.", body = ProductPage,
            example = json!(example!("product_page"))),
        (status = 404, description = "`not_found`: the retailer or the store", body = Details,
            content_type = "application/problem+json"),
    ),
)]
async fn product_list(
    State(state): State<ApiState>,
    auth: Authenticated,
    Id(retailer): Id,
    QueryParams(query): QueryParams<ProductsQuery>,
) -> ApiResult<Json<ProductPage>> {
    if let Some(store) = &query.store {
        auth.check_store(&state.app, store).await?;
    }
    check_limit(query.limit, MAX_PRODUCTS)?;
    let filter = ProductQuery {
        retailer,
        store: query.store,
        changed_since: query.changed_since,
        after: query.after,
        limit: query.limit,
    };
    Ok(Json(state.app.catalogue.list(filter).await?))
}

/// Get a product with the prices of stores
#[utoipa::path(
    get, path = "/v1/retailers/{retailer}/products/{sku}", tag = "products",
    params(
        ("retailer" = String, Path, description = "The retailer's name.", example = "example"),
        ("sku" = String, Path, description = "The product's sku.", example = "3000101"),
    ),
    responses(
        ReadProblems,
        (status = 200, description = "The product.", body = ProductDetail, example = json!(example!("product"))),
    ),
)]
async fn product_get(
    State(state): State<ApiState>,
    PathPair(retailer, sku): PathPair,
) -> ApiResult<Json<ProductDetail>> {
    Ok(Json(state.app.catalogue.product(&retailer, &sku).await?))
}

/// Create or replace a product
///
/// Replaces the store prices too: a price that is not in the body is removed. If nothing differs, the product
/// stays unchanged, including `changed_at`.
#[utoipa::path(
    put, path = "/v1/retailers/{retailer}/products/{sku}", tag = "products",
    params(
        ("retailer" = String, Path, description = "The retailer's name.", example = "example"),
        ("sku" = String, Path, description = "The product's sku.", example = "3000101"),
        OptionalIdempotencyHeader,
    ),
    request_body(content = NewProduct, example = json!(example!("product_request"))),
    responses(
        PutProblems,
        (status = 200, description = "The product.",
            headers(("Idempotency-Replayed" = bool, description = "`true` if this response was sent before.")),
            body = ProductDetail, example = json!(example!("product"))),
        (status = 409, description = "`catalogue_busy`", body = Details,
            content_type = "application/problem+json"),
    ),
)]
async fn product_put(
    State(state): State<ApiState>,
    PathPair(retailer, sku): PathPair,
    PutRequest { key, body }: PutRequest<NewProduct>,
) -> ApiResult<WriteReply> {
    Ok(WriteReply(
        state.app.catalogue.put(key, &retailer, &sku, body).await?,
    ))
}

import_query!(ProductImportQuery {
    /// Prices have a decimal comma.
    #[serde(default)]
    #[param(required = false, default = false)]
    decimal_comma: bool,
    /// The character between groups of three digits in prices: `.`, `,`, `'` or a blank. Without it such a
    /// character is rejected, unless it is the decimal mark.
    #[param(required = false, value_type = Option<String>, min_length = 1, max_length = 1)]
    thousands: Option<char>,
    /// What to do with products that the file does not contain.
    #[serde(default)]
    #[param(required = false, inline)]
    missing: Missing,
});

/// Import a file of products
///
/// Imports the complete file or nothing; all changes become visible at once. Columns are identified by name:
/// `sku`, `name`, `price`, `currency`, and optionally `gtin`, `category`, `unit` (`EA` if empty), `tax_code`,
/// `active` (`true` if empty), `store`. A row with a `store` (the host's id or the retailer's own) sets the
/// price of that store, or removes it if price and currency are empty; its other cells must equal those of the
/// product's own row. A row is the complete product: omitted columns get their defaults.
///
/// A price may have a sign and the code or sign of its currency, such as `€ 12.99`; a negative price is invalid.
///
/// The file is UTF-8, or UTF-16 with a byte order mark. CSV has `,`, `;`, `|` or a tab between cells, or the delimiter
/// of a first line such as `sep=|`; then a header row. Rows end with LF, CRLF or CR. A cell that starts with `"`
/// ends with `"`, may contain line breaks, and has each quote in it twice; every other `"` is text. JSON lines are
/// objects with the same names, each at most once, whose values are strings or booleans.
///
/// A `'` that precedes a text starting with `=`, `+`, `-` or `@`, so that no spreadsheet evaluates it, is not part of
/// the text: CSV files of plugins have it. `guards=keep` keeps it.
///
/// All problems are reported together: the first 1,000 invalid cells with row and column. A row is numbered as in a
/// spreadsheet; if the line of the file differs because of line breaks in cells, the message names it.
#[utoipa::path(
    post, path = "/v1/retailers/{retailer}/products/import", tag = "products",
    params(
        ("retailer" = String, Path, description = "The retailer's name.", example = "example"),
        ProductImportQuery, IdempotencyHeader,
    ),
    request_body(content(
        (String = "text/csv", example = json!(example!("product_import_request"))),
        (String = "application/x-ndjson", example = json!(example!("product_import_lines"))),
    )),
    responses(
        ImportProblems,
        (status = 200, description = "The result of the import.",
            headers(("Idempotency-Replayed" = bool, description = "`true` if this response was sent before.")),
            body = Imported, example = json!(example!("product_import"))),
    ),
)]
async fn product_import(
    State(state): State<ApiState>,
    Id(retailer): Id,
    QueryParams(query): QueryParams<ProductImportQuery>,
    request: Request,
) -> ApiResult<WriteReply> {
    let format = upload::format(request.headers())?;
    let key = idempotency_key(&request)?;
    state.app.core.check_retailer(&retailer).await?;
    let (file, key) = upload::receive(key, request, &state).await?;
    let import = CatalogueImportRequest {
        retailer,
        format,
        decimal_comma: query.decimal_comma,
        thousands: query.thousands,
        options: query.options(),
        missing: query.missing,
    };
    let file = Box::new(file);
    // If the caller disconnects, the import continues. Repeating the request returns the stored response.
    let imported = state
        .app
        .catalogue
        .import(import, file, Some(key), Watch::default());
    Ok(WriteReply(imported.await?))
}
