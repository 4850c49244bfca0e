//! The page `/docs`, which shows the OpenAPI document with Swagger UI.
//!
//! Owns: the embedded files that are served, and the security policy of the page. The page loads nothing from
//! other hosts: the policy forbids it, and a test checks the files.

use crate::endpoint::Routes;
use crate::problem::Problem;
use crate::problem_kinds::NO_ROUTE;
use crate::reply::ApiResult;
use axum::extract::Path;
use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse, Redirect, Response};
use std::sync::{Arc, LazyLock};
use utoipa_swagger_ui::Config;

/// Scripts and requests only to this host. Inline styles and `data:` images, because the page's own script
/// creates them.
const POLICY: HeaderValue = HeaderValue::from_static(
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; \
     connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
);

/// Without the validator, which would send every document to swagger.io.
static CONFIG: LazyLock<Arc<Config<'static>>> = LazyLock::new(|| {
    let config = Config::from("/openapi.json")
        .validator_url("none")
        .display_request_duration(true)
        .use_base_layout();
    Arc::new(config)
});

pub(super) fn routes() -> Routes {
    Routes::new()
        // The links of the page are relative to `/docs/`.
        .with_page(
            "/docs",
            axum::routing::get(|| async { Redirect::permanent("/docs/") }),
        )
        .with_page(
            "/docs/",
            axum::routing::get(|| async { file("index.html") }),
        )
        .with_page("/docs/{file}", axum::routing::get(named))
}

async fn named(Path(name): Path<String>) -> ApiResult<Response> {
    file(&name)
}

fn file(name: &str) -> ApiResult<Response> {
    // Source maps are five times as large as the page and only useful to its developers.
    let served = !name.ends_with(".map");
    let asset = utoipa_swagger_ui::serve(name, CONFIG.clone());
    let asset = asset.map_err(|error| Problem::panicked(&error.to_string()))?;
    let Some(file) = asset.filter(|_| served) else {
        let detail = format!("the route /docs/{name} does not exist");
        return Err(Problem::new(NO_ROUTE, detail));
    };
    let headers = [
        (header::CONTENT_SECURITY_POLICY, POLICY),
        // Short, because a new release of the host may contain another page.
        (
            header::CACHE_CONTROL,
            HeaderValue::from_static("max-age=600"),
        ),
    ];
    let content_type = [(header::CONTENT_TYPE, file.content_type)];
    Ok((headers, content_type, file.bytes.into_owned()).into_response())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(name: &str) -> String {
        let asset = utoipa_swagger_ui::serve(name, CONFIG.clone()).expect("a file");
        let bytes = asset.expect("a file of that name").bytes;
        String::from_utf8(bytes.into_owned()).expect("text")
    }

    #[test]
    fn the_page_loads_only_from_this_host() {
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
        // The policy forbids inline scripts.
        let scripts = page.split("<script").skip(1);
        for script in scripts {
            let body = script.split_once('>').expect("a tag").1;
            assert!(body.trim_start().starts_with("</script>"), "{body}");
        }
        let initializer = text("swagger-initializer.js");
        assert!(initializer.contains("\"/openapi.json\""), "{initializer}");
        assert!(
            initializer.contains("\"validatorUrl\": \"none\""),
            "{initializer}"
        );
        assert!(!initializer.contains("http"), "{initializer}");
    }

    #[test]
    fn source_maps_and_unknown_files_are_not_served() {
        for name in ["swagger-ui.js.map", "other.js", "../Cargo.toml"] {
            assert!(file(name).is_err(), "{name}");
        }
    }
}
