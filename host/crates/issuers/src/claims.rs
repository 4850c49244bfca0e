//! The claims of a verified token, and the caller derived from them.

use crate::IssuerConfig;
use galleria_ports::access::{Caller, Reach, TokenFault};
use jiff::Timestamp;
use serde::Deserialize;
use serde_json::{Map, Value};
use std::collections::BTreeSet;

/// The maximum number of bytes of a name, so that it fits lists and log lines.
const LONGEST_NAME: usize = 120;

/// The claims we read. The lists of retailers and stores have configured names and are in `others`.
#[derive(Deserialize)]
pub(crate) struct Claims {
    /// Seconds since 1970, which may have a fraction (NumericDate of RFC 7519).
    exp: f64,
    nbf: Option<f64>,
    #[serde(default)]
    sub: String,
    preferred_username: Option<String>,
    /// Keycloak's token type: `Bearer` for an access token; we reject others, such as `ID` and `Refresh`.
    typ: Option<String>,
    scope: Option<String>,
    #[serde(default)]
    realm_access: Roles,
    #[serde(flatten)]
    others: Map<String, Value>,
}

#[derive(Default, Deserialize)]
struct Roles {
    #[serde(default)]
    roles: Vec<String>,
}

impl Claims {
    /// Derives the caller, if the token is valid at `now`.
    pub(crate) fn caller(
        self,
        config: &IssuerConfig,
        now: Timestamp,
    ) -> Result<Caller, TokenFault> {
        let skew = config.skew.as_secs_f64();
        let now = now.as_duration().as_secs_f64();
        if self.exp + skew <= now {
            return Err(TokenFault::Refused("the token has expired"));
        }
        if self.nbf.is_some_and(|begin| begin - skew > now) {
            return Err(TokenFault::Refused("the token is not valid yet"));
        }
        if self
            .typ
            .is_some_and(|typ| !typ.eq_ignore_ascii_case("Bearer"))
        {
            return Err(TokenFault::Refused("the token is not an access token"));
        }
        let scopes = self.scope.as_deref().unwrap_or_default();
        let scopes = scopes.split_whitespace().map(ToOwned::to_owned);
        let roles = self.realm_access.roles.into_iter().chain(scopes);
        let scope = roles
            .filter_map(|role| config.scopes.get(&role).copied())
            .max();
        let scope = scope.ok_or(TokenFault::Powerless(
            "The token has no role that grants a scope.",
        ))?;
        let name = self.preferred_username.filter(|name| !name.is_empty());
        let name = name.unwrap_or(self.sub);
        let fits = (1..=LONGEST_NAME).contains(&name.len());
        if !fits || name.chars().any(char::is_control) {
            return Err(TokenFault::Refused(
                "the token's user name is missing or invalid",
            ));
        }
        Ok(Caller {
            name: format!("{}:{name}", config.name),
            log_name: config.name.clone(),
            scope,
            reach: reach(&self.others, config)?,
        })
    }
}

/// The retailers and stores of the caller. A token that lists none grants access to none.
fn reach(claims: &Map<String, Value>, config: &IssuerConfig) -> Result<Reach, TokenFault> {
    let retailers = list(claims.get(&config.retailers_claim))?;
    let stores = list(claims.get(&config.stores_claim))?;
    if retailers.contains("*") {
        return Ok(Reach::Everything);
    }
    if retailers.is_empty() && stores.is_empty() {
        let reason = "The token lists neither retailers nor stores.";
        return Err(TokenFault::Powerless(reason));
    }
    Ok(Reach::Some { retailers, stores })
}

/// Parses one string or a list of strings. Anything else is an error: it must not widen the caller's access.
fn list(claim: Option<&Value>) -> Result<BTreeSet<String>, TokenFault> {
    let text = |value: &Value| value.as_str().map(ToOwned::to_owned);
    let parsed = match claim {
        None | Some(Value::Null) => Some(BTreeSet::new()),
        Some(Value::Array(all)) => all.iter().map(text).collect(),
        Some(one) => text(one).map(|one| [one].into()),
    };
    parsed.ok_or(TokenFault::Refused(
        "the token's retailers or stores are not strings",
    ))
}
