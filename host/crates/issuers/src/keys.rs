//! The keys of an issuer: cached, and fetched again when a token names an unknown one.
//!
//! Owns: when keys are fetched. Tokens with unknown keys cause at most one fetch in `refetch`; tokens with
//! known keys never wait for one. Old keys are fetched again in the background, so that a withdrawn key is
//! accepted for at most [`MAX_AGE`] while the issuer is available. While it is not, the cached keys stay.

use crate::{IssuerConfig, fetch};
use galleria_ports::access::TokenFault;
use jiff::Timestamp;
use jsonwebtoken::jwk::{AlgorithmParameters, EllipticCurve, Jwk, KeyAlgorithm, PublicKeyUse};
use jsonwebtoken::{Algorithm, DecodingKey};
use serde_json::Value;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::sync::Mutex as AsyncMutex;

/// The signature algorithms we accept.
pub(crate) const ACCEPTED: [Algorithm; 3] = [Algorithm::RS256, Algorithm::ES256, Algorithm::EdDSA];

/// The age at which cached keys are fetched again.
const MAX_AGE: Duration = Duration::from_secs(600);

/// The shortest RSA modulus we accept, in bytes (2,048 bits).
const SHORTEST_RSA: usize = 256;

/// A public key, which is valid for one algorithm only.
#[derive(Clone)]
pub(crate) struct PublicKey {
    pub algorithm: Algorithm,
    pub key: DecodingKey,
}

#[derive(Default)]
struct State {
    keys: Arc<BTreeMap<String, PublicKey>>,
    fetched_at: Option<Timestamp>,
    requested_at: Option<Timestamp>,
}

pub(crate) struct Keys {
    client: reqwest::Client,
    name: String,
    issuer: String,
    jwks_url: Option<String>,
    refetch: Duration,
    state: Mutex<State>,
    /// Serialises fetches: the others wait for the result.
    fetching: AsyncMutex<()>,
}

impl Keys {
    pub(crate) fn new(client: reqwest::Client, config: &IssuerConfig) -> Self {
        Self {
            client,
            name: config.name.clone(),
            issuer: config.issuer.clone(),
            jwks_url: config.jwks_url.clone(),
            refetch: config.refetch,
            state: Mutex::default(),
            fetching: AsyncMutex::default(),
        }
    }

    /// The key of an id; fetches the keys if it is unknown.
    pub(crate) async fn find(
        self: &Arc<Self>,
        kid: &str,
        now: Timestamp,
    ) -> Result<PublicKey, TokenFault> {
        if let Some(key) = self.known(kid) {
            self.refresh(now);
            return Ok(key);
        }
        let _fetching = self.fetching.lock().await;
        // A concurrent fetch may have loaded it.
        if let Some(key) = self.known(kid) {
            return Ok(key);
        }
        let failed = match self.may_fetch(now) {
            true => self.fetch(now).await.err(),
            false => None,
        };
        if let Some(key) = self.known(kid) {
            return Ok(key);
        }
        match (failed, self.fetched_at()) {
            // Without any key of the issuer, a token can be neither accepted nor rejected.
            (failed, None) => Err(TokenFault::Unavailable(failed.unwrap_or_else(|| {
                format!("{}: no keys yet, last requested a moment ago", self.name)
            }))),
            (_, Some(_)) => Err(TokenFault::Refused("the token's key is unknown")),
        }
    }

    fn known(&self, kid: &str) -> Option<PublicKey> {
        self.with(|state| state.keys.get(kid).cloned())
    }

    fn fetched_at(&self) -> Option<Timestamp> {
        self.with(|state| state.fetched_at)
    }

    /// Fetches old keys again in the background.
    fn refresh(self: &Arc<Self>, now: Timestamp) {
        let old = self
            .fetched_at()
            .is_some_and(|at| distance(now, at) > MAX_AGE);
        if old && self.may_fetch(now) {
            let keys = Arc::clone(self);
            tokio::spawn(async move {
                let _fetching = keys.fetching.lock().await;
                // `fetch` logs its errors.
                let _ = keys.fetch(now).await;
            });
        }
    }

    /// Whether a fetch is allowed now. Returns true at most once in `refetch`.
    fn may_fetch(&self, now: Timestamp) -> bool {
        self.with(|state| {
            let due = state
                .requested_at
                .is_none_or(|at| distance(now, at) >= self.refetch);
            if due {
                state.requested_at = Some(now);
            }
            due
        })
    }

    async fn fetch(&self, now: Timestamp) -> Result<(), String> {
        let fetched = fetch::keys(&self.client, &self.issuer, self.jwks_url.as_deref()).await;
        match fetched {
            Ok(fetched) => {
                let keys: BTreeMap<_, _> = fetched.into_iter().filter_map(signature_key).collect();
                tracing::info!(issuer = self.name, keys = keys.len(), "issuer keys fetched");
                self.with(|state| {
                    state.keys = Arc::new(keys);
                    state.fetched_at = Some(now);
                });
                Ok(())
            }
            Err(error) => {
                let error = error.to_string();
                tracing::warn!(
                    issuer = self.name,
                    error,
                    "issuer keys not fetched, keeping the cached ones"
                );
                Err(error)
            }
        }
    }

    fn with<T>(&self, work: impl FnOnce(&mut State) -> T) -> T {
        work(&mut self.state.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// The absolute distance of two instants: a clock that was set back must not stop fetches.
fn distance(one: Timestamp, other: Timestamp) -> Duration {
    one.duration_since(other).unsigned_abs()
}

/// Parses a key that can verify signatures, with its id. Others are ignored: issuers also publish keys for
/// other purposes.
fn signature_key(value: Value) -> Option<(String, PublicKey)> {
    let jwk: Jwk = serde_json::from_value(value).ok()?;
    let (algorithm, expected) = match &jwk.algorithm {
        AlgorithmParameters::RSA(rsa) if bytes(&rsa.n) >= SHORTEST_RSA => {
            (Algorithm::RS256, KeyAlgorithm::RS256)
        }
        AlgorithmParameters::EllipticCurve(ec) if ec.curve == EllipticCurve::P256 => {
            (Algorithm::ES256, KeyAlgorithm::ES256)
        }
        AlgorithmParameters::OctetKeyPair(pair) if pair.curve == EllipticCurve::Ed25519 => {
            (Algorithm::EdDSA, KeyAlgorithm::EdDSA)
        }
        _ => return None,
    };
    let common = &jwk.common;
    let declared_use = common.public_key_use.as_ref();
    let for_signatures = declared_use.is_none_or(|one| *one == PublicKeyUse::Signature);
    let algorithm_matches = common.key_algorithm.is_none_or(|one| one == expected);
    let key = DecodingKey::from_jwk(&jwk).ok()?;
    let kid = common.key_id.clone()?;
    (for_signatures && algorithm_matches).then_some((kid, PublicKey { algorithm, key }))
}

/// The length in bytes of a base64url number without leading zeros; 0 if the text is invalid.
fn bytes(text: &str) -> usize {
    use base64ct::Encoding as _;
    let bytes = base64ct::Base64UrlUnpadded::decode_vec(text).unwrap_or_default();
    bytes.iter().skip_while(|byte| **byte == 0).count()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn only_strong_signature_keys_are_accepted() {
        let rsa = |digits: usize| {
            // `w` leaves the unused bits of the last digit zero.
            let n = format!("{}w", "v".repeat(digits.saturating_sub(1)));
            json!({ "kty": "RSA", "kid": "k", "n": n, "e": "AQAB" })
        };
        let (kid, key) = signature_key(rsa(342)).expect("256 bytes");
        assert_eq!((kid.as_str(), key.algorithm), ("k", Algorithm::RS256));
        let with = |name: &str, value: Value| {
            let mut key = rsa(342);
            key[name] = value;
            key
        };
        for bad in [
            rsa(340),
            with("use", json!("enc")),
            with("alg", json!("RS512")),
            with("alg", json!("RSA-OAEP")),
            with("kid", Value::Null),
            json!({ "kty": "oct", "kid": "k", "k": "c2VjcmV0" }),
            json!({ "kty": "EC", "crv": "P-384", "kid": "k", "x": "AQ", "y": "AQ" }),
            json!({ "kty": "AKP", "kid": "k" }),
            json!(null),
        ] {
            assert!(signature_key(bad.clone()).is_none(), "{bad}");
        }
    }
}
