//! Verifies tokens of identity providers: JWTs of a Keycloak realm, or of any issuer that publishes its keys.
//!
//! Owns: whether a token is valid, and the caller derived from its claims. Never knows routes, API keys, or
//! what a scope permits. Never logs or returns anything of a token except its verified claims.
//!
//! A valid token is signed with RS256, ES256 or EdDSA by a key that its issuer publishes. It names that
//! issuer and our audience, and has not expired. `none` and HMAC are never accepted: with HMAC, anyone could
//! sign tokens with the public key.

#![forbid(unsafe_code)]

mod claims;
mod fetch;
mod keys;

use async_trait::async_trait;
use claims::Claims;
use galleria_domain::access::Scope;
use galleria_ports::access::{Caller, TokenFault, Tokens};
use jiff::Timestamp;
use jsonwebtoken::errors::ErrorKind;
use jsonwebtoken::{Algorithm, Validation};
use keys::Keys;
use serde::Deserialize;
use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

/// An issuer, and the scopes that its tokens grant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IssuerConfig {
    /// The issuer's name in this host.
    pub name: String,
    /// The value of the claim `iss`.
    pub issuer: String,
    /// The audience that tokens must name.
    pub audience: String,
    /// The URL of its keys; by default, OpenID discovery provides it.
    pub jwks_url: Option<String>,
    /// The allowed difference between its clock and ours.
    pub skew: Duration,
    /// The shortest time between two fetches of its keys.
    pub refetch: Duration,
    /// The scope that each role, or each word of the claim `scope`, grants.
    pub scopes: BTreeMap<String, Scope>,
    /// The claim that lists retailers.
    pub retailers_claim: String,
    /// The claim that lists stores.
    pub stores_claim: String,
}

/// Why the HTTP client could not be created.
#[derive(Debug, thiserror::Error)]
#[error("HTTPS client not created: {0}")]
pub struct ClientError(#[from] reqwest::Error);

/// All issuers of a host.
pub struct Issuers(Vec<Issuer>);

struct Issuer {
    config: IssuerConfig,
    keys: Arc<Keys>,
}

impl fmt::Debug for Issuers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names = self.0.iter().map(|one| one.config.name.as_str());
        f.debug_list().entries(names).finish()
    }
}

/// The only claim read before the signature is verified: it selects the issuer's keys.
#[derive(Deserialize)]
struct UnverifiedClaims {
    iss: String,
}

impl Issuers {
    /// Creates the configured issuers. Their keys are fetched for the first token.
    pub fn new(configs: Vec<IssuerConfig>) -> Result<Self, ClientError> {
        let client = fetch::client()?;
        let all = configs.into_iter().map(|config| {
            let keys = Arc::new(Keys::new(client.clone(), &config));
            Issuer { config, keys }
        });
        Ok(Self(all.collect()))
    }
}

#[async_trait]
impl Tokens for Issuers {
    async fn caller(&self, token: &str, now: Timestamp) -> Result<Caller, TokenFault> {
        let header = jsonwebtoken::decode_header(token);
        let header = header.map_err(|_| TokenFault::Refused("the token is not a JWT"))?;
        if !keys::ACCEPTED.contains(&header.alg) {
            let reason = "the token's signature algorithm is not accepted";
            return Err(TokenFault::Refused(reason));
        }
        let unverified = jsonwebtoken::dangerous::insecure_decode_claims::<UnverifiedClaims>(token);
        let unverified = unverified.map_err(|_| TokenFault::Refused("the token has no issuer"))?;
        let issuer = self
            .0
            .iter()
            .find(|one| one.config.issuer == unverified.iss);
        let issuer = issuer.ok_or(TokenFault::Refused("the token's issuer is not trusted"))?;
        let Some(kid) = header.kid else {
            return Err(TokenFault::Refused("the token has no key id"));
        };
        let key = issuer.keys.find(&kid, now).await?;
        let validation = issuer.validation(key.algorithm);
        let checked = jsonwebtoken::decode::<Claims>(token, &key.key, &validation);
        let claims = checked.map_err(|error| TokenFault::Refused(reason(error.kind())))?;
        claims.claims.caller(&issuer.config, now)
    }
}

impl Issuer {
    /// The checks except those of time, which [`Claims::caller`] does with the host's clock.
    fn validation(&self, algorithm: Algorithm) -> Validation {
        let mut validation = Validation::new(algorithm);
        validation.validate_exp = false;
        // The type of the claims requires `exp`. The library treats some numbers as a missing `exp`.
        validation.set_required_spec_claims(&["iss", "aud"]);
        validation.set_issuer(&[&self.config.issuer]);
        validation.set_audience(&[&self.config.audience]);
        validation
    }
}

/// The reason for the log; it never quotes the token.
fn reason(kind: &ErrorKind) -> &'static str {
    match kind {
        ErrorKind::InvalidSignature => "the token's signature is wrong",
        ErrorKind::InvalidAudience => "the token is for another audience",
        ErrorKind::InvalidIssuer => "the token is from another issuer",
        ErrorKind::MissingRequiredClaim(_) => "the token lacks iss or aud",
        ErrorKind::InvalidAlgorithm => "the token's algorithm does not match its key",
        _ => "the token's claims cannot be read, or exp is missing",
    }
}
