//! Problems in the OpenAPI document: one example for each code, shown by every response that names the code.
//!
//! Owns: the pass over the document that adds them, and the status of `too_many_requests`, which is
//! configurable.

use crate::part::Part;
use crate::path_item;
use crate::problem::{Details, FieldError};
use crate::problem_kinds::{CODES, MEMBER_UNKNOWN, NOT_WORKING, ProblemKind, TOO_MANY_REQUESTS};
use utoipa::openapi::example::{Example, ExampleBuilder};
use utoipa::openapi::path::Operation;
use utoipa::openapi::{Components, OpenApi, Ref, RefOr, Response};

const PROBLEM: &str = "application/problem+json";

/// Adds an example of every code that a response names. `rate_status` is this host's status of
/// `too_many_requests`.
pub(crate) fn add(document: &mut OpenApi, rate_status: u16) {
    if rate_status != TOO_MANY_REQUESTS.status {
        move_rate_status(document, rate_status);
    }
    let components = document.components.get_or_insert_with(Components::default);
    for kind in CODES {
        let kind = as_configured(*kind, rate_status);
        let example = RefOr::T(example(kind));
        components.examples.insert(kind.code.to_owned(), example);
    }
    for operation in operations(document) {
        for (status, response) in &mut operation.responses.responses {
            let RefOr::T(response) = response else {
                continue;
            };
            let codes = codes_of(response, status, rate_status);
            if let Some(RefOr::T(content)) = response.content.get_mut(PROBLEM) {
                content.examples.extend(codes.map(|code| {
                    let place = Ref::new(format!("#/components/examples/{code}"));
                    (code.to_owned(), RefOr::Ref(place))
                }));
            }
        }
    }
}

/// Moves the description of `too_many_requests` to the configured status.
fn move_rate_status(document: &mut OpenApi, rate_status: u16) {
    let ProblemKind { code, status, .. } = TOO_MANY_REQUESTS;
    let row = |status| format!("| {status} | `{code}` |");
    let text = document.info.description.get_or_insert_default();
    *text = text.replace(&row(status), &row(rate_status));
    let prefix = format!("`{code}`: ");
    for operation in operations(document) {
        let all = &mut operation.responses.responses;
        let Some(RefOr::T(mut response)) = all.remove(&status.to_string()) else {
            continue;
        };
        let lines = response.description.split("\n\n").map(ToOwned::to_owned);
        let (moved, others): (Vec<_>, Vec<_>) = lines.partition(|line| line.starts_with(&prefix));
        if !others.is_empty() {
            let mut rest = response.clone();
            rest.description = others.join("\n\n");
            all.insert(status.to_string(), RefOr::T(rest));
        }
        response.description = moved.join("\n\n");
        all.insert(rate_status.to_string(), RefOr::T(response));
    }
}

/// The codes with the status of a response that its description names.
fn codes_of(
    response: &Response,
    status: &str,
    rate_status: u16,
) -> impl Iterator<Item = &'static str> + use<> {
    let (text, status) = (response.description.clone(), status.to_owned());
    CODES.iter().filter_map(move |kind| {
        let kind = as_configured(*kind, rate_status);
        let named = text.contains(&format!("`{}`", kind.code));
        (named && kind.status.to_string() == status).then_some(kind.code)
    })
}

fn as_configured(kind: ProblemKind, rate_status: u16) -> ProblemKind {
    let status = match kind == TOO_MANY_REQUESTS {
        true => rate_status,
        false => kind.status,
    };
    ProblemKind { status, ..kind }
}

fn operations(document: &mut OpenApi) -> impl Iterator<Item = &mut Operation> {
    let items = document.paths.paths.values_mut();
    items
        .flat_map(path_item::operations)
        .map(|(_, operation)| operation)
}

fn example(kind: ProblemKind) -> Example {
    let ProblemKind {
        code,
        status,
        title,
        remedy: _,
    } = kind;
    let errors = errors(code);
    let parts = (code == NOT_WORKING.code).then(|| {
        let detail = Some("has ended".to_owned());
        vec![Part::new("consumer", Some("consumer"), "ended", detail)]
    });
    let details = Details {
        kind: format!("urn:galleria:problem:{code}"),
        title,
        status,
        detail: detail(kind),
        code,
        errors: &errors,
        request_id: (code != MEMBER_UNKNOWN.code).then_some("01937f5e-6a3c-7d19-9a55-2f1d0c3b8e47"),
        parts,
    };
    ExampleBuilder::new()
        .summary(title)
        .value(serde_json::to_value(details).ok())
        .build()
}

/// A typical detail.
fn detail(kind: ProblemKind) -> &'static str {
    match kind.code {
        "bad_json" => "lines.0: missing field `sku` at line 9 column 34",
        "bad_query" => "Failed to deserialize query string: unknown field `colour`",
        "bad_request" => "The connection closed before the body was complete.",
        "forbidden" => "This request needs the scope `operator`; the caller has `till`.",
        "not_found" => "there is no order order-7",
        "not_served" => "no plugin of store madrid-1 identifies members",
        "route_not_found" => "the route /v1/baskets does not exist",
        "exists" => "order order-1 already exists",
        "mark_conflict" => {
            "mark 400002 is stored but not applied: the record of order order-1 has another mark"
        }
        "not_retryable" => "another event is ahead of it in its lane",
        "payout_exists" => "payout 42 was imported before, from payout-42.csv",
        "document_gone" => "the content of document 5d1f0c6c is no longer stored",
        "body_too_large" => "The body must have at most 1048576 bytes.",
        "file_refused" => "1 problem: nothing was imported.",
        "invalid" => "lines.0.amount: must be 1210",
        "not_working" => "consumer has ended",
        _ if kind.status == 409 => kind.title,
        _ => kind.remedy,
    }
}

fn errors(code: &str) -> Vec<FieldError> {
    let one = |row, field: &str, message: &str| {
        vec![FieldError {
            row,
            field: field.into(),
            message: message.into(),
        }]
    };
    match code {
        "bad_json" => one(None, "lines.0", "missing field `sku` at line 9 column 34"),
        "invalid" => one(None, "lines.0.amount", "must be 1210"),
        "file_refused" => one(Some(7), "price", "must be an amount such as 12.10"),
        _ => Vec::new(),
    }
}
