//! Access in the OpenAPI document.

use super::route::Access;
use crate::problem_responses::responses;
use galleria_ports::access::Scope;
use utoipa::openapi::extensions::ExtensionsBuilder;
use utoipa::openapi::path::Operation;
use utoipa::openapi::security::{HttpAuthScheme, HttpBuilder, SecurityRequirement, SecurityScheme};
use utoipa::openapi::{Components, OpenApi};

/// The name of the security scheme in the document.
const SCHEME: &str = "bearer";

/// Adds the security scheme.
pub(crate) fn add_scheme(document: &mut OpenApi) {
    let scheme = HttpBuilder::new()
        .scheme(HttpAuthScheme::Bearer)
        .description(Some(
            "An API key, `gk_...`, which `galleria key create` prints once; or a token of an identity \
             provider that the host is configured to trust.",
        ))
        .build();
    let components = document.components.get_or_insert_with(Components::default);
    components.add_security_scheme(SCHEME, SecurityScheme::Http(scheme));
}

/// Adds security requirement, scope and the problems of authentication to an operation.
pub(crate) fn protect(operation: &mut Operation, access: Access) {
    let Access::Scoped(scope, resource) = access else {
        operation.security = Some(Vec::new());
        return;
    };
    // For a scheme without scopes of its own these are roles (OpenAPI 3.1).
    operation.security = Some(vec![SecurityRequirement::new(SCHEME, [scope.name()])]);
    let extension = ExtensionsBuilder::new().add("x-galleria-resource", resource.name());
    operation
        .extensions
        .get_or_insert_default()
        .merge(extension.build());
    let needs = format!("Needs the scope `{}`.", scope.name());
    operation.description = Some(match operation.description.take() {
        Some(text) if !text.is_empty() => format!("{text}\n\n{needs}"),
        _ => needs,
    });
    let mut codes = vec!["unauthorized", "forbidden", "issuer_unavailable"];
    if !operation.responses.responses.contains_key("404") {
        codes.push("not_found");
    }
    for (status, response) in responses(&codes) {
        // The description of a status that the handler declares, such as 429, is already complete.
        let entry = operation.responses.responses.entry(status);
        entry.or_insert(response);
    }
}

/// The scopes as rows of a Markdown table.
pub(crate) fn scope_rows() -> String {
    let row = |scope: Scope| format!("| `{}` | {} |\n", scope.name(), purpose(scope));
    Scope::ALL.into_iter().map(row).collect()
}

const fn purpose(scope: Scope) -> &'static str {
    match scope {
        Scope::Till => "Sell: orders, payments, shifts, members",
        Scope::BackOffice => "Run a store or a retailer: products, statements, reports",
        Scope::Operator => "Run the host: stores, dead letters, failed runs, metrics",
        Scope::Admin => "Everything, including what later releases add",
    }
}
