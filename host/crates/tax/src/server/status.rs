//! Errors as statuses of gRPC.
//!
//! Owns: which code an error has. Never sends: SQL, paths, or other internals: those go to the log.

use galleria_app::tabular::Problems;
use galleria_domain::Problem;
use galleria_ports::Error;
use std::any::Any;
use std::fmt::Write as _;
use tonic::{Code, Status};
use tonic_types::{ErrorDetails, StatusExt as _};

/// The domain of [`tonic_types::ErrorInfo`], whose reason is the code of the problem over HTTP.
const DOMAIN: &str = "galleria";

/// The maximum length of a message. Clients reject statuses above 8 KiB.
const MAX_MESSAGE: usize = 3_000;

/// The maximum number of fields in the details of a status.
const MAX_FIELDS: usize = 10;

const BUG: &str = "internal error: report the x-request-id to the operator";

/// Conflicts that another try may solve.
const TRANSIENT: [&str; 1] = ["retailer_out_of_service"];

/// A status with the stable code of the problem.
pub(super) fn coded(code: Code, reason: &str, message: impl Into<String>) -> Status {
    let details = ErrorDetails::with_error_info(reason, DOMAIN, []);
    Status::with_error_details(code, message, details)
}

/// A status whose cause is logged, not sent.
pub(super) fn internal(code: Code, reason: &'static str, remedy: &str, cause: &str) -> Status {
    tracing::error!(code = reason, cause, "call failed");
    coded(code, reason, remedy)
}

/// The status of a call that panicked.
pub(super) fn panicked(panic: &(dyn Any + Send)) -> Status {
    let message = panic.downcast_ref::<&str>().copied();
    let message = message.or_else(|| panic.downcast_ref::<String>().map(String::as_str));
    let cause = format!("panic: {}", message.unwrap_or("no message"));
    internal(Code::Internal, "internal", BUG, &cause)
}

/// The status of an error.
pub(super) fn of(error: Error) -> Status {
    let (text, chain) = (error.to_string(), error.chain());
    match error {
        Error::NotFound { .. } => coded(Code::NotFound, "not_found", text),
        Error::Exists { .. } => coded(Code::AlreadyExists, "exists", text),
        Error::Conflict { code, message } if TRANSIENT.contains(&code) => {
            coded(Code::Unavailable, code, message)
        }
        Error::Conflict { code, message } => coded(Code::FailedPrecondition, code, message),
        Error::Invalid(problems) => invalid("invalid", &problems, problems.len() as u64),
        Error::Limited { .. } => coded(Code::ResourceExhausted, "too_many_attempts", text),
        // The text names the service and what happened.
        Error::Upstream { code, .. } => internal(Code::Unavailable, code, &text, &chain),
        Error::Records { .. } => internal(
            Code::Unavailable,
            "records_unavailable",
            "the database is unavailable: repeat the call later with the same idempotency-key",
            &chain,
        ),
        _ => internal(Code::Internal, "internal", BUG, &chain),
    }
}

/// The status of invalid fields: as many as fit. `total` counts all of them.
fn invalid(reason: &str, problems: &[Problem], total: u64) -> Status {
    let mut message = String::new();
    let mut named = 0;
    for problem in problems {
        let text = problem.to_string();
        if named > 0 && message.len() + text.len() > MAX_MESSAGE {
            break;
        }
        let separator = if named > 0 { "; " } else { "" };
        let _ = write!(message, "{separator}{}", cut(&text));
        named += 1;
    }
    let rest = total.saturating_sub(named);
    if rest > 0 {
        let _ = write!(message, "; and {rest} more");
    }
    let mut details = ErrorDetails::with_error_info(reason, DOMAIN, []);
    for problem in problems.iter().take(MAX_FIELDS) {
        let field = match problem.row {
            Some(row) => format!("rows.{row}.{}", problem.field),
            None => problem.field.clone(),
        };
        details.add_bad_request_violation(field, cut(&problem.message));
    }
    Status::with_error_details(Code::InvalidArgument, message, details)
}

/// The status of an import with invalid rows.
pub(super) fn refused(problems: &Problems) -> Status {
    invalid("file_refused", &problems.listed, problems.total)
}

/// The beginning of a text that quotes a long value.
fn cut(text: &str) -> &str {
    const MAX: usize = 200;
    let end = text
        .char_indices()
        .nth(MAX)
        .map_or(text.len(), |(end, _)| end);
    &text[..end]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_code_of_an_error_says_whether_another_try_helps() {
        let conflict = |code| Error::Conflict {
            code,
            message: "because".into(),
        };
        let missing = Error::NotFound {
            what: "store",
            id: "s1".into(),
        };
        let outage = || Error::records("reading", std::io::Error::other("disk secret"));
        for (error, code, text) in [
            (missing, Code::NotFound, "there is no store s1"),
            (conflict("x"), Code::FailedPrecondition, "because"),
            (
                conflict("retailer_out_of_service"),
                Code::Unavailable,
                "because",
            ),
            (
                Error::invalid("items.0", "must be"),
                Code::InvalidArgument,
                "items.0: must be",
            ),
            (outage(), Code::Unavailable, "the database is unavailable"),
            (
                Error::Upstream {
                    code: "tax_service_unavailable",
                    message: "the tax service grpc is unavailable".into(),
                    cause: None,
                    retry_after: None,
                },
                Code::Unavailable,
                "the tax service grpc is unavailable",
            ),
            (
                Error::Internal("secret".into()),
                Code::Internal,
                "internal error",
            ),
        ] {
            let status = of(error);
            assert_eq!(status.code(), code);
            assert!(status.message().starts_with(text), "{}", status.message());
            assert!(!status.message().contains("secret"));
        }
        let reason = of(conflict("x"))
            .get_details_error_info()
            .map(|info| info.reason);
        assert_eq!(reason.as_deref(), Some("x"));
    }

    #[test]
    fn many_problems_fit_into_a_header() {
        let problem = |row| Problem {
            row: Some(row),
            ..Problem::new(
                "tax_percent",
                format!("must be a decimal, got {}", "é".repeat(500)),
            )
        };
        let problems: Vec<_> = (1..=1_000).map(problem).collect();
        let status = invalid("file_refused", &problems, 12_345);
        assert!(
            status
                .message()
                .starts_with("row 1, tax_percent: must be a decimal")
        );
        assert!(status.message().ends_with(" more"), "{}", status.message());
        assert!(status.message().len() < 4_000);
        let violations = status.get_details_bad_request().expect("details");
        assert_eq!(violations.field_violations.len(), 10);
        assert_eq!(violations.field_violations[0].field, "rows.1.tax_percent");
    }
}
