//! The access table of the router, built from its endpoints.

use super::route::{Access, Route, RouteKind};
use galleria_ports::access::Scope;
use std::collections::{BTreeMap, BTreeSet};

/// Why the configured access is rejected.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AccessError {
    /// `access.anonymous` names a route that does not exist.
    #[error(
        "access.anonymous: `{0}` is not a route; `/openapi.json` lists all routes, such as `GET /v1/stores`"
    )]
    UnknownRoute(String),
    /// `access.anonymous` names a route that needs more than the scope `till`.
    #[error(
        "access.anonymous: `{0}` must not be anonymous: it needs more than the scope `till`; remove it"
    )]
    NotForAnonymous(String),
}

/// Every route by path and method, and which of them anonymous callers may call.
#[derive(Clone, Debug)]
pub(crate) struct AccessTable {
    routes: BTreeMap<String, BTreeMap<&'static str, Route>>,
    anonymous: BTreeSet<(String, &'static str)>,
}

impl AccessTable {
    /// Rejects an anonymous route that does not exist, or that needs more than the scope `till`. Scrapes of
    /// `/metrics` are the exception.
    pub(crate) fn new(routes: Vec<Route>, anonymous: &[String]) -> Result<Self, AccessError> {
        let mut table = Self {
            routes: BTreeMap::new(),
            anonymous: BTreeSet::new(),
        };
        for route in routes {
            let methods = table.routes.entry(route.path.clone()).or_default();
            methods.insert(route.method, route);
        }
        for text in anonymous {
            let (method, path) = text.split_once(' ').unwrap_or_default();
            let route = table.find(method, path);
            let route = route.ok_or_else(|| AccessError::UnknownRoute(text.clone()))?;
            let allowed = match route.access {
                Access::Public => true,
                Access::Scoped(scope, _) => scope == Scope::Till || route.kind == RouteKind::Probe,
            };
            if !allowed {
                return Err(AccessError::NotForAnonymous(text.clone()));
            }
            let key = (route.path.clone(), route.method);
            table.anonymous.insert(key);
        }
        Ok(table)
    }

    /// Whether a caller without authentication may call a route.
    pub(crate) fn allows_anonymous(&self, route: &Route) -> bool {
        route.access == Access::Public
            || self.anonymous.contains(&(route.path.clone(), route.method))
    }

    /// The route of a method and a path pattern. A GET route also serves HEAD.
    pub(crate) fn find(&self, method: &str, path: &str) -> Option<&Route> {
        let method = if method == "HEAD" { "GET" } else { method };
        self.routes.get(path)?.get(method)
    }

    /// The kind of the routes of a path pattern.
    pub(crate) fn kind(&self, path: &str) -> RouteKind {
        let methods = self.routes.get(path);
        let route = methods.and_then(|methods| methods.values().next());
        route.map(|route| route.kind).unwrap_or_default()
    }

    /// The methods of a path pattern, as in the header `Allow`.
    pub(crate) fn methods(&self, path: &str) -> String {
        let methods = self.routes.get(path).into_iter().flatten();
        let methods = methods.map(|(method, _)| match *method {
            "GET" => "GET,HEAD",
            other => other,
        });
        methods.collect::<Vec<_>>().join(",")
    }
}

#[cfg(test)]
mod tests {
    use super::super::route::Resource;
    use super::*;

    fn table(anonymous: &[&str]) -> Result<AccessTable, AccessError> {
        let route = |method, path: &str, access, kind| Route {
            method,
            path: path.to_owned(),
            access,
            kind,
        };
        let (till, ordinary) = (Access::till(Resource::Body), RouteKind::Ordinary);
        let operator = Access::operator(Resource::Host);
        let routes = vec![
            route("GET", "/v1/stores", till, ordinary),
            route("GET", "/v1/stores/{id}", till, ordinary),
            route("PUT", "/v1/stores/{id}", operator, ordinary),
            route("GET", "/v1/operations", operator, ordinary),
            route("GET", "/metrics", operator, RouteKind::Probe),
        ];
        let anonymous: Vec<String> = anonymous.iter().map(|one| (*one).to_owned()).collect();
        AccessTable::new(routes, &anonymous)
    }

    #[test]
    fn anonymous_callers_may_call_listed_till_routes_and_metrics_only() {
        let table_of_two = table(&["GET /v1/stores", "GET /metrics"]).expect("valid routes");
        let allowed = |method, path| {
            let route = table_of_two.find(method, path).expect("a route");
            table_of_two.allows_anonymous(route)
        };
        assert!(allowed("GET", "/v1/stores"));
        assert!(!allowed("GET", "/v1/stores/{id}"));
        assert!(allowed("HEAD", "/metrics"));
        for text in ["GET /v1/shops", "/v1/stores", "get /v1/stores", ""] {
            let rejected = table(&[text]).expect_err(text);
            assert!(matches!(rejected, AccessError::UnknownRoute(_)), "{text}");
        }
        for text in ["PUT /v1/stores/{id}", "GET /v1/operations"] {
            let rejected = table(&[text]).expect_err(text);
            assert!(
                matches!(rejected, AccessError::NotForAnonymous(_)),
                "{text}"
            );
        }
    }

    #[test]
    fn the_header_allow_lists_head_beside_get() {
        let table = table(&[]).expect("valid routes");
        assert_eq!(table.methods("/v1/stores/{id}"), "GET,HEAD,PUT");
        assert_eq!(table.methods("/v1/shops"), "");
    }
}
