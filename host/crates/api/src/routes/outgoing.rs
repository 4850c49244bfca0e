//! Receipts and HTTP requests that plugins' decisions queued.

use crate::access::authenticated::Authenticated;
use crate::access::route::{Access, Resource};
use crate::endpoint::Routes;
use crate::lists::{MAX_LIMIT, check_limit, default_limit};
use crate::problem_responses::ListProblems;
use crate::reply::ApiResult;
use crate::request::QueryParams;
use crate::state::ApiState;
use axum::Json;
use axum::extract::State;
use galleria_app::operations::{QueuedQuery, ReceiptPage, RequestPage};
use serde::Deserialize;

pub(super) fn routes() -> Routes {
    Routes::new()
        .with(endpoint!(receipt_list, Access::back_office(Resource::Body)))
        .with(endpoint!(request_list, Access::operator(Resource::Body)))
}

/// Filters and paging.
#[derive(Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct OutgoingQuery {
    /// Only those that this event caused.
    event: Option<String>,
    /// Only about this order.
    order: Option<String>,
    /// Only of this store.
    store: Option<String>,
    /// Only of this retailer.
    retailer: Option<String>,
    /// The `next` of the previous page.
    after: Option<String>,
    /// Page size.
    #[serde(default = "default_limit")]
    #[param(required = false, minimum = 1, maximum = 500, default = 100)]
    limit: u32,
}

impl OutgoingQuery {
    /// The filter, after checking that the caller reaches retailer and store.
    async fn check(
        self,
        state: &ApiState,
        auth: &Authenticated,
    ) -> ApiResult<(QueuedQuery, Option<String>, u32)> {
        let Self {
            event,
            order,
            store,
            retailer,
            after,
            limit,
        } = self;
        check_limit(limit, MAX_LIMIT)?;
        auth.check_filter(&state.app, retailer.as_deref(), store.as_deref())
            .await?;
        let filter = QueuedQuery {
            retailer,
            store,
            event,
            order,
        };
        Ok((filter, after, limit))
    }
}

/// List queued receipts, oldest first
///
/// This version does not send them: all are `queued`. Personal data is not shown.
#[utoipa::path(
    get, path = "/v1/receipts", tag = "operation", params(OutgoingQuery),
    responses(
        ListProblems,
        (status = 200, description = "A page of the list.", body = ReceiptPage,
            example = json!(example!("receipt_page"))),
    ),
)]
async fn receipt_list(
    State(state): State<ApiState>,
    auth: Authenticated,
    QueryParams(query): QueryParams<OutgoingQuery>,
) -> ApiResult<Json<ReceiptPage>> {
    let (filter, after, limit) = query.check(&state, &auth).await?;
    let reach = &auth.caller().reach;
    let page = state
        .app
        .operations
        .receipts(filter, reach, after.as_deref(), limit);
    Ok(Json(page.await?))
}

/// List queued HTTP requests to targets, oldest first
///
/// This version does not send them: all are `queued`. Bodies and headers are not shown.
#[utoipa::path(
    get, path = "/v1/requests", tag = "operation", params(OutgoingQuery),
    responses(
        ListProblems,
        (status = 200, description = "A page of the list.", body = RequestPage,
            example = json!(example!("request_page"))),
    ),
)]
async fn request_list(
    State(state): State<ApiState>,
    auth: Authenticated,
    QueryParams(query): QueryParams<OutgoingQuery>,
) -> ApiResult<Json<RequestPage>> {
    let (filter, after, limit) = query.check(&state, &auth).await?;
    let reach = &auth.caller().reach;
    let page = state
        .app
        .operations
        .requests(filter, reach, after.as_deref(), limit);
    Ok(Json(page.await?))
}
