//! The caller of a call, its reach, and its idempotency key.

use super::status::{self, coded};
use galleria_app::access::Subject;
use galleria_app::{App, IdempotencyKey};
use galleria_domain::Digest;
use galleria_ports::Error;
use galleria_ports::access::Caller;
use tonic::{Code, Request, Status};

/// The caller that the edge has authenticated.
pub(super) fn caller<T>(request: &Request<T>) -> Result<&Caller, Status> {
    let caller = request.extensions().get::<Caller>();
    caller.ok_or_else(|| status::of(Error::Internal("a call without a caller".into())))
}

/// The idempotency key as it was sent.
pub(super) fn idempotency_key<T>(request: &Request<T>) -> Result<Option<String>, Status> {
    let mut values = request.metadata().get_all("idempotency-key").iter();
    let Some(first) = values.next() else {
        return Ok(None);
    };
    let bytes = first.as_encoded_bytes();
    let visible = (1..=200).contains(&bytes.len()) && bytes.iter().all(u8::is_ascii_graphic);
    match first.to_str() {
        Ok(key) if visible && values.next().is_none() => Ok(Some(key.to_owned())),
        _ => Err(coded(
            Code::InvalidArgument,
            "idempotency_key_invalid",
            "the metadata idempotency-key must be one key of 1 to 200 visible ASCII characters",
        )),
    }
}

/// The key of a write, distinct among callers with different reach.
pub(super) fn qualified(caller: &Caller, key: String, request: Digest) -> IdempotencyKey {
    IdempotencyKey {
        key: match caller.reach.label() {
            Some(reach) => format!("{reach}/{key}"),
            None => key,
        },
        request,
        as_sent: None,
    }
}

/// Rejects a store that is out of the caller's reach, like a missing one.
pub(super) async fn check_store(app: &App, caller: &Caller, store: &str) -> Result<(), Status> {
    // PostgreSQL fails on a query with NUL.
    if store.contains('\0') {
        return Err(status::of(Error::NotFound {
            what: "store",
            id: store.replace('\0', "?"),
        }));
    }
    let subject = Subject::Store(store.to_owned());
    let checked = app.access.check_reach(caller, subject).await;
    checked.map_err(status::of)
}
