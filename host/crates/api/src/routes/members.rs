//! Identification of members by a scanned code.
//!
//! Sensitive: neither code nor answer is stored, logged or quoted. Every unknown code gets the same bytes.

use crate::access::route::{Access, Resource, RouteKind};
use crate::endpoint::Routes;
use crate::problem::{Problem, whole_seconds};
use crate::problem_kinds::{MEMBER_UNKNOWN, TOO_MANY_ATTEMPTS};
use crate::problem_responses::IdentifyProblems;
use crate::reply::ApiResult;
use crate::request::{ClientAddress, Id, Sensitive};
use crate::state::ApiState;
use axum::Json;
use axum::extract::State;
use galleria_app::members::Code;
use galleria_domain::Member;
use galleria_ports::Error;
use serde::{Deserialize, Serialize};
use std::time::Duration;

pub(super) fn routes() -> Routes {
    Routes::new()
        .with(endpoint!(member_identify, Access::till(Resource::Store)).kind(RouteKind::Sensitive))
}

/// A scanned code.
#[derive(Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
struct Identify {
    /// The code as scanned.
    code: String,
}

/// An identified member.
#[derive(Serialize, utoipa::ToSchema)]
struct Identified {
    /// Send it along with the order.
    member: Member,
}

/// Identify a member
///
/// The store's plugin looks up the member of a code. The request changes nothing and needs no
/// `Idempotency-Key`. Attempts per store and per client are limited, including successful ones. Every response
/// takes at least a fixed time. Every invalid code gets the same bytes, `member_unknown`.
#[utoipa::path(
    post, path = "/v1/stores/{id}/members/identify", tag = "stores",
    params(("id" = String, Path, description = "The store's id.", example = "madrid-1")),
    request_body(content = Identify, example = json!(example!("identify_request"))),
    responses(
        IdentifyProblems,
        (status = 200, description = "The member.", body = Identified,
            example = json!(example!("identify"))),
    ),
)]
async fn member_identify(
    State(state): State<ApiState>,
    Id(store): Id,
    ClientAddress(client): ClientAddress,
    Sensitive(Identify { code }): Sensitive<Identify>,
) -> ApiResult<Json<Identified>> {
    let identified = state.app.members.identify(&store, client, Code::new(code));
    match identified.await {
        Ok(Some(member)) => Ok(Json(Identified { member })),
        Ok(None) => Err(Problem::new(MEMBER_UNKNOWN, MEMBER_UNKNOWN.remedy)),
        Err(Error::Limited { wait }) => Err(too_many(wait)),
        Err(error) => Err(error.into()),
    }
}

/// `Retry-After` has whole seconds: round the wait up.
fn too_many(wait: Duration) -> Problem {
    Problem::new(TOO_MANY_ATTEMPTS, TOO_MANY_ATTEMPTS.remedy).after(whole_seconds(wait))
}
