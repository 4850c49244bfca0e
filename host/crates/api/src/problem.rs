//! What a caller is told when a request fails: RFC 9457 problem details with a stable code.
//!
//! Owns: every code, its status and its words. Never tells: statements, paths, plugins' words, or
//! anything else that was not the caller's own; that is the operator's and goes to the log.

use crate::health::{Part, Parts};
use axum::body::Body;
use axum::http::{HeaderValue, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use galleria_app::Error;
use galleria_domain::Problem as FieldProblem;
use serde::Serialize;
use std::time::Duration;

/// A kind of problem.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Kind {
    /// Never changes its meaning.
    pub code: &'static str,
    /// HTTP status.
    pub status: u16,
    /// The same for every occurrence.
    pub title: &'static str,
    /// What the caller can do.
    pub remedy: &'static str,
}

macro_rules! kinds {
    ($($name:ident = $status:literal $code:literal, $title:literal, $remedy:literal;)*) => {
        $(pub(crate) const $name: Kind = Kind {
            code: $code, status: $status, title: $title, remedy: $remedy,
        };)*

        /// Every code there is, by status.
        pub const CODES: &[Kind] = &[$($name,)*];
    };
}

kinds! {
    BAD_JSON = 400 "bad_json", "The body is not the JSON that was asked for",
        "`errors` names the field, `detail` line and column.";
    BAD_QUERY = 400 "bad_query", "The query string is wrong",
        "`detail` says what is.";
    BAD_REQUEST = 400 "bad_request", "The request could not be read",
        "Send it again, whole.";
    KEY_INVALID = 400 "idempotency_key_invalid", "The Idempotency-Key is malformed",
        "Send one, of 1 to 200 visible ASCII characters.";
    KEY_MISSING = 400 "idempotency_key_missing", "The Idempotency-Key is missing",
        "Send a new one with every write, and the same one with every repetition of it.";
    UNAUTHORIZED = 401 "unauthorized", "Nobody known asks",
        "Send `Authorization: Bearer` and a key or token that is good.";
    FORBIDDEN = 403 "forbidden", "The caller may not do this",
        "`detail` says what it would need.";
    NOT_FOUND = 404 "not_found", "There is no such thing",
        "`detail` says what was looked for.";
    NOT_SERVED = 404 "not_served", "The store has no plugin for this",
        "An operator adds one in retailer.toml.";
    MEMBER_UNKNOWN = 404 "member_unknown", "Nobody is identified",
        "Scan again, or go on without.";
    NO_ROUTE = 404 "route_not_found", "There is no such route",
        "`/openapi.json` lists all.";
    NO_METHOD = 405 "method_not_allowed", "The route does not know this method",
        "The header `Allow` lists those it knows.";
    CATALOGUE_BUSY = 409 "catalogue_busy", "Products of the retailer are being imported",
        "Ask again when that is done.";
    EXISTS = 409 "exists", "It is there already",
        "Another request took the id; take a new one, or ask for what is there.";
    MARK_CONFLICT = 409 "mark_conflict", "The record has another mark",
        "Both are kept; an operator says which of the two is right.";
    ORDER_NOT_PAID = 409 "order_not_paid", "The order is not paid",
        "Send its payment first.";
    ORDER_PAID = 409 "order_paid", "The order is paid",
        "Only a refund or a `post_void` undoes it.";
    ORDER_REFUNDED = 409 "order_refunded", "The order has refunds",
        "Refund the rest instead.";
    ORDER_VOIDED = 409 "order_voided", "The order is voided",
        "Place a new one.";
    NOT_TO_BE_TRIED = 409 "not_to_be_tried", "The event cannot be tried now",
        "`detail` says what comes before it.";
    RUN_NOT_DEAD = 409 "run_not_dead", "The run needs no replay",
        "Only one that is dead, cancelled or waiting for its next try is replayed.";
    RUN_OVER = 409 "run_over", "The run is over",
        "What ended well stays; ask for another window.";
    PAYOUT_EXISTS = 409 "payout_exists", "The payout came before in another file",
        "`detail` names that file; a person says which of the two is right.";
    STATEMENT_BUSY = 409 "statement_busy", "Another statement of the retailer is being taken in",
        "Send it again, later: the same file is one statement.";
    LINE_MATCHED = 409 "line_matched", "The line is matched",
        "Name the `entry` it is to be linked with instead.";
    LINE_NOT_BY_HAND = 409 "not_settled_by_hand", "The line is not settled by hand",
        "There is nothing to take back.";
    SHIFT_CLOSED = 409 "shift_closed", "The shift is closed",
        "Use an open shift: a closed one never moves.";
    STORE_IDENTITY = 409 "store_identity", "The store would become another one",
        "Retailer, currency and minor digits stay; give the other store another id.";
    DOCUMENT_GONE = 410 "document_gone", "The document's content is not kept any more",
        "Whoever it was delivered to has taken the file away or written over it.";
    BODY_TOO_LARGE = 413 "body_too_large", "The body is too large",
        "`detail` tells the bound.";
    MEDIA_TYPE = 415 "unsupported_media_type", "The body's type is not known here",
        "Send `Content-Type: application/json`.";
    KEY_REUSED = 422 "idempotency_key_reused", "The Idempotency-Key was used for another request",
        "Take a new key for a new request.";
    FILE_REFUSED = 422 "file_refused", "The file is wrong; nothing of it was imported",
        "`errors` names row and column of the first 1,000 wrong cells, `detail` counts all.";
    INVALID = 422 "invalid", "The request contradicts itself or the rules of the trade",
        "`errors` names every field.";
    TOO_MANY_REQUESTS = 429 "too_many_requests", "The client asks too often",
        "Ask again after the seconds that `Retry-After` tells. The status is 460 where it is so configured.";
    TOO_MANY_ATTEMPTS = 429 "too_many_attempts", "Too many attempts",
        "Try again after the seconds that `Retry-After` tells.";
    INTERNAL = 500 "internal", "A mistake of ours",
        "Tell the operator the request id.";
    NAME_TAKEN = 500 "name_taken", "A document's name is taken",
        "Tell the operator the request id.";
    DRAINING = 503 "draining", "The host is being stopped",
        "Ask another one.";
    ISSUER = 503 "issuer_unavailable", "Who issues tokens does not answer",
        "Ask again later, or with a key.";
    NOT_WORKING = 503 "not_working", "A part of the host has stopped working",
        "Ask another one; an operator restarts this one.";
    PLUGIN = 503 "plugin_failed", "A plugin did not answer",
        "Ask again with the same Idempotency-Key, later.";
    RECORDS = 503 "records_unavailable", "The database did not answer",
        "Ask again with the same Idempotency-Key, later.";
    TIMEOUT = 503 "timeout", "There was no answer in time",
        "It may still be done: ask again with the same Idempotency-Key.";
}

/// One failure of one request. The edge turns it into a body and logs its cause.
#[derive(Clone, Debug)]
pub(crate) struct Problem {
    pub kind: Kind,
    pub detail: Box<str>,
    pub errors: Vec<FieldError>,
    /// For the operator only.
    pub cause: Option<Box<str>>,
    /// Seconds until another attempt may do better, for the header `Retry-After`.
    pub retry_after: Option<u32>,
}

/// A field that is wrong.
#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
pub(crate) struct FieldError {
    /// The row of a file, from 1 with the header; missing where there is no file.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub row: Option<u64>,
    /// A dotted path, such as `lines.3.quantity`; empty for the body as a whole.
    pub field: String,
    /// What is wrong or what would be right.
    pub message: String,
}

/// Problem details, RFC 9457.
#[derive(Serialize, utoipa::ToSchema)]
#[schema(as = ProblemDetails)]
pub(crate) struct Details<'a> {
    /// `urn:galleria:problem:` and the code.
    #[serde(rename = "type")]
    #[schema(example = "urn:galleria:problem:invalid")]
    pub kind: String,
    /// The same for every occurrence.
    pub title: &'a str,
    /// HTTP status.
    pub status: u16,
    /// About this occurrence, for people.
    pub detail: &'a str,
    /// Stable, for programs.
    #[schema(example = "invalid")]
    pub code: &'a str,
    /// The fields that are wrong; empty where no field is.
    pub errors: &'a [FieldError],
    /// What the operator finds in the log; also the header `x-request-id`. Missing in
    /// `member_unknown`, whose body is always the same.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub request_id: Option<&'a str>,
    /// How every part of the host is; a probe's problem has it, and no other.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub parts: Option<Vec<Part>>,
}

impl Problem {
    /// A problem that is the caller's to solve.
    pub fn new(kind: Kind, detail: impl Into<String>) -> Self {
        Self {
            kind,
            detail: detail.into().into(),
            errors: Vec::new(),
            cause: None,
            retry_after: None,
        }
    }

    /// The problem, with a time before which another attempt is in vain.
    pub fn after(self, seconds: u32) -> Self {
        Self {
            retry_after: Some(seconds),
            ..self
        }
    }

    /// One wrong field.
    pub fn of_field(kind: Kind, detail: String, field: String, message: String) -> Self {
        Self {
            errors: vec![FieldError {
                row: None,
                field,
                message,
            }],
            ..Self::new(kind, detail)
        }
    }

    /// A problem that is the operator's to solve: the caller reads the same words every time.
    fn ours(kind: Kind, cause: String) -> Self {
        Self {
            cause: Some(cause.into()),
            ..Self::new(kind, kind.remedy)
        }
    }

    pub fn panicked(words: String) -> Self {
        Self::ours(INTERNAL, format!("a panic: {words}"))
    }

    pub fn late(within: Duration) -> Self {
        Self::ours(TIMEOUT, format!("no answer within {within:?}"))
    }
}

impl From<Error> for Problem {
    fn from(error: Error) -> Self {
        let detail = error.to_string();
        match error {
            Error::NotFound { .. } => Self::new(NOT_FOUND, detail),
            Error::Exists { .. } => Self::new(EXISTS, detail),
            Error::Conflict { code, message } => Self::new(conflict(code), message),
            Error::Invalid(problems) => Self {
                errors: problems.into_iter().map(FieldError::from).collect(),
                ..Self::new(INVALID, detail)
            },
            Error::NameTaken { .. } => Self::ours(NAME_TAKEN, error.chain()),
            Error::Limited { .. } => Self::new(TOO_MANY_ATTEMPTS, TOO_MANY_ATTEMPTS.remedy),
            Error::Plugin(fault) => {
                Self::ours(PLUGIN, format!("{detail}: {}: {fault}", fault.code()))
            }
            Error::Records { .. } => Self::ours(RECORDS, error.chain()),
            Error::Internal(_) | Error::Stopped => Self::ours(INTERNAL, error.chain()),
        }
    }
}

/// The kind of a conflict by its code.
fn conflict(code: &'static str) -> Kind {
    let known = CODES.iter().find(|kind| kind.code == code);
    debug_assert!(known.is_some(), "{code} is to be listed above");
    known.copied().unwrap_or(Kind {
        code,
        status: 409,
        title: "The state of things forbids it",
        remedy: "`detail` says why.",
    })
}

impl From<FieldProblem> for FieldError {
    fn from(problem: FieldProblem) -> Self {
        let FieldProblem {
            row,
            field,
            message,
        } = problem;
        Self {
            row,
            field,
            message,
        }
    }
}

impl IntoResponse for Problem {
    /// A response without a body: the edge knows the request id and writes it.
    fn into_response(self) -> Response {
        let mut response = Response::new(Body::empty());
        *response.status_mut() =
            StatusCode::from_u16(self.kind.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        if self.kind == UNAUTHORIZED {
            let headers = response.headers_mut();
            headers.insert(
                header::WWW_AUTHENTICATE,
                HeaderValue::from_static("Bearer realm=\"galleria\""),
            );
        }
        if let Some(seconds) = self.retry_after {
            let headers = response.headers_mut();
            headers.insert(header::RETRY_AFTER, seconds.into());
        }
        response.extensions_mut().insert(self);
        response
    }
}

/// Gives a problem its body.
pub(crate) fn rendered(
    problem: &Problem,
    parts: Option<Parts>,
    mut response: Response,
    request_id: &str,
) -> Response {
    let Kind {
        code,
        status,
        title,
        remedy: _,
    } = problem.kind;
    let details = Details {
        kind: format!("urn:galleria:problem:{code}"),
        title,
        status,
        detail: &problem.detail,
        code,
        errors: &problem.errors,
        // Every refusal of a code has the same bytes.
        request_id: (problem.kind != MEMBER_UNKNOWN).then_some(request_id),
        parts: parts.map(|parts| parts.0),
    };
    // Texts and numbers always serialise; the status tells the caller even if they did not.
    let body = serde_json::to_vec(&details).unwrap_or_default();
    let headers = response.headers_mut();
    // The empty body's length stands there already.
    headers.remove(header::CONTENT_LENGTH);
    headers.insert(
        header::CONTENT_TYPE,
        HeaderValue::from_static("application/problem+json"),
    );
    *response.body_mut() = Body::from(body);
    response
}

pub(crate) async fn no_such_route(uri: Uri) -> Problem {
    Problem::new(NO_ROUTE, format!("{} is no route", uri.path()))
}

pub(crate) async fn no_such_method() -> Problem {
    Problem::new(NO_METHOD, NO_METHOD.remedy)
}
