//! The page that shows the OpenAPI document.
//!
//! Owns: which file of the embedded Swagger UI is served, and what a browser may do with it. It loads
//! nothing from elsewhere: the policy below forbids it, and a test reads what the files ask for.

use crate::problem::{NO_ROUTE, Problem};
use crate::response::ApiResult;
use crate::serve::ApiState;
use axum::extract::Path;
use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse, Redirect, Response};
use std::sync::{Arc, LazyLock};
use utoipa_axum::router::OpenApiRouter;
use utoipa_swagger_ui::Config;

/// Scripts and answers from this host alone. Styles inline and images as data, because the page's own
/// script makes them.
const POLICY: HeaderValue = HeaderValue::from_static(
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; \
     connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
);

/// No validator: that of swagger.io would be asked about every document.
static CONFIG: LazyLock<Arc<Config<'static>>> = LazyLock::new(|| {
    let config = Config::from("/openapi.json")
        .validator_url("none")
        .display_request_duration(true)
        .use_base_layout();
    Arc::new(config)
});

/// Routes for people: the document does not list them.
pub(crate) fn routes() -> OpenApiRouter<ApiState> {
    OpenApiRouter::default()
        // The page's links are relative to the folder.
        .route(
            "/docs",
            axum::routing::get(|| async { Redirect::permanent("/docs/") }),
        )
        .route(
            "/docs/",
            axum::routing::get(|| async { file("index.html") }),
        )
        .route("/docs/{file}", axum::routing::get(named))
}

async fn named(Path(name): Path<String>) -> ApiResult<Response> {
    file(&name)
}

fn file(name: &str) -> ApiResult<Response> {
    // Maps are for who develops the page, and five times as large as the page.
    let wanted = !name.ends_with(".map");
    let found = utoipa_swagger_ui::serve(name, CONFIG.clone());
    let found = found.map_err(|error| Problem::panicked(error.to_string()))?;
    let Some(file) = found.filter(|_| wanted) else {
        return Err(Problem::new(NO_ROUTE, format!("/docs/{name} is no route")));
    };
    let headers = [
        (header::CONTENT_SECURITY_POLICY, POLICY),
        // As long as the host's own build lives; a newer one may bring another page.
        (
            header::CACHE_CONTROL,
            HeaderValue::from_static("max-age=600"),
        ),
    ];
    let kind = [(header::CONTENT_TYPE, file.content_type)];
    Ok((headers, kind, file.bytes.into_owned()).into_response())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(name: &str) -> String {
        let found = utoipa_swagger_ui::serve(name, CONFIG.clone()).expect("a file");
        let bytes = found.expect("a file of that name").bytes;
        String::from_utf8(bytes.into_owned()).expect("text")
    }

    #[test]
    fn the_page_asks_this_host_alone() {
        let page = text("index.html");
        for attribute in ["src=\"", "href=\""] {
            let mut links = page.split(attribute).skip(1).peekable();
            assert!(links.peek().is_some());
            for link in links {
                assert!(
                    link.starts_with("./") || link.starts_with("index.css"),
                    "{link}"
                );
                let name = link.split('"').next().unwrap_or_default();
                assert!(file(name.trim_start_matches("./")).is_ok(), "{name}");
            }
        }
        // The policy lets no script run that stands in the page itself.
        let scripts = page.split("<script").skip(1);
        for script in scripts {
            let body = script.split_once('>').expect("a tag").1;
            assert!(body.trim_start().starts_with("</script>"), "{body}");
        }
        let begins = text("swagger-initializer.js");
        assert!(begins.contains("\"/openapi.json\""), "{begins}");
        assert!(begins.contains("\"validatorUrl\": \"none\""), "{begins}");
        assert!(!begins.contains("http"), "{begins}");
    }

    #[test]
    fn no_map_and_nothing_else_is_served() {
        for name in ["swagger-ui.js.map", "other.js", "../Cargo.toml"] {
            assert!(file(name).is_err(), "{name}");
        }
    }
}
