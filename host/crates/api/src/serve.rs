//! The router, and serving it until the shutdown.
//!
//! Owns: the order of middleware and the order of a drain. Never knows: what a route does.

use crate::access::admit;
use crate::access::table::{AccessError, AccessTable};
use crate::config::{HttpConfig, Surface};
use crate::limits::{ClientLimitListener, RateLimiter};
use crate::problem_kinds::TOO_MANY_REQUESTS;
use crate::state::ApiState;
use crate::{connections, edge, headers, openapi, problem, problem_examples};
use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::middleware::from_fn_with_state;
use galleria_app::App;
use std::sync::Arc;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

/// Checks that these routes exist and may be called without authentication.
pub fn check_anonymous(anonymous: &[String]) -> Result<(), AccessError> {
    let (_, _, routes) = openapi::all_routes(Surface::Api);
    AccessTable::new(routes, anonymous).map(drop)
}

/// All routes with limits, access control, request ids and problems, without a drain.
pub fn router(app: App, config: HttpConfig) -> Result<Router, AccessError> {
    build_router(app, config, CancellationToken::new())
}

fn build_router(
    app: App,
    config: HttpConfig,
    draining: CancellationToken,
) -> Result<Router, AccessError> {
    let (handlers, mut document, routes) = openapi::all_routes(config.surface);
    let access = AccessTable::new(routes, &config.access.anonymous)?;
    let rate_status = config.rate.map(|rate| rate.status);
    let rate_status = rate_status.unwrap_or(TOO_MANY_REQUESTS.status);
    problem_examples::add(&mut document, rate_status);
    let max_body_bytes = config.max_body_bytes;
    let rates = config.rate.and_then(RateLimiter::new).map(Arc::new);
    let cors = headers::cors(&config.cors_origins);
    let state = ApiState {
        app,
        rates,
        access: Arc::new(access),
        config: Arc::new(config),
        draining,
        openapi: openapi::to_json(&document).into(),
    };
    let router = handlers
        .fallback(problem::route_not_found)
        .method_not_allowed_fallback(problem::method_not_allowed)
        .layer(DefaultBodyLimit::max(max_body_bytes))
        .layer(from_fn_with_state(state.clone(), admit::admit))
        .layer(from_fn_with_state(state.clone(), edge::edge))
        .with_state(state);
    Ok(match cors {
        // Outermost: pages must also be able to read rejections.
        Some(cors) => router.layer(cors),
        None => router,
    })
}

/// Serves until `shutdown`, then drains: first `/readyz` fails, then no connection is accepted, then the
/// requests in flight are answered. Returns when all are answered, or when the timeout elapses. Requests that are
/// cut off can be repeated under the same key.
pub async fn serve(
    listener: TcpListener,
    app: App,
    config: HttpConfig,
    shutdown: CancellationToken,
) -> std::io::Result<()> {
    let (notice, within) = (config.drain_notice, config.drain_within);
    let idle = config.idle;
    let listener = ClientLimitListener::new(
        listener,
        config.connections_per_client,
        config.trusted_proxies.clone(),
    );
    let router = build_router(app, config, shutdown.clone()).map_err(std::io::Error::other)?;
    let accepting = shutdown.clone();
    let stop = async move {
        accepting.cancelled().await;
        tokio::time::sleep(notice).await;
    };
    let serving = connections::serve_connections(listener, router, idle, stop);
    let deadline = async move {
        shutdown.cancelled().await;
        tokio::time::sleep(notice + within).await;
    };
    tokio::select! {
        () = serving => Ok(()),
        () = deadline => {
            tracing::warn!(?within, "drain timed out with open connections");
            Ok(())
        }
    }
}
