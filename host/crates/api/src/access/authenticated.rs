//! The authenticated caller, for handlers that check bodies and queries themselves.

use crate::problem::Problem;
use crate::problem_kinds::FORBIDDEN;
use crate::reply::ApiResult;
use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use galleria_app::App;
use galleria_app::access::Subject;
use galleria_ports::Error;
use galleria_ports::access::{Caller, Reach};
use std::sync::Arc;

/// The caller of a request.
#[derive(Clone)]
pub(crate) struct Authenticated(Arc<Caller>);

impl<S: Sync> FromRequestParts<S> for Authenticated {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        let authenticated = parts.extensions.get::<Self>().cloned();
        authenticated.ok_or_else(|| Error::Internal("a handler without a caller".into()).into())
    }
}

impl Authenticated {
    pub(crate) fn new(caller: Caller) -> Self {
        Self(Arc::new(caller))
    }

    pub(crate) fn caller(&self) -> &Caller {
        &self.0
    }

    /// The actor that is recorded, given the person that the caller names.
    pub(crate) fn actor(&self, person: &str) -> String {
        self.0.actor(person)
    }

    /// The idempotency key, distinct among callers with different reach.
    pub(crate) fn idempotency_key(&self, key: String) -> String {
        match self.0.reach.label() {
            Some(reach) => format!("{reach}/{key}"),
            None => key,
        }
    }

    /// Fails with `not_found` if the subject is out of reach.
    pub(crate) async fn check_reach(&self, app: &App, subject: Subject) -> ApiResult<()> {
        Ok(app.access.check_reach(&self.0, subject).await?)
    }

    /// Fails with `not_found` if the store is out of reach.
    pub(crate) async fn check_store(&self, app: &App, id: &str) -> ApiResult<()> {
        self.check_reach(app, Subject::Store(id.to_owned())).await
    }

    /// Fails with `not_found` if a caller that reaches everything names an unknown retailer. Other callers are
    /// limited to the retailers of their reach anyway.
    pub(crate) async fn check_known(&self, app: &App, retailer: Option<&str>) -> ApiResult<()> {
        match (&self.0.reach, retailer) {
            (Reach::Everything, Some(name)) => Ok(app.core.check_retailer(name).await?),
            _ => Ok(()),
        }
    }

    /// Fails with `not_found` if the retailer or the store that filters a list is out of reach. A caller that
    /// reaches one store of a retailer may name the retailer: the list holds only what is in reach.
    pub(crate) async fn check_filter(
        &self,
        app: &App,
        retailer: Option<&str>,
        store: Option<&str>,
    ) -> ApiResult<()> {
        self.check_known(app, retailer).await?;
        if let Some(name) = retailer {
            self.check_reach(app, Subject::Shared(name.to_owned()))
                .await?;
        }
        match store {
            Some(id) => self.check_store(app, id).await,
            None => Ok(()),
        }
    }

    /// The retailer of a list: the requested one, or the only one in reach; `None` means all.
    pub(crate) async fn list_retailer(
        &self,
        app: &App,
        requested: Option<String>,
    ) -> ApiResult<Option<String>> {
        let Reach::Some { retailers, .. } = &self.0.reach else {
            self.check_known(app, requested.as_deref()).await?;
            return Ok(requested);
        };
        match requested {
            Some(name) if retailers.contains(&name) => Ok(Some(name)),
            Some(id) => Err(Error::NotFound {
                what: "retailer",
                id,
            }
            .into()),
            None if retailers.len() == 1 => Ok(retailers.first().cloned()),
            None if retailers.is_empty() => {
                let detail =
                    "This request is about whole retailers; the caller is bound to stores.";
                Err(Problem::new(FORBIDDEN, detail))
            }
            None => {
                let names: Vec<_> = retailers.iter().map(String::as_str).collect();
                let message = format!("must be one of {}", names.join(", "));
                Err(Problem::invalid_field("retailer", message))
            }
        }
    }

    /// The retailer of a list that may be filtered by store. The store must be in reach. Without a store the
    /// rules of [`list_retailer`](Self::list_retailer) apply, and a caller that is bound to stores must name
    /// one.
    pub(crate) async fn list_place(
        &self,
        app: &App,
        retailer: Option<String>,
        store: Option<&str>,
    ) -> ApiResult<Option<String>> {
        if let Some(id) = store {
            self.check_store(app, id).await?;
            self.check_known(app, retailer.as_deref()).await?;
            return Ok(retailer);
        }
        match &self.0.reach {
            Reach::Some { retailers, .. } if retailers.is_empty() => {
                let detail = "The caller is bound to stores: name one of them in `store`.";
                Err(Problem::new(FORBIDDEN, detail))
            }
            _ => self.list_retailer(app, retailer).await,
        }
    }
}
