//! What operators did: who, when, why, what before and after.

use crate::openapi::examples;
use crate::problem::{INVALID, Problem};
use crate::request::QueryParams;
use crate::response::{ApiResult, ListProblems};
use crate::serve::ApiState;
use axum::Json;
use axum::extract::State;
use galleria_app::lookup::OperationPage;
use galleria_app::records::OperationFilter;
use serde::Deserialize;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

pub(crate) fn routes() -> OpenApiRouter<ApiState> {
    OpenApiRouter::default().routes(routes!(operation_list))
}

/// Which actions are listed.
#[derive(Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct Listed {
    /// About this subject, such as an event and its plugin.
    subject: Option<String>,
    /// Of this kind, such as `dead_letter_replay`.
    action: Option<String>,
    /// By this operator, as the list names it.
    operator: Option<String>,
    /// The `next` of the page before.
    after: Option<String>,
    /// At most so many.
    #[serde(default = "Listed::usual")]
    #[param(required = false, minimum = 1, maximum = 500, default = 100)]
    limit: u32,
}

impl Listed {
    const MOST: u32 = 500;

    fn usual() -> u32 {
        100
    }
}

/// What operators did, newest first
#[utoipa::path(
    get, path = "/v1/operations", tag = "operation", params(Listed),
    responses(
        ListProblems,
        (status = 200, description = "A part of the list.", body = OperationPage,
            example = examples::operations),
    ),
)]
async fn operation_list(
    State(state): State<ApiState>,
    QueryParams(Listed {
        subject,
        action,
        operator,
        after,
        limit,
    }): QueryParams<Listed>,
) -> ApiResult<Json<OperationPage>> {
    if !(1..=Listed::MOST).contains(&limit) {
        let message = format!("1 to {}", Listed::MOST);
        let detail = format!("limit: {message}");
        return Err(Problem::of_field(INVALID, detail, "limit".into(), message));
    }
    let filter = OperationFilter {
        subject,
        action,
        operator,
    };
    let page = state.app.operations(filter, after.as_deref(), limit);
    Ok(Json(page.await?))
}
