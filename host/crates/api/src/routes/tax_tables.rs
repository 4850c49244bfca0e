//! The tax table of a store: imported from a file, listed, exported, deleted.

use crate::access::authenticated::Authenticated;
use crate::access::route::{Access, Resource, RouteKind};
use crate::endpoint::Routes;
use crate::lists::{check_limit, default_limit};
use crate::problem::Details;
use crate::problem_responses::{ListProblems, TaxDeleteProblems, TaxTableImportProblems};
use crate::reason::{ReasonQuery, checked_reason};
use crate::reply::{ApiResult, WriteReply};
use crate::request::{
    Id, IdempotencyHeader, OptionalIdempotencyHeader, OptionalKey, QueryParams, idempotency_key,
};
use crate::state::ApiState;
use crate::upload;
use axum::Json;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, header};
use axum::response::{IntoResponse as _, Response};
use galleria_app::tabular::Watch;
use galleria_app::tax::{
    TaxTableDeleted, TaxTableImport, TaxTableImported, TaxTablePage, tax_table_csv,
};
use serde::Deserialize;

/// The routes of a tax service.
pub(super) fn routes() -> Routes {
    Routes::new()
        .with(endpoint!(tax_table_get, Access::till(Resource::Store)))
        .with(
            endpoint!(tax_table_import, Access::operator(Resource::Store)).kind(RouteKind::Upload),
        )
        .with(endpoint!(
            tax_table_delete,
            Access::operator(Resource::Store)
        ))
}

/// The maximum page size: a thousand rows are about 150 kilobytes.
const MAX_ROWS: u32 = 1_000;

/// Paging.
#[derive(Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct TableQuery {
    /// The `next` of the previous page.
    after: Option<String>,
    /// Page size.
    #[serde(default = "default_limit")]
    #[param(required = false, minimum = 1, maximum = 1000, default = 100)]
    limit: u32,
}

/// Get the tax table of a store
///
/// As pages of JSON, or with `Accept: text/csv` completely: `after` and `limit` have no effect then. Both are sorted by
/// code, level id and date. The import reads the CSV, and also the rows of JSON if each is one line. In the CSV, a `'`
/// precedes each text that a spreadsheet would evaluate; the import removes it.
#[utoipa::path(
    get, path = "/v1/stores/{id}/tax-table", tag = "taxes",
    params(("id" = String, Path, description = "The store's id.", example = "madrid-1"), TableQuery),
    responses(
        ListProblems,
        (status = 200, description = "A page of the table, or the table as CSV.",
            content(
                (TaxTablePage = "application/json", example = json!(example!("tax_table_page"))),
                (String = "text/csv", example = json!(example!("tax_table_csv"))),
            )),
        (status = 404, description = "`not_found`: the store", body = Details,
            content_type = "application/problem+json"),
    ),
)]
async fn tax_table_get(
    State(state): State<ApiState>,
    Id(id): Id,
    QueryParams(query): QueryParams<TableQuery>,
    headers: HeaderMap,
) -> ApiResult<Response> {
    let vary = (header::VARY, "Accept");
    if prefers_csv(&headers) {
        let text = tax_table_csv(&state.app.taxes.table(&id).await?)?;
        let content_type = (header::CONTENT_TYPE, "text/csv; charset=utf-8");
        return Ok(([vary, content_type], text).into_response());
    }
    let limit = check_limit(query.limit, MAX_ROWS)?;
    let page = state
        .app
        .taxes
        .table_page(&id, query.after.as_deref(), limit);
    Ok(([vary], Json(page.await?)).into_response())
}

/// Whether the header `Accept` gives CSV a higher weight than JSON. Ranges such as `*/*` mean JSON.
fn prefers_csv(headers: &HeaderMap) -> bool {
    let values = headers.get_all(header::ACCEPT).iter();
    let texts = values.filter_map(|value| value.to_str().ok());
    let (mut csv, mut json) = (0.0, 0.0);
    for range in texts.flat_map(|text| text.split(',')) {
        let mut parts = range.split(';').map(str::trim);
        let name = parts.next().unwrap_or_default().to_ascii_lowercase();
        let weight = parts.find_map(|part| part.strip_prefix("q=").or(part.strip_prefix("Q=")));
        let weight = weight.map_or(1.0, |text| text.parse().unwrap_or(0.0));
        match name.as_str() {
            "text/csv" => csv = weight,
            "application/json" | "application/*" | "*/*" => json = f32::max(json, weight),
            _ => {}
        }
    }
    // A client that names CSV and any other type prefers CSV, unless it says otherwise.
    csv > 0.0 && csv >= json
}

import_query!(TaxTableImportQuery with reason {
    /// Remove the rows of the table that the file does not have.
    #[serde(default)]
    #[param(required = false, default = false)]
    replace: bool,
});

/// Import the tax table of a store
///
/// Imports the complete file or nothing. It adds and changes rows; `replace` also removes the rows that the file does
/// not have. The next evaluation on each host uses the new table.
///
/// Columns are identified by name: `tax_code`, `tax_level`, `retailer_tax_level_id`, `tax_percent`, and optionally
/// `authority`, `kind` (`percent` if empty), `treatment`, `affects_later_taxes`, `ignores_earlier_taxes`, `position`,
/// `valid_from`, and `store_id`, which must be the store or empty. Code, level id and date identify a row. A row is
/// complete: omitted columns get their defaults.
///
/// The file is UTF-8, or UTF-16 with a byte order mark. CSV has `,`, `;`, `|` or a tab between cells, or the delimiter
/// of a first line such as `sep=|`; then a header row, and at most 50,000 rows. Rates have a decimal point. JSON lines
/// are objects with the same names, each at most once, whose values are strings or booleans; `position` may be a whole
/// number.
///
/// All problems are reported together: the first 1,000 invalid cells with row and column. A row is numbered as in a
/// spreadsheet; if the line of the file differs because of line breaks in cells, the message names it. An import that
/// changes the table is recorded in the audit log.
#[utoipa::path(
    post, path = "/v1/stores/{id}/tax-table", tag = "taxes",
    params(
        ("id" = String, Path, description = "The store's id.", example = "madrid-1"),
        TaxTableImportQuery, IdempotencyHeader,
    ),
    request_body(content(
        (String = "text/csv", example = json!(example!("tax_table_import_request"))),
        (String = "application/x-ndjson", example = json!(example!("tax_table_import_lines"))),
    )),
    responses(
        TaxTableImportProblems,
        (status = 200, description = "The result of the import, or of its dry run.",
            headers(("Idempotency-Replayed" = bool, description = "`true` if this response was sent before.")),
            body = TaxTableImported, example = json!(example!("tax_table_import"))),
    ),
)]
async fn tax_table_import(
    State(state): State<ApiState>,
    auth: Authenticated,
    Id(id): Id,
    QueryParams(query): QueryParams<TaxTableImportQuery>,
    request: Request,
) -> ApiResult<WriteReply> {
    let format = upload::format(request.headers())?;
    let key = idempotency_key(&request)?;
    let options = query.options();
    let reason = checked_reason(query.reason)?;
    // Reject an unknown store before the file is received.
    state.app.stores.store(&id).await?;
    let (file, key) = upload::receive(key, request, &state).await?;
    let import = TaxTableImport {
        store: Some(id),
        format,
        options,
        replace: query.replace,
        reach: auth.caller().reach.clone(),
        actor: auth.actor(""),
        reason,
    };
    // If the caller disconnects, it can repeat the request under the same key to get the result.
    let imported =
        state
            .app
            .taxes
            .import_table(import, Box::new(file), Some(key), Watch::default());
    Ok(WriteReply(imported.await?))
}

/// Delete the tax table of a store
///
/// The next evaluation on each host finds an empty table: it rejects the basket, unless the store's tax settings have
/// default taxes. The settings stay. The deletion is recorded in the audit log.
#[utoipa::path(
    delete, path = "/v1/stores/{id}/tax-table", tag = "taxes",
    params(
        ("id" = String, Path, description = "The store's id.", example = "madrid-1"),
        ReasonQuery, OptionalIdempotencyHeader,
    ),
    responses(
        TaxDeleteProblems,
        (status = 200, description = "The number of deleted rows.",
            headers(("Idempotency-Replayed" = bool, description = "`true` if this response was sent before.")),
            body = TaxTableDeleted, example = json!(example!("tax_table_deleted"))),
    ),
)]
async fn tax_table_delete(
    State(state): State<ApiState>,
    auth: Authenticated,
    Id(id): Id,
    QueryParams(query): QueryParams<ReasonQuery>,
    OptionalKey(key): OptionalKey,
) -> ApiResult<WriteReply> {
    let reason = query.checked_reason()?;
    let actor = auth.actor("");
    let deleted = state.app.taxes.delete_table(key, &id, &actor, &reason);
    Ok(WriteReply(deleted.await?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::http::HeaderValue;

    #[test]
    fn csv_is_sent_if_the_client_prefers_it() {
        for (accept, expected) in [
            (&[][..], false),
            (&["*/*"], false),
            (&["application/json"], false),
            (&["text/*, */*"], false),
            (&["text/csv"], true),
            (&["Text/CSV; charset=utf-8"], true),
            (&["text/csv, */*;q=0.1"], true),
            (&["text/csv, application/json"], true),
            (&["application/json, text/csv;q=0.9"], false),
            (&["text/csv;q=0"], false),
            (&["application/json;q=0.5", "text/csv;q=0.8"], true),
        ] {
            let mut headers = HeaderMap::new();
            for value in accept {
                headers.append(header::ACCEPT, HeaderValue::from_static(value));
            }
            assert_eq!(prefers_csv(&headers), expected, "{accept:?}");
        }
    }
}
