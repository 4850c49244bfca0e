//! Fiscal records: what waits for its mark, what has it, and the marks that come.

use crate::access::Authenticated;
use crate::openapi::examples;
use crate::problem::{Details, INVALID, Problem};
use crate::request::{Id, IdempotencyHeader, QueryParams, WriteRequest};
use crate::response::{ApiResult, ListProblems, ReadProblems, WriteProblems, WriteReply};
use crate::serve::ApiState;
use axum::Json;
use axum::extract::State;
use galleria_app::access::Subject;
use galleria_app::fiscal::{FiscalAsk, FiscalDetail, FiscalPage, MarkView, NewMark};
use galleria_app::records::{FiscalFilter, FiscalState};
use serde::Deserialize;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

pub(crate) fn routes() -> OpenApiRouter<ApiState> {
    OpenApiRouter::default()
        .routes(routes!(fiscal_list))
        .routes(routes!(fiscal_get))
        .routes(routes!(fiscal_mark))
}

/// Which records are asked for.
#[derive(Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct Which {
    /// Of this retailer.
    retailer: Option<String>,
    /// Of this store.
    store: Option<String>,
    /// Of this order; all of them at once.
    order: Option<String>,
    /// `early`, `waiting`, `marked` or `conflict`.
    state: Option<String>,
    /// The `next` of the page before.
    after: Option<String>,
    /// At most so many.
    #[serde(default = "Which::usual")]
    #[param(required = false, minimum = 1, maximum = 500, default = 100)]
    limit: u32,
}

impl Which {
    const MOST: u32 = 500;

    fn usual() -> u32 {
        100
    }

    fn state(&self) -> ApiResult<Option<FiscalState>> {
        let Some(text) = &self.state else {
            return Ok(None);
        };
        let found = FiscalState::ALL.into_iter().find(|one| one.name() == text);
        match found {
            Some(state) => Ok(Some(state)),
            None => {
                let names = FiscalState::ALL.map(FiscalState::name).join(", ");
                Err(wrong("state", format!("one of {names}")))
            }
        }
    }
}

fn wrong(field: &str, message: String) -> Problem {
    let detail = format!("{field}: {message}");
    Problem::of_field(INVALID, detail, field.into(), message)
}

/// Fiscal records, the newest first
///
/// Every sale and every refund has one from the moment it is accepted. `early` are those whose mark came
/// before them and was not applied.
#[utoipa::path(
    get, path = "/v1/fiscal-records", tag = "fiscal", params(Which),
    responses(
        ListProblems,
        (status = 200, description = "A part of the list.", body = FiscalPage,
            example = examples::fiscal_page),
        (status = 404, description = "`not_found`: retailer, store or order", body = Details,
            content_type = "application/problem+json"),
    ),
)]
async fn fiscal_list(
    State(state): State<ApiState>,
    auth: Authenticated,
    QueryParams(which): QueryParams<Which>,
) -> ApiResult<Json<FiscalPage>> {
    if !(1..=Which::MOST).contains(&which.limit) {
        return Err(wrong("limit", format!("1 to {}", Which::MOST)));
    }
    let record_state = which.state()?;
    let retailer = match (&which.order, &which.store) {
        (Some(order), _) => {
            auth.reaches(&state.app, Subject::Order(order.clone()))
                .await?;
            which.retailer
        }
        (None, Some(store)) => {
            auth.store(&state.app, store).await?;
            which.retailer
        }
        (None, None) => auth.retailer(which.retailer)?,
    };
    let ask = FiscalAsk {
        filter: FiscalFilter {
            store_id: which.store,
            retailer,
            state: record_state,
        },
        order_id: which.order,
        after: which.after,
        limit: which.limit,
    };
    Ok(Json(state.app.fiscal_records(ask).await?))
}

/// The fiscal records of an order, with their marks
#[utoipa::path(
    get, path = "/v1/fiscal-records/{id}", tag = "fiscal",
    params(("id" = String, Path, description = "The order's id.", example = "order-1")),
    responses(
        ReadProblems,
        (status = 200, description = "The sale's record, and those of refunds.", body = FiscalDetail,
            example = examples::fiscal_record),
    ),
)]
async fn fiscal_get(State(state): State<ApiState>, Id(id): Id) -> ApiResult<Json<FiscalDetail>> {
    Ok(Json(state.app.fiscal_record(&id).await?))
}

/// Tell the mark of a sale or a refund
///
/// The same mark again changes nothing. A different one is kept, and refused as a conflict that an
/// operator sees. One that comes before its payment or refund waits for it.
#[utoipa::path(
    post, path = "/v1/fiscal-records/{id}/marks", tag = "fiscal",
    params(("id" = String, Path, description = "The order's id.", example = "order-1"), IdempotencyHeader),
    request_body(content = NewMark, example = examples::mark_request),
    responses(
        WriteProblems,
        (status = 201, description = "The mark as it stands.",
            headers(("Idempotency-Replayed" = bool, description = "Answered before.")),
            body = MarkView, example = examples::mark),
        (status = 409, description = "`mark_conflict`", body = Details,
            content_type = "application/problem+json"),
    ),
)]
async fn fiscal_mark(
    State(state): State<ApiState>,
    Id(id): Id,
    WriteRequest { key, body }: WriteRequest<NewMark>,
) -> ApiResult<WriteReply> {
    Ok(WriteReply(state.app.mark_accept(key, &id, body).await?))
}
