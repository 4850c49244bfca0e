//! Statements of payment providers: sent, listed, explained, settled by hand.

use crate::access::Authenticated;
use crate::openapi::examples;
use crate::problem::{
    BAD_REQUEST, BODY_TOO_LARGE, Details, FILE_REFUSED, FieldError, INVALID, Problem,
};
use crate::request::{Id, IdempotencyHeader, QueryParams, WriteRequest};
use crate::response::{
    ApiResult, ListProblems, ReadProblems, StatementProblems, WriteProblems, WriteReply,
};
use crate::serve::ApiState;
use axum::Json;
use axum::extract::{Request, State};
use axum::http::StatusCode;
use futures_util::TryStreamExt as _;
use galleria_app::Error;
use galleria_app::access::Subject;
use galleria_app::statements::{
    ExplainView, LineView, SettleAsk, Spool, StatementAsk, StatementView, Uncovered, UndoAsk,
};
use galleria_domain::MatchOutcome;
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

pub(crate) const IMPORT: &str = "/v1/retailers/{retailer}/statements";

pub(crate) fn routes() -> OpenApiRouter<ApiState> {
    OpenApiRouter::default()
        .routes(routes!(statement_import))
        .routes(routes!(statement_list))
        .routes(routes!(statement_uncovered))
        .routes(routes!(statement_get))
        .routes(routes!(statement_lines))
        .routes(routes!(line_explain))
        .routes(routes!(line_settle))
        .routes(routes!(line_undo))
}

/// Parts are as long as this at most.
const MOST: u32 = 1000;

fn usual() -> u32 {
    100
}

fn bounded(limit: u32) -> ApiResult<u32> {
    if (1..=MOST).contains(&limit) {
        return Ok(limit);
    }
    let message = format!("1 to {MOST}");
    let detail = format!("limit: {message}");
    Err(Problem::of_field(INVALID, detail, "limit".into(), message))
}

fn wrong(field: &str, message: &str) -> Problem {
    Error::invalid(field, message).into()
}

/// Who reads the file.
#[derive(Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct Reader {
    /// The plugin's name in `retailer.toml`.
    #[param(example = "statements")]
    plugin: String,
    /// The file's name as the provider gave it: of some, the payout is known by nothing else.
    #[param(example = "payout-42.csv", min_length = 1, max_length = 200)]
    file: String,
}

/// Send a statement
///
/// The body is the file as the provider sent it, of any media type. The same file is one statement,
/// however often and at whatever time it is sent: no `Idempotency-Key` is needed. All of it is
/// imported and matched, or nothing: what is wrong is told with row and column.
#[utoipa::path(
    post, path = "/v1/retailers/{retailer}/statements", tag = "statements",
    params(("retailer" = String, Path, description = "The retailer's name.", example = "example"), Reader),
    request_body(content = String, content_type = "application/octet-stream",
        example = json!("Psp Reference;Type;Net Credit\n8836-1;Settled;12.10\n")),
    responses(
        StatementProblems,
        (status = 200, description = "It was there before.", body = StatementView,
            example = examples::statement),
        (status = 201, description = "The statement.", body = StatementView,
            example = examples::statement),
        (status = 409, description = "`payout_exists`, `statement_busy`", body = Details,
            content_type = "application/problem+json"),
    ),
)]
async fn statement_import(
    State(state): State<ApiState>,
    Id(retailer): Id,
    QueryParams(Reader { plugin, file }): QueryParams<Reader>,
    request: Request,
) -> ApiResult<(StatusCode, Json<StatementView>)> {
    let ask = StatementAsk { retailer, plugin };
    state.app.statement_reader(&ask)?;
    let good = (1..=200).contains(&file.len()) && !file.chars().any(char::is_control);
    if !good {
        return Err(wrong("file", "1 to 200 bytes without control characters"));
    }
    let spool = state.app.vault()?.spool(&file)?;
    let spool = spooled(request, spool, state.app.vault()?.max_bytes()).await?;
    // It goes on where the caller goes away: the same file again then finds the statement.
    let app = state.app.clone();
    let importing =
        tokio::spawn(async move { app.statement_import(&ask, spool, Arc::default()).await });
    let imported = importing
        .await
        .map_err(|error| Error::Internal(format!("importing a statement: {error}")))?;
    let imported = imported.map_err(refused)?;
    let status = if imported.before {
        StatusCode::OK
    } else {
        StatusCode::CREATED
    };
    Ok((status, Json(imported.statement)))
}

/// Takes the body to the disk, piece by piece as it comes.
async fn spooled(
    request: Request,
    mut spool: Box<dyn Spool>,
    most: u64,
) -> ApiResult<Box<dyn Spool>> {
    let mut body = request.into_body().into_data_stream();
    let cut = |_| Problem::new(BAD_REQUEST, "The body ended before it was whole.");
    while let Some(chunk) = body.try_next().await.map_err(cut)? {
        // The write ends in the system's cache: it does not wait for the disk.
        spool.write(&chunk).map_err(|error| match error {
            Error::Invalid(_) => Problem::new(
                BODY_TOO_LARGE,
                format!("A statement has at most {most} bytes."),
            ),
            error => error.into(),
        })?;
    }
    Ok(spool)
}

/// What is wrong with a file is told as such.
fn refused(error: Error) -> Problem {
    match error {
        Error::Invalid(problems) => {
            let detail = match problems.len() {
                1 => "1 thing is wrong: nothing was imported.".to_owned(),
                count => format!("{count} things are wrong: nothing was imported."),
            };
            Problem {
                errors: problems.into_iter().map(FieldError::from).collect(),
                ..Problem::new(FILE_REFUSED, detail)
            }
        }
        error => error.into(),
    }
}

/// Which statements are asked for.
#[derive(Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct Page {
    /// Of this retailer; of all where it is not given.
    #[param(required = false)]
    retailer: Option<String>,
    /// The `next` of the part before; from the latest payout where it is not given.
    #[param(required = false)]
    after: Option<String>,
    /// At most so many.
    #[serde(default = "usual")]
    #[param(required = false, minimum = 1, maximum = 1000, default = 100)]
    limit: u32,
}

/// A part of the list of statements.
#[derive(Serialize, utoipa::ToSchema)]
struct StatementPage {
    /// The latest payout first.
    statements: Vec<StatementView>,
    /// The `after` of the next part; none where this is the last.
    next: Option<String>,
}

/// Statements, the latest payout first
#[utoipa::path(
    get, path = "/v1/statements", tag = "statements", params(Page),
    responses(
        ListProblems,
        (status = 200, description = "A part of the list.", body = StatementPage,
            example = examples::statement_page),
    ),
)]
async fn statement_list(
    State(state): State<ApiState>,
    auth: Authenticated,
    QueryParams(page): QueryParams<Page>,
) -> ApiResult<Json<StatementPage>> {
    let limit = bounded(page.limit)?;
    let after = match page.after.as_deref().map(|after| after.split_once('~')) {
        Some(None) => return Err(wrong("after", "the `next` of the part before")),
        Some(after) => after,
        None => None,
    };
    let retailer = auth.retailer(page.retailer)?;
    // One more than asked for tells whether there is a next part.
    let mut statements = state
        .app
        .statements(retailer.as_deref(), after, limit + 1)
        .await?;
    let asked = usize::try_from(limit).unwrap_or(usize::MAX);
    let more = statements.len() > asked;
    statements.truncate(asked);
    let last = statements.last().filter(|_| more);
    let next = last.map(|one| format!("{}~{}", one.header.paid_on, one.id));
    Ok(Json(StatementPage { statements, next }))
}

/// A statement, with sums by outcome
#[utoipa::path(
    get, path = "/v1/statements/{id}", tag = "statements",
    params(("id" = String, Path, description = "The statement's id.", example = "e33dc1f8c3b24ce0b66a")),
    responses(
        ReadProblems,
        (status = 200, description = "The statement.", body = StatementView,
            example = examples::statement),
    ),
)]
async fn statement_get(
    State(state): State<ApiState>,
    Id(id): Id,
) -> ApiResult<Json<StatementView>> {
    Ok(Json(state.app.statement(&id).await?))
}

/// Which lines are asked for.
#[derive(Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct LinesAsk {
    /// Of this outcome, such as `unmatched`; of all where it is not given.
    #[param(required = false)]
    outcome: Option<String>,
    /// Begin behind the line of this number.
    #[serde(default)]
    #[param(required = false)]
    after: u64,
    /// At most so many.
    #[serde(default = "usual")]
    #[param(required = false, minimum = 1, maximum = 1000, default = 100)]
    limit: u32,
}

/// A part of the lines of a statement.
#[derive(Serialize, utoipa::ToSchema)]
struct LinePage {
    /// In the order of the file.
    lines: Vec<LineView>,
    /// The `after` of the next part; none where this is the last.
    next: Option<u64>,
}

/// Lines of a statement in the order of the file
#[utoipa::path(
    get, path = "/v1/statements/{id}/lines", tag = "statements",
    params(("id" = String, Path, description = "The statement's id.", example = "e33dc1f8c3b24ce0b66a"), LinesAsk),
    responses(
        ListProblems,
        (status = 200, description = "A part of the lines.", body = LinePage,
            example = examples::statement_lines),
        (status = 404, description = "`not_found`", body = Details,
            content_type = "application/problem+json"),
    ),
)]
async fn statement_lines(
    State(state): State<ApiState>,
    Id(id): Id,
    QueryParams(ask): QueryParams<LinesAsk>,
) -> ApiResult<Json<LinePage>> {
    let limit = bounded(ask.limit)?;
    let outcome = match ask.outcome.as_deref() {
        None => None,
        Some(word) => Some(MatchOutcome::by_word(word).ok_or_else(|| {
            let known = MatchOutcome::ALL.map(MatchOutcome::word).join(", ");
            wrong("outcome", &format!("one of {known}"))
        })?),
    };
    // No database counts further.
    if i64::try_from(ask.after).is_err() {
        return Err(wrong("after", "the `next` of the part before"));
    }
    let mut lines = state
        .app
        .statement_lines(&id, outcome, ask.after, limit + 1)
        .await?;
    let asked = usize::try_from(limit).unwrap_or(usize::MAX);
    let more = lines.len() > asked;
    lines.truncate(asked);
    let next = lines.last().filter(|_| more).map(|line| line.number);
    Ok(Json(LinePage { lines, next }))
}

/// Which payments are asked for.
#[derive(Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct UncoveredAsk {
    /// The retailer.
    #[param(example = "example")]
    retailer: String,
    /// Older than so many days; as `retailer.toml` says where it is not given.
    #[param(required = false, maximum = 3650)]
    days: Option<u32>,
    /// The `next` of the part before.
    #[param(required = false)]
    after: Option<String>,
    /// At most so many.
    #[serde(default = "usual")]
    #[param(required = false, minimum = 1, maximum = 1000, default = 100)]
    limit: u32,
}

/// A part of the list of payments that no statement covers.
#[derive(Serialize, utoipa::ToSchema)]
struct UncoveredPage {
    /// The oldest first.
    uncovered: Vec<Uncovered>,
    /// The `after` of the next part; none where this is the last.
    next: Option<String>,
}

/// Payments and refunds that no statement has covered in time
#[utoipa::path(
    get, path = "/v1/statements/uncovered", tag = "statements", params(UncoveredAsk),
    responses(
        ListProblems,
        (status = 200, description = "A part of the list.", body = UncoveredPage,
            example = examples::statement_uncovered),
    ),
)]
async fn statement_uncovered(
    State(state): State<ApiState>,
    auth: Authenticated,
    QueryParams(ask): QueryParams<UncoveredAsk>,
) -> ApiResult<Json<UncoveredPage>> {
    auth.reaches(&state.app, Subject::Retailer(ask.retailer.clone()))
        .await?;
    let limit = bounded(ask.limit)?;
    if ask.days.is_some_and(|days| days > 3650) {
        return Err(wrong("days", "at most 3650"));
    }
    let after = ask.after.as_deref();
    let found = state
        .app
        .statements_uncovered(&ask.retailer, ask.days, after, limit);
    let (uncovered, next) = found.await?;
    Ok(Json(UncoveredPage { uncovered, next }))
}

/// A line, and why it got its outcome
#[utoipa::path(
    get, path = "/v1/statement-lines/{id}", tag = "statements",
    params(("id" = String, Path, description = "The line's id.", example = "e33dc1f8c3b24ce0b66a.1")),
    responses(
        ReadProblems,
        (status = 200, description = "The line, its candidates, and what was done to it by hand.",
            body = ExplainView, example = examples::line_explained),
    ),
)]
async fn line_explain(State(state): State<ApiState>, Id(id): Id) -> ApiResult<Json<ExplainView>> {
    Ok(Json(state.app.statement_line_explain(&id).await?))
}

/// Settle a line by hand
///
/// With an `entry` the line is linked with a tender of that payment or refund, and matched. Without,
/// it is matched with the tender it is linked with; where there is none, it is `not-applicable`.
/// Access, when, why, and what stood there before and after is kept.
#[utoipa::path(
    post, path = "/v1/statement-lines/{id}/settle", tag = "statements",
    params(("id" = String, Path, description = "The line's id.", example = "e33dc1f8c3b24ce0b66a.1"), IdempotencyHeader),
    request_body(content = SettleAsk, example = examples::line_settle_request),
    responses(
        WriteProblems,
        (status = 200, description = "The line as it is now.",
            headers(("Idempotency-Replayed" = bool, description = "Answered before.")),
            body = LineView, example = examples::line_settled),
        (status = 409, description = "`line_matched`", body = Details,
            content_type = "application/problem+json"),
    ),
)]
async fn line_settle(
    State(state): State<ApiState>,
    auth: Authenticated,
    Id(id): Id,
    WriteRequest { key, mut body }: WriteRequest<SettleAsk>,
) -> ApiResult<WriteReply> {
    body.by = auth.signs(&body.by);
    Ok(WriteReply(
        state.app.statement_line_settle(key, &id, body).await?,
    ))
}

/// Take back what was settled by hand
///
/// The rules decide again, on what is recorded now.
#[utoipa::path(
    post, path = "/v1/statement-lines/{id}/undo", tag = "statements",
    params(("id" = String, Path, description = "The line's id.", example = "e33dc1f8c3b24ce0b66a.1"), IdempotencyHeader),
    request_body(content = UndoAsk, example = examples::line_undo_request),
    responses(
        WriteProblems,
        (status = 200, description = "The line as it is now.",
            headers(("Idempotency-Replayed" = bool, description = "Answered before.")),
            body = LineView, example = examples::line_undone),
        (status = 409, description = "`not_settled_by_hand`", body = Details,
            content_type = "application/problem+json"),
    ),
)]
async fn line_undo(
    State(state): State<ApiState>,
    auth: Authenticated,
    Id(id): Id,
    WriteRequest { key, mut body }: WriteRequest<UndoAsk>,
) -> ApiResult<WriteReply> {
    body.by = auth.signs(&body.by);
    Ok(WriteReply(
        state.app.statement_line_undo(key, &id, body).await?,
    ))
}
