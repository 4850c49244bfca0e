//! The credentials of a request: an API key or a token.

use crate::problem::Problem;
use crate::problem_kinds::{FORBIDDEN, ISSUER, UNAUTHORIZED};
use crate::reply::ApiResult;
use crate::state::ApiState;
use axum::http::{HeaderMap, header};
use galleria_app::access::{CredentialFault, bearer};
use galleria_ports::access::Caller;

/// An API key or a token. It is never printed.
pub(super) struct Bearer(String);

/// Removes the credentials from the request. Rejects several headers and other schemes.
pub(super) fn take(headers: &mut HeaderMap) -> Result<Option<Bearer>, Problem> {
    let values: Vec<_> = headers
        .get_all(header::AUTHORIZATION)
        .iter()
        .cloned()
        .collect();
    headers.remove(header::AUTHORIZATION);
    let value = match values.as_slice() {
        [] => return Ok(None),
        [value] => value,
        _ => return Err(rejected("several `Authorization` headers")),
    };
    match value.to_str().ok().and_then(bearer) {
        Some(text) => Ok(Some(Bearer(text.to_owned()))),
        None => Err(rejected(
            "`Authorization` is not `Bearer` with a key or a token",
        )),
    }
}

impl Bearer {
    /// The caller that the credentials belong to.
    pub(super) async fn caller(self, state: &ApiState) -> ApiResult<Caller> {
        let tokens = state.config.access.tokens.as_deref();
        let caller = state.app.access.caller(&self.0, tokens).await;
        caller.map_err(|fault| match fault {
            CredentialFault::Rejected(why) => rejected(why),
            CredentialFault::Powerless(why) => Problem::new(FORBIDDEN, why),
            CredentialFault::IssuerUnavailable(cause) => Problem {
                cause: Some(cause.into()),
                ..Problem::new(ISSUER, ISSUER.remedy)
            },
            CredentialFault::Failed(error) => error.into(),
        })
    }
}

/// The problem of a request without credentials.
pub(super) fn missing() -> Problem {
    Problem::new(UNAUTHORIZED, UNAUTHORIZED.remedy)
}

/// The problem of invalid credentials. The response is always the same; only the log has the reason.
fn rejected(why: &str) -> Problem {
    tracing::info!(why, "credentials rejected");
    missing()
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::http::HeaderValue;

    #[test]
    fn exactly_one_bearer_header_is_accepted_and_always_removed() {
        let take_from = |values: &[&'static str]| {
            let mut headers = HeaderMap::new();
            for value in values {
                headers.append(header::AUTHORIZATION, HeaderValue::from_static(value));
            }
            let bearer = take(&mut headers);
            assert!(!headers.contains_key(header::AUTHORIZATION));
            bearer
                .map(|bearer| bearer.map(|Bearer(text)| text))
                .map_err(|problem| problem.kind.code)
        };
        assert_eq!(take_from(&[]), Ok(None));
        assert_eq!(take_from(&["Bearer a.b.c"]), Ok(Some("a.b.c".into())));
        assert_eq!(take_from(&["bearer gk_1"]), Ok(Some("gk_1".into())));
        for value in ["", "Bearer", "Bearer ", "Basic YTpi", "gk_1"] {
            assert_eq!(take_from(&[value]), Err("unauthorized"), "{value}");
        }
        assert_eq!(take_from(&["Bearer a", "Bearer b"]), Err("unauthorized"));
    }
}
