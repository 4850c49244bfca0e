//! Tokens of identity providers: JWTs of a Keycloak realm, or of any other that publishes its keys.
//!
//! Owns: whether a token is good, and what its claims say of its bearer. Never knows: routes, API keys,
//! or what a scope permits. Nothing of a token is logged or told, but what its checked claims say.
//!
//! A token is good where a key that its issuer publishes signed it with RS256, ES256 or EdDSA, and it
//! names that issuer, our audience and an end that has not come. `none` and HMAC are never good: a key
//! that everybody may read would then make tokens.

#![forbid(unsafe_code)]

mod claims;
mod fetch;
mod keys;

use async_trait::async_trait;
use claims::Claims;
use galleria_app::access::{Caller, TokenFault, Tokens};
use galleria_domain::access::Scope;
use jiff::Timestamp;
use jsonwebtoken::errors::ErrorKind;
use jsonwebtoken::{Algorithm, Validation};
use keys::Keys;
use serde::Deserialize;
use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

/// Whose tokens are good, and what they let their bearers do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IssuerConfig {
    /// What the host calls it.
    pub name: String,
    /// As tokens name it.
    pub issuer: String,
    /// For whom tokens must be.
    pub audience: String,
    /// Where its keys are; asked of the issuer where it is not said.
    pub jwks_url: Option<String>,
    /// How far its clock may differ from ours.
    pub skew: Duration,
    /// How often its keys are fetched at most.
    pub refetch: Duration,
    /// What its roles, and words of a token's `scope`, let their bearers do.
    pub scopes: BTreeMap<String, Scope>,
    /// The claim that lists retailers.
    pub retailers_claim: String,
    /// The claim that lists stores.
    pub stores_claim: String,
}

/// Why no issuer can be asked.
#[derive(Debug, thiserror::Error)]
#[error("no client for HTTPS: {0}")]
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

/// The one thing that is read of a token before its signature is checked: whose key that needs.
#[derive(Deserialize)]
struct Named {
    iss: String,
}

impl Issuers {
    /// Those of a configuration. Their keys are fetched when the first token comes.
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
        let header = header.map_err(|_| TokenFault::Refused("the token is no JWT"))?;
        if !keys::GOOD.contains(&header.alg) {
            let why = "the token is signed in a way that is never good";
            return Err(TokenFault::Refused(why));
        }
        let named = jsonwebtoken::dangerous::insecure_decode_claims::<Named>(token);
        let named = named.map_err(|_| TokenFault::Refused("the token names no issuer"))?;
        let issuer = self.0.iter().find(|one| one.config.issuer == named.iss);
        let issuer = issuer.ok_or(TokenFault::Refused("the token's issuer is not trusted"))?;
        let Some(kid) = header.kid else {
            return Err(TokenFault::Refused("the token names no key"));
        };
        let key = issuer.keys.find(&kid, now).await?;
        let validation = issuer.validation(key.algorithm);
        let checked = jsonwebtoken::decode::<Claims>(token, &key.key, &validation);
        let claims = checked.map_err(|error| TokenFault::Refused(why(error.kind())))?;
        claims.claims.caller(&issuer.config, now)
    }
}

impl Issuer {
    /// Everything but time, which is ours to tell.
    fn validation(&self, algorithm: Algorithm) -> Validation {
        let mut validation = Validation::new(algorithm);
        validation.validate_exp = false;
        validation.set_required_spec_claims(&["exp", "iss", "aud"]);
        validation.set_issuer(&[&self.config.issuer]);
        validation.set_audience(&[&self.config.audience]);
        validation
    }
}

/// For the log: none of these quotes the token.
fn why(kind: &ErrorKind) -> &'static str {
    match kind {
        ErrorKind::InvalidSignature => "the token's signature is wrong",
        ErrorKind::InvalidAudience => "the token is for another audience",
        ErrorKind::InvalidIssuer => "the token is from another issuer",
        ErrorKind::MissingRequiredClaim(_) => "the token lacks exp, iss or aud",
        ErrorKind::InvalidAlgorithm => "the token's algorithm is not its key's",
        _ => "the token's claims cannot be read",
    }
}
