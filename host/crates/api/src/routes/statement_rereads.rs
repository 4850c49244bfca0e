//! Rereads settlement statements, and lists rejected files.

use super::statements::import_problem;
use crate::access::authenticated::Authenticated;
use crate::access::route::{Access, Resource};
use crate::endpoint::Routes;
use crate::lists::{check_limit, default_limit};
use crate::problem::Details;
use crate::problem_responses::{ListProblems, WriteProblems};
use crate::reply::{ApiResult, WriteReply};
use crate::request::{Id, IdempotencyHeader, QueryParams, WriteRequest};
use crate::state::ApiState;
use axum::Json;
use axum::extract::State;
use galleria_app::access::Subject;
use galleria_app::settlement::{RejectedView, RereadRequest, RereadView};
use galleria_domain::Problem;
use galleria_ports::Error;
use serde::{Deserialize, Serialize};

pub(super) fn routes() -> Routes {
    Routes::new()
        .with(endpoint!(
            statement_rejected,
            Access::back_office(Resource::Body)
        ))
        .with(endpoint!(
            statement_reread,
            Access::back_office(Resource::Statement)
        ))
}

/// The maximum number of rejected files in a response.
const MAX_REJECTED: u32 = 200;

/// Filter and number.
#[derive(Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct RejectedQuery {
    /// The retailer.
    #[param(example = "example")]
    retailer: String,
    /// The maximum number of files.
    #[serde(default = "default_limit")]
    #[param(required = false, minimum = 1, maximum = 200, default = 100)]
    limit: u32,
}

/// Rejected statement files.
#[derive(Serialize, utoipa::ToSchema)]
struct RejectedList {
    /// The latest first.
    rejected: Vec<RejectedView>,
}

/// List the statement files that a plugin rejected, the latest first
///
/// The host keeps the original of a rejected file. Read it again when the plugin or its settings are corrected.
#[utoipa::path(
    get, path = "/v1/statements/rejected", tag = "statements", params(RejectedQuery),
    responses(
        ListProblems,
        (status = 200, description = "The files.", body = RejectedList,
            example = json!(example!("statement_rejected"))),
    ),
)]
async fn statement_rejected(
    State(state): State<ApiState>,
    auth: Authenticated,
    QueryParams(query): QueryParams<RejectedQuery>,
) -> ApiResult<Json<RejectedList>> {
    auth.check_reach(&state.app, Subject::Retailer(query.retailer.clone()))
        .await?;
    auth.check_known(&state.app, Some(&query.retailer)).await?;
    let limit = check_limit(query.limit, MAX_REJECTED)?;
    let settlement = &state.app.settlement;
    let rejected = settlement
        .rejected_statements(&query.retailer, limit)
        .await?;
    Ok(Json(RejectedList { rejected }))
}

/// Read the original of a statement again
///
/// Use it after a correction of the plugin or its settings, also for a rejected file. The new lines replace the old
/// ones together; a reading that fails changes nothing. Matches are computed again. A manual settlement is kept if
/// its line is the same in the same row of the file; the others are undone and listed in the response. The audit log
/// records actor, reason and both states.
#[utoipa::path(
    post, path = "/v1/statements/{id}/reread", tag = "statements",
    params(("id" = String, Path, description = "The statement's id.", example = "e33dc1f8c3b24ce0b66a"), IdempotencyHeader),
    request_body(content = RereadRequest, example = json!(example!("statement_reread_request"))),
    responses(
        WriteProblems,
        (status = 200, description = "The statement was read again.",
            headers(("Idempotency-Replayed" = bool, description = "`true` if this response was sent before.")),
            body = RereadView, example = json!(example!("statement_reread"))),
        (status = 409, description = "`payout_exists`, `statement_busy`", body = Details,
            content_type = "application/problem+json"),
        (status = 422, description = "`file_refused`: nothing was changed", body = Details,
            content_type = "application/problem+json"),
    ),
)]
async fn statement_reread(
    State(state): State<ApiState>,
    auth: Authenticated,
    Id(id): Id,
    WriteRequest { key, mut body }: WriteRequest<RereadRequest>,
) -> ApiResult<WriteReply> {
    body.actor = auth.actor(&body.actor);
    // If the caller disconnects, the work continues.
    let settlement = state.app.settlement.clone();
    let reading = tokio::spawn(async move { settlement.reread(key, &id, body).await });
    let reply = reading
        .await
        .map_err(|error| Error::Internal(format!("reading a statement again: {error}")))?;
    reply.map(WriteReply).map_err(|error| {
        let of_file = |problem: &Problem| !["actor", "reason"].contains(&&*problem.field);
        match error {
            Error::Invalid(problems) if problems.iter().any(of_file) => {
                import_problem(Error::Invalid(problems))
            }
            error => error.into(),
        }
    })
}
