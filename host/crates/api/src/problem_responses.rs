//! Sets of problems that several routes share, as responses of the OpenAPI document.

use crate::problem::Details;
use crate::problem_kinds::CODES;
use std::collections::BTreeMap;
use utoipa::openapi::{ContentBuilder, Ref, RefOr, Response, ResponseBuilder};

macro_rules! problem_sets {
    ($($(#[$doc:meta])* $name:ident: $($code:literal)*;)*) => {
        $($(#[$doc])*
        pub(crate) struct $name;

        impl utoipa::IntoResponses for $name {
            fn responses() -> BTreeMap<String, RefOr<Response>> {
                responses(&[$($code),*])
            }
        })*
    };
}

problem_sets! {
    /// Problems of a route that reads one resource.
    ReadProblems:
        "bad_request" "not_found" "internal" "records_unavailable" "timeout";
    /// Problems of a route that lists.
    ListProblems:
        "bad_query" "invalid" "internal" "records_unavailable" "timeout";
    /// Problems of a route that writes. Each route adds its conflicts.
    WriteProblems:
        "bad_json" "bad_request" "idempotency_key_invalid" "idempotency_key_missing" "not_found"
        "body_too_large" "unsupported_media_type" "idempotency_key_reused" "invalid" "internal"
        "records_unavailable" "timeout";
    /// Problems of a route that writes and evaluates taxes. Each route adds its conflicts.
    TaxWriteProblems:
        "bad_json" "bad_request" "idempotency_key_invalid" "idempotency_key_missing" "not_found"
        "body_too_large" "unsupported_media_type" "idempotency_key_reused" "invalid" "internal"
        "records_unavailable" "tax_response_invalid" "tax_route_not_configured"
        "tax_service_timeout" "tax_service_unavailable" "tax_service_untrusted" "timeout";
    /// Problems of a route that replaces an object, for which no key is required.
    PutProblems:
        "bad_json" "bad_request" "idempotency_key_invalid" "not_found" "body_too_large"
        "unsupported_media_type" "idempotency_key_reused" "invalid" "internal"
        "records_unavailable" "timeout";
    /// Problems of evaluating taxes.
    EvaluateProblems:
        "bad_json" "bad_request" "idempotency_key_invalid" "not_found" "tax_route_loop" "body_too_large"
        "unsupported_media_type" "idempotency_key_reused" "invalid" "internal" "records_unavailable"
        "tax_response_invalid" "tax_route_not_configured" "tax_service_timeout" "tax_service_unavailable"
        "tax_service_untrusted" "timeout";
    /// Problems of identifying a member.
    IdentifyProblems:
        "bad_json" "bad_request" "not_found" "not_served" "member_unknown" "body_too_large"
        "unsupported_media_type" "too_many_attempts" "internal" "records_unavailable" "timeout";
    /// Problems of a product import.
    ImportProblems:
        "bad_query" "bad_request" "idempotency_key_invalid" "idempotency_key_missing" "not_found"
        "catalogue_busy" "body_too_large" "unsupported_media_type" "file_refused"
        "idempotency_key_reused" "internal" "records_unavailable" "timeout";
    /// Problems of a store import.
    StoresImportProblems:
        "bad_query" "bad_request" "idempotency_key_invalid" "idempotency_key_missing" "not_found"
        "store_identity" "body_too_large" "unsupported_media_type" "file_refused"
        "idempotency_key_reused" "internal" "records_unavailable" "timeout";
    /// Problems of an import of a tax table.
    TaxTableImportProblems:
        "bad_query" "bad_request" "idempotency_key_invalid" "idempotency_key_missing" "not_found"
        "body_too_large" "unsupported_media_type" "file_refused" "invalid"
        "idempotency_key_reused" "internal" "records_unavailable" "timeout";
    /// Problems of deleting a tax table or tax settings.
    TaxDeleteProblems:
        "bad_query" "bad_request" "idempotency_key_invalid" "not_found" "invalid"
        "idempotency_key_reused" "internal" "records_unavailable" "timeout";
    /// Problems of a statement import.
    StatementProblems:
        "bad_query" "bad_request" "not_found" "body_too_large" "file_refused" "invalid" "internal"
        "plugin_failed" "records_unavailable" "timeout";
    /// Problems of the liveness probe.
    LiveProblems:
        "not_working";
    /// Problems of the readiness probe.
    ReadyProblems:
        "internal" "draining" "not_working" "records_unavailable" "timeout";
}

/// The responses of these codes by status. Every route may also answer `too_many_requests`.
pub(crate) fn responses(codes: &[&str]) -> BTreeMap<String, RefOr<Response>> {
    let mut lines: BTreeMap<u16, Vec<String>> = BTreeMap::new();
    for kind in CODES
        .iter()
        .filter(|kind| codes.contains(&kind.code) || kind.code == "too_many_requests")
    {
        let line = format!("`{}`: {}. {}", kind.code, kind.title, kind.remedy);
        lines.entry(kind.status).or_default().push(line);
    }
    let schema = Ref::from_schema_name(<Details<'_> as utoipa::ToSchema>::name());
    let response = |lines: Vec<String>| {
        let content = ContentBuilder::new().schema(Some(schema.clone())).build();
        ResponseBuilder::new()
            .description(lines.join("\n\n"))
            .content("application/problem+json", content)
            .into()
    };
    lines
        .into_iter()
        .map(|(status, lines)| (status.to_string(), response(lines)))
        .collect()
}
