//! Probes: whether the process lives, and whether requests should be sent to it.

use crate::problem::{DRAINING, Problem};
use crate::response::{Answer, ReadyProblems};
use crate::serve::Face;
use axum::Json;
use axum::extract::State;
use serde::Serialize;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

pub(crate) fn routes() -> OpenApiRouter<Face> {
    OpenApiRouter::default()
        .routes(routes!(healthz))
        .routes(routes!(readyz))
}

/// A probe's answer.
#[derive(Serialize, utoipa::ToSchema)]
struct Health {
    /// `alive` or `ready`.
    status: &'static str,
}

/// Whether the process answers
///
/// It asks nobody else: a restart would not help a database that is away.
#[utoipa::path(
    get, path = "/healthz", tag = "operation",
    responses((status = 200, description = "It does.", body = Health)),
)]
async fn healthz() -> Json<Health> {
    Json(Health { status: "alive" })
}

/// Whether requests should be sent here
#[utoipa::path(
    get, path = "/readyz", tag = "operation",
    responses(
        ReadyProblems,
        (status = 200, description = "The database answers and no drain has begun.", body = Health),
    ),
)]
async fn readyz(State(face): State<Face>) -> Answer<Json<Health>> {
    if face.draining.is_cancelled() {
        return Err(Problem::new(DRAINING, DRAINING.remedy));
    }
    face.app.healthy().await?;
    Ok(Json(Health { status: "ready" }))
}
