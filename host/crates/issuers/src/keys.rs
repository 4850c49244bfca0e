//! An issuer's keys: kept, and fetched again when one is named that is not there.
//!
//! Owns: when it is asked. A token with an unknown key makes the host ask at most once in `refetch`,
//! whoever sends how many; tokens with known keys never wait for that. Keys that are old are fetched
//! again beside the requests, so that one the issuer has withdrawn is good for [`FRESH`] at most while
//! the issuer answers; while it does not, the old ones stay.

use crate::{IssuerConfig, fetch};
use galleria_app::access::TokenFault;
use jiff::Timestamp;
use jsonwebtoken::jwk::{AlgorithmParameters, EllipticCurve, Jwk, KeyAlgorithm, PublicKeyUse};
use jsonwebtoken::{Algorithm, DecodingKey};
use serde_json::Value;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::sync::Mutex as Turn;

/// How signatures are made that can be good.
pub(crate) const GOOD: [Algorithm; 3] = [Algorithm::RS256, Algorithm::ES256, Algorithm::EdDSA];

/// Keys that are older are fetched again.
const FRESH: Duration = Duration::from_secs(600);

/// An RSA key with a shorter modulus is no key: 2,048 bits.
const SHORTEST_RSA: usize = 256;

/// A key, for one algorithm and no other.
#[derive(Clone)]
pub(crate) struct Known {
    pub algorithm: Algorithm,
    pub key: DecodingKey,
}

#[derive(Default)]
struct State {
    keys: Arc<BTreeMap<String, Known>>,
    fetched_at: Option<Timestamp>,
    asked_at: Option<Timestamp>,
}

pub(crate) struct Keys {
    client: reqwest::Client,
    name: String,
    issuer: String,
    jwks_url: Option<String>,
    refetch: Duration,
    state: Mutex<State>,
    /// Whoever holds it asks the issuer; the others wait for what comes of it.
    turn: Turn<()>,
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
            turn: Turn::default(),
        }
    }

    /// The key of an id.
    pub(crate) async fn find(
        self: &Arc<Self>,
        kid: &str,
        now: Timestamp,
    ) -> Result<Known, TokenFault> {
        if let Some(key) = self.known(kid) {
            self.renew(now);
            return Ok(key);
        }
        let _turn = self.turn.lock().await;
        // Who had the turn before may have brought it.
        if let Some(key) = self.known(kid) {
            return Ok(key);
        }
        let failed = match self.may_ask(now) {
            true => self.ask(now).await.err(),
            false => None,
        };
        if let Some(key) = self.known(kid) {
            return Ok(key);
        }
        match (failed, self.fetched_at()) {
            // Without any key of its issuer, nothing can be said of a token.
            (failed, None) => {
                Err(TokenFault::Unavailable(failed.unwrap_or_else(|| {
                    format!("{}: no keys yet, asked a moment ago", self.name)
                })))
            }
            (_, Some(_)) => Err(TokenFault::Refused("the token's key is unknown")),
        }
    }

    fn known(&self, kid: &str) -> Option<Known> {
        self.with(|state| state.keys.get(kid).cloned())
    }

    fn fetched_at(&self) -> Option<Timestamp> {
        self.with(|state| state.fetched_at)
    }

    /// Fetches old keys again, beside the request.
    fn renew(self: &Arc<Self>, now: Timestamp) {
        let old = self.fetched_at().is_some_and(|at| apart(now, at) > FRESH);
        if old && self.may_ask(now) {
            let keys = Arc::clone(self);
            tokio::spawn(async move {
                let _turn = keys.turn.lock().await;
                // What went wrong is in the log.
                let _ = keys.ask(now).await;
            });
        }
    }

    /// Whether the issuer was not asked too recently; the answer yes is given once.
    fn may_ask(&self, now: Timestamp) -> bool {
        self.with(|state| {
            let due = state
                .asked_at
                .is_none_or(|at| apart(now, at) >= self.refetch);
            if due {
                state.asked_at = Some(now);
            }
            due
        })
    }

    async fn ask(&self, now: Timestamp) -> Result<(), String> {
        let found = fetch::keys(&self.client, &self.issuer, self.jwks_url.as_deref()).await;
        match found {
            Ok(found) => {
                let keys: BTreeMap<_, _> = found.into_iter().filter_map(usable).collect();
                tracing::info!(issuer = self.name, keys = keys.len(), "keys of an issuer");
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
                    "an issuer's keys stay as they are"
                );
                Err(error)
            }
        }
    }

    fn with<T>(&self, look: impl FnOnce(&mut State) -> T) -> T {
        look(&mut self.state.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// How far two instants are apart, whichever is first: a clock that was set back must not stop us.
fn apart(one: Timestamp, other: Timestamp) -> Duration {
    one.duration_since(other).unsigned_abs()
}

/// A key that signatures may be checked with, and its id. Others are left out: an issuer publishes keys
/// for other purposes, too.
fn usable(value: Value) -> Option<(String, Known)> {
    let jwk: Jwk = serde_json::from_value(value).ok()?;
    let (algorithm, told) = match &jwk.algorithm {
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
    let signs = common.public_key_use.as_ref();
    let signs = signs.is_none_or(|one| *one == PublicKeyUse::Signature);
    let same = common.key_algorithm.is_none_or(|one| one == told);
    let key = DecodingKey::from_jwk(&jwk).ok()?;
    let kid = common.key_id.clone()?;
    (signs && same).then_some((kid, Known { algorithm, key }))
}

/// Bytes of a number in base64url, without leading zeros; none where it is no number.
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
    fn only_what_checks_signatures_well_enough_is_a_key() {
        let rsa = |digits: usize| {
            // Its last digit has four bits to spare, which are none.
            let n = format!("{}w", "v".repeat(digits.saturating_sub(1)));
            json!({ "kty": "RSA", "kid": "k", "n": n, "e": "AQAB" })
        };
        let found = usable(rsa(342)).expect("256 bytes");
        assert_eq!(
            (found.0.as_str(), found.1.algorithm),
            ("k", Algorithm::RS256)
        );
        let but = |name: &str, value: Value| {
            let mut key = rsa(342);
            key[name] = value;
            key
        };
        for bad in [
            rsa(340),
            but("use", json!("enc")),
            but("alg", json!("RS512")),
            but("alg", json!("RSA-OAEP")),
            but("kid", Value::Null),
            json!({ "kty": "oct", "kid": "k", "k": "c2VjcmV0" }),
            json!({ "kty": "EC", "crv": "P-384", "kid": "k", "x": "AQ", "y": "AQ" }),
            json!({ "kty": "AKP", "kid": "k" }),
            json!(null),
        ] {
            assert!(usable(bad.clone()).is_none(), "{bad}");
        }
    }
}
