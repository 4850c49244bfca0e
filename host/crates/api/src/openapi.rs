//! The OpenAPI document: gathered from the routes themselves, so that it cannot tell of others.

use crate::problem::{CODES, Details, FieldError, TOO_MANY_REQUESTS};
use crate::serve::ApiState;
use crate::{
    access, dead_letters, docs, documents, events, fiscal, health, members, metrics, movements,
    operations, orders, parked, payments, plugins, problem_examples, products, queued, refunds,
    runs, shifts, statements, status, stores, story, verifications, voids,
};
use axum::extract::State;
use axum::http::header;
use axum::response::IntoResponse;
use utoipa::OpenApi as _;
use utoipa::openapi::schema::AdditionalProperties;
use utoipa::openapi::{OpenApi, RefOr, Schema};
use utoipa_axum::router::OpenApiRouter;

#[derive(utoipa::OpenApi)]
#[openapi(
    info(title = "Galleria"),
    components(schemas(Details, FieldError)),
    tags(
        (name = "stores", description = "A retailer's shops."),
        (name = "products", description = "What a retailer sells, and for how much."),
        (name = "orders", description = "Baskets, and what became of them."),
        (name = "shifts", description = "Drawers."),
        (name = "documents", description = "What plugins wrote: POSLOGs, reports, and where they are."),
        (name = "fiscal", description = "What tax authorities answered about sales and refunds, and what they did not."),
        (name = "runs", description = "Reports, settlement files and catalogues: what was run, and what was not."),
        (name = "statements", description = "What payment providers paid out, and what it was for."),
        (name = "operation", description = "How the host does."),
    ),
)]
struct Document;

/// The OpenAPI document of every route.
pub fn openapi() -> OpenApi {
    described(TOO_MANY_REQUESTS.status)
}

/// The same of a host that answers this status to a client that asks too often.
pub(crate) fn described(too_often: u16) -> OpenApi {
    let mut document = routes().into_openapi();
    complete(&mut document, too_often);
    document
}

/// Adds what the routes do not say themselves: who may ask, and what problems look like.
pub(crate) fn complete(document: &mut OpenApi, too_often: u16) {
    access::describe(document);
    problem_examples::show(document, too_often);
}

/// Every route with its description, but for who may ask it.
pub(crate) fn routes() -> OpenApiRouter<ApiState> {
    let mut document = Document::openapi();
    document.info.description = Some(description());
    let mut router = OpenApiRouter::with_openapi(document)
        .merge(stores::routes())
        .merge(members::routes())
        .merge(products::routes())
        .merge(orders::routes())
        .merge(payments::routes())
        .merge(refunds::routes())
        .merge(voids::routes())
        .merge(verifications::routes())
        .merge(shifts::routes())
        .merge(documents::routes())
        .merge(movements::routes())
        .merge(fiscal::routes())
        .merge(runs::routes())
        .merge(events::routes())
        .merge(dead_letters::routes())
        .merge(parked::routes())
        .merge(outgoing::routes())
        .merge(plugins::routes())
        .merge(operations::routes())
        .merge(timeline::routes())
        .merge(statements::routes())
        .merge(status::routes())
        .merge(health::routes())
        .merge(metrics::routes())
        .merge(docs::routes())
        .routes(utoipa_axum::routes!(openapi_json));
    close_words(router.get_openapi_mut());
    lift_descriptions(router.get_openapi_mut());
    router
}

/// What is said of a field that may be `null` stands with its other half alone: it is said of the field.
fn lift_descriptions(document: &mut OpenApi) {
    let schemas = document.components.iter_mut();
    for schema in schemas.flat_map(|components| components.schemas.values_mut()) {
        let RefOr::T(Schema::Object(object)) = schema else {
            continue;
        };
        for field in object.properties.values_mut() {
            let RefOr::T(Schema::OneOf(halves)) = field else {
                continue;
            };
            let told = halves.items.iter_mut().find_map(|half| match half {
                RefOr::Ref(half) => Some(std::mem::take(&mut half.description)),
                RefOr::T(_) => None,
            });
            let told = told.filter(|text| !text.is_empty());
            halves.description = halves.description.take().or(told);
        }
    }
}

/// A word that says something beside itself, `{"other": "..."}`, is one word: nothing stands beside it.
fn close_words(document: &mut OpenApi) {
    let schemas = document.components.iter_mut();
    for schema in schemas.flat_map(|components| components.schemas.values_mut()) {
        let RefOr::T(Schema::OneOf(words)) = schema else {
            continue;
        };
        for word in &mut words.items {
            if let RefOr::T(Schema::Object(word)) = word
                && word.properties.len() == 1
            {
                word.additional_properties = Some(Box::new(AdditionalProperties::FreeForm(false)));
            }
        }
    }
}

/// The document as it is served.
pub(crate) fn text(document: &OpenApi) -> String {
    document
        .to_pretty_json()
        .expect("maps with text keys serialise")
}

/// This document
#[utoipa::path(
    get, path = "/openapi.json", tag = "operation",
    responses((status = 200, description = "OpenAPI 3.1.", body = Object,
        example = json!({ "openapi": "3.1.0", "info": { "title": "Galleria" }, "paths": {} }))),
)]
async fn openapi_json(State(state): State<ApiState>) -> impl IntoResponse {
    ([(header::CONTENT_TYPE, "application/json")], state.openapi)
}

fn description() -> String {
    let mut text = String::from(
        "Amounts are minor units of the store's currency, decimals are `unscaled × 10^-scale`, \
         instants are RFC 3339.\n\n\
         Every write carries an `Idempotency-Key`. The same request under the same key is \
         answered as before, with `Idempotency-Replayed: true`, and has no second effect; another \
         request under the same key is refused. A request that was refused keeps no key.\n\n\
         Every answer carries `x-request-id`: the caller's, or a new one.\n\n\
         Every problem is `application/problem+json` (RFC 9457). Its `code` never changes its \
         meaning:\n\n| status | code | meaning | remedy |\n|---|---|---|---|\n",
    );
    for kind in CODES {
        let (status, code, title, remedy) = (kind.status, kind.code, kind.title, kind.remedy);
        text.push_str(&format!("| {status} | `{code}` | {title} | {remedy} |\n"));
    }
    text
}

/// Requests as they may be sent, and what answers them when they are sent in a row to an empty
/// host. A test sends them; `GALLERIA_BLESS=1` renews the answers.
pub(crate) mod examples {
    use serde_json::Value;

    macro_rules! examples {
        ($($name:ident)*) => {
            $(pub(crate) fn $name() -> Value {
                let text = include_str!(concat!("examples/", stringify!($name), ".json"));
                serde_json::from_str(text).expect("a test reads every example")
            })*
        };
    }

    examples! {
        store_request store store_page product_request product product_page product_import_request
        product_import_lines product_import order_request order order_page order_paid payment_request payment refund_request
        refund void_request void shift_request shift shift_end_request shift_end documents journal
        event_journal journal_text
        payment_page payment_detail refund_page refund_detail void_page verification_page
        shift_page shift_detail document document_page
        stores_import_request stores_import movement_request movement mark_request mark fiscal_page fiscal_record
        verification_request verification identify_request identify
        run_request run run_page run_verdict run_replayed run_cancelled
        dead_letters dead_letter settled_letters operations timeline
        parked parked_page parked_retried receipt_page request_page plugin plugin_page
        statement statement_page statement_lines statement_uncovered line_explained
        line_settle_request line_settled line_undo_request line_undone
        healthz readyz status
    }
}
