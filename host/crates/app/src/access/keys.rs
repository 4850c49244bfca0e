//! API keys: creates, lists, revokes and checks them.
//!
//! A key is `gk_`, its id, `_`, and a secret of 256 random bits in hexadecimal. Only the SHA-256 of
//! the secret is stored: the secret cannot be guessed, so a slow digest would protect nothing and
//! slow down every request. Each request reads the key, or finds that nothing was committed since the
//! last request with it, so that every host rejects a revoked key at the next request.

use crate::access::Access;
use galleria_domain::{Digest, names};
use galleria_ports::Error;
use galleria_ports::access::{Caller, Reach, Scope};
use galleria_ports::in_tx;
use galleria_ports::records::{ApiKeyRow, OperationRow, Tx};
use jiff::Timestamp;
use serde::Serialize;
use serde_json::{Value, json};
use std::collections::BTreeSet;
use subtle::ConstantTimeEq as _;
use zeroize::Zeroizing;

const PREFIX: &str = "gk_";
/// The keys read in one query.
const PAGE: u32 = 500;

/// A key to create.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ApiKeyRequest {
    /// The name of its bearer.
    pub name: String,
    /// The scope of its bearer.
    pub scope: Scope,
    /// The reach of its bearer.
    pub reach: Reach,
    /// The actor.
    pub actor: String,
    /// The reason.
    pub reason: String,
}

/// A listed key, without its secret.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct KeyView {
    /// Its id, which is part of the key.
    pub id: String,
    /// The name of its bearer.
    pub name: String,
    /// `till`, `back_office`, `operator` or `admin`.
    pub scope: &'static str,
    /// The retailers in its reach. `None` if it reaches everything.
    pub retailers: Option<BTreeSet<String>>,
    /// The stores in its reach. `None` if it reaches everything.
    pub stores: Option<BTreeSet<String>>,
    /// Time of creation, RFC 3339.
    pub created_at: String,
    /// Time of revocation, RFC 3339.
    pub revoked_at: Option<String>,
}

/// A new key. Its text is not stored.
pub struct NewKey {
    /// The stored part.
    pub view: KeyView,
    /// The key, to show once.
    pub text: Zeroizing<String>,
}

/// The result of checking an API key.
#[derive(Clone, Debug)]
pub enum ApiKeyCheck {
    /// The key identifies this caller.
    Accepted(Caller),
    /// The key is not valid.
    Rejected(ApiKeyRejection),
}

/// Why an API key was rejected, for the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ApiKeyRejection {
    /// The key is malformed.
    Malformed,
    /// The id is unknown, or the secret is wrong.
    Unknown,
    /// The key was revoked.
    Revoked,
}

impl ApiKeyRejection {
    /// The message for the log.
    pub const fn words(self) -> &'static str {
        match self {
            Self::Malformed => "the key is malformed",
            Self::Unknown => "the key is unknown",
            Self::Revoked => "the key is revoked",
        }
    }
}

impl From<ApiKeyRow> for KeyView {
    fn from(row: ApiKeyRow) -> Self {
        let (retailers, stores) = match row.reach {
            Reach::Everything => (None, None),
            Reach::Some { retailers, stores } => (Some(retailers), Some(stores)),
        };
        Self {
            id: row.id,
            name: row.name,
            scope: row.scope.name(),
            retailers,
            stores,
            created_at: row.created_at.to_string(),
            revoked_at: row.revoked_at.map(|at| at.to_string()),
        }
    }
}

impl Access {
    /// Creates a key.
    pub async fn create_key(&self, request: ApiKeyRequest) -> Result<NewKey, Error> {
        check(&request)?;
        self.reach_known(&request.reach).await?;
        let (id, secret) = (random::<8>()?, random::<32>()?);
        let text = Zeroizing::new(format!("{PREFIX}{}_{}", *id, *secret));
        let row = ApiKeyRow {
            id: id.to_string(),
            name: request.name.clone(),
            digest: Digest::of(secret.as_bytes()).to_string(),
            scope: request.scope,
            reach: request.reach.clone(),
            created_at: self.core.clock.now(),
            revoked_at: None,
        };
        let view = KeyView::from(row.clone());
        let made = self.core.records.write(in_tx!(|tx, row, request| {
            tx.api_key_insert(&row).await?;
            let after = summary(&row);
            let at = row.created_at;
            let done = operation("key_create", &row, at, &request.actor, &request.reason);
            let done = OperationRow {
                before: Value::Null.to_string(),
                after,
                ..done
            };
            tx.operation_insert(&done).await
        }));
        made.await?;
        Ok(NewKey { view, text })
    }

    /// All keys in the order of their names. Includes revoked keys if `revoked` is true.
    pub async fn keys(&self, revoked: bool) -> Result<Vec<KeyView>, Error> {
        let mut all: Vec<KeyView> = Vec::new();
        loop {
            let last = all.last();
            let after = last.map(|key| (key.name.clone(), key.id.clone()));
            let after = after.unwrap_or_default();
            let page = self.core.records.read(in_tx!(|tx, after| {
                let (name, id) = after;
                tx.api_key_list(revoked, (&name, &id), PAGE).await
            }));
            let page = page.await?;
            let full = page.len() == PAGE as usize;
            all.extend(page.into_iter().map(KeyView::from));
            if !full {
                return Ok(all);
            }
        }
    }

    /// Revokes a key, by its name or its id. The next request with it is rejected.
    pub async fn revoke_key(&self, key: &str, actor: &str, reason: &str) -> Result<KeyView, Error> {
        signed(actor, reason)?;
        let now = self.core.clock.now();
        let (key, actor, reason) = (key.to_owned(), actor.to_owned(), reason.to_owned());
        let revoked = self
            .core
            .records
            .write(in_tx!(|tx, key, actor, reason| revoke(
                tx, &key, &actor, &reason, now
            )
            .await));
        revoked.await.map(KeyView::from)
    }

    /// Checks an API key.
    pub async fn authenticate(&self, text: &str) -> Result<ApiKeyCheck, Error> {
        let Some((id, digest)) = parts(text) else {
            return Ok(ApiKeyCheck::Rejected(ApiKeyRejection::Malformed));
        };
        let key = id.clone();
        let read = self
            .core
            .records
            .read_one(in_tx!(|tx, key| tx.api_key_get(&key).await));
        let Some(row) = self.keys.get(&self.core, &id, read).await? else {
            return Ok(ApiKeyCheck::Rejected(ApiKeyRejection::Unknown));
        };
        // Both are SHA-256 in hexadecimal, so they have the same length.
        let same = row.digest.as_bytes();
        let same = bool::from(same.ct_eq(digest.as_str().as_bytes()));
        Ok(match (same, row.revoked_at) {
            (false, _) => ApiKeyCheck::Rejected(ApiKeyRejection::Unknown),
            (true, Some(_)) => ApiKeyCheck::Rejected(ApiKeyRejection::Revoked),
            (true, None) => ApiKeyCheck::Accepted(Caller {
                log_name: row.name.clone(),
                name: row.name.clone(),
                scope: row.scope,
                reach: row.reach.clone(),
            }),
        })
    }

    /// Checks that every store exists: a mistyped id would reach nothing.
    async fn reach_known(&self, reach: &Reach) -> Result<(), Error> {
        if let Reach::Some { stores, .. } = reach {
            for store in stores {
                self.core.store(store).await?;
            }
        }
        Ok(())
    }
}

async fn revoke(
    tx: &mut dyn Tx,
    key: &str,
    actor: &str,
    reason: &str,
    now: Timestamp,
) -> Result<ApiKeyRow, Error> {
    let found = match tx.api_key_get_by_name(key).await? {
        Some(row) => Some(row),
        None => tx.api_key_get(key).await?,
    };
    let mut row = found.ok_or_else(|| Error::NotFound {
        what: "key",
        id: key.to_owned(),
    })?;
    if !tx.api_key_revoke(&row.id, now).await? {
        return Err(Error::Conflict {
            code: "key_revoked",
            message: format!("key {key} is already revoked"),
        });
    }
    let before = summary(&row);
    row.revoked_at = Some(now);
    let done = operation("key_revoke", &row, now, actor, reason);
    let done = OperationRow {
        before,
        after: summary(&row),
        ..done
    };
    tx.operation_insert(&done).await?;
    Ok(row)
}

/// A key in the operations log.
fn summary(row: &ApiKeyRow) -> String {
    let KeyView {
        id: _,
        name,
        scope,
        retailers,
        stores,
        created_at: _,
        revoked_at,
    } = row.clone().into();
    json!({
        "name": name, "scope": scope, "retailers": retailers, "stores": stores,
        "revoked_at": revoked_at,
    })
    .to_string()
}

fn operation(
    action: &str,
    row: &ApiKeyRow,
    at: Timestamp,
    actor: &str,
    reason: &str,
) -> OperationRow {
    OperationRow {
        at,
        actor: actor.to_owned(),
        action: action.to_owned(),
        subject: format!("key {}", row.id),
        reason: reason.to_owned(),
        before: String::new(),
        after: String::new(),
    }
}

fn check(request: &ApiKeyRequest) -> Result<(), Error> {
    if !names::is_id(&request.name) {
        let wanted = "must have 1 to 64 characters: letters, digits, '-', '_', '.' and ':'";
        return Err(Error::invalid("name", wanted));
    }
    if let Reach::Some { retailers, stores } = &request.reach
        && retailers.is_empty()
        && stores.is_empty()
    {
        return Err(Error::invalid(
            "reach",
            "must name a store, a retailer, or everything",
        ));
    }
    signed(&request.actor, &request.reason)
}

/// The actor and the reason, for the operations log.
fn signed(actor: &str, reason: &str) -> Result<(), Error> {
    for (field, text) in [("actor", actor), ("reason", reason)] {
        let good = !text.trim().is_empty() && text.len() <= 500;
        if !good || text.chars().any(char::is_control) {
            return Err(Error::invalid(
                field,
                "must be 1 to 500 bytes of text in one line",
            ));
        }
    }
    Ok(())
}

/// Parses a key into its id and the digest of its secret.
fn parts(text: &str) -> Option<(String, Digest)> {
    let (id, secret) = text.strip_prefix(PREFIX)?.split_once('_')?;
    let hex = |text: &str, length| {
        text.len() == length
            && text
                .bytes()
                .all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte))
    };
    (hex(id, 16) && hex(secret, 64)).then(|| (id.to_owned(), Digest::of(secret.as_bytes())))
}

/// Random bytes in hexadecimal.
fn random<const N: usize>() -> Result<Zeroizing<String>, Error> {
    let mut bytes = Zeroizing::new([0; N]);
    getrandom::fill(&mut *bytes)
        .map_err(|error| Error::Internal(format!("cannot read random bytes: {error}")))?;
    Ok(Zeroizing::new(base16ct::lower::encode_string(&*bytes)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_has_one_form() {
        let (id, secret) = ("0123456789abcdef", "0".repeat(64));
        let (found, digest) = parts(&format!("gk_{id}_{secret}")).expect("a key");
        assert_eq!(
            (found.as_str(), digest),
            (id, Digest::of(secret.as_bytes()))
        );
        for bad in [
            String::new(),
            format!("gk_{id}"),
            format!("gk_{id}_"),
            format!("gk_{id}_{secret}0"),
            format!("GK_{id}_{secret}"),
            format!("gk_{}_{secret}", id.to_uppercase()),
            format!("gk_{id}_{secret} "),
            format!("gk_{}_{secret}", "é".repeat(8)),
        ] {
            assert!(parts(&bad).is_none(), "{bad}");
        }
    }

    #[test]
    fn every_key_has_256_bits_of_its_own() {
        let (one, other) = (random::<32>(), random::<32>());
        let (one, other) = (one.expect("randomness"), other.expect("randomness"));
        assert_eq!((one.len(), other.len()), (64, 64));
        assert_ne!(*one, *other);
    }
}
