//! The OpenAPI document, collected from the endpoints.

use crate::access::describe;
use crate::access::route::{Access, Route};
use crate::config::Surface;
use crate::problem::{Details, FieldError};
use crate::problem_examples;
use crate::problem_kinds::{CODES, TOO_MANY_REQUESTS};
use crate::routes;
use crate::state::ApiState;
use axum::Router;
use axum::extract::State;
use axum::http::header;
use axum::response::IntoResponse;
use serde_json::Value;
use utoipa::OpenApi as _;
use utoipa::openapi::schema::AdditionalProperties;
use utoipa::openapi::{OpenApi, RefOr, Schema};

#[derive(utoipa::OpenApi)]
#[openapi(
    info(title = "Galleria"),
    components(schemas(Details, FieldError)),
    tags(
        (name = "stores", description = "The stores of a retailer, and their members."),
        (name = "products", description = "The products of a retailer and their prices."),
        (name = "taxes", description = "Taxes of baskets, and the tax tables of stores."),
        (name = "orders", description = "Orders with their payments, refunds, voids and verifications."),
        (name = "shifts", description = "Cash drawers: shifts and movements of cash."),
        (name = "documents", description = "Documents that plugins wrote, such as POSLogs and reports."),
        (name = "fiscal", description = "Fiscal records of sales and refunds, and the marks of tax authorities."),
        (name = "taxes", description = "Taxes of baskets: evaluation, tax tables and tax settings of stores."),
        (name = "runs", description = "Runs of reports, settlement files and catalogues."),
        (name = "statements", description = "Settlement statements of payment providers."),
        (name = "operation", description = "Operating the host: health, events, plugins, dead letters."),
    ),
)]
struct Document;

/// The OpenAPI document of every route.
pub fn openapi() -> OpenApi {
    openapi_with_rate_status(TOO_MANY_REQUESTS.status)
}

/// The document of a host with this status of `too_many_requests`.
pub(crate) fn openapi_with_rate_status(rate_status: u16) -> OpenApi {
    let (_, mut document, _) = all_routes(Surface::Api);
    problem_examples::add(&mut document, rate_status);
    document
}

/// The handlers, the document without examples of problems, and the access of every route.
pub(crate) fn all_routes(surface: Surface) -> (Router<ApiState>, OpenApi, Vec<Route>) {
    let routes = match surface {
        Surface::Api => routes::all().with(endpoint!(openapi_json, Access::Public)),
        Surface::Taxes => routes::tax_service(),
    };
    let (router, paths, list) = routes.into_parts();
    let mut document = Document::openapi();
    document.info.description = Some(description());
    document.merge(paths);
    describe::add_scheme(&mut document);
    close_variants(&mut document);
    lift_descriptions(&mut document);
    (router, document, list)
}

/// utoipa puts the description of a nullable field on one of its two variants: move it to the field.
fn lift_descriptions(document: &mut OpenApi) {
    let components = document.components.iter_mut();
    for schema in components.flat_map(|components| components.schemas.values_mut()) {
        let RefOr::T(Schema::Object(object)) = schema else {
            continue;
        };
        for field in object.properties.values_mut() {
            let RefOr::T(Schema::OneOf(variants)) = field else {
                continue;
            };
            let text = variants.items.iter_mut().find_map(|variant| match variant {
                RefOr::Ref(variant) => Some(std::mem::take(&mut variant.description)),
                RefOr::T(_) => None,
            });
            let text = text.filter(|text| !text.is_empty());
            variants.description = variants.description.take().or(text);
        }
    }
}

/// Forbids additional properties in enum variants with a value, such as `{"other": "..."}`.
fn close_variants(document: &mut OpenApi) {
    let components = document.components.iter_mut();
    for schema in components.flat_map(|components| components.schemas.values_mut()) {
        let RefOr::T(Schema::OneOf(variants)) = schema else {
            continue;
        };
        for variant in &mut variants.items {
            if let RefOr::T(Schema::Object(object)) = variant
                && object.properties.len() == 1
            {
                object.additional_properties =
                    Some(Box::new(AdditionalProperties::FreeForm(false)));
            }
        }
    }
}

/// The document as JSON.
pub(crate) fn to_json(document: &OpenApi) -> String {
    document
        .to_pretty_json()
        .expect("maps with string keys serialise")
}

/// Get this document
#[utoipa::path(
    get, path = "/openapi.json", tag = "operation",
    responses((status = 200, description = "OpenAPI 3.1.", body = Object,
        example = json!({ "openapi": "3.1.0", "info": { "title": "Galleria" }, "paths": {} }))),
)]
async fn openapi_json(State(state): State<ApiState>) -> impl IntoResponse {
    ([(header::CONTENT_TYPE, "application/json")], state.openapi)
}

/// The introduction, which `/docs` shows first. Bodies are those of the examples, which a test sends.
fn description() -> String {
    let body = |example: &Value| serde_json::to_string_pretty(example).unwrap_or_default();
    let codes: String = CODES
        .iter()
        .map(|kind| {
            let (status, code, title, remedy) = (kind.status, kind.code, kind.title, kind.remedy);
            format!("| {status} | `{code}` | {title} | {remedy} |\n")
        })
        .collect();
    include_str!("openapi.md")
        .replace("{scopes}", &describe::scope_rows())
        .replace("{store}", &body(&example!("store_request")))
        .replace("{shift}", &body(&example!("shift_request")))
        .replace("{order}", &body(&example!("order_request")))
        .replace("{payment}", &body(&example!("payment_request")))
        .replace("{codes}", &codes)
}

#[cfg(test)]
mod tests {
    use super::{openapi, openapi_with_rate_status};
    use serde_json::Value;

    #[test]
    fn the_introduction_starts_with_authentication_and_ends_with_the_problem_codes() {
        let text = openapi().info.description.expect("a description");
        let headings: Vec<_> = text.lines().filter(|line| line.starts_with('#')).collect();
        assert_eq!(headings.first(), Some(&"## Authentication"));
        assert_eq!(headings[1], "## First order in four requests");
        assert_eq!(headings.last(), Some(&"## Problem codes"));
        assert!(!text.contains("{store}") && text.contains("\"id\": \"order-1\""));
        // A quote in a body would end the argument of `curl`.
        for example in [
            example!("store_request"),
            example!("shift_request"),
            example!("order_request"),
            example!("payment_request"),
        ] {
            assert!(!example.to_string().contains('\''), "{example}");
        }
    }

    #[test]
    fn too_many_requests_has_the_configured_status() {
        let usual = serde_json::to_value(openapi()).expect("JSON");
        let other = serde_json::to_value(openapi_with_rate_status(460)).expect("JSON");
        let paths = |document: &Value| {
            let paths = document["paths"].as_object().expect("paths").clone();
            let all = paths.into_iter().flat_map(|(path, item)| {
                let item = item.as_object().expect("an item").clone();
                let operations = item.into_iter();
                operations.map(move |(method, one)| (format!("{method} {path}"), one))
            });
            all.collect::<Vec<_>>()
        };
        let mut moved = 0;
        for ((name, usual), (_, other)) in paths(&usual).iter().zip(paths(&other)) {
            let (usual, other) = (&usual["responses"], &other["responses"]);
            assert!(usual["460"].is_null(), "{name}");
            let attempts = name.ends_with("/members/identify");
            assert_eq!(other["429"].is_object(), attempts, "{name}");
            if usual["429"].is_null() {
                assert!(other["460"].is_null(), "{name}");
                continue;
            }
            moved += 1;
            let codes = |response: &Value| {
                let content = &response["content"]["application/problem+json"]["examples"];
                let codes = content.as_object().expect("examples").keys().cloned();
                codes.collect::<Vec<_>>().join(" ")
            };
            assert_eq!(codes(&other["460"]), "too_many_requests", "{name}");
            if attempts {
                assert_eq!(codes(&usual["429"]), "too_many_attempts too_many_requests");
                assert_eq!(codes(&other["429"]), "too_many_attempts");
            }
        }
        assert!(moved > 50, "{moved}");
        let summary = |document: &Value| {
            let example = &document["components"]["examples"]["too_many_requests"]["value"];
            let text = document["info"]["description"].as_str().expect("text");
            (
                example["status"].as_u64(),
                text.contains("| 460 | `too_many_requests` |"),
            )
        };
        assert_eq!(summary(&usual), (Some(429), false));
        assert_eq!(summary(&other), (Some(460), true));
    }
}
