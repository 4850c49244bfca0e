//! Who asks, whether it may, and whether what it asks about is its own.
//!
//! Owns: the one place where a request becomes a caller's. Deny by default: a route that is not in
//! the table is not served, and no handler runs before its caller is known. Never keeps or tells a key
//! or a token: `Authorization` is taken off the request here.
//!
//! 401 is for who is not known, 403 for who may not do this at all, 404 for what is not in reach: a
//! caller does not learn of the things of others, not even that they are there.

mod bearer;
mod document;
mod table;

pub(crate) use document::describe;
pub(crate) use table::Table;

use crate::problem::{BAD_REQUEST, FORBIDDEN, INVALID, NO_METHOD, NO_ROUTE, Problem};
use crate::request::no_nul;
use crate::response::ApiResult;
use crate::serve::ApiState;
use axum::RequestExt as _;
use axum::extract::{FromRequestParts, MatchedPath, RawPathParams, Request, State};
use axum::http::request::Parts;
use axum::http::{HeaderValue, header};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use galleria_app::access::{Caller, Reach, Scope, Subject, Tokens};
use galleria_app::{App, Error};
use std::collections::BTreeMap;
use std::sync::Arc;
use table::{Access, Resource, Route};
use tracing::Span;

/// Who is let in, beside those with a key.
#[derive(Clone, Debug, Default)]
pub struct AccessConfig {
    /// Routes that may be asked without a key, such as `GET /v1/stores`.
    pub anonymous: Vec<String>,
    /// Who checks tokens; where there is none, none is good.
    pub tokens: Option<Arc<dyn Tokens>>,
}

/// Why access cannot be enforced as it stands.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AccessError {
    /// A route that nobody decided upon.
    #[error("{0} is in no table of access")]
    Unlisted(String),
    /// An entry for a route that is not there.
    #[error("{0} is in the table of access and no route")]
    Unserved(String),
    /// The anonymous caller may ask what is no route.
    #[error(
        "access.anonymous: `{0}` is no route; `/openapi.json` lists all, such as `GET /v1/stores`"
    )]
    NoRoute(String),
    /// The anonymous caller may ask what needs somebody who answers for it.
    #[error("access.anonymous: `{0}` is more than a till may ask: it needs a caller")]
    NotForAnybody(String),
}

/// Whether these routes may be asked without a key.
pub fn check_anonymous(anonymous: &[String]) -> Result<(), AccessError> {
    Table::new(&crate::openapi(), anonymous).map(drop)
}

/// The name of who came without a key.
const ANONYMOUS: &str = "anonymous";

/// Lets a request through to its handler, with its caller, or answers it.
pub(crate) async fn admit(
    State(state): State<ApiState>,
    mut request: Request,
    next: Next,
) -> Response {
    match admitted(&state, &mut request).await {
        Ok(()) => next.run(request).await,
        Err(refused) => *refused,
    }
}

async fn admitted(state: &ApiState, request: &mut Request) -> Result<(), Box<Response>> {
    // Gone before anybody else sees the request.
    let bearer = bearer::taken(request.headers_mut());
    let Some(path) = request.extensions().get::<MatchedPath>().cloned() else {
        // No route: it is told so without a word about who asks.
        return Ok(());
    };
    let Some(route) = table::find(request.method().as_str(), path.as_str()) else {
        return Err(Box::new(not_served(path.as_str())));
    };
    let caller = permitted(state, route, bearer, request).await;
    let caller = caller.map_err(|problem| Box::new(problem.into_response()))?;
    if let Some(caller) = caller {
        request
            .extensions_mut()
            .insert(Authenticated(Arc::new(caller)));
    }
    Ok(())
}

/// The caller of a route, where it is good for it; none where nobody needs to be known.
async fn permitted(
    state: &ApiState,
    route: &Route,
    bearer: Result<Option<bearer::Bearer>, Problem>,
    request: &mut Request,
) -> ApiResult<Option<Caller>> {
    let Access::Scoped(scope, bound) = route.who else {
        return Ok(None);
    };
    let caller = match bearer? {
        // A bad key is never better than none: it is refused, also where none is needed.
        Some(bearer) => bearer.caller(state).await?,
        None if state.table.lets_anybody(route) => Caller {
            name: ANONYMOUS.into(),
            told: ANONYMOUS.into(),
            scope,
            reach: Reach::Everything,
        },
        None => return Err(bearer::missing()),
    };
    Span::current().record("caller", &*caller.told);
    if caller.scope < scope && !state.table.lets_anybody(route) {
        let detail = format!(
            "This needs the scope `{}`; the caller has `{}`.",
            scope.name(),
            caller.scope.name()
        );
        return Err(Problem::new(FORBIDDEN, detail));
    }
    if caller.reach != Reach::Everything {
        within(&state.app, &caller, bound, request).await?;
    }
    Ok(Some(caller))
}

/// Whether what the path names is in reach of a caller that is bound.
async fn within(
    app: &App,
    caller: &Caller,
    bound: Resource,
    request: &mut Request,
) -> ApiResult<()> {
    match bound {
        Resource::Body => return Ok(()),
        Resource::Whole => {
            let detail =
                "This is about the whole host; the caller is bound to retailers or stores.";
            return Err(Problem::new(FORBIDDEN, detail));
        }
        _ => {}
    }
    no_nul(request.uri().path(), BAD_REQUEST)?;
    let names = request.extract_parts::<RawPathParams>().await;
    let names = names.map_err(|error| Problem::new(BAD_REQUEST, error.body_text()))?;
    let names: BTreeMap<String, String> = names
        .iter()
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect();
    let subject = bound.subject(&names);
    let lost = || Error::Internal("a route whose path does not name what it is about".into());
    app.reach(caller, subject.ok_or_else(lost)?).await?;
    Ok(())
}

/// Another method of a path, or a path without an entry: served by nobody, whoever asks.
fn not_served(path: &str) -> Response {
    let methods = table::methods(path);
    if methods.is_empty() {
        return Problem::new(NO_ROUTE, NO_ROUTE.remedy).into_response();
    }
    let mut response = Problem::new(NO_METHOD, NO_METHOD.remedy).into_response();
    if let Ok(methods) = HeaderValue::from_str(&methods) {
        response.headers_mut().insert(header::ALLOW, methods);
    }
    response
}

/// Who asks. A handler that takes it decides upon bodies and queries.
#[derive(Clone)]
pub(crate) struct Authenticated(Arc<Caller>);

impl FromRequestParts<ApiState> for Authenticated {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &ApiState) -> Result<Self, Problem> {
        let auth = parts.extensions.get::<Self>().cloned();
        auth.ok_or_else(|| Error::Internal("a handler without a caller".into()).into())
    }
}

impl Authenticated {
    /// Who is said to have acted.
    pub(crate) fn signs(&self, named: &str) -> String {
        self.0.signs(named)
    }

    /// A key of its choice, among those of callers with the same reach.
    pub(crate) fn owns(&self, key: String) -> String {
        match self.0.reach.named() {
            Some(reach) => format!("{reach}/{key}"),
            None => key,
        }
    }

    /// The caller.
    pub(crate) fn caller(&self) -> &Caller {
        &self.0
    }

    /// `not_found` where the subject is not in reach.
    pub(crate) async fn reaches(&self, app: &App, subject: Subject) -> ApiResult<()> {
        Ok(app.reach(&self.0, subject).await?)
    }

    /// `not_found` where a retailer or a store that a list is asked of is not in reach. Whoever reaches
    /// a store of the retailer may name that; the list holds what is in reach.
    pub(crate) async fn named(
        &self,
        app: &App,
        retailer: Option<&str>,
        store: Option<&str>,
    ) -> ApiResult<()> {
        if let Some(name) = retailer {
            self.reaches(app, Subject::Shared(name.to_owned())).await?;
        }
        match store {
            Some(id) => self.reaches(app, Subject::Store(id.to_owned())).await,
            None => Ok(()),
        }
    }

    /// The retailer of a list: the one that is asked for, or the only one in reach; none is all.
    pub(crate) fn retailer(&self, asked: Option<String>) -> ApiResult<Option<String>> {
        let Reach::Some { retailers, .. } = &self.0.reach else {
            return Ok(asked);
        };
        match asked {
            Some(name) if retailers.contains(&name) => Ok(Some(name)),
            Some(id) => Err(Error::NotFound {
                what: "retailer",
                id,
            }
            .into()),
            None if retailers.len() == 1 => Ok(retailers.first().cloned()),
            None if retailers.is_empty() => {
                let detail = "This is about whole retailers; the caller is bound to stores.";
                Err(Problem::new(FORBIDDEN, detail))
            }
            None => {
                let names: Vec<_> = retailers.iter().map(String::as_str).collect();
                let message = format!("one of {}", names.join(", "));
                let detail = format!("retailer: {message}");
                Err(Problem::of_field(
                    INVALID,
                    detail,
                    "retailer".into(),
                    message,
                ))
            }
        }
    }

    /// `not_found` where the store is not in reach.
    pub(crate) async fn store(&self, app: &App, id: &str) -> ApiResult<()> {
        self.reaches(app, Subject::Store(id.to_owned())).await
    }

    /// The retailer of a list that may be one store's: that store has to be in reach; without one it is
    /// as `retailer` has it, and who is bound to stores has to name one.
    pub(crate) async fn place(
        &self,
        app: &App,
        retailer: Option<String>,
        store: Option<&str>,
    ) -> ApiResult<Option<String>> {
        if let Some(id) = store {
            self.store(app, id).await?;
            return Ok(retailer);
        }
        match &self.0.reach {
            Reach::Some { retailers, .. } if retailers.is_empty() => {
                let detail = "The caller is bound to stores: name one of its `store`s.";
                Err(Problem::new(FORBIDDEN, detail))
            }
            _ => self.retailer(retailer),
        }
    }
}

/// What the document says of a scope.
pub(crate) const fn meaning(scope: Scope) -> &'static str {
    match scope {
        Scope::Till => "rings up: orders, payments, drawers, members",
        Scope::BackOffice => "runs a store or a chain: products, statements, reports",
        Scope::Operator => "runs the host: stores, dead letters, runs that failed, figures",
        Scope::Admin => "everything there will ever be",
    }
}
