//! The OpenAPI document: gathered from the routes themselves, so that it cannot tell of others.

use crate::problem::{CODES, Details, FieldError};
use crate::serve::Face;
use crate::{
    access, dead_letters, docs, fiscal, health, members, metrics, movements, operations, orders,
    payments, products, refunds, runs, shifts, statements, status, stores, verifications, voids,
};
use axum::extract::State;
use axum::http::header;
use axum::response::IntoResponse;
use utoipa::OpenApi as _;
use utoipa::openapi::OpenApi;
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
        (name = "fiscal", description = "What tax authorities answered about sales and refunds, and what they did not."),
        (name = "runs", description = "Reports, settlement files and catalogues: what was run, and what was not."),
        (name = "statements", description = "What payment providers paid out, and what it was for."),
        (name = "operation", description = "How the host does."),
    ),
)]
struct Document;

/// The OpenAPI document of every route.
pub fn openapi() -> OpenApi {
    let mut document = routes().into_openapi();
    access::describe(&mut document);
    document
}

/// Every route with its description, but for who may ask it.
pub(crate) fn routes() -> OpenApiRouter<Face> {
    let mut document = Document::openapi();
    document.info.description = Some(description());
    OpenApiRouter::with_openapi(document)
        .merge(stores::routes())
        .merge(members::routes())
        .merge(products::routes())
        .merge(orders::routes())
        .merge(payments::routes())
        .merge(refunds::routes())
        .merge(voids::routes())
        .merge(verifications::routes())
        .merge(shifts::routes())
        .merge(movements::routes())
        .merge(fiscal::routes())
        .merge(runs::routes())
        .merge(dead_letters::routes())
        .merge(operations::routes())
        .merge(statements::routes())
        .merge(status::routes())
        .merge(health::routes())
        .merge(metrics::routes())
        .merge(docs::routes())
        .routes(utoipa_axum::routes!(openapi_json))
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
    responses((status = 200, description = "OpenAPI 3.1.", body = Object)),
)]
async fn openapi_json(State(face): State<Face>) -> impl IntoResponse {
    ([(header::CONTENT_TYPE, "application/json")], face.openapi)
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
        store_request store store_page stores_import_request stores_import product_request product product_page product_import_request
        product_import order_request order payment_request payment refund_request
        refund void_request void shift_request shift movement_request movement mark_request mark fiscal_page fiscal_record shift_end_request shift_end documents journal
        verification_request verification identify_request identify
        run_request run run_page run_verdict run_replayed run_cancelled
        dead_letters settled_letters operations
        statement statement_page statement_lines statement_uncovered line_explained
        line_settle_request line_settled line_undo_request line_undone
    }
}
