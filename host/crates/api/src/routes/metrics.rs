//! Scrapes of metrics, on the API's address or on an address of their own.

use crate::access::route::{Access, Resource, RouteKind};
use crate::endpoint::Routes;
use crate::metrics::Metrics;
use crate::problem::{Details, Problem};
use crate::problem_kinds::NO_ROUTE;
use crate::reply::ApiResult;
use crate::state::ApiState;
use axum::Router;
use axum::extract::State;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use galleria_app::App;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

pub(super) fn routes() -> Routes {
    let access = Access::operator(Resource::Host);
    Routes::new().with(endpoint!(scrape, access).kind(RouteKind::Probe))
}

/// Get metrics for Prometheus
///
/// Counters, histograms and gauges in Prometheus' text format. If the host serves metrics at an address of
/// their own, this route answers 404.
#[utoipa::path(
    get, path = "/metrics", tag = "operation", operation_id = "metrics",
    responses(
        (status = 200, description = "All metrics.", body = String,
            content_type = "text/plain",
            example = json!("# TYPE galleria_held_events gauge\ngalleria_held_events 0\n")),
        (status = 404, description = "`route_not_found`: metrics are served at another address.",
            body = Details, content_type = "application/problem+json"),
    ),
)]
async fn scrape(State(state): State<ApiState>) -> ApiResult<Response> {
    match &state.config.metrics {
        Some(metrics) => Ok(response(metrics.text(&state.app).await)),
        None => Err(Problem::new(
            NO_ROUTE,
            "/metrics is served at another address",
        )),
    }
}

fn response(text: String) -> Response {
    ([(header::CONTENT_TYPE, "text/plain; version=0.0.4")], text).into_response()
}

/// Serves only `/metrics`, at an address of its own, until `stop`.
pub async fn serve_metrics(
    listener: TcpListener,
    app: App,
    metrics: Metrics,
    stop: CancellationToken,
) -> std::io::Result<()> {
    let scrape =
        async |State((app, metrics)): State<(App, Metrics)>| response(metrics.text(&app).await);
    let router = Router::new()
        .route("/metrics", get(scrape))
        .with_state((app, metrics));
    let serving = axum::serve(listener, router);
    tokio::select! {
        result = serving.into_future() => result,
        () = stop.cancelled() => Ok(()),
    }
}
