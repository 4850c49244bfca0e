//! Members: who is behind a scanned code. A sensitive point: neither a code nor an answer is kept,
//! logged or told again, and every code that is good for nobody is answered with the same bytes.

use crate::openapi::examples;
use crate::problem::{MEMBER_UNKNOWN, Problem, TOO_MANY_ATTEMPTS};
use crate::request::{ClientAddress, Id, Sensitive};
use crate::response::{ApiResult, IdentifyProblems};
use crate::serve::ApiState;
use axum::Json;
use axum::extract::State;
use galleria_app::Error;
use galleria_app::members::Code;
use galleria_domain::Member;
use serde::{Deserialize, Serialize};
use std::time::Duration;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

/// Whoever is asked about here is nobody else's to know.
pub(crate) const IDENTIFY: &str = "/v1/stores/{id}/members/identify";

pub(crate) fn routes() -> OpenApiRouter<ApiState> {
    OpenApiRouter::default().routes(routes!(member_identify))
}

/// A scanned code.
#[derive(Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
struct Identify {
    /// As it was scanned.
    code: String,
}

/// Who it is.
#[derive(Serialize, utoipa::ToSchema)]
struct Identified {
    /// To be sent along with the order.
    member: Member,
}

/// Identify a member
///
/// Asks the store's plugin who is behind a code. It is a question: it changes nothing and takes no
/// `Idempotency-Key`. Attempts are limited for each store and for each client, good ones too. No
/// answer comes before a fixed time has passed, and whatever is wrong with a code, the answer is
/// `member_unknown`, byte for byte.
#[utoipa::path(
    post, path = "/v1/stores/{id}/members/identify", tag = "stores",
    params(("id" = String, Path, description = "The store's id.", example = "madrid-1")),
    request_body(content = Identify, example = examples::identify_request),
    responses(
        IdentifyProblems,
        (status = 200, description = "The member.", body = Identified,
            example = examples::identify),
    ),
)]
async fn member_identify(
    State(state): State<ApiState>,
    Id(store): Id,
    ClientAddress(client): ClientAddress,
    Sensitive(Identify { code }): Sensitive<Identify>,
) -> ApiResult<Json<Identified>> {
    let asked = state.app.member_identify(&store, client, Code::new(code));
    match asked.await {
        Ok(Some(member)) => Ok(Json(Identified { member })),
        Ok(None) => Err(Problem::new(MEMBER_UNKNOWN, MEMBER_UNKNOWN.remedy)),
        Err(Error::Limited { wait }) => Err(too_many(wait)),
        Err(error) => Err(error.into()),
    }
}

/// Whole seconds, as the header has it, and no fewer than the wait.
fn too_many(wait: Duration) -> Problem {
    let seconds = u32::try_from(wait.as_millis().div_ceil(1_000)).unwrap_or(u32::MAX);
    Problem::new(TOO_MANY_ATTEMPTS, TOO_MANY_ATTEMPTS.remedy).after(seconds.max(1))
}
