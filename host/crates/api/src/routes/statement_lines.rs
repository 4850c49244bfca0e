//! Lines of settlement statements: listed, explained, settled manually.

use crate::access::authenticated::Authenticated;
use crate::access::route::{Access, Resource};
use crate::endpoint::Routes;
use crate::lists::{check_limit, cut_page, default_limit, one_of};
use crate::problem::{Details, Problem};
use crate::problem_responses::{ListProblems, ReadProblems, WriteProblems};
use crate::reply::{ApiResult, WriteReply};
use crate::request::{Id, IdempotencyHeader, QueryParams, WriteRequest};
use crate::state::ApiState;
use axum::Json;
use axum::extract::State;
use galleria_app::settlement::{ExplainView, LineView, SettleRequest, UndoRequest};
use galleria_domain::MatchOutcome;
use serde::{Deserialize, Serialize};

pub(super) fn routes() -> Routes {
    Routes::new()
        .with(endpoint!(
            statement_lines,
            Access::back_office(Resource::Statement)
        ))
        .with(endpoint!(line_explain, Access::back_office(Resource::Line)))
        .with(endpoint!(line_settle, Access::back_office(Resource::Line)))
        .with(endpoint!(line_undo, Access::back_office(Resource::Line)))
}

/// The maximum page size.
const MAX_LINES: u32 = 1000;

/// Filters and paging.
#[derive(Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct LinesQuery {
    /// Only of this outcome, such as `unmatched`.
    #[param(required = false)]
    outcome: Option<String>,
    /// The `next` of the previous page: the number of its last line.
    #[serde(default)]
    #[param(required = false)]
    after: u64,
    /// Page size.
    #[serde(default = "default_limit")]
    #[param(required = false, minimum = 1, maximum = 1000, default = 100)]
    limit: u32,
}

/// A page of the lines of a statement.
#[derive(Serialize, utoipa::ToSchema)]
struct LinePage {
    /// Sorted as in the file.
    lines: Vec<LineView>,
    /// The `after` of the next page; null on the last page.
    next: Option<u64>,
}

/// List the lines of a statement in the order of the file
#[utoipa::path(
    get, path = "/v1/statements/{id}/lines", tag = "statements",
    params(("id" = String, Path, description = "The statement's id.", example = "e33dc1f8c3b24ce0b66a"), LinesQuery),
    responses(
        ListProblems,
        (status = 200, description = "A page of the lines.", body = LinePage,
            example = json!(example!("statement_lines"))),
        (status = 404, description = "`not_found`", body = Details,
            content_type = "application/problem+json"),
    ),
)]
async fn statement_lines(
    State(state): State<ApiState>,
    Id(id): Id,
    QueryParams(query): QueryParams<LinesQuery>,
) -> ApiResult<Json<LinePage>> {
    let limit = check_limit(query.limit, MAX_LINES)?;
    let outcome = query.outcome.as_deref();
    let outcome = one_of("outcome", outcome, &MatchOutcome::ALL, MatchOutcome::word)?;
    // Databases count in signed 64-bit integers.
    if i64::try_from(query.after).is_err() {
        return Err(Problem::invalid_field(
            "after",
            "must be the `next` of the previous page",
        ));
    }
    let mut lines = state
        .app
        .settlement
        .lines(&id, outcome, query.after, limit + 1)
        .await?;
    let more = cut_page(&mut lines, limit);
    let next = lines.last().filter(|_| more).map(|line| line.number);
    Ok(Json(LinePage { lines, next }))
}

/// Get a statement line with the reason of its outcome
#[utoipa::path(
    get, path = "/v1/statement-lines/{id}", tag = "statements",
    params(("id" = String, Path, description = "The line's id.", example = "e33dc1f8c3b24ce0b66a.1")),
    responses(
        ReadProblems,
        (status = 200, description = "The line, its candidates, and its manual settlements.",
            body = ExplainView, example = json!(example!("line_explained"))),
    ),
)]
async fn line_explain(State(state): State<ApiState>, Id(id): Id) -> ApiResult<Json<ExplainView>> {
    Ok(Json(state.app.settlement.explain_line(&id).await?))
}

/// Settle a statement line manually
///
/// With an `entry`, the line settles what is open of a tender of that payment or refund, and a difference of the
/// amounts is accepted. With `parts`, the line is distributed over tenders: the parts must sum to the line's gross
/// amount, and no part may be more than is open of its tender. Several lines can settle one tender in this way.
/// Without both, the line settles what is open of the tender that it is linked with. A line without a linked tender
/// becomes `not-applicable`. The rules are then applied again to other lines that share references with these
/// tenders. The audit log records actor, time, reason, and the state before and after.
#[utoipa::path(
    post, path = "/v1/statement-lines/{id}/settle", tag = "statements",
    params(("id" = String, Path, description = "The line's id.", example = "e33dc1f8c3b24ce0b66a.1"), IdempotencyHeader),
    request_body(content = SettleRequest, example = json!(example!("line_settle_request"))),
    responses(
        WriteProblems,
        (status = 200, description = "The line.",
            headers(("Idempotency-Replayed" = bool, description = "`true` if this response was sent before.")),
            body = LineView, example = json!(example!("line_settled"))),
        (status = 409, description = "`line_matched`", body = Details,
            content_type = "application/problem+json"),
    ),
)]
async fn line_settle(
    State(state): State<ApiState>,
    auth: Authenticated,
    Id(id): Id,
    WriteRequest { key, mut body }: WriteRequest<SettleRequest>,
) -> ApiResult<WriteReply> {
    body.actor = auth.actor(&body.actor);
    Ok(WriteReply(
        state.app.settlement.settle_line(key, &id, body).await?,
    ))
}

/// Undo a manual settlement
///
/// The matching rules decide again, based on the current records.
#[utoipa::path(
    post, path = "/v1/statement-lines/{id}/undo", tag = "statements",
    params(("id" = String, Path, description = "The line's id.", example = "e33dc1f8c3b24ce0b66a.1"), IdempotencyHeader),
    request_body(content = UndoRequest, example = json!(example!("line_undo_request"))),
    responses(
        WriteProblems,
        (status = 200, description = "The line.",
            headers(("Idempotency-Replayed" = bool, description = "`true` if this response was sent before.")),
            body = LineView, example = json!(example!("line_undone"))),
        (status = 409, description = "`not_settled_manually`", body = Details,
            content_type = "application/problem+json"),
    ),
)]
async fn line_undo(
    State(state): State<ApiState>,
    auth: Authenticated,
    Id(id): Id,
    WriteRequest { key, mut body }: WriteRequest<UndoRequest>,
) -> ApiResult<WriteReply> {
    body.actor = auth.actor(&body.actor);
    Ok(WriteReply(
        state.app.settlement.undo_line(key, &id, body).await?,
    ))
}
