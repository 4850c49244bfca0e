//! Endpoints: each is declared once, in the file of its handler, together with its access.
//!
//! Owns: the only way to add a route. An endpoint without access does not compile. The router, the access
//! table and the OpenAPI document are all built from the same [`Routes`].

use crate::access::describe::protect;
use crate::access::route::{Access, Route, RouteKind};
use crate::path_item;
use crate::state::ApiState;
use axum::Router;
use axum::extract::Request;
use axum::handler::Handler;
use axum::response::Response;
use axum::routing::MethodRouter;
use std::pin::Pin;
use utoipa::openapi::OpenApi;
use utoipa_axum::router::{OpenApiRouter, UtoipaMethodRouter};

/// An [`Endpoint`] from a handler with `#[utoipa::path]`, which names method and path, and its [`Access`].
macro_rules! endpoint {
    ($handler:ident, $access:expr) => {{
        let $handler = $crate::endpoint::ErasedHandler(|request, state| {
            axum::handler::Handler::call($handler, request, state)
        });
        $crate::endpoint::Endpoint::new(utoipa_axum::routes!($handler), $access)
    }};
}

type HandlerFuture = Pin<Box<dyn Future<Output = Response> + Send>>;

/// A handler without its type, so that axum's router is compiled once and not once per handler.
#[derive(Clone, Copy)]
pub(crate) struct ErasedHandler(pub fn(Request, ApiState) -> HandlerFuture);

impl Handler<(), ApiState> for ErasedHandler {
    type Future = HandlerFuture;

    fn call(self, request: Request, state: ApiState) -> HandlerFuture {
        (self.0)(request, state)
    }
}

/// A handler, its description and its access.
pub(crate) struct Endpoint {
    handler: UtoipaMethodRouter<ApiState>,
    access: Access,
    kind: RouteKind,
}

impl Endpoint {
    pub(crate) fn new(handler: UtoipaMethodRouter<ApiState>, access: Access) -> Self {
        let kind = RouteKind::Ordinary;
        Self {
            handler,
            access,
            kind,
        }
    }

    /// The same endpoint, of another kind.
    pub(crate) fn kind(self, kind: RouteKind) -> Self {
        Self { kind, ..self }
    }
}

/// Endpoints and pages.
pub(crate) struct Routes {
    router: OpenApiRouter<ApiState>,
    list: Vec<Route>,
}

impl Routes {
    pub(crate) fn new() -> Self {
        Self {
            router: OpenApiRouter::default(),
            list: Vec::new(),
        }
    }

    /// Adds an endpoint. Its description gets the security that its access requires.
    pub(crate) fn with(mut self, endpoint: Endpoint) -> Self {
        let Endpoint {
            handler: (schemas, mut paths, handler),
            access,
            kind,
        } = endpoint;
        for (path, item) in &mut paths.paths {
            for (method, operation) in path_item::operations(item) {
                protect(operation, access);
                self.list.push(Route {
                    method,
                    path: path.clone(),
                    access,
                    kind,
                });
            }
        }
        self.router = self.router.routes((schemas, paths, handler));
        self
    }

    /// Adds a public page, which the OpenAPI document does not list.
    pub(crate) fn with_page(mut self, path: &str, handler: MethodRouter<ApiState>) -> Self {
        self.list.push(Route {
            method: "GET",
            path: path.to_owned(),
            access: Access::Public,
            kind: RouteKind::Ordinary,
        });
        self.router = self.router.route(path, handler);
        self
    }

    pub(crate) fn merge(mut self, other: Self) -> Self {
        self.router = self.router.merge(other.router);
        self.list.extend(other.list);
        self
    }

    /// The handlers, the OpenAPI paths and schemas, and the access of every route.
    pub(crate) fn into_parts(self) -> (Router<ApiState>, OpenApi, Vec<Route>) {
        let (router, document) = self.router.split_for_parts();
        (router, document, self.list)
    }
}
