//! What a request carries to say who it is from: a key or a token.

use crate::problem::{FORBIDDEN, ISSUER, Problem, UNAUTHORIZED};
use crate::response::ApiResult;
use crate::serve::ApiState;
use axum::http::{HeaderMap, header};
use galleria_app::access::{Caller, TokenFault};

/// A key or a token, which is never printed.
pub(super) struct Bearer(String);

/// Takes it off the request. More than one, or one of another scheme, is a mistake worth telling.
pub(super) fn taken(headers: &mut HeaderMap) -> Result<Option<Bearer>, Problem> {
    let given: Vec<_> = headers
        .get_all(header::AUTHORIZATION)
        .iter()
        .cloned()
        .collect();
    headers.remove(header::AUTHORIZATION);
    let value = match given.as_slice() {
        [] => return Ok(None),
        [one] => one,
        _ => return Err(refused("several headers `Authorization`")),
    };
    let text = value.to_str().ok().and_then(|text| {
        let (scheme, rest) = text.split_once(' ')?;
        scheme.eq_ignore_ascii_case("bearer").then(|| rest.trim())
    });
    match text {
        Some(text) if !text.is_empty() => Ok(Some(Bearer(text.to_owned()))),
        _ => Err(refused(
            "`Authorization` is not `Bearer` and a key or token",
        )),
    }
}

impl Bearer {
    /// Whose it is.
    pub(super) async fn caller(self, state: &ApiState) -> ApiResult<Caller> {
        if self.0.starts_with("gk_") {
            let found = state.app.key_caller(&self.0).await?;
            return found.map_err(|why| refused(why.words()));
        }
        let Some(tokens) = &state.config.access.tokens else {
            return Err(refused("no key, and no issuer of tokens is configured"));
        };
        let found = tokens.caller(&self.0, state.app.clock().now()).await;
        found.map_err(|fault| match fault {
            TokenFault::Refused(why) => refused(why),
            TokenFault::Powerless(why) => Problem::new(FORBIDDEN, why),
            TokenFault::Unavailable(cause) => Problem {
                cause: Some(cause.into()),
                ..Problem::new(ISSUER, ISSUER.remedy)
            },
        })
    }
}

/// Nothing came with the request.
pub(super) fn missing() -> Problem {
    Problem::new(UNAUTHORIZED, UNAUTHORIZED.remedy)
}

/// What came is good for nothing. The caller is told the same every time; the log tells why.
fn refused(why: &str) -> Problem {
    tracing::info!(why, "a caller was refused");
    missing()
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::http::HeaderValue;

    #[test]
    fn a_bearer_is_taken_once_and_of_one_form() {
        let read = |values: &[&'static str]| {
            let mut headers = HeaderMap::new();
            for value in values {
                headers.append(header::AUTHORIZATION, HeaderValue::from_static(value));
            }
            let taken = taken(&mut headers);
            assert!(!headers.contains_key(header::AUTHORIZATION));
            taken
                .map(|one| one.map(|Bearer(text)| text))
                .map_err(|problem| problem.kind.code)
        };
        assert_eq!(read(&[]), Ok(None));
        assert_eq!(read(&["Bearer a.b.c"]), Ok(Some("a.b.c".into())));
        assert_eq!(read(&["bearer gk_1"]), Ok(Some("gk_1".into())));
        for bad in ["", "Bearer", "Bearer ", "Basic YTpi", "gk_1"] {
            assert_eq!(read(&[bad]), Err("unauthorized"), "{bad}");
        }
        assert_eq!(read(&["Bearer a", "Bearer b"]), Err("unauthorized"));
    }
}
