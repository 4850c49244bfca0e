//! Probes: whether the process lives, and whether requests should be sent to it, part by part.

use crate::openapi::examples;
use crate::problem::{DRAINING, NOT_WORKING, Problem};
use crate::response::{LiveProblems, ReadyProblems};
use crate::serve::ApiState;
use crate::workers::Pulse;
use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse as _, Response};
use serde::Serialize;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

/// A worker that has been silent for so many times its patience is stuck: what a restart ends.
const STUCK: u32 = 4;

pub(crate) fn routes() -> OpenApiRouter<ApiState> {
    OpenApiRouter::default()
        .routes(routes!(healthz))
        .routes(routes!(readyz))
}

/// How a part of the host is.
#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
pub(crate) struct Part {
    /// `http`, `database`, `plugins`, or a worker such as `consumer`.
    #[schema(example = "consumer")]
    part: &'static str,
    /// The role it belongs to; missing where every process has it.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "consumer")]
    role: Option<&'static str>,
    /// `going`, `standing_by` (another host does its work), `draining`, `silent`, `ended` or `away`.
    #[schema(example = "going")]
    state: &'static str,
    /// For people; missing where there is nothing to add.
    #[serde(skip_serializing_if = "Option::is_none")]
    detail: Option<String>,
}

impl Part {
    fn new(part: &'static str, role: Option<&'static str>, state: &'static str) -> Self {
        Self {
            part,
            role,
            state,
            detail: None,
        }
    }

    /// As the document shows it.
    pub(crate) fn ended() -> Self {
        Self::new("consumer", Some("consumer"), "ended").with("has ended".to_owned())
    }

    fn with(self, detail: String) -> Self {
        Self {
            detail: Some(detail),
            ..self
        }
    }
}

/// What a probe that failed tells beside its problem.
#[derive(Clone, Debug)]
pub(crate) struct Parts(pub Vec<Part>);

/// How the host is.
#[derive(Serialize, utoipa::ToSchema)]
struct Health {
    /// `alive` or `ready`.
    #[schema(example = "ready")]
    status: &'static str,
    /// What this process is there for.
    #[schema(example = json!(["api", "consumer", "deliver", "schedule"]))]
    roles: Vec<String>,
    /// Every part that was looked at.
    parts: Vec<Part>,
}

/// Whether the process lives
///
/// It does where no worker has broken down, or has been silent for so long that it is stuck: what a
/// restart ends. It asks nobody else: a restart would not help a database that is away.
#[utoipa::path(
    get, path = "/healthz", tag = "operation",
    responses(LiveProblems, (status = 200, description = "It does.", body = Health, example = examples::healthz)),
)]
async fn healthz(State(state): State<ApiState>) -> Response {
    // What ends in a drain is to end.
    let draining = state.draining.is_cancelled();
    let (parts, broken) = workers(&state, STUCK);
    let broken = broken.filter(|_| !draining);
    told(&state, "alive", parts, broken)
}

/// Whether requests should be sent here
///
/// They should where no drain has begun, the database answers, which holds the log, the plugins are
/// loaded, and every worker of the process's roles goes on. Its schema was checked when the host started,
/// and only grows. A worker that stands by while another host does its work is ready to do it.
#[utoipa::path(
    get, path = "/readyz", tag = "operation",
    responses(
        ReadyProblems,
        (status = 200, description = "Every part of the host does its work.", body = Health,
            example = examples::readyz),
    ),
)]
async fn readyz(State(state): State<ApiState>) -> Response {
    let (workers, broken) = workers(&state, 1);
    let draining = state.draining.is_cancelled();
    let mut problem = broken;
    let mut parts = Vec::new();
    if state.config.serves_api() {
        let http = if draining { "draining" } else { "going" };
        parts.push(Part::new("http", Some("api"), http));
    }
    // Who is being stopped is not asked what else it could do.
    if !draining && problem.is_none() {
        let database = match state.app.healthy().await {
            Ok(()) => "going",
            Err(error) => {
                problem = Some(error.into());
                "away"
            }
        };
        parts.push(Part::new("database", None, database));
    }
    // Plugins are loaded before the host listens: without them it would not be here.
    parts.push(Part::new("plugins", None, "going"));
    parts.extend(workers);
    let draining = draining.then(|| Problem::new(DRAINING, DRAINING.remedy));
    told(&state, "ready", parts, draining.or(problem))
}

/// How the workers are, and what is wrong with the first that does not go on. A worker may be silent for
/// `times` its patience.
fn workers(state: &ApiState, times: u32) -> (Vec<Part>, Option<Problem>) {
    let (mut parts, mut broken) = (Vec::new(), None);
    for worker in state.config.workers.told(times) {
        let (name, role) = (worker.name, worker.role);
        let (worker_state, how) = match worker.pulse {
            Pulse::Going if worker.standing_by => {
                parts.push(Part {
                    detail: worker.note,
                    ..Part::new(name, role, "standing_by")
                });
                continue;
            }
            Pulse::Going => {
                parts.push(Part {
                    detail: worker.note,
                    ..Part::new(name, role, "going")
                });
                continue;
            }
            Pulse::Silent(silent) => (
                "silent",
                format!("has been silent for {} s", silent.as_secs()),
            ),
            Pulse::Ended => ("ended", "has ended".to_owned()),
        };
        broken.get_or_insert_with(|| Problem::new(NOT_WORKING, format!("{name} {how}")));
        parts.push(Part::new(name, role, worker_state).with(how));
    }
    (parts, broken)
}

fn told(
    state: &ApiState,
    status: &'static str,
    parts: Vec<Part>,
    problem: Option<Problem>,
) -> Response {
    let Some(problem) = problem else {
        let roles = state.config.roles.clone();
        let health = Health {
            status,
            roles,
            parts,
        };
        return Json(health).into_response();
    };
    let mut response = problem.into_response();
    response.extensions_mut().insert(Parts(parts));
    response
}
