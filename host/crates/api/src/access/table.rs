//! Every route with who may ask it. There is no other list: the router lets nothing through that is
//! not here, and the OpenAPI document tells what is here.

use super::AccessError;
use axum::http::Method;
use galleria_app::access::{Scope, Subject};
use std::collections::{BTreeMap, BTreeSet};
use utoipa::openapi::OpenApi;

use Resource::{
    Body, Document, Event, Letter, Line, Order, Parked, Payment, Refund, Retailer, Run, Shared,
    Shift, Statement, Store, Whole,
};
use Scope::{BackOffice, Operator, Till};

/// What a request is about, and so how its caller's reach is held against it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Resource {
    /// The store `{id}`.
    Store,
    /// The order `{id}`.
    Order,
    /// The shift `{id}`.
    Shift,
    /// The payment `{id}`.
    Payment,
    /// The refund `{id}`.
    Refund,
    /// The document `{id}`.
    Document,
    /// The event `{id}`.
    Event,
    /// All of `{retailer}`.
    Retailer,
    /// What the stores of `{retailer}` share.
    Shared,
    /// The run `{id}`.
    Run,
    /// The statement `{id}`.
    Statement,
    /// The line `{id}`.
    Line,
    /// The dead letter of `{event}` and `{subscriber}`.
    Letter,
    /// The parked event of `{event}` and `{subscriber}`.
    Parked,
    /// Body or query say: the handler looks.
    Body,
    /// The host as a whole: nobody's who is bound.
    Whole,
}

impl Resource {
    /// The subject that the names in a path mean; none where the path says nothing of it.
    pub(crate) fn subject(self, names: &BTreeMap<String, String>) -> Option<Subject> {
        let name = |name: &str| names.get(name).cloned();
        match self {
            Store => name("id").map(Subject::Store),
            Order => name("id").map(Subject::Order),
            Shift => name("id").map(Subject::Shift),
            Payment => name("id").map(Subject::Payment),
            Refund => name("id").map(Subject::Refund),
            Document => name("id").map(Subject::Document),
            Event => name("id").map(Subject::Event),
            Retailer => name("retailer").map(Subject::Retailer),
            Shared => name("retailer").map(Subject::Shared),
            Run => name("id").map(Subject::Run),
            Statement => name("id").map(Subject::Statement),
            Line => name("id").map(Subject::Line),
            Letter => Some(Subject::Letter(name("event")?, name("subscriber")?)),
            Parked => Some(Subject::Parked(name("event")?, name("subscriber")?)),
            Body | Whole => None,
        }
    }
}

/// Who may ask.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Access {
    /// Whoever comes.
    Anybody,
    /// Callers of this scope or a higher one, within their reach.
    Caller(Scope, Resource),
}

/// A route.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Route {
    pub method: &'static str,
    pub path: &'static str,
    pub who: Access,
}

const fn anybody(method: &'static str, path: &'static str) -> Route {
    let who = Access::Public;
    Route { method, path, who }
}

const fn caller(method: &'static str, path: &'static str, scope: Scope, bound: Resource) -> Route {
    let who = Access::Scoped(scope, bound);
    Route { method, path, who }
}

/// All routes.
pub(crate) const ROUTES: &[Route] = &[
    // Probes tell nothing but that, and the document is the same for every host of this version.
    anybody("GET", "/healthz"),
    anybody("GET", "/readyz"),
    anybody("GET", "/openapi.json"),
    anybody("GET", "/docs"),
    anybody("GET", "/docs/"),
    anybody("GET", "/docs/{file}"),
    // What a till needs.
    caller("GET", "/v1/stores", Till, Body),
    caller("GET", "/v1/stores/{id}", Till, Store),
    caller("POST", "/v1/stores/{id}/members/identify", Till, Store),
    caller("GET", "/v1/retailers/{retailer}/products", Till, Shared),
    caller(
        "GET",
        "/v1/retailers/{retailer}/products/{sku}",
        Till,
        Shared,
    ),
    caller("GET", "/v1/orders", Till, Body),
    caller("POST", "/v1/orders", Till, Body),
    caller("GET", "/v1/orders/{id}", Till, Order),
    caller("POST", "/v1/orders/{id}/payments", Till, Order),
    caller("POST", "/v1/orders/{id}/refunds", Till, Order),
    caller("POST", "/v1/orders/{id}/voids", Till, Order),
    caller("POST", "/v1/orders/{id}/verifications", Till, Order),
    caller("GET", "/v1/payments", Till, Body),
    caller("GET", "/v1/payments/{id}", Till, Payment),
    caller("GET", "/v1/refunds", Till, Body),
    caller("GET", "/v1/refunds/{id}", Till, Refund),
    caller("GET", "/v1/voids", Till, Body),
    caller("GET", "/v1/verifications", Till, Body),
    caller("GET", "/v1/shifts", Till, Body),
    caller("GET", "/v1/shifts/{id}", Till, Shift),
    caller("POST", "/v1/shifts", Till, Body),
    caller("POST", "/v1/shifts/{id}/movements", Till, Shift),
    caller("POST", "/v1/shifts/{id}/end", Till, Shift),
    // What the people of a store or a chain do.
    caller("GET", "/v1/documents", BackOffice, Body),
    caller("GET", "/v1/documents/{id}", BackOffice, Document),
    caller("GET", "/v1/documents/{id}/content", BackOffice, Document),
    caller("GET", "/v1/orders/{id}/documents", BackOffice, Order),
    caller("GET", "/v1/orders/{id}/journal", BackOffice, Order),
    caller("GET", "/v1/events/{id}/journal", BackOffice, Event),
    caller("GET", "/v1/receipts", BackOffice, Body),
    // Of all things an id may mean, those in reach.
    caller("GET", "/v1/timeline/{id}", BackOffice, Body),
    caller(
        "PUT",
        "/v1/retailers/{retailer}/products/{sku}",
        BackOffice,
        Retailer,
    ),
    caller(
        "POST",
        "/v1/retailers/{retailer}/products/import",
        BackOffice,
        Retailer,
    ),
    caller(
        "POST",
        "/v1/retailers/{retailer}/statements",
        BackOffice,
        Retailer,
    ),
    caller("GET", "/v1/statements", BackOffice, Body),
    caller("GET", "/v1/statements/uncovered", BackOffice, Body),
    caller("GET", "/v1/statements/{id}", BackOffice, Statement),
    caller("GET", "/v1/statements/{id}/lines", BackOffice, Statement),
    caller("GET", "/v1/statement-lines/{id}", BackOffice, Line),
    caller("POST", "/v1/statement-lines/{id}/settle", BackOffice, Line),
    caller("POST", "/v1/statement-lines/{id}/undo", BackOffice, Line),
    caller("GET", "/v1/fiscal-records", BackOffice, Body),
    caller("GET", "/v1/fiscal-records/{id}", BackOffice, Order),
    caller("POST", "/v1/fiscal-records/{id}/marks", BackOffice, Order),
    caller("GET", "/v1/runs", BackOffice, Body),
    caller("POST", "/v1/runs", BackOffice, Body),
    caller("GET", "/v1/runs/{id}", BackOffice, Run),
    // What keeps the host going.
    caller("PUT", "/v1/stores/{id}", Operator, Body),
    caller("POST", "/v1/stores/import", Operator, Body),
    caller("POST", "/v1/runs/{id}/replay", Operator, Run),
    caller("POST", "/v1/runs/{id}/cancel", Operator, Run),
    caller("GET", "/v1/events/{id}/journal/{digest}", Operator, Event),
    caller("GET", "/v1/parked", Operator, Body),
    caller("GET", "/v1/parked/{event}/{subscriber}", Operator, Parked),
    caller(
        "POST",
        "/v1/parked/{event}/{subscriber}/retry",
        Operator,
        Parked,
    ),
    caller("GET", "/v1/requests", Operator, Body),
    caller("GET", "/v1/plugins", Operator, Body),
    caller("GET", "/v1/plugins/{retailer}/{slot}", Operator, Retailer),
    caller("GET", "/v1/dead-letters", Operator, Body),
    caller(
        "GET",
        "/v1/dead-letters/{event}/{subscriber}",
        Operator,
        Letter,
    ),
    caller(
        "POST",
        "/v1/dead-letters/{event}/{subscriber}/replay",
        Operator,
        Letter,
    ),
    caller(
        "POST",
        "/v1/dead-letters/{event}/{subscriber}/discard",
        Operator,
        Letter,
    ),
    caller("POST", "/v1/dead-letters/replay", Operator, Body),
    caller("POST", "/v1/dead-letters/discard", Operator, Body),
    caller("GET", "/v1/operations", Operator, Whole),
    caller("GET", "/v1/status", Operator, Whole),
    caller("GET", "/metrics", Operator, Whole),
];

/// The table as a host enforces it: with the routes that the anonymous caller may ask.
#[derive(Clone, Debug)]
pub(crate) struct Table {
    anonymous: BTreeSet<(&'static str, &'static str)>,
}

impl Table {
    /// Refuses a document with a route that has no entry, an entry without a route, and an anonymous
    /// route that is none or may not be one.
    pub(crate) fn new(document: &OpenApi, anonymous: &[String]) -> Result<Self, AccessError> {
        let served = served(document);
        let told: BTreeSet<_> = ROUTES.iter().map(|one| (one.method, one.path)).collect();
        let known = |method: &str, path: &str| told.contains(&(method, path));
        if let Some((method, path)) = served.iter().find(|(m, p)| !known(m, p)) {
            return Err(AccessError::Unlisted(format!("{method} {path}")));
        }
        let gone = ROUTES.iter().find(|route| {
            let (method, path) = (route.method.to_owned(), route.path.to_owned());
            // The page that shows the document is not in it.
            !path.starts_with("/docs") && !served.contains(&(method, path))
        });
        if let Some(route) = gone {
            return Err(AccessError::Unserved(format!(
                "{} {}",
                route.method, route.path
            )));
        }
        let mut open = BTreeSet::new();
        for text in anonymous {
            let (method, path) = text.split_once(' ').unwrap_or_default();
            let route = find(method, path).ok_or_else(|| AccessError::NoRoute(text.clone()))?;
            let harmless = match route.who {
                Access::Public => true,
                Access::Scoped(scope, _) => scope == Till || route.path == "/metrics",
            };
            if !harmless {
                return Err(AccessError::NotForAnybody(text.clone()));
            }
            open.insert((route.method, route.path));
        }
        Ok(Self { anonymous: open })
    }

    /// Whether the anonymous caller may ask a route.
    pub(crate) fn lets_anybody(&self, route: &Route) -> bool {
        route.who == Access::Public || self.anonymous.contains(&(route.method, route.path))
    }
}

/// The entry of a method and a path as the router has it. What answers GET answers HEAD.
pub(crate) fn find(method: &str, path: &str) -> Option<&'static Route> {
    let method = if method == "HEAD" { "GET" } else { method };
    ROUTES
        .iter()
        .find(|route| (route.method, route.path) == (method, path))
}

/// The methods of a path, as `Allow` tells them.
pub(crate) fn methods(path: &str) -> String {
    let all = ROUTES.iter().filter(|route| route.path == path);
    let words = all.map(|route| match route.method {
        "GET" => "GET,HEAD",
        other => other,
    });
    words.collect::<Vec<_>>().join(",")
}

/// Every operation of a document.
fn served(document: &OpenApi) -> BTreeSet<(String, String)> {
    let mut all = BTreeSet::new();
    for (path, item) in &document.paths.paths {
        let methods = [
            (Method::GET, &item.get),
            (Method::PUT, &item.put),
            (Method::POST, &item.post),
            (Method::DELETE, &item.delete),
            (Method::PATCH, &item.patch),
            (Method::OPTIONS, &item.options),
            (Method::HEAD, &item.head),
            (Method::TRACE, &item.trace),
        ];
        let there = methods.into_iter().filter(|(_, one)| one.is_some());
        all.extend(there.map(|(method, _)| (method.to_string(), path.clone())));
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    fn document() -> OpenApi {
        crate::openapi()
    }

    fn table(anonymous: &[&str]) -> Result<Table, AccessError> {
        let anonymous: Vec<String> = anonymous.iter().map(|one| (*one).to_owned()).collect();
        Table::new(&document(), &anonymous)
    }

    #[test]
    fn every_route_has_one_entry_and_every_entry_a_route() {
        table(&[]).expect("a whole table");
        let told: BTreeSet<_> = ROUTES.iter().map(|one| (one.method, one.path)).collect();
        assert_eq!(told.len(), ROUTES.len());
    }

    #[test]
    fn a_route_without_an_entry_does_not_start() {
        let mut more = document();
        let item = more.paths.paths["/v1/status"].clone();
        more.paths.paths.insert("/v1/secrets".into(), item);
        let refused = Table::new(&more, &[]).expect_err("a route too many");
        assert_eq!(
            refused.to_string(),
            "GET /v1/secrets is in no table of access"
        );
        let mut less = document();
        less.paths.paths.remove("/v1/status");
        let refused = Table::new(&less, &[]).expect_err("a route too few");
        assert!(matches!(refused, AccessError::Unserved(_)), "{refused}");
    }

    #[test]
    fn the_anonymous_caller_asks_named_routes_and_no_more_than_a_till() {
        let some = table(&["GET /v1/stores", "POST /v1/orders", "GET /metrics"]);
        let some = some.expect("routes");
        assert!(some.lets_anybody(find("GET", "/v1/stores").expect("a route")));
        assert!(!some.lets_anybody(find("GET", "/v1/stores/{id}").expect("a route")));
        assert!(some.lets_anybody(find("HEAD", "/metrics").expect("a route")));
        for bad in ["GET /v1/shops", "/v1/stores", "get /v1/stores", ""] {
            assert!(
                matches!(table(&[bad]), Err(AccessError::NoRoute(_))),
                "{bad}"
            );
        }
        for bad in [
            "PUT /v1/stores/{id}",
            "POST /v1/runs",
            "GET /v1/operations",
            "GET /v1/documents/{id}/content",
        ] {
            let refused = table(&[bad]);
            assert!(
                matches!(refused, Err(AccessError::NotForAnybody(_))),
                "{bad}"
            );
        }
    }
}
