//! What the OpenAPI document tells of access: from the table that the host enforces.

use super::meaning;
use super::table::{Access, ROUTES, Route};
use crate::response;
use galleria_app::access::Scope;
use utoipa::openapi::path::Operation;
use utoipa::openapi::security::{HttpAuthScheme, HttpBuilder, SecurityRequirement, SecurityScheme};
use utoipa::openapi::{Components, OpenApi, PathItem};

/// The name of the scheme in the document.
const SCHEME: &str = "bearer";

/// Adds who may ask to every operation, and how a caller tells who it is.
pub(crate) fn describe(document: &mut OpenApi) {
    let scheme = HttpBuilder::new()
        .scheme(HttpAuthScheme::Bearer)
        .description(Some(
            "A key, `gk_...`, as `galleria key create` shows it once; or a token of an identity \
             provider that the host is configured to trust.",
        ))
        .build();
    let components = document.components.get_or_insert_with(Components::default);
    components.add_security_scheme(SCHEME, SecurityScheme::Http(scheme));
    for route in ROUTES {
        let item = document.paths.paths.get_mut(route.path);
        if let Some(operation) = item.and_then(|item| operation(item, route.method)) {
            protect(operation, route);
        }
    }
    let text = document.info.description.get_or_insert_default();
    text.push_str(&words());
}

fn operation<'d>(item: &'d mut PathItem, method: &str) -> Option<&'d mut Operation> {
    let found = match method {
        "GET" => &mut item.get,
        "PUT" => &mut item.put,
        "POST" => &mut item.post,
        "DELETE" => &mut item.delete,
        "PATCH" => &mut item.patch,
        _ => return None,
    };
    found.as_mut()
}

fn protect(operation: &mut Operation, route: &Route) {
    let Access::Scoped(scope, _) = route.who else {
        operation.security = Some(Vec::new());
        return;
    };
    // Of a scheme that has no scopes of its own, these are roles (OpenAPI 3.1).
    operation.security = Some(vec![SecurityRequirement::new(SCHEME, [scope.name()])]);
    let told = format!("Needs the scope `{}`.", scope.name());
    operation.description = Some(match operation.description.take() {
        Some(text) if !text.is_empty() => format!("{text}\n\n{told}"),
        _ => told,
    });
    let mut codes = vec!["unauthorized", "forbidden", "issuer_unavailable"];
    if !operation.responses.responses.contains_key("404") {
        codes.push("not_found");
    }
    for (status, described) in response::described(&codes) {
        // What is told already of a status, such as of 429, is said in full there.
        let told = operation.responses.responses.entry(status);
        told.or_insert(described);
    }
}

fn words() -> String {
    let mut text = String::from(
        "\n\nEvery request but probes and this document says who it is from: `Authorization: Bearer` \
         and a key or a token. Without, or with one that is not good, the answer is 401; 403 where \
         the scope does not suffice. A scope includes those before it:\n\n\
         | scope | what it is for |\n|---|---|\n",
    );
    for scope in Scope::ALL {
        text.push_str(&format!("| `{}` | {} |\n", scope.name(), meaning(scope)));
    }
    text.push_str(
        "\nA caller may be bound to retailers or to single stores. What is not in its reach is not \
         there: the answer is 404 as for an id that nobody has, and lists leave it out. What is \
         about the whole host is refused to who is bound, with 403.\n",
    );
    text
}
