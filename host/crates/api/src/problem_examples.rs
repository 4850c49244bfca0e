//! What problems look like in the OpenAPI document: one example for each code, and every response that
//! names codes shows theirs.
//!
//! Owns: the one pass over the document that does so, and the status of what a client is refused that
//! asks too often, which is configured.

use crate::health::Part;
use crate::problem::{
    CODES, Details, FieldError, Kind, MEMBER_UNKNOWN, NOT_WORKING, TOO_MANY_REQUESTS,
};
use utoipa::openapi::example::{Example, ExampleBuilder};
use utoipa::openapi::path::Operation;
use utoipa::openapi::{Components, OpenApi, PathItem, Ref, RefOr, Response};

const PROBLEM: &str = "application/problem+json";

/// Shows an example of every code that a response names. `too_often` is the status that this host
/// answers to a client that asks too often.
pub(crate) fn show(document: &mut OpenApi, too_often: u16) {
    if too_often != TOO_MANY_REQUESTS.status {
        tell(document, too_often);
    }
    let components = document.components.get_or_insert_with(Components::default);
    for kind in CODES {
        let kind = as_configured(*kind, too_often);
        let shown = RefOr::T(example(kind));
        components.examples.insert(kind.code.to_owned(), shown);
    }
    for operation in operations(document) {
        for (status, response) in &mut operation.responses.responses {
            let RefOr::T(response) = response else {
                continue;
            };
            let codes = named(response, status, too_often);
            if let Some(RefOr::T(content)) = response.content.get_mut(PROBLEM) {
                content.examples.extend(codes.map(|code| {
                    let place = Ref::new(format!("#/components/examples/{code}"));
                    (code.to_owned(), RefOr::Ref(place))
                }));
            }
        }
    }
}

/// Moves what is told of asking too often to the status it has here.
fn tell(document: &mut OpenApi, too_often: u16) {
    let Kind { code, status, .. } = TOO_MANY_REQUESTS;
    let row = |status| format!("| {status} | `{code}` |");
    let text = document.info.description.get_or_insert_default();
    *text = text.replace(&row(status), &row(too_often));
    let own = format!("`{code}`: ");
    for operation in operations(document) {
        let all = &mut operation.responses.responses;
        let Some(RefOr::T(mut response)) = all.remove(&status.to_string()) else {
            continue;
        };
        let lines = response.description.split("\n\n").map(ToOwned::to_owned);
        let (asked, others): (Vec<_>, Vec<_>) = lines.partition(|line| line.starts_with(&own));
        if !others.is_empty() {
            let mut rest = response.clone();
            rest.description = others.join("\n\n");
            all.insert(status.to_string(), RefOr::T(rest));
        }
        response.description = asked.join("\n\n");
        all.insert(too_often.to_string(), RefOr::T(response));
    }
}

/// The codes that a response's description names, of those that have its status.
fn named(
    response: &Response,
    status: &str,
    too_often: u16,
) -> impl Iterator<Item = &'static str> + use<> {
    let (text, status) = (response.description.clone(), status.to_owned());
    CODES.iter().filter_map(move |kind| {
        let kind = as_configured(*kind, too_often);
        let named = text.contains(&format!("`{}`", kind.code));
        (named && kind.status.to_string() == status).then_some(kind.code)
    })
}

fn as_configured(kind: Kind, too_often: u16) -> Kind {
    let status = match kind == TOO_MANY_REQUESTS {
        true => too_often,
        false => kind.status,
    };
    Kind { status, ..kind }
}

fn operations(document: &mut OpenApi) -> impl Iterator<Item = &mut Operation> {
    document.paths.paths.values_mut().flat_map(|item| {
        let PathItem {
            get,
            put,
            post,
            delete,
            patch,
            ..
        } = item;
        [get, put, post, delete, patch].into_iter().flatten()
    })
}

fn example(kind: Kind) -> Example {
    let Kind {
        code,
        status,
        title,
        remedy: _,
    } = kind;
    let errors = errors(code);
    let parts = (code == NOT_WORKING.code).then(|| vec![Part::ended()]);
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

/// About an occurrence, such as a caller may read.
fn detail(kind: Kind) -> &'static str {
    match kind.code {
        "bad_json" => "lines.0.quantity: missing field `scale` at line 9 column 34",
        "bad_query" => "Failed to deserialize query string: unknown field `colour`",
        "bad_request" => "The body ended before it was whole.",
        "forbidden" => "This needs the scope `operator`; the caller has `till`.",
        "not_found" => "there is no order order-7",
        "not_served" => "no plugin of store madrid-1 identifies members",
        "route_not_found" => "/v1/baskets is no route",
        "exists" => "order order-1 is there already",
        "mark_conflict" => {
            "mark 400002 is kept, and not applied: the record of order order-1 has another"
        }
        "not_to_be_tried" => "another event is before it in its lane",
        "payout_exists" => "payout 42 came before in payout-42.csv",
        "document_gone" => "the content of document 5d1f0c6c is not kept any more",
        "body_too_large" => "A body has at most 1048576 bytes.",
        "file_refused" => "1 thing is wrong: nothing was imported.",
        "invalid" => "lines.0.amount: 1210 was to be expected",
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
        "bad_json" => one(None, "lines.0.quantity", "missing field `scale`"),
        "invalid" => one(None, "lines.0.amount", "1210 was to be expected"),
        "file_refused" => one(Some(7), "price", "an amount such as 12.10"),
        _ => Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use crate::openapi::{described, openapi};

    #[test]
    fn the_status_of_asking_too_often_is_told_as_it_is_configured() {
        let usual = serde_json::to_value(openapi()).expect("JSON");
        let other = serde_json::to_value(described(460)).expect("JSON");
        let paths = |document: &serde_json::Value| {
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
            let codes = |response: &serde_json::Value| {
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
        let told = |document: &serde_json::Value| {
            let example = &document["components"]["examples"]["too_many_requests"]["value"];
            let text = document["info"]["description"].as_str().expect("text");
            (
                example["status"].as_u64(),
                text.contains("| 460 | `too_many_requests` |"),
            )
        };
        assert_eq!(told(&usual), (Some(429), false));
        assert_eq!(told(&other), (Some(460), true));
    }
}
