//! What is taken out of a request, and refused with a problem where it is not there.

use crate::access::Authenticated;
use crate::limits;
use crate::problem::{
    BAD_JSON, BAD_QUERY, BAD_REQUEST, BODY_TOO_LARGE, KEY_INVALID, KEY_MISSING, Kind, MEDIA_TYPE,
    Problem,
};
use crate::serve::ApiState;
use axum::body::Bytes;
use axum::extract::{ConnectInfo, FromRequest, FromRequestParts, Path, Query, Request};
use axum::http::request::Parts;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::IntoResponse as _;
use galleria_app::members::Client;
use galleria_app::{Error, Key};
use galleria_domain::Digest;
use serde::de::DeserializeOwned;
use std::net::SocketAddr;

/// The `{id}` of a path.
pub(crate) struct Id(pub String);

impl FromRequestParts<ApiState> for Id {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &ApiState) -> Result<Self, Problem> {
        no_nul(parts.uri.path(), BAD_REQUEST)?;
        match Path::<String>::from_request_parts(parts, state).await {
            Ok(Path(id)) => Ok(Self(id)),
            Err(rejection) => Err(Problem::new(BAD_REQUEST, rejection.body_text())),
        }
    }
}

/// The two names of a path that has two.
pub(crate) struct PathPair(pub String, pub String);

impl FromRequestParts<ApiState> for PathPair {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &ApiState) -> Result<Self, Problem> {
        no_nul(parts.uri.path(), BAD_REQUEST)?;
        match Path::<(String, String)>::from_request_parts(parts, state).await {
            Ok(Path((first, second))) => Ok(Self(first, second)),
            Err(rejection) => Err(Problem::new(BAD_REQUEST, rejection.body_text())),
        }
    }
}

/// Nothing has NUL in its name, and PostgreSQL fails where it is asked for such a text.
pub(crate) fn no_nul(encoded: &str, kind: Kind) -> Result<(), Problem> {
    match encoded.contains("%00") {
        true => Err(Problem::new(kind, "No text has NUL, `%00`, in it.")),
        false => Ok(()),
    }
}

/// Whether a text of JSON has NUL in it, which can only be written as `\u0000`.
fn escapes_nul(json: &[u8]) -> bool {
    const NUL: &[u8] = br"\u0000";
    // Behind a backslash that is itself escaped, `u0000` is text.
    let begins = |at: usize| {
        let before = json[..at].iter().rev();
        before.take_while(|byte| **byte == b'\\').count() % 2 == 0
    };
    let mut places = json.windows(NUL.len()).enumerate();
    places.any(|(at, part)| part == NUL && begins(at))
}

/// A query string.
pub(crate) struct QueryParams<T>(pub T);

impl<T: DeserializeOwned> FromRequestParts<ApiState> for QueryParams<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &ApiState) -> Result<Self, Problem> {
        no_nul(parts.uri.query().unwrap_or_default(), BAD_QUERY)?;
        match Query::<T>::from_request_parts(parts, state).await {
            Ok(Query(asked)) => Ok(Self(asked)),
            Err(rejection) => Err(Problem::new(BAD_QUERY, rejection.body_text())),
        }
    }
}

/// What every write carries in its head.
#[derive(utoipa::IntoParams)]
#[into_params(parameter_in = Header)]
pub(crate) struct IdempotencyHeader {
    /// Of the caller's choice, visible ASCII; a new one for every write, the same one for every
    /// repetition of it.
    #[param(rename = "Idempotency-Key", pattern = "^[!-~]{1,200}$")]
    #[expect(dead_code, reason = "it documents a header")]
    idempotency_key: String,
}

/// A write: its key and its body.
pub(crate) struct WriteRequest<T> {
    pub key: Key,
    pub body: T,
}

impl<T: DeserializeOwned> FromRequest<ApiState> for WriteRequest<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &ApiState) -> Result<Self, Problem> {
        must_be_json(request.headers())?;
        let key = own_key(&request)?;
        let mut told = format!("{}\n{}\n", request.method(), request.uri().path()).into_bytes();
        let bytes = bytes_of(request, state).await?;
        if escapes_nul(&bytes) {
            let detail = "No text has NUL, `\\u0000`, in it.";
            return Err(Problem::new(BAD_JSON, detail));
        }
        let body = parsed(&bytes)?;
        told.extend_from_slice(&bytes);
        let request = Digest::of(&told);
        Ok(Self {
            key: Key { key, request },
            body,
        })
    }
}

/// A body that is never quoted, not even where it is wrong: a scanned code, a log-in.
pub(crate) struct Sensitive<T>(pub T);

impl<T: DeserializeOwned> FromRequest<ApiState> for Sensitive<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &ApiState) -> Result<Self, Problem> {
        must_be_json(request.headers())?;
        let bytes = bytes_of(request, state).await?;
        // serde_json's words quote what it found.
        serde_json::from_slice(&bytes)
            .map(Self)
            .map_err(|_| Problem::new(BAD_JSON, "`/openapi.json` has an example."))
    }
}

/// Who asks, as far as that is known.
pub(crate) struct ClientAddress(pub Client);

impl FromRequestParts<ApiState> for ClientAddress {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &ApiState) -> Result<Self, Problem> {
        let peer = parts.extensions.get::<ConnectInfo<SocketAddr>>();
        let peer =
            peer.ok_or_else(|| Error::Internal("served without the caller's address".into()));
        let proxies = &state.config.trusted_proxies;
        let client = limits::client(peer?.0.ip(), &parts.headers, proxies);
        Ok(Self(Client::Address(client)))
    }
}

async fn bytes_of(request: Request, state: &ApiState) -> Result<Bytes, Problem> {
    Bytes::from_request(request, state)
        .await
        .map_err(|rejection| {
            let status = rejection.into_response().status();
            unread(status, state.config.max_body_bytes)
        })
}

fn must_be_json(headers: &HeaderMap) -> Result<(), Problem> {
    let given = headers
        .get(header::CONTENT_TYPE)
        .and_then(|value| value.to_str().ok());
    let kind = given.and_then(|text| text.split(';').next()).map(str::trim);
    if kind.is_some_and(|kind| kind.eq_ignore_ascii_case("application/json")) {
        Ok(())
    } else {
        Err(Problem::new(MEDIA_TYPE, MEDIA_TYPE.remedy))
    }
}

/// The key of a write, as its caller's own: tills of different retailers, which may all count from 1, never
/// meet in one. Whoever takes over from a caller with the same reach repeats its writes under the same keys.
pub(crate) fn own_key(request: &Request) -> Result<String, Problem> {
    let key = idempotency_key(request.headers())?;
    Ok(match request.extensions().get::<Authenticated>() {
        Some(auth) => auth.owns(key),
        None => key,
    })
}

fn idempotency_key(headers: &HeaderMap) -> Result<String, Problem> {
    let mut given = headers.get_all("idempotency-key").iter();
    let Some(first) = given.next() else {
        return Err(Problem::new(KEY_MISSING, KEY_MISSING.remedy));
    };
    let key = first.as_bytes();
    let visible = (1..=200).contains(&key.len()) && key.iter().all(u8::is_ascii_graphic);
    match first.to_str() {
        Ok(key) if visible && given.next().is_none() => Ok(key.to_owned()),
        _ => Err(Problem::new(KEY_INVALID, KEY_INVALID.remedy)),
    }
}

fn unread(status: StatusCode, max_body_bytes: usize) -> Problem {
    if status == StatusCode::PAYLOAD_TOO_LARGE {
        let detail = format!("A body has at most {max_body_bytes} bytes.");
        Problem::new(BODY_TOO_LARGE, detail)
    } else {
        Problem::new(BAD_REQUEST, "The body ended before it was whole.")
    }
}

/// The body as a value, or where exactly it is not one.
fn parsed<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Problem> {
    let mut json = serde_json::Deserializer::from_slice(bytes);
    let wrong = |field: String, error: &serde_json::Error| {
        let detail = match field.as_str() {
            "" => error.to_string(),
            field => format!("{field}: {error}"),
        };
        Problem::of_field(BAD_JSON, detail, field, error.to_string())
    };
    let value = serde_path_to_error::deserialize(&mut json)
        .map_err(|error| wrong(dotted(error.path()), error.inner()))?;
    json.end().map_err(|error| wrong(String::new(), &error))?;
    Ok(value)
}

/// A path as `invalid` writes it too: `lines.0.amount`.
fn dotted(path: &serde_path_to_error::Path) -> String {
    use serde_path_to_error::Segment;
    let segments = path.iter().filter_map(|segment| match segment {
        Segment::Seq { index } => Some(index.to_string()),
        Segment::Map { key } => Some(key.clone()),
        Segment::Enum { variant } => Some(variant.clone()),
        Segment::Unknown => None,
    });
    segments.collect::<Vec<_>>().join(".")
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::http::HeaderValue;
    use galleria_app::intake::NewPayment;

    #[test]
    fn a_wrong_body_is_told_by_field_and_place() {
        let text = br#"{"id":"p","at":"2026-11-24T10:00:00Z","tenders":[{"number":"x"}]}"#;
        let problem = parsed::<NewPayment>(text).expect_err("a wrong number");
        assert_eq!(problem.kind, BAD_JSON);
        assert_eq!(problem.errors[0].field, "tenders.0.number");
        assert!(
            problem.detail.contains("line 1 column"),
            "{}",
            problem.detail
        );
        let twice = parsed::<u8>(b"1 2").expect_err("two values");
        assert_eq!(twice.errors[0].field, "");
        let surplus = parsed::<NewPayment>(br#"{"tip":1}"#).expect_err("no such field");
        assert!(surplus.detail.contains("unknown field `tip`"));
    }

    #[test]
    fn a_key_is_visible_ascii_and_one() {
        let key = |values: &[&[u8]]| {
            let mut headers = HeaderMap::new();
            for value in values {
                let value = HeaderValue::from_bytes(value).expect("a header value");
                headers.append("Idempotency-Key", value);
            }
            idempotency_key(&headers).map_err(|problem| problem.kind.code)
        };
        assert_eq!(key(&[b"a-1"]), Ok("a-1".into()));
        assert_eq!(key(&[&[b'k'; 200]]), Ok("k".repeat(200)));
        assert_eq!(key(&[]), Err("idempotency_key_missing"));
        for bad in [&b""[..], b"a b", "é".as_bytes(), &[b'k'; 201]] {
            assert_eq!(key(&[bad]), Err("idempotency_key_invalid"));
        }
        assert_eq!(key(&[b"a", b"b"]), Err("idempotency_key_invalid"));
    }

    #[test]
    fn only_json_is_read() {
        let read = |value: &'static str| {
            let mut headers = HeaderMap::new();
            headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(value));
            must_be_json(&headers).is_ok()
        };
        assert!(read("application/json"));
        assert!(read("Application/JSON; charset=utf-8"));
        assert!(!read("text/plain"));
        assert!(!read("application/jsonp"));
        assert!(must_be_json(&HeaderMap::new()).is_err());
    }
}
