//! Receipts and requests that decisions queued.

use crate::access::Authenticated;
use crate::openapi::examples;
use crate::problem::{INVALID, Problem};
use crate::request::QueryParams;
use crate::response::{ApiResult, ListProblems};
use crate::serve::ApiState;
use axum::Json;
use axum::extract::State;
use galleria_app::desk::{QueuedAsk, ReceiptPage, RequestPage};
use serde::Deserialize;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

pub(crate) fn routes() -> OpenApiRouter<ApiState> {
    OpenApiRouter::default()
        .routes(routes!(receipt_list))
        .routes(routes!(request_list))
}

/// Which of them are listed.
#[derive(Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct Listed {
    /// That this event brought about.
    event: Option<String>,
    /// About this order.
    order: Option<String>,
    /// Of this store.
    store: Option<String>,
    /// Of this retailer.
    retailer: Option<String>,
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

    /// What is asked for, where all that it names is in the caller's reach.
    async fn ask(
        self,
        state: &ApiState,
        auth: &Authenticated,
    ) -> ApiResult<(QueuedAsk, Option<String>, u32)> {
        let Self {
            event,
            order,
            store,
            retailer,
            after,
            limit,
        } = self;
        if !(1..=Self::MOST).contains(&limit) {
            let message = format!("1 to {}", Self::MOST);
            let detail = format!("limit: {message}");
            return Err(Problem::of_field(INVALID, detail, "limit".into(), message));
        }
        auth.named(&state.app, retailer.as_deref(), store.as_deref())
            .await?;
        let ask = QueuedAsk {
            retailer,
            store,
            event,
            order,
        };
        Ok((ask, after, limit))
    }
}

/// Receipts that decisions queued, oldest first
///
/// This version sends none: all are `queued`. What is the customer's own is not shown.
#[utoipa::path(
    get, path = "/v1/receipts", tag = "operation", params(Listed),
    responses(
        ListProblems,
        (status = 200, description = "A part of the list.", body = ReceiptPage,
            example = examples::receipt_page),
    ),
)]
async fn receipt_list(
    State(state): State<ApiState>,
    auth: Authenticated,
    QueryParams(listed): QueryParams<Listed>,
) -> ApiResult<Json<ReceiptPage>> {
    let (ask, after, limit) = listed.ask(&state, &auth).await?;
    let reach = &auth.caller().reach;
    let page = state.app.receipts(ask, reach, after.as_deref(), limit);
    Ok(Json(page.await?))
}

/// Requests to targets that decisions queued, oldest first
///
/// This version sends none: all are `queued`. Bodies and headers are not shown.
#[utoipa::path(
    get, path = "/v1/requests", tag = "operation", params(Listed),
    responses(
        ListProblems,
        (status = 200, description = "A part of the list.", body = RequestPage,
            example = examples::request_page),
    ),
)]
async fn request_list(
    State(state): State<ApiState>,
    auth: Authenticated,
    QueryParams(listed): QueryParams<Listed>,
) -> ApiResult<Json<RequestPage>> {
    let (ask, after, limit) = listed.ask(&state, &auth).await?;
    let reach = &auth.caller().reach;
    let page = state.app.requests(ask, reach, after.as_deref(), limit);
    Ok(Json(page.await?))
}
