//! The middleware that admits a request to its handler.

use super::authenticated::Authenticated;
use super::bearer::{self, Bearer};
use super::route::{Access, Resource, Route};
use crate::problem::Problem;
use crate::problem_kinds::{BAD_REQUEST, FORBIDDEN, NO_METHOD, NO_ROUTE};
use crate::reply::ApiResult;
use crate::request::no_nul;
use crate::state::ApiState;
use axum::RequestExt as _;
use axum::extract::{MatchedPath, RawPathParams, Request, State};
use axum::http::{HeaderValue, header};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use galleria_ports::Error;
use galleria_ports::access::{Caller, Reach};
use std::collections::BTreeMap;
use tracing::Span;

/// The name of callers without authentication.
const ANONYMOUS: &str = "anonymous";

/// Passes a request to its handler with its caller, or rejects it.
pub(crate) async fn admit(
    State(state): State<ApiState>,
    mut request: Request,
    next: Next,
) -> Response {
    match authenticate(&state, &mut request).await {
        Ok(()) => next.run(request).await,
        Err(rejection) => *rejection,
    }
}

async fn authenticate(state: &ApiState, request: &mut Request) -> Result<(), Box<Response>> {
    // Remove the credentials before anything else sees the request.
    let bearer = bearer::take(request.headers_mut());
    let Some(path) = request.extensions().get::<MatchedPath>().cloned() else {
        // Not a route: the fallback answers 404 to everybody.
        return Ok(());
    };
    let Some(route) = state.access.find(request.method().as_str(), path.as_str()) else {
        return Err(Box::new(method_not_allowed(state, path.as_str())));
    };
    let caller = caller_of(state, route, bearer, request).await;
    let caller = caller.map_err(|problem| Box::new(problem.into_response()))?;
    if let Some(caller) = caller {
        request.extensions_mut().insert(Authenticated::new(caller));
    }
    Ok(())
}

/// The caller, if it may call the route; `None` if the route is public.
async fn caller_of(
    state: &ApiState,
    route: &Route,
    bearer: Result<Option<Bearer>, Problem>,
    request: &mut Request,
) -> ApiResult<Option<Caller>> {
    let Access::Scoped(scope, resource) = route.access else {
        return Ok(None);
    };
    let anonymous_allowed = state.access.allows_anonymous(route);
    let caller = match bearer? {
        // Reject invalid credentials even if anonymous callers are allowed.
        Some(bearer) => bearer.caller(state).await?,
        None if anonymous_allowed => Caller {
            name: ANONYMOUS.into(),
            log_name: ANONYMOUS.into(),
            scope,
            reach: Reach::Everything,
        },
        None => match &state.config.access.identity {
            Some(identity) => identity.clone(),
            None => return Err(bearer::missing()),
        },
    };
    Span::current().record("caller", &*caller.log_name);
    if caller.scope < scope && !anonymous_allowed {
        let detail = format!(
            "This request needs the scope `{}`; the caller has `{}`.",
            scope.name(),
            caller.scope.name()
        );
        return Err(Problem::new(FORBIDDEN, detail));
    }
    if caller.reach != Reach::Everything {
        check_reach(state, &caller, resource, request).await?;
    }
    Ok(Some(caller))
}

/// Rejects the request if a bound caller does not reach the resource that the path names.
async fn check_reach(
    state: &ApiState,
    caller: &Caller,
    resource: Resource,
    request: &mut Request,
) -> ApiResult<()> {
    match resource {
        Resource::Body => return Ok(()),
        Resource::Host => {
            let detail =
                "This request is about the whole host; the caller is bound to retailers or stores.";
            return Err(Problem::new(FORBIDDEN, detail));
        }
        _ => {}
    }
    no_nul(request.uri().path(), BAD_REQUEST)?;
    let parameters = request.extract_parts::<RawPathParams>().await;
    let parameters = parameters.map_err(|error| Problem::new(BAD_REQUEST, error.body_text()))?;
    let parameters: BTreeMap<String, String> = parameters
        .iter()
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect();
    let subject = resource.subject(&parameters);
    let missing = || Error::Internal(format!("the path does not name its {}", resource.name()));
    state
        .app
        .access
        .check_reach(caller, subject.ok_or_else(missing)?)
        .await?;
    Ok(())
}

fn method_not_allowed(state: &ApiState, path: &str) -> Response {
    let methods = state.access.methods(path);
    if methods.is_empty() {
        return Problem::new(NO_ROUTE, NO_ROUTE.remedy).into_response();
    }
    let mut response = Problem::new(NO_METHOD, NO_METHOD.remedy).into_response();
    if let Ok(methods) = HeaderValue::from_str(&methods) {
        response.headers_mut().insert(header::ALLOW, methods);
    }
    response
}
