//! What a checked token says of its bearer.

use crate::IssuerConfig;
use galleria_app::access::{Caller, Reach, TokenFault};
use jiff::Timestamp;
use serde::Deserialize;
use serde_json::{Map, Value};
use std::collections::BTreeSet;

/// More would fill the lists it stands in.
const LONGEST_NAME: usize = 120;

/// Claims that we read; the lists of retailers and stores are among the others, by configured names.
#[derive(Deserialize)]
pub(crate) struct Claims {
    exp: i64,
    nbf: Option<i64>,
    #[serde(default)]
    sub: String,
    preferred_username: Option<String>,
    /// Keycloak's: `Bearer` for an access token, `ID` and `Refresh` for what is not for us.
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
    /// The caller, at this time.
    pub(crate) fn caller(
        self,
        config: &IssuerConfig,
        now: Timestamp,
    ) -> Result<Caller, TokenFault> {
        let skew = i64::try_from(config.skew.as_secs()).unwrap_or(i64::MAX);
        let now = now.as_second();
        if self.exp.saturating_add(skew) <= now {
            return Err(TokenFault::Refused("the token has ended"));
        }
        if self
            .nbf
            .is_some_and(|begin| begin.saturating_sub(skew) > now)
        {
            return Err(TokenFault::Refused("the token has not begun"));
        }
        if self
            .typ
            .is_some_and(|typ| !typ.eq_ignore_ascii_case("Bearer"))
        {
            return Err(TokenFault::Refused("the token is none that gives access"));
        }
        let words = self.scope.as_deref().unwrap_or_default();
        let words = words.split_whitespace().map(ToOwned::to_owned);
        let roles = self.realm_access.roles.into_iter().chain(words);
        let scope = roles
            .filter_map(|role| config.scopes.get(&role).copied())
            .max();
        let scope = scope.ok_or(TokenFault::Powerless(
            "No role of the token is one that may do something here.",
        ))?;
        let named = self.preferred_username.filter(|name| !name.is_empty());
        let named = named.unwrap_or(self.sub);
        let good = (1..=LONGEST_NAME).contains(&named.len());
        if !good || named.chars().any(char::is_control) {
            return Err(TokenFault::Refused("the token names nobody"));
        }
        Ok(Caller {
            name: format!("{}:{named}", config.name),
            told: config.name.clone(),
            scope,
            reach: reach(&self.others, config)?,
        })
    }
}

/// What the bearer may act on. A token that says nothing of it gives nothing.
fn reach(claims: &Map<String, Value>, config: &IssuerConfig) -> Result<Reach, TokenFault> {
    let retailers = list(claims.get(&config.retailers_claim))?;
    let stores = list(claims.get(&config.stores_claim))?;
    if retailers.contains("*") {
        return Ok(Reach::Everything);
    }
    if retailers.is_empty() && stores.is_empty() {
        let why = "The token names neither a retailer nor a store that it is for.";
        return Err(TokenFault::Powerless(why));
    }
    Ok(Reach::Some { retailers, stores })
}

/// One text or many. Anything else is a mistake that must not widen what the bearer may do.
fn list(claim: Option<&Value>) -> Result<BTreeSet<String>, TokenFault> {
    let text = |value: &Value| value.as_str().map(ToOwned::to_owned);
    let read = match claim {
        None | Some(Value::Null) => Some(BTreeSet::new()),
        Some(Value::Array(all)) => all.iter().map(text).collect(),
        Some(one) => text(one).map(|one| [one].into()),
    };
    read.ok_or(TokenFault::Refused(
        "the token's lists are no lists of texts",
    ))
}
