//! Probes: whether the process lives, and whether requests should be sent to it.

use crate::problem::{DRAINING, NOT_WORKING, Problem};
use crate::response::{Answer, ReadyProblems};
use crate::serve::Face;
use crate::workers::Pulse;
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

/// How the parts of the host are.
#[derive(Serialize, utoipa::ToSchema)]
struct Readiness {
    /// `ready`.
    status: &'static str,
    /// Every part that was looked at: `database` with the log in it, `plugins`, and each worker.
    roles: Vec<&'static str>,
}

/// Whether requests should be sent here
///
/// They should where no drain has begun, the database answers, which holds the log, the plugins are
/// loaded, and every worker of the host goes on.
#[utoipa::path(
    get, path = "/readyz", tag = "operation",
    responses(
        ReadyProblems,
        (status = 200, description = "Every part of the host does its work.", body = Readiness),
    ),
)]
async fn readyz(State(face): State<Face>) -> Answer<Json<Readiness>> {
    if face.draining.is_cancelled() {
        return Err(Problem::new(DRAINING, DRAINING.remedy));
    }
    // Plugins are loaded before the host listens: without them it would not be here.
    let mut roles = vec!["database", "plugins"];
    for (worker, pulse) in face.config.workers.pulses() {
        let how = match pulse {
            Pulse::Going => {
                roles.push(worker);
                continue;
            }
            Pulse::Silent(silent) => format!("has been silent for {} s", silent.as_secs()),
            Pulse::Ended => "has ended".to_owned(),
        };
        return Err(Problem::new(NOT_WORKING, format!("{worker} {how}")));
    }
    face.app.healthy().await?;
    Ok(Json(Readiness {
        status: "ready",
        roles,
    }))
}
