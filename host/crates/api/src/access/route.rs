//! The scope and the reach that a route requires of its caller.

use galleria_app::access::Subject;
use galleria_ports::access::Scope;
use std::collections::BTreeMap;

/// The resource that a request is about. The caller's reach is checked against it.
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
    /// The whole retailer `{retailer}`.
    Retailer,
    /// What all stores of `{retailer}` share, such as its products.
    Shared,
    /// The run `{id}`.
    Run,
    /// The statement `{id}`.
    Statement,
    /// The statement line `{id}`.
    Line,
    /// The dead letter of `{event}` and `{subscriber}`.
    DeadLetter,
    /// The parked event of `{event}` and `{subscriber}`.
    Parked,
    /// Named in body or query: the handler checks the reach.
    Body,
    /// The whole host: only callers without bounds.
    Host,
}

impl Resource {
    /// The subject that the path parameters name; `None` if the path does not name it.
    pub(crate) fn subject(self, parameters: &BTreeMap<String, String>) -> Option<Subject> {
        let parameter = |name: &str| parameters.get(name).cloned();
        let pair = || Some((parameter("event")?, parameter("subscriber")?));
        match self {
            Self::Store => parameter("id").map(Subject::Store),
            Self::Order => parameter("id").map(Subject::Order),
            Self::Shift => parameter("id").map(Subject::Shift),
            Self::Payment => parameter("id").map(Subject::Payment),
            Self::Refund => parameter("id").map(Subject::Refund),
            Self::Document => parameter("id").map(Subject::Document),
            Self::Event => parameter("id").map(Subject::Event),
            Self::Retailer => parameter("retailer").map(Subject::Retailer),
            Self::Shared => parameter("retailer").map(Subject::Shared),
            Self::Run => parameter("id").map(Subject::Run),
            Self::Statement => parameter("id").map(Subject::Statement),
            Self::Line => parameter("id").map(Subject::Line),
            Self::DeadLetter => pair().map(|(event, slot)| Subject::Letter(event, slot)),
            Self::Parked => pair().map(|(event, slot)| Subject::Parked(event, slot)),
            Self::Body | Self::Host => None,
        }
    }

    /// The value of the extension `x-galleria-resource` in the OpenAPI document.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Store => "store",
            Self::Order => "order",
            Self::Shift => "shift",
            Self::Payment => "payment",
            Self::Refund => "refund",
            Self::Document => "document",
            Self::Event => "event",
            Self::Retailer => "retailer",
            Self::Shared => "shared",
            Self::Run => "run",
            Self::Statement => "statement",
            Self::Line => "statement_line",
            Self::DeadLetter => "dead_letter",
            Self::Parked => "parked_event",
            Self::Body => "body",
            Self::Host => "host",
        }
    }
}

/// Who may call a route.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Access {
    /// Everybody, without authentication.
    Public,
    /// Callers with this scope or a higher one that reach the resource.
    Scoped(Scope, Resource),
}

impl Access {
    pub(crate) const fn till(resource: Resource) -> Self {
        Self::Scoped(Scope::Till, resource)
    }

    pub(crate) const fn back_office(resource: Resource) -> Self {
        Self::Scoped(Scope::BackOffice, resource)
    }

    pub(crate) const fn operator(resource: Resource) -> Self {
        Self::Scoped(Scope::Operator, resource)
    }
}

/// How the edge treats the requests of a route.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum RouteKind {
    #[default]
    Ordinary,
    /// The body is a file: `UploadConfig::timeout` applies.
    Upload,
    /// About a person: exported traces do not contain the response status.
    Sensitive,
    /// Called by monitoring every few seconds: not rate-limited, served in every role, not logged if it
    /// succeeds.
    Probe,
}

/// A route of the router.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Route {
    pub method: &'static str,
    /// With parameters, such as `/v1/orders/{id}`.
    pub path: String,
    pub access: Access,
    pub kind: RouteKind,
}
