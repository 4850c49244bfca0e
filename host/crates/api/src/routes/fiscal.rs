//! Fiscal records and the marks that tax authorities assign.

use crate::access::authenticated::Authenticated;
use crate::access::route::{Access, Resource};
use crate::endpoint::Routes;
use crate::lists::{MAX_LIMIT, check_limit, default_limit, one_of};
use crate::problem::Details;
use crate::problem_responses::{ListProblems, ReadProblems, WriteProblems};
use crate::reply::{ApiResult, WriteReply};
use crate::request::{Id, IdempotencyHeader, QueryParams, WriteRequest};
use crate::state::ApiState;
use axum::Json;
use axum::extract::State;
use galleria_app::access::Subject;
use galleria_app::fiscal::{FiscalDetail, FiscalListQuery, FiscalPage, MarkView, NewMark};
use galleria_ports::records::{FiscalFilter, FiscalState};
use serde::Deserialize;

pub(super) fn routes() -> Routes {
    Routes::new()
        .with(endpoint!(fiscal_list, Access::back_office(Resource::Body)))
        .with(endpoint!(fiscal_get, Access::back_office(Resource::Order)))
        .with(endpoint!(fiscal_mark, Access::back_office(Resource::Order)))
}

/// Filters and paging.
#[derive(Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct FiscalQuery {
    /// Only of this retailer.
    retailer: Option<String>,
    /// Only of this store.
    store: Option<String>,
    /// Only of this order; the page contains all of them.
    order: Option<String>,
    /// `early`, `waiting`, `marked` or `conflict`.
    state: Option<String>,
    /// The `next` of the previous page.
    after: Option<String>,
    /// Page size.
    #[serde(default = "default_limit")]
    #[param(required = false, minimum = 1, maximum = 500, default = 100)]
    limit: u32,
}

/// List fiscal records, newest first
///
/// The host creates a record when it accepts a sale or a refund. A record is `early` if its mark arrived first
/// and was not applied.
#[utoipa::path(
    get, path = "/v1/fiscal-records", tag = "fiscal", params(FiscalQuery),
    responses(
        ListProblems,
        (status = 200, description = "A page of the list.", body = FiscalPage,
            example = json!(example!("fiscal_page"))),
        (status = 404, description = "`not_found`: retailer, store or order", body = Details,
            content_type = "application/problem+json"),
    ),
)]
async fn fiscal_list(
    State(state): State<ApiState>,
    auth: Authenticated,
    QueryParams(query): QueryParams<FiscalQuery>,
) -> ApiResult<Json<FiscalPage>> {
    check_limit(query.limit, MAX_LIMIT)?;
    let record_state = one_of(
        "state",
        query.state.as_deref(),
        &FiscalState::ALL,
        FiscalState::name,
    )?;
    let retailer = match &query.order {
        Some(order) => {
            auth.check_reach(&state.app, Subject::Order(order.clone()))
                .await?;
            auth.check_known(&state.app, query.retailer.as_deref())
                .await?;
            query.retailer
        }
        None => {
            auth.list_place(&state.app, query.retailer, query.store.as_deref())
                .await?
        }
    };
    let filter = FiscalListQuery {
        filter: FiscalFilter {
            store_id: query.store,
            retailer,
            state: record_state,
        },
        order_id: query.order,
        after: query.after,
        limit: query.limit,
    };
    Ok(Json(state.app.fiscal.list(filter).await?))
}

/// Get the fiscal records of an order with their marks
#[utoipa::path(
    get, path = "/v1/fiscal-records/{id}", tag = "fiscal",
    params(("id" = String, Path, description = "The order's id.", example = "order-1")),
    responses(
        ReadProblems,
        (status = 200, description = "The records of the sale and its refunds.", body = FiscalDetail,
            example = json!(example!("fiscal_record"))),
    ),
)]
async fn fiscal_get(State(state): State<ApiState>, Id(id): Id) -> ApiResult<Json<FiscalDetail>> {
    Ok(Json(state.app.fiscal.order_records(&id).await?))
}

/// Record the mark of a sale or a refund
///
/// Repeating a mark changes nothing. A different mark is stored and rejected as a conflict for an operator.
/// A mark that arrives before its payment or refund waits for it.
#[utoipa::path(
    post, path = "/v1/fiscal-records/{id}/marks", tag = "fiscal",
    params(("id" = String, Path, description = "The order's id.", example = "order-1"), IdempotencyHeader),
    request_body(content = NewMark, example = json!(example!("mark_request"))),
    responses(
        WriteProblems,
        (status = 201, description = "The mark.",
            headers(("Idempotency-Replayed" = bool, description = "`true` if this response was sent before.")),
            body = MarkView, example = json!(example!("mark"))),
        (status = 409, description = "`mark_conflict`", body = Details,
            content_type = "application/problem+json"),
    ),
)]
async fn fiscal_mark(
    State(state): State<ApiState>,
    Id(id): Id,
    WriteRequest { key, body }: WriteRequest<NewMark>,
) -> ApiResult<WriteReply> {
    Ok(WriteReply(
        state.app.fiscal.accept_mark(key, &id, body).await?,
    ))
}
