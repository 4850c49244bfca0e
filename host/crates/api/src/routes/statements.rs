//! Settlement statements of payment providers: imported and listed.

use crate::access::authenticated::Authenticated;
use crate::access::route::{Access, Resource, RouteKind};
use crate::endpoint::Routes;
use crate::lists::{check_limit, cut_page, default_limit};
use crate::problem::{Details, FieldError, Problem};
use crate::problem_kinds::{BAD_REQUEST, BODY_TOO_LARGE, FILE_REFUSED};
use crate::problem_responses::{ListProblems, ReadProblems, StatementProblems};
use crate::reply::ApiResult;
use crate::request::{Id, QueryParams};
use crate::state::ApiState;
use axum::Json;
use axum::extract::{Request, State};
use axum::http::StatusCode;
use futures_util::TryStreamExt as _;
use galleria_app::access::Subject;
use galleria_app::settlement::{StatementRequest, StatementView, Uncovered};
use galleria_ports::Error;
use galleria_ports::vault::Spool;
use serde::{Deserialize, Serialize};
use std::sync::Arc;

pub(super) fn routes() -> Routes {
    Routes::new()
        .with(
            endpoint!(statement_import, Access::back_office(Resource::Retailer))
                .kind(RouteKind::Upload),
        )
        .with(endpoint!(
            statement_list,
            Access::back_office(Resource::Body)
        ))
        .with(endpoint!(
            statement_uncovered,
            Access::back_office(Resource::Body)
        ))
        .with(endpoint!(
            statement_get,
            Access::back_office(Resource::Statement)
        ))
}

/// The maximum page size.
const MAX_STATEMENTS: u32 = 1000;

/// The file and its reader.
#[derive(Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct ImportQuery {
    /// The plugin that reads the file, by its name in `retailer.toml`.
    #[param(example = "statements")]
    plugin: String,
    /// The provider's file name. For some providers it is the only identification of the payout.
    #[param(example = "payout-42.csv", min_length = 1, max_length = 200)]
    file: String,
}

/// Import a statement
///
/// The body is the provider's original file, of any media type. The same file is always the same statement, so
/// no `Idempotency-Key` is needed. The host imports and matches the complete file or nothing; problems are
/// reported with row and column.
#[utoipa::path(
    post, path = "/v1/retailers/{retailer}/statements", tag = "statements",
    params(("retailer" = String, Path, description = "The retailer's name.", example = "example"), ImportQuery),
    request_body(content = String, content_type = "application/octet-stream",
        example = json!("Psp Reference;Type;Net Credit\n8836-1;Settled;12.10\n")),
    responses(
        StatementProblems,
        (status = 200, description = "The statement, which was imported before.", body = StatementView,
            example = json!(example!("statement"))),
        (status = 201, description = "The statement.", body = StatementView,
            example = json!(example!("statement"))),
        (status = 409, description = "`payout_exists`, `statement_busy`", body = Details,
            content_type = "application/problem+json"),
    ),
)]
async fn statement_import(
    State(state): State<ApiState>,
    Id(retailer): Id,
    QueryParams(ImportQuery { plugin, file }): QueryParams<ImportQuery>,
    request: Request,
) -> ApiResult<(StatusCode, Json<StatementView>)> {
    let import = StatementRequest { retailer, plugin };
    state.app.settlement.statement_reader(&import)?;
    let valid = (1..=200).contains(&file.len()) && !file.chars().any(char::is_control);
    if !valid {
        let message = "must have 1 to 200 bytes and no control characters";
        return Err(Problem::invalid_field("file", message));
    }
    let spool = state.app.settlement.vault()?.spool(&file)?;
    let spool = spool_body(request, spool, state.app.settlement.vault()?.max_bytes()).await?;
    // If the caller disconnects, the import continues. Sending the same file again returns the statement.
    let app = state.app.clone();
    let importing =
        tokio::spawn(async move { app.settlement.import(&import, spool, Arc::default()).await });
    let imported = importing
        .await
        .map_err(|error| Error::Internal(format!("importing a statement: {error}")))?;
    let imported = imported.map_err(import_problem)?;
    let status = if imported.before {
        StatusCode::OK
    } else {
        StatusCode::CREATED
    };
    Ok((status, Json(imported.statement)))
}

/// Writes the body to disk, chunk by chunk.
async fn spool_body(
    request: Request,
    mut spool: Box<dyn Spool>,
    max_bytes: u64,
) -> ApiResult<Box<dyn Spool>> {
    let mut body = request.into_body().into_data_stream();
    let cut = |_| {
        let detail = "The connection closed before the body was complete.";
        Problem::new(BAD_REQUEST, detail)
    };
    while let Some(chunk) = body.try_next().await.map_err(cut)? {
        // The write goes to the page cache and does not block on the disk.
        spool.write(&chunk).map_err(|error| match error {
            Error::Invalid(_) => Problem::new(
                BODY_TOO_LARGE,
                format!("The statement must have at most {max_bytes} bytes."),
            ),
            error => error.into(),
        })?;
    }
    Ok(spool)
}

/// Reports invalid content as `file_refused`.
pub(super) fn import_problem(error: Error) -> Problem {
    match error {
        Error::Invalid(problems) => {
            let detail = match problems.len() {
                1 => "1 problem: nothing was imported.".to_owned(),
                count => format!("{count} problems: nothing was imported."),
            };
            Problem {
                errors: problems.into_iter().map(FieldError::from).collect(),
                ..Problem::new(FILE_REFUSED, detail)
            }
        }
        error => error.into(),
    }
}

/// Filters and paging.
#[derive(Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct StatementsQuery {
    /// Only of this retailer.
    #[param(required = false)]
    retailer: Option<String>,
    /// The `next` of the previous page; the list starts with the latest payout if it is absent.
    #[param(required = false)]
    after: Option<String>,
    /// Page size.
    #[serde(default = "default_limit")]
    #[param(required = false, minimum = 1, maximum = 1000, default = 100)]
    limit: u32,
}

/// A page of the list of statements.
#[derive(Serialize, utoipa::ToSchema)]
struct StatementPage {
    /// Latest payout first.
    statements: Vec<StatementView>,
    /// The `after` of the next page; null on the last page.
    next: Option<String>,
}

/// List statements, latest payout first
#[utoipa::path(
    get, path = "/v1/statements", tag = "statements", params(StatementsQuery),
    responses(
        ListProblems,
        (status = 200, description = "A page of the list.", body = StatementPage,
            example = json!(example!("statement_page"))),
    ),
)]
async fn statement_list(
    State(state): State<ApiState>,
    auth: Authenticated,
    QueryParams(query): QueryParams<StatementsQuery>,
) -> ApiResult<Json<StatementPage>> {
    let limit = check_limit(query.limit, MAX_STATEMENTS)?;
    let after = match query.after.as_deref().map(|after| after.split_once('~')) {
        Some(None) => {
            return Err(Problem::invalid_field(
                "after",
                "must be the `next` of the previous page",
            ));
        }
        Some(after) => after,
        None => None,
    };
    let retailer = auth.list_retailer(&state.app, query.retailer).await?;
    // Read one more row to find out whether there is a next page.
    let mut statements = state
        .app
        .settlement
        .statements(retailer.as_deref(), after, limit + 1)
        .await?;
    let more = cut_page(&mut statements, limit);
    let last = statements.last().filter(|_| more);
    let next = last.map(|one| format!("{}~{}", one.header.paid_on, one.id));
    Ok(Json(StatementPage { statements, next }))
}

/// Get a statement with sums by outcome
///
/// `balance` lists the components of the payout: matched, differences, unmatched, fees and other add up to `net`.
/// The attributes `columns-read` and `columns-ignored` of `header` name the columns of the file.
#[utoipa::path(
    get, path = "/v1/statements/{id}", tag = "statements",
    params(("id" = String, Path, description = "The statement's id.", example = "e33dc1f8c3b24ce0b66a")),
    responses(
        ReadProblems,
        (status = 200, description = "The statement.", body = StatementView,
            example = json!(example!("statement"))),
    ),
)]
async fn statement_get(
    State(state): State<ApiState>,
    Id(id): Id,
) -> ApiResult<Json<StatementView>> {
    Ok(Json(state.app.settlement.statement(&id).await?))
}

/// Filters and paging.
#[derive(Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct UncoveredQuery {
    /// The retailer.
    #[param(example = "example")]
    retailer: String,
    /// Only those with a business date at least this number of days ago; the default is in `retailer.toml`.
    #[param(required = false, maximum = 3650)]
    days: Option<u32>,
    /// The `next` of the previous page.
    #[param(required = false)]
    after: Option<String>,
    /// Page size.
    #[serde(default = "default_limit")]
    #[param(required = false, minimum = 1, maximum = 1000, default = 100)]
    limit: u32,
}

/// A page of the payments and refunds that no statement covers.
#[derive(Serialize, utoipa::ToSchema)]
struct UncoveredPage {
    /// Oldest first.
    uncovered: Vec<Uncovered>,
    /// The `after` of the next page; null on the last page.
    next: Option<String>,
}

/// List payments and refunds that no statement covered in time
///
/// The days count from the business date, so a sale that was sent late can be overdue immediately. A payment that
/// statement lines paid only in part is listed with its `open` rest.
#[utoipa::path(
    get, path = "/v1/statements/uncovered", tag = "statements", params(UncoveredQuery),
    responses(
        ListProblems,
        (status = 200, description = "A page of the list.", body = UncoveredPage,
            example = json!(example!("statement_uncovered"))),
    ),
)]
async fn statement_uncovered(
    State(state): State<ApiState>,
    auth: Authenticated,
    QueryParams(query): QueryParams<UncoveredQuery>,
) -> ApiResult<Json<UncoveredPage>> {
    auth.check_reach(&state.app, Subject::Retailer(query.retailer.clone()))
        .await?;
    auth.check_known(&state.app, Some(&query.retailer)).await?;
    let limit = check_limit(query.limit, MAX_STATEMENTS)?;
    if query.days.is_some_and(|days| days > 3650) {
        return Err(Problem::invalid_field("days", "must be at most 3650"));
    }
    let after = query.after.as_deref();
    let page = state
        .app
        .settlement
        .uncovered(&query.retailer, query.days, after, limit);
    let (uncovered, next) = page.await?;
    Ok(Json(UncoveredPage { uncovered, next }))
}
