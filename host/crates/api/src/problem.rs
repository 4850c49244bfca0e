//! Problems: RFC 9457 problem details with a stable code.
//!
//! Owns: how an error becomes a problem, and a problem a response. Never sends: SQL, paths, messages of
//! plugins, or other internals. Those are the operator's and go to the log.

use crate::part::{Part, Parts};
use crate::problem_kinds::{
    CODES, EXISTS, INTERNAL, INVALID, MEMBER_UNKNOWN, NAME_TAKEN, NO_METHOD, NO_ROUTE, NOT_FOUND,
    PLUGIN, ProblemKind, RECORDS, TIMEOUT, TOO_MANY_ATTEMPTS, UNAUTHORIZED,
};
use axum::body::Body;
use axum::http::{HeaderValue, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use galleria_domain::Problem as FieldProblem;
use galleria_ports::Error;
use serde::Serialize;
use std::time::Duration;

/// One failure of one request. The edge writes its body and logs its cause.
#[derive(Clone, Debug)]
pub(crate) struct Problem {
    pub kind: ProblemKind,
    pub detail: Box<str>,
    pub errors: Vec<FieldError>,
    /// Logged, never sent.
    pub cause: Option<Box<str>>,
    /// Seconds until another attempt may succeed, for the header `Retry-After`.
    pub retry_after: Option<u32>,
}

/// An invalid field.
#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
pub(crate) struct FieldError {
    /// The row of a file, counted from 1 including the header; absent if the request has no file.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub row: Option<u64>,
    /// A dotted path, such as `lines.3.quantity`; empty for the body as a whole.
    pub field: String,
    /// What is wrong, or what is allowed.
    pub message: String,
}

/// Problem details, RFC 9457.
#[derive(Serialize, utoipa::ToSchema)]
#[schema(as = ProblemDetails)]
pub(crate) struct Details<'a> {
    /// `urn:galleria:problem:` followed by the code.
    #[serde(rename = "type")]
    #[schema(example = "urn:galleria:problem:invalid")]
    pub kind: String,
    /// The same for every occurrence.
    pub title: &'a str,
    /// HTTP status.
    pub status: u16,
    /// Describes this occurrence, for people.
    pub detail: &'a str,
    /// Stable identifier, for programs.
    #[schema(example = "invalid")]
    pub code: &'a str,
    /// The invalid fields; empty if no field is invalid.
    pub errors: &'a [FieldError],
    /// Identifies the request in the log; also the header `x-request-id`. Absent in `member_unknown`, whose
    /// body is always the same.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub request_id: Option<&'a str>,
    /// The state of every part of the host; only in problems of probes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub parts: Option<Vec<Part>>,
}

impl Problem {
    /// A problem that the caller can solve.
    pub(crate) fn new(kind: ProblemKind, detail: impl Into<String>) -> Self {
        Self {
            kind,
            detail: detail.into().into(),
            errors: Vec::new(),
            cause: None,
            retry_after: None,
        }
    }

    /// The same problem with `Retry-After`.
    pub(crate) fn after(self, seconds: u32) -> Self {
        Self {
            retry_after: Some(seconds),
            ..self
        }
    }

    /// A problem with one invalid field.
    pub(crate) fn of_field(
        kind: ProblemKind,
        detail: String,
        field: String,
        message: String,
    ) -> Self {
        Self {
            errors: vec![FieldError {
                row: None,
                field,
                message,
            }],
            ..Self::new(kind, detail)
        }
    }

    /// A parameter that violates a rule.
    pub(crate) fn invalid_field(field: &str, message: impl Into<String>) -> Self {
        let message = message.into();
        let detail = format!("{field}: {message}");
        Self::of_field(INVALID, detail, field.to_owned(), message)
    }

    /// A problem that only an operator can solve. The caller gets the same text every time.
    fn internal(kind: ProblemKind, cause: String) -> Self {
        Self {
            cause: Some(cause.into()),
            ..Self::new(kind, kind.remedy)
        }
    }

    pub(crate) fn panicked(message: &str) -> Self {
        Self::internal(INTERNAL, format!("panic: {message}"))
    }

    pub(crate) fn timed_out(limit: Duration) -> Self {
        Self::internal(TIMEOUT, format!("no response within {limit:?}"))
    }
}

impl From<Error> for Problem {
    fn from(error: Error) -> Self {
        let detail = error.to_string();
        match error {
            Error::NotFound { .. } => Self::new(NOT_FOUND, detail),
            Error::Exists { .. } => Self::new(EXISTS, detail),
            Error::Conflict { code, message } => Self::new(kind_of(code), message),
            Error::Upstream {
                code,
                message,
                cause,
                retry_after,
            } => Self {
                cause: cause.map(|cause| format!("{message}: {cause}").into()),
                retry_after: retry_after.map(whole_seconds),
                ..Self::new(kind_of(code), message)
            },
            Error::Invalid(problems) => Self {
                errors: problems.into_iter().map(FieldError::from).collect(),
                ..Self::new(INVALID, detail)
            },
            Error::NameTaken { .. } => Self::internal(NAME_TAKEN, error.chain()),
            Error::Limited { .. } => Self::new(TOO_MANY_ATTEMPTS, TOO_MANY_ATTEMPTS.remedy),
            Error::Plugin(fault) => {
                Self::internal(PLUGIN, format!("{detail}: {}: {fault}", fault.code()))
            }
            Error::Records { .. } => Self::internal(RECORDS, error.chain()),
            Error::Internal(_) | Error::Stopped => Self::internal(INTERNAL, error.chain()),
        }
    }
}

/// The seconds of `Retry-After`, rounded up, so that an attempt after them is not too early.
pub(crate) fn whole_seconds(wait: Duration) -> u32 {
    let seconds = u32::try_from(wait.as_millis().div_ceil(1_000)).unwrap_or(u32::MAX);
    seconds.max(1)
}

/// The kind of problem with this code.
fn kind_of(code: &'static str) -> ProblemKind {
    let kind = CODES.iter().find(|kind| kind.code == code);
    debug_assert!(kind.is_some(), "problem_kinds.rs does not list {code}");
    kind.copied().unwrap_or(ProblemKind {
        code,
        status: 409,
        title: "The current state does not allow this",
        remedy: "`detail` gives the reason.",
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
    /// A response without a body: the edge knows the request id and writes the body.
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

/// Writes the body of a problem.
pub(crate) fn with_body(
    problem: &Problem,
    parts: Option<Parts>,
    mut response: Response,
    request_id: &str,
) -> Response {
    let ProblemKind {
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
        // Every rejected code gets the same bytes.
        request_id: (problem.kind != MEMBER_UNKNOWN).then_some(request_id),
        parts: parts.map(|parts| parts.0),
    };
    // Strings and numbers always serialise.
    let body = serde_json::to_vec(&details).unwrap_or_default();
    let headers = response.headers_mut();
    // The length of the empty body.
    headers.remove(header::CONTENT_LENGTH);
    headers.insert(
        header::CONTENT_TYPE,
        HeaderValue::from_static("application/problem+json"),
    );
    *response.body_mut() = Body::from(body);
    response
}

pub(crate) async fn route_not_found(uri: Uri) -> Problem {
    Problem::new(NO_ROUTE, format!("the route {} does not exist", uri.path()))
}

pub(crate) async fn method_not_allowed() -> Problem {
    Problem::new(NO_METHOD, NO_METHOD.remedy)
}
