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

/// Retailers that the details of the plugins describe. Probes are frequent, and everybody may call them.
const MAX_RETAILERS: usize = 10;

/// Errors of each of these retailers.
const MAX_ERRORS: usize = 3;

/// Characters of an error.
const MAX_CHARS: usize = 200;

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
/// Succeeds if no drain has begun, the database responds, and every worker of the process's roles runs. The schema
/// was checked when the host started, and changes only add to it. A worker that stands by while another host does its
/// work is ready.
///
/// An unavailable tax service, and a retailer that is loading, could not be loaded, or could not be reloaded, do not
/// make the host unready: the part `plugins` names such retailers. Its `detail` is shortened; `GET /v1/retailers` and
/// `galleria check` show all errors.
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
    // A load that failed or has not ended does not make the host unready: the retailer's events wait, or it serves
    // with its previous configuration.
    parts.push(plugins(&state.app.core.plugins().loads()));
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

/// The plugins, with the retailers whose last load failed or has not ended.
fn plugins(loads: &[RetailerLoad]) -> Part {
    let is_loading = |load: &RetailerLoad| load.state == LoadState::Loading;
    let state = match loads.iter().any(is_loading) {
        true => "loading",
        false => "running",
    };
    let described = loads.iter().filter_map(describe_load);
    let described: Vec<String> = described.collect();
    let detail = (!described.is_empty()).then(|| first(described, MAX_RETAILERS, "retailers"));
    Part::new("plugins", None, state, detail)
}

fn describe_load(load: &RetailerLoad) -> Option<String> {
    let retailer = &load.retailer;
    let state = match load.state {
        LoadState::Serving => return None,
        LoadState::Loading => {
            return Some(format!("retailer {retailer} is out of service: loading"));
        }
        LoadState::OutOfService => "is out of service",
        LoadState::ReloadFailed => "serves with its previous configuration, its reload failed",
    };
    let errors = load.errors.iter().map(|error| shortened(error)).collect();
    let errors = first(errors, MAX_ERRORS, "errors");
    Some(format!("retailer {retailer} {state}: {errors}"))
}

/// The first texts, and the number of the others.
fn first(mut texts: Vec<String>, max: usize, what: &str) -> String {
    let more = texts.len().saturating_sub(max);
    texts.truncate(max);
    if more > 0 {
        texts.push(format!("and {more} more {what}"));
    }
    texts.join("; ")
}

fn shortened(error: &str) -> String {
    match error.char_indices().nth(MAX_CHARS) {
        Some((end, _)) => format!("{}...", &error[..end]),
        None => error.to_owned(),
    }
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

#[cfg(test)]
mod tests {
    use super::*;

    fn load(retailer: &str, state: LoadState, errors: Vec<String>) -> RetailerLoad {
        RetailerLoad {
            retailer: retailer.to_owned(),
            state,
            errors,
        }
    }

    fn json(loads: &[RetailerLoad]) -> serde_json::Value {
        serde_json::to_value(plugins(loads)).expect("JSON")
    }

    #[test]
    fn details_of_plugins_are_bounded() {
        let errors = |count: usize| (0..count).map(|n| format!("{n}{}", "\u{e9}".repeat(500)));
        let broken = |n: usize| {
            load(
                &format!("r{n}"),
                LoadState::OutOfService,
                errors(100).collect(),
            )
        };
        let loads: Vec<RetailerLoad> = (0..100).map(broken).collect();
        let part = json(&loads);
        let detail = part["detail"].as_str().expect("a detail");
        assert!(detail.chars().count() < 8_000, "{}", detail.len());
        let wanted = ["r9 is out of service: 0", "and 97 more errors"];
        for wanted in wanted.into_iter().chain(["and 90 more retailers"]) {
            assert!(detail.contains(wanted), "no {wanted}: {detail}");
        }
    }

    #[test]
    fn short_errors_are_complete() {
        let errors = vec!["a.toml: x: must be 1".to_owned(), "b.toml: y".to_owned()];
        let part = json(&[
            load("a", LoadState::Serving, Vec::new()),
            load("b", LoadState::ReloadFailed, errors),
        ]);
        assert_eq!(
            part["detail"],
            "retailer b serves with its previous configuration, its reload failed: a.toml: x: must be 1; b.toml: y"
        );
        assert_eq!(part["state"], "running");
    }

    #[test]
    fn a_retailer_that_is_loading_is_named() {
        let part = json(&[load("a", LoadState::Loading, Vec::new())]);
        assert_eq!(part["state"], "loading");
        assert_eq!(part["detail"], "retailer a is out of service: loading");
        let part = json(&[load("a", LoadState::Serving, Vec::new())]);
        assert!(part["detail"].is_null(), "{part}");
    }
}
