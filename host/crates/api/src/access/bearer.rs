//! The credentials of a request: an API key or a token.

use crate::problem::Problem;
use crate::problem_kinds::{FORBIDDEN, ISSUER, UNAUTHORIZED};
use crate::reply::ApiResult;
use crate::state::ApiState;
use axum::http::{HeaderMap, header};
use galleria_app::access::ApiKeyCheck;
use galleria_ports::access::{Caller, TokenFault};

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
    let credentials = value.to_str().ok().and_then(|text| {
        let (scheme, rest) = text.split_once(' ')?;
        scheme.eq_ignore_ascii_case("bearer").then(|| rest.trim())
    });
    match credentials {
        Some(text) if !text.is_empty() => Ok(Some(Bearer(text.to_owned()))),
        _ => Err(rejected(
            "`Authorization` is not `Bearer` with a key or a token",
        )),
    }
}

impl Bearer {
    /// The caller that the credentials belong to.
    pub(super) async fn caller(self, state: &ApiState) -> ApiResult<Caller> {
        if self.0.starts_with("gk_") {
            return match state.app.access.authenticate(&self.0).await? {
                ApiKeyCheck::Accepted(caller) => Ok(caller),
                ApiKeyCheck::Rejected(rejection) => Err(rejected(rejection.words())),
            };
        }
        let Some(tokens) = &state.config.access.tokens else {
            return Err(rejected("not a key, and no token issuer is configured"));
        };
        let caller = tokens.caller(&self.0, state.app.core.clock().now()).await;
        caller.map_err(|fault| match fault {
            TokenFault::Refused(why) => rejected(why),
            TokenFault::Powerless(why) => Problem::new(FORBIDDEN, why),
            TokenFault::Unavailable(cause) => Problem {
                cause: Some(cause.into()),
                ..Problem::new(ISSUER, ISSUER.remedy)
            },
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
