//! Probes: liveness and readiness of the process, part by part.

use crate::access::route::{Access, RouteKind};
use crate::endpoint::Routes;
use crate::part::{Part, Parts};
use crate::problem::Problem;
use crate::problem_kinds::{DRAINING, NOT_WORKING};
use crate::problem_responses::{LiveProblems, ReadyProblems};
use crate::state::ApiState;
use crate::workers::WorkerState;
use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse as _, Response};
use galleria_domain::tax::TaxRoute;
use galleria_ports::plugins::{LoadState, RetailerLoad};
use galleria_ports::tax::BreakerState;
use serde::Serialize;

/// A worker that is silent for this many times its maximum needs a restart.
const STUCK: u32 = 4;

pub(super) fn routes() -> Routes {
    Routes::new()
        .with(endpoint!(healthz, Access::Public).kind(RouteKind::Probe))
        .with(endpoint!(readyz, Access::Public).kind(RouteKind::Probe))
}

/// The health of the process.
#[derive(Serialize, utoipa::ToSchema)]
struct Health {
    /// `alive` or `ready`.
    #[schema(example = "ready")]
    status: &'static str,
    /// The roles of this process.
    #[schema(example = json!(["api", "consumer", "deliver", "schedule"]))]
    roles: Vec<String>,
    /// Every part that was checked.
    parts: Vec<Part>,
}

/// Check liveness
///
/// Fails if a worker has panicked, or is silent for so long that only a restart helps. It does not check the
/// database: a restart would not help if the database is unavailable.
#[utoipa::path(
    get, path = "/healthz", tag = "operation",
    responses(
        LiveProblems,
        (status = 200, description = "The process is alive.", body = Health,
            example = json!(example!("healthz"))),
    ),
)]
async fn healthz(State(state): State<ApiState>) -> Response {
    // Workers end during a drain.
    let draining = state.draining.is_cancelled();
    let (parts, problem) = check_workers(&state, STUCK);
    let problem = problem.filter(|_| !draining);
    respond(&state, "alive", parts, problem)
}

/// Check readiness
///
/// Succeeds if no drain has begun, the database responds, the plugins are loaded, and every worker of the
/// process's roles runs. The schema was checked when the host started, and changes only add to it. A worker
/// that stands by while another host does its work is ready. An unavailable tax service is a part, but does not make
/// the host unready.
#[utoipa::path(
    get, path = "/readyz", tag = "operation",
    responses(
        ReadyProblems,
        (status = 200, description = "Every part of the host works.", body = Health,
            example = json!(example!("readyz"))),
    ),
)]
async fn readyz(State(state): State<ApiState>) -> Response {
    let (workers, mut problem) = check_workers(&state, 1);
    let draining = state.draining.is_cancelled();
    let mut parts = Vec::new();
    if state.config.serves_api() {
        let http = if draining { "draining" } else { "running" };
        parts.push(Part::new("http", Some("api"), http, None));
    }
    // Query the database only if nothing else makes the host unready.
    if !draining && problem.is_none() {
        let database = match state.app.operations.check_database().await {
            Ok(()) => "running",
            Err(error) => {
                problem = Some(error.into());
                "unavailable"
            }
        };
        parts.push(Part::new("database", None, database, None));
    }
    // The host loads plugins before it listens. A load that failed does not make the host unready: the retailer's
    // events wait, or it serves with its previous configuration.
    let detail = failed_loads(&state.app.core.plugins().loads());
    parts.push(Part::new("plugins", None, "running", detail));
    parts.extend(tax_services(&state));
    parts.extend(workers);
    let draining = draining.then(|| Problem::new(DRAINING, DRAINING.remedy));
    respond(&state, "ready", parts, draining.or(problem))
}

/// The tax services. One that fails does not make the host unready: other stores do not use it.
fn tax_services(state: &ApiState) -> impl Iterator<Item = Part> {
    let services = state.app.taxes.upstreams().into_iter();
    services.map(|service| {
        let name = match service.route {
            TaxRoute::Embedded => "tax_embedded",
            TaxRoute::Grpc => "tax_grpc",
            TaxRoute::Http => "tax_http",
        };
        // The reason names internal addresses, and everybody may call probes.
        let kind = service.last_failure.map(|failure| failure.kind);
        match service.breaker {
            BreakerState::Closed => Part::new(name, None, "running", None),
            BreakerState::HalfOpen | BreakerState::Open => {
                let kind = kind.unwrap_or_default();
                let detail = format!("failed repeatedly ({kind}) and is not called for a while");
                Part::new(name, None, "unavailable", Some(detail))
            }
        }
    })
}

/// Describes the loads that failed.
fn failed_loads(loads: &[RetailerLoad]) -> Option<String> {
    let failed = loads.iter().filter_map(|load| {
        let state = match load.state {
            LoadState::Serving => return None,
            LoadState::OutOfService => "is out of service",
            LoadState::ReloadFailed => "serves with its previous configuration, its reload failed",
        };
        let errors = load.errors.join("; ");
        Some(format!("retailer {} {state}: {errors}", load.retailer))
    });
    let failed: Vec<String> = failed.collect();
    (!failed.is_empty()).then(|| failed.join("; "))
}

/// The workers, and the problem of the first that does not run. A worker may be silent for `factor` times its
/// maximum.
fn check_workers(state: &ApiState, factor: u32) -> (Vec<Part>, Option<Problem>) {
    let (mut parts, mut problem) = (Vec::new(), None);
    for worker in state.config.workers.status(factor) {
        let (name, role) = (worker.name, worker.role);
        let (state, fault) = match worker.state {
            WorkerState::Running if worker.standing_by => ("standing_by", None),
            WorkerState::Running => ("running", None),
            WorkerState::Silent(silent) => {
                let fault = format!("has been silent for {} s", silent.as_secs());
                ("silent", Some(fault))
            }
            WorkerState::Ended => ("ended", Some("has ended".to_owned())),
        };
        if let Some(fault) = &fault {
            problem.get_or_insert_with(|| Problem::new(NOT_WORKING, format!("{name} {fault}")));
        }
        parts.push(Part::new(name, role, state, fault.or(worker.detail)));
    }
    (parts, problem)
}

fn respond(
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
