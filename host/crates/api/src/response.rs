//! Answers, and how the OpenAPI document describes those that are the same for many routes.

use crate::problem::{CODES, Details, Problem};
use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use galleria_app::Reply;
use std::collections::BTreeMap;
use utoipa::openapi::{ContentBuilder, Ref, RefOr, ResponseBuilder};

/// What a handler returns.
pub(crate) type ApiResult<T> = Result<T, Problem>;

/// The answer to a write, also to its repetitions.
pub(crate) struct WriteReply(pub Reply);

impl IntoResponse for WriteReply {
    fn into_response(self) -> Response {
        let Reply {
            status,
            body,
            repeated,
        } = self.0;
        // What was kept was a status of ours.
        let status = StatusCode::from_u16(status).unwrap_or(StatusCode::OK);
        let json = [(
            header::CONTENT_TYPE,
            HeaderValue::from_static("application/json"),
        )];
        let mut response = (status, json, body).into_response();
        if repeated {
            response.headers_mut().insert(
                HeaderName::from_static("idempotency-replayed"),
                HeaderValue::from_static("true"),
            );
        }
        response
    }
}

/// Problems of a route that reads.
pub(crate) struct ReadProblems;

impl utoipa::IntoResponses for ReadProblems {
    fn responses() -> BTreeMap<String, RefOr<utoipa::openapi::Response>> {
        described(&[
            "bad_request",
            "not_found",
            "internal",
            "records_unavailable",
            "timeout",
        ])
    }
}

/// Problems of a route that lists.
pub(crate) struct ListProblems;

impl utoipa::IntoResponses for ListProblems {
    fn responses() -> BTreeMap<String, RefOr<utoipa::openapi::Response>> {
        described(&[
            "bad_query",
            "invalid",
            "internal",
            "records_unavailable",
            "timeout",
        ])
    }
}

/// Problems of a route that writes; each adds its conflicts.
pub(crate) struct WriteProblems;

impl utoipa::IntoResponses for WriteProblems {
    fn responses() -> BTreeMap<String, RefOr<utoipa::openapi::Response>> {
        described(&[
            "bad_json",
            "bad_request",
            "idempotency_key_invalid",
            "idempotency_key_missing",
            "not_found",
            "body_too_large",
            "unsupported_media_type",
            "idempotency_key_reused",
            "invalid",
            "internal",
            "records_unavailable",
            "timeout",
        ])
    }
}

/// Problems of the question who somebody is.
pub(crate) struct IdentifyProblems;

impl utoipa::IntoResponses for IdentifyProblems {
    fn responses() -> BTreeMap<String, RefOr<utoipa::openapi::Response>> {
        described(&[
            "bad_json",
            "bad_request",
            "not_found",
            "not_served",
            "member_unknown",
            "body_too_large",
            "unsupported_media_type",
            "too_many_attempts",
            "internal",
            "records_unavailable",
            "timeout",
        ])
    }
}

/// Problems of a route that imports a file.
pub(crate) struct ImportProblems;

impl utoipa::IntoResponses for ImportProblems {
    fn responses() -> BTreeMap<String, RefOr<utoipa::openapi::Response>> {
        described(&[
            "bad_query",
            "bad_request",
            "idempotency_key_invalid",
            "idempotency_key_missing",
            "not_found",
            "catalogue_busy",
            "body_too_large",
            "unsupported_media_type",
            "file_refused",
            "idempotency_key_reused",
            "internal",
            "records_unavailable",
            "timeout",
        ])
    }
}

/// Problems of the route that imports stores.
pub(crate) struct StoresImportProblems;

impl utoipa::IntoResponses for StoresImportProblems {
    fn responses() -> BTreeMap<String, RefOr<utoipa::openapi::Response>> {
        described(&[
            "bad_query",
            "bad_request",
            "idempotency_key_invalid",
            "idempotency_key_missing",
            "not_found",
            "store_identity",
            "body_too_large",
            "unsupported_media_type",
            "file_refused",
            "idempotency_key_reused",
            "internal",
            "records_unavailable",
            "timeout",
        ])
    }
}

/// Problems of a route that takes a statement in.
pub(crate) struct StatementProblems;

impl utoipa::IntoResponses for StatementProblems {
    fn responses() -> BTreeMap<String, RefOr<utoipa::openapi::Response>> {
        described(&[
            "bad_query",
            "bad_request",
            "not_found",
            "body_too_large",
            "file_refused",
            "invalid",
            "internal",
            "plugin_failed",
            "records_unavailable",
            "timeout",
        ])
    }
}

/// Problems of the liveness probe.
pub(crate) struct LiveProblems;

impl utoipa::IntoResponses for LiveProblems {
    fn responses() -> BTreeMap<String, RefOr<utoipa::openapi::Response>> {
        described(&["not_working"])
    }
}

/// Problems of the readiness probe.
pub(crate) struct ReadyProblems;

impl utoipa::IntoResponses for ReadyProblems {
    fn responses() -> BTreeMap<String, RefOr<utoipa::openapi::Response>> {
        described(&[
            "internal",
            "draining",
            "not_working",
            "records_unavailable",
            "timeout",
        ])
    }
}

/// Responses by status, each telling its codes.
pub(crate) fn described(codes: &[&str]) -> BTreeMap<String, RefOr<utoipa::openapi::Response>> {
    let mut told: BTreeMap<u16, Vec<String>> = BTreeMap::new();
    for kind in CODES
        .iter()
        .filter(|kind| codes.contains(&kind.code) || kind.code == "too_many_requests")
    {
        let line = format!("`{}`: {}. {}", kind.code, kind.title, kind.remedy);
        told.entry(kind.status).or_default().push(line);
    }
    let schema = Ref::from_schema_name(<Details<'_> as utoipa::ToSchema>::name());
    let response = |lines: Vec<String>| {
        let content = ContentBuilder::new().schema(Some(schema.clone())).build();
        ResponseBuilder::new()
            .description(lines.join("\n\n"))
            .content("application/problem+json", content)
            .into()
    };
    told.into_iter()
        .map(|(status, lines)| (status.to_string(), response(lines)))
        .collect()
}
