//! Products of a retailer: listed, put one by one, imported from a file.

use crate::access::Authenticated;
use crate::openapi::examples;
use crate::problem::{Details, INVALID, MEDIA_TYPE, Problem};
use crate::request::{Id, IdempotencyHeader, PathPair, QueryParams, WriteRequest, own_key};
use crate::response::{
    ApiResult, ImportProblems, ListProblems, ReadProblems, WriteProblems, WriteReply,
};
use crate::serve::ApiState;
use crate::upload;
use axum::Json;
use axum::extract::{Request, State};
use axum::http::HeaderMap;
use galleria_app::products::{
    Format, ImportAsk, Imported, Missing, NewProduct, ProductAsk, ProductDetail, ProductPage, Watch,
};
use jiff::Timestamp;
use serde::Deserialize;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

pub(crate) const IMPORT: &str = "/v1/retailers/{retailer}/products/import";

pub(crate) fn routes() -> OpenApiRouter<ApiState> {
    OpenApiRouter::default()
        .routes(routes!(product_list))
        .routes(routes!(product_import))
        .routes(routes!(product_get, product_put))
}

/// Which products are asked for.
#[derive(Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct Page {
    /// Begin after this sku; from the first where it is not given.
    #[serde(default)]
    #[param(required = false)]
    after: String,
    /// At most so many.
    #[serde(default = "Page::usual")]
    #[param(required = false, minimum = 1, maximum = 1000, default = 100)]
    limit: u32,
    /// With the prices that hold in this store; with the common ones where it is not given.
    #[param(required = false)]
    store: Option<String>,
    /// Only those that changed later: themselves, or their price in the scope.
    #[param(required = false, value_type = Option<String>, format = DateTime)]
    changed_since: Option<Timestamp>,
}

impl Page {
    /// A thousand products are a third of a megabyte.
    const MOST: u32 = 1000;

    fn usual() -> u32 {
        100
    }
}

/// Products in the order of sku
///
/// In a store, its own price holds, otherwise the common one; a product without a price in the store's
/// currency is not sold there. With `changed_since`, a part may be short and still have a next one.
#[utoipa::path(
    get, path = "/v1/retailers/{retailer}/products", tag = "products",
    params(("retailer" = String, Path, description = "The retailer's name.", example = "example"), Page),
    responses(
        ListProblems,
        (status = 200, description = "A part of the list.", body = ProductPage,
            example = examples::product_page),
        (status = 404, description = "`not_found`: the retailer, or the store", body = Details,
            content_type = "application/problem+json"),
    ),
)]
async fn product_list(
    State(state): State<ApiState>,
    auth: Authenticated,
    Id(retailer): Id,
    QueryParams(page): QueryParams<Page>,
) -> ApiResult<Json<ProductPage>> {
    if let Some(store) = &page.store {
        auth.store(&state.app, store).await?;
    }
    if !(1..=Page::MOST).contains(&page.limit) {
        let message = format!("1 to {}", Page::MOST);
        let detail = format!("limit: {message}");
        return Err(Problem::of_field(INVALID, detail, "limit".into(), message));
    }
    let ask = ProductAsk {
        retailer,
        store: page.store,
        changed_since: page.changed_since,
        after: page.after,
        limit: page.limit,
    };
    Ok(Json(state.app.products(ask).await?))
}

/// A product, with the prices of stores
#[utoipa::path(
    get, path = "/v1/retailers/{retailer}/products/{sku}", tag = "products",
    params(
        ("retailer" = String, Path, description = "The retailer's name.", example = "example"),
        ("sku" = String, Path, description = "The product's.", example = "3000101"),
    ),
    responses(
        ReadProblems,
        (status = 200, description = "The product.", body = ProductDetail, example = examples::product),
    ),
)]
async fn product_get(
    State(state): State<ApiState>,
    PathPair(retailer, sku): PathPair,
) -> ApiResult<Json<ProductDetail>> {
    Ok(Json(state.app.product(&retailer, &sku).await?))
}

/// Create or replace a product
///
/// With the prices of its stores: one that is not told is taken away. What is as it was before stays
/// unchanged, `changed_at` too.
#[utoipa::path(
    put, path = "/v1/retailers/{retailer}/products/{sku}", tag = "products",
    params(
        ("retailer" = String, Path, description = "The retailer's name.", example = "example"),
        ("sku" = String, Path, description = "The product's.", example = "3000101"),
        IdempotencyHeader,
    ),
    request_body(content = NewProduct, example = examples::product_request),
    responses(
        WriteProblems,
        (status = 200, description = "The product as it is now.",
            headers(("Idempotency-Replayed" = bool, description = "Answered before.")),
            body = ProductDetail, example = examples::product),
        (status = 409, description = "`catalogue_busy`", body = Details,
            content_type = "application/problem+json"),
    ),
)]
async fn product_put(
    State(state): State<ApiState>,
    PathPair(retailer, sku): PathPair,
    WriteRequest { key, body }: WriteRequest<NewProduct>,
) -> ApiResult<WriteReply> {
    Ok(WriteReply(
        state.app.product_put(key, &retailer, &sku, body).await?,
    ))
}

/// How a file is to be taken.
#[derive(Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct How {
    /// Only look, and tell what would come of it.
    #[serde(default)]
    #[param(required = false, default = false)]
    dry_run: bool,
    /// Whether prices have a decimal comma.
    #[serde(default)]
    #[param(required = false, default = false)]
    decimal_comma: bool,
    /// What becomes of products that the file does not name.
    #[serde(default)]
    #[param(required = false, inline)]
    missing: Missing,
}

/// Import a file of products
///
/// All of it or nothing, and seen all at once. Columns are found by name: `sku`, `name`, `price`,
/// `currency`, and where wanted `gtin`, `category`, `unit` (`EA` where empty), `tax_code`, `active`
/// (`true` where empty), `store`. A row with a `store` - the host's id or the retailer's own - is that
/// store's price, or takes it away where price and currency are empty; what else it says must be what
/// the product's own row says. A row is the whole product: what is left out has its default.
///
/// CSV is UTF-8 with `,` or `;` between cells, a header first, and every row on one line. JSON lines are
/// objects with the same names, prices in quotes or as decimals. What is wrong is told together, the
/// first 1,000 cells with row and column.
#[utoipa::path(
    post, path = "/v1/retailers/{retailer}/products/import", tag = "products",
    params(
        ("retailer" = String, Path, description = "The retailer's name.", example = "example"),
        How, IdempotencyHeader,
    ),
    request_body(content(
        (String = "text/csv", example = examples::product_import_request),
        (String = "application/x-ndjson", example = examples::product_import_lines),
    )),
    responses(
        ImportProblems,
        (status = 200, description = "What came of it.",
            headers(("Idempotency-Replayed" = bool, description = "Answered before.")),
            body = Imported, example = examples::product_import),
    ),
)]
async fn product_import(
    State(state): State<ApiState>,
    Id(retailer): Id,
    QueryParams(how): QueryParams<How>,
    request: Request,
) -> ApiResult<WriteReply> {
    let format = format(request.headers())?;
    let key = own_key(&request)?;
    state.app.retailer_known(&retailer).await?;
    let (file, key) = upload::spool_under(key, request, &state).await?;
    let ask = ImportAsk {
        retailer,
        format,
        decimal_comma: how.decimal_comma,
        dry_run: how.dry_run,
        missing: how.missing,
    };
    let file = Box::new(file);
    // It goes on where the caller goes away: its answer is kept, and told when it is asked for again.
    let imported = state
        .app
        .products_import(ask, file, Some(key), Watch::default());
    Ok(WriteReply(imported.await?))
}

fn format(headers: &HeaderMap) -> Result<Format, Problem> {
    match upload::media_type(headers).as_deref() {
        Some("text/csv") => Ok(Format::Csv),
        Some("application/x-ndjson" | "application/jsonl") => Ok(Format::JsonLines),
        _ => Err(Problem::new(
            MEDIA_TYPE,
            "Send `Content-Type: text/csv` or `application/x-ndjson`.",
        )),
    }
}
