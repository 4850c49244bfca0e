//! Extractors: path, query, body, idempotency key and client address. Each rejects a request with a problem.

use crate::access::authenticated::Authenticated;
use crate::canonical::canonical;
use crate::limits;
use crate::problem::Problem;
use crate::problem_kinds::{
    BAD_JSON, BAD_QUERY, BAD_REQUEST, BODY_TOO_LARGE, KEY_INVALID, KEY_MISSING, MEDIA_TYPE,
    ProblemKind,
};
use crate::state::ApiState;
use axum::body::Bytes;
use axum::extract::{ConnectInfo, FromRequest, FromRequestParts, Path, Query, Request};
use axum::http::request::Parts;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::IntoResponse as _;
use galleria_app::IdempotencyKey;
use galleria_app::members::Client;
use galleria_domain::Digest;
use galleria_ports::Error;
use serde::de::DeserializeOwned;
use std::net::SocketAddr;

/// The name of the header with the idempotency key of a write.
const IDEMPOTENCY_KEY: &str = "idempotency-key";

/// The only parameter of a path, such as `{id}`.
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

/// The two parameters of a path.
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

/// Rejects NUL: no id contains it, and PostgreSQL fails on a query with such a text.
pub(crate) fn no_nul(encoded: &str, kind: ProblemKind) -> Result<(), Problem> {
    match encoded.contains("%00") {
        true => Err(Problem::new(kind, "Text must not contain NUL (`%00`).")),
        false => Ok(()),
    }
}

/// Whether a JSON text contains NUL, which JSON can only write as `\u0000`.
fn escapes_nul(json: &[u8]) -> bool {
    const NUL: &[u8] = br"\u0000";
    // After an escaped backslash, `u0000` is text.
    let is_escape = |at: usize| {
        let before = json[..at].iter().rev();
        before.take_while(|byte| **byte == b'\\').count() % 2 == 0
    };
    let mut places = json.windows(NUL.len()).enumerate();
    places.any(|(at, part)| part == NUL && is_escape(at))
}

/// The parameters of the query string.
pub(crate) struct QueryParams<T>(pub T);

impl<T: DeserializeOwned> FromRequestParts<ApiState> for QueryParams<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &ApiState) -> Result<Self, Problem> {
        no_nul(parts.uri.query().unwrap_or_default(), BAD_QUERY)?;
        match Query::<T>::from_request_parts(parts, state).await {
            Ok(Query(query)) => Ok(Self(query)),
            Err(rejection) => Err(Problem::new(BAD_QUERY, rejection.body_text())),
        }
    }
}

/// The header that every write carries.
#[derive(utoipa::IntoParams)]
#[into_params(parameter_in = Header)]
pub(crate) struct IdempotencyHeader {
    /// Chosen by the caller, visible ASCII. Use a new key for every write, and the same key to repeat that
    /// write.
    #[param(rename = "Idempotency-Key", pattern = "^[!-~]{1,200}$")]
    #[expect(
        dead_code,
        reason = "documents a header; the extractor reads the request"
    )]
    idempotency_key: String,
}

/// The optional header of a write that has the same effect when it is repeated.
#[derive(utoipa::IntoParams)]
#[into_params(parameter_in = Header)]
pub(crate) struct OptionalIdempotencyHeader {
    /// Chosen by the caller, visible ASCII; optional, because the request has the same effect when it is repeated.
    /// With a key, a repetition gets the first response, also if the object changed meanwhile.
    #[param(rename = "Idempotency-Key", pattern = "^[!-~]{1,200}$")]
    #[expect(
        dead_code,
        reason = "documents a header; the extractor reads the request"
    )]
    idempotency_key: Option<String>,
}

/// A write: its idempotency key and its body.
pub(crate) struct WriteRequest<T> {
    pub key: IdempotencyKey,
    pub body: T,
}

/// A write that replaces an object: its idempotency key, if it has one, and its body.
pub(crate) struct PutRequest<T> {
    pub key: Option<IdempotencyKey>,
    pub body: T,
}

impl<T: DeserializeOwned> FromRequest<ApiState> for WriteRequest<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &ApiState) -> Result<Self, Problem> {
        must_be_json(request.headers())?;
        let key = idempotency_key(&request)?;
        let PutRequest { key, body } = read(request, state, Some(key)).await?;
        let key = key.ok_or_else(|| Problem::new(KEY_MISSING, KEY_MISSING.remedy))?;
        Ok(Self { key, body })
    }
}

impl<T: DeserializeOwned> FromRequest<ApiState> for PutRequest<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &ApiState) -> Result<Self, Problem> {
        must_be_json(request.headers())?;
        let key = optional_idempotency_key(request.headers())?;
        let auth = request.extensions().get::<Authenticated>();
        let key = key.map(|key| qualified(auth, key));
        read(request, state, key).await
    }
}

/// The idempotency key of a write without a body, if it has one.
pub(crate) struct OptionalKey(pub Option<IdempotencyKey>);

impl FromRequestParts<ApiState> for OptionalKey {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &ApiState) -> Result<Self, Problem> {
        let key = optional_idempotency_key(&parts.headers)?;
        let auth = parts.extensions.get::<Authenticated>();
        let target = format!("{}\n{}\n", parts.method, parts.uri);
        Ok(Self(key.map(|key| IdempotencyKey {
            key: qualified(auth, key),
            request: Digest::of(target.as_bytes()),
            as_sent: None,
        })))
    }
}

/// Reads the body of a write, and computes the digests that identify its repetitions.
async fn read<T: DeserializeOwned>(
    request: Request,
    state: &ApiState,
    key: Option<String>,
) -> Result<PutRequest<T>, Problem> {
    let target = format!("{}\n{}\n", request.method(), request.uri().path());
    let bytes = bytes_of(request, state).await?;
    if escapes_nul(&bytes) {
        let detail = "Text must not contain NUL (`\\u0000`).";
        return Err(Problem::new(BAD_JSON, detail));
    }
    let body = parse(&bytes)?;
    let digest = |body: &[u8]| Digest::of(&[target.as_bytes(), body].concat());
    let key = key.map(|key| IdempotencyKey {
        key,
        request: canonical(&bytes).map_or_else(|| digest(&bytes), |body| digest(&body)),
        as_sent: Some(digest(&bytes)),
    });
    Ok(PutRequest { key, body })
}

/// A body that no error quotes, such as a scanned code or a login.
pub(crate) struct Sensitive<T>(pub T);

impl<T: DeserializeOwned> FromRequest<ApiState> for Sensitive<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &ApiState) -> Result<Self, Problem> {
        must_be_json(request.headers())?;
        let bytes = bytes_of(request, state).await?;
        // The messages of serde_json quote the body.
        serde_json::from_slice(&bytes).map(Self).map_err(|_| {
            Problem::new(
                BAD_JSON,
                "The body does not match the schema; `/openapi.json` has an example.",
            )
        })
    }
}

/// The network address of the client.
pub(crate) struct ClientAddress(pub Client);

impl FromRequestParts<ApiState> for ClientAddress {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &ApiState) -> Result<Self, Problem> {
        let peer = parts.extensions.get::<ConnectInfo<SocketAddr>>();
        let peer =
            peer.ok_or_else(|| Error::Internal("the connection has no client address".into()));
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
            unreadable_body(status, state.config.max_body_bytes)
        })
}

fn must_be_json(headers: &HeaderMap) -> Result<(), Problem> {
    let content_type = headers
        .get(header::CONTENT_TYPE)
        .and_then(|value| value.to_str().ok());
    let media_type = content_type.and_then(|text| text.split(';').next());
    if media_type.is_some_and(|text| text.trim().eq_ignore_ascii_case("application/json")) {
        Ok(())
    } else {
        Err(Problem::new(MEDIA_TYPE, MEDIA_TYPE.remedy))
    }
}

/// The idempotency key of a write, qualified by the reach of its caller. Tills of different retailers may all
/// count from 1 and must not collide. A caller with the same reach can repeat the writes of another caller.
pub(crate) fn idempotency_key(request: &Request) -> Result<String, Problem> {
    let key = idempotency_header(request.headers())?;
    Ok(qualified(request.extensions().get::<Authenticated>(), key))
}

fn qualified(auth: Option<&Authenticated>, key: String) -> String {
    match auth {
        Some(auth) => auth.idempotency_key(key),
        None => key,
    }
}

/// The idempotency key as it was sent, if there is one.
pub(crate) fn optional_idempotency_key(headers: &HeaderMap) -> Result<Option<String>, Problem> {
    match headers.contains_key(IDEMPOTENCY_KEY) {
        true => idempotency_header(headers).map(Some),
        false => Ok(None),
    }
}

fn idempotency_header(headers: &HeaderMap) -> Result<String, Problem> {
    let mut values = headers.get_all(IDEMPOTENCY_KEY).iter();
    let Some(first) = values.next() else {
        return Err(Problem::new(KEY_MISSING, KEY_MISSING.remedy));
    };
    let key = first.as_bytes();
    let visible = (1..=200).contains(&key.len()) && key.iter().all(u8::is_ascii_graphic);
    match first.to_str() {
        Ok(key) if visible && values.next().is_none() => Ok(key.to_owned()),
        _ => Err(Problem::new(KEY_INVALID, KEY_INVALID.remedy)),
    }
}

fn unreadable_body(status: StatusCode, max_body_bytes: usize) -> Problem {
    if status == StatusCode::PAYLOAD_TOO_LARGE {
        let detail = format!("The body must have at most {max_body_bytes} bytes.");
        Problem::new(BODY_TOO_LARGE, detail)
    } else {
        Problem::new(
            BAD_REQUEST,
            "The connection closed before the body was complete.",
        )
    }
}

/// Parses a body. The problem names field, line and column.
fn parse<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Problem> {
    let mut json = serde_json::Deserializer::from_slice(bytes);
    let problem = |field: String, error: &serde_json::Error| {
        let message = rule_of_number(&error.to_string());
        let detail = match field.as_str() {
            "" => message.clone(),
            field => format!("{field}: {message}"),
        };
        Problem::of_field(BAD_JSON, detail, field, message)
    };
    let value = serde_path_to_error::deserialize(&mut json)
        .map_err(|error| problem(dotted(error.path()), error.inner()))?;
    json.end().map_err(|error| problem(String::new(), &error))?;
    Ok(value)
}

/// Replaces the name of an integer type, which serde reports, with the rule. Every integer of 64 bits with a sign
/// is an amount.
fn rule_of_number(message: &str) -> String {
    let Some((before, rest)) = message.split_once(", expected ") else {
        return message.to_owned();
    };
    let (expected, position) = match rest.split_once(" at line ") {
        Some((expected, position)) => (expected, format!(" at line {position}")),
        None => (rest, String::new()),
    };
    let rule = match expected {
        "i64" => {
            "an amount must be a whole number of minor units, without quotes and decimal point: send 1250 for 12.50 EUR"
        }
        "u8" | "u16" | "u32" | "u64" => {
            "must be a whole number from 0, without quotes and decimal point"
        }
        "i8" | "i16" | "i32" => "must be a whole number, without quotes and decimal point",
        _ => return message.to_owned(),
    };
    format!("{before}; {rule}{position}")
}

/// A path in the form that `invalid` uses: `lines.0.amount`.
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
    use galleria_app::orders::NewPayment;

    #[test]
    fn an_invalid_body_is_reported_with_field_and_position() {
        let text = br#"{"id":"p","at":"2026-11-24T10:00:00Z","tenders":[{"number":"x"}]}"#;
        let problem = parse::<NewPayment>(text).expect_err("an invalid number");
        assert_eq!(problem.kind, BAD_JSON);
        assert_eq!(problem.errors[0].field, "tenders.0.number");
        assert!(
            problem.detail.contains("line 1 column"),
            "{}",
            problem.detail
        );
        let two_values = parse::<u8>(b"1 2").expect_err("two values");
        assert_eq!(two_values.errors[0].field, "");
        let unknown = parse::<NewPayment>(br#"{"tip":1}"#).expect_err("no such field");
        assert!(unknown.detail.contains("unknown field `tip`"));
    }

    #[test]
    fn a_number_of_the_wrong_kind_gets_the_rule() {
        let tender = |amount: &str| {
            let text = format!(
                r#"{{"id":"p","at":"2026-11-24T10:00:00Z","tenders":[{{"number":1,"kind":"card","amount":{amount}}}]}}"#
            );
            parse::<NewPayment>(text.as_bytes()).expect_err("an invalid amount")
        };
        for amount in ["150.0", "\"150\"", "1e2", "9223372036854775808"] {
            let problem = tender(amount);
            assert_eq!(problem.errors[0].field, "tenders.0.amount");
            for part in [
                "tenders.0.amount: ",
                "whole number of minor units",
                "send 1250 for 12.50 EUR at line 1 column",
            ] {
                assert!(problem.detail.contains(part), "{}", problem.detail);
            }
            assert!(!problem.detail.contains("i64"), "{}", problem.detail);
        }
        let count = parse::<u32>(b"-1").expect_err("a negative count").detail;
        assert!(count.contains("must be a whole number from 0"), "{count}");
    }

    #[test]
    fn the_idempotency_key_is_one_header_of_visible_ascii() {
        let key = |values: &[&[u8]]| {
            let mut headers = HeaderMap::new();
            for value in values {
                let value = HeaderValue::from_bytes(value).expect("a header value");
                headers.append("Idempotency-Key", value);
            }
            idempotency_header(&headers).map_err(|problem| problem.kind.code)
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
    fn only_json_is_accepted() {
        let accepted = |value: &'static str| {
            let mut headers = HeaderMap::new();
            headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(value));
            must_be_json(&headers).is_ok()
        };
        assert!(accepted("application/json"));
        assert!(accepted("Application/JSON; charset=utf-8"));
        assert!(!accepted("text/plain"));
        assert!(!accepted("application/jsonp"));
        assert!(must_be_json(&HeaderMap::new()).is_err());
    }
}
