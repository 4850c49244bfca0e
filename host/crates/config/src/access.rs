//! `[access]`: routes without authentication, and issuers of tokens.

use crate::checks::Checks;
use crate::fields::{HOUR, MINUTE, Rule, SECOND, duration, list, map, rule, text};
use crate::suggest;
use galleria_domain::access::{Scope, is_trustworthy};
use galleria_domain::names::is_id;
use serde::Deserialize;
use std::collections::BTreeMap;
use std::time::Duration;

rule!(
    /// A method and a path.
    Route -> String,
    "a method and a path as /openapi.json writes them, such as GET /v1/stores/{id}",
    |text| {
        let (method, path) = text.split_once(' ')?;
        let good = !method.is_empty()
            && method.bytes().all(|byte| byte.is_ascii_uppercase())
            && path.starts_with('/');
        good.then(|| text.to_owned())
    }
);

const ADDRESS: &str = "an address that begins with https://, or one of this machine: an attacker who \
                       changes the keys in transit could sign tokens";

rule!(
    /// The address of an issuer.
    Issuer -> String,
    ADDRESS,
    |text| is_trustworthy(text).then(|| text.to_owned())
);

rule!(
    /// The address of an issuer's public keys; empty means that it is discovered.
    KeysAddress -> Option<String>,
    ADDRESS,
    |text| match text.is_empty() {
        true => Some(None),
        false => is_trustworthy(text).then(|| Some(text.to_owned())),
    }
);

rule!(
    /// The name of a claim.
    Claim -> String,
    "the name of a claim",
    |text| (!text.is_empty()).then(|| text.to_owned())
);

/// The word of a scope.
pub(crate) struct ScopeWord;

impl Rule for ScopeWord {
    type Value = Scope;

    fn parse(text: &str) -> Option<Scope> {
        Scope::by_name(text)
    }

    fn expected(text: &str) -> String {
        suggest::one_of(text, &Scope::ALL.map(Scope::name))
    }
}

/// Authentication, apart from API keys.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Access {
    /// Routes that need no authentication, each a method and a path.
    #[serde(deserialize_with = "list::<_, Route>")]
    pub anonymous: Vec<String>,
    /// Issuers of tokens, by a name that the operator chooses.
    pub issuers: BTreeMap<String, TokenIssuer>,
}

/// An issuer of tokens.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct TokenIssuer {
    /// The `iss` claim of its tokens.
    #[serde(deserialize_with = "text::<_, Issuer>")]
    pub issuer: String,
    /// The `aud` claim that a token must contain.
    pub audience: String,
    /// Address of its public keys; none means that it is discovered.
    #[serde(deserialize_with = "text::<_, KeysAddress>")]
    pub jwks_url: Option<String>,
    /// Allowed difference between its clock and the host's.
    #[serde(deserialize_with = "duration::<_, 0, {5 * MINUTE}>")]
    pub skew: Duration,
    /// Shortest time between two fetches of its keys. Without one, a client could cause a request to the
    /// issuer with every invented key.
    #[serde(deserialize_with = "duration::<_, SECOND, HOUR>")]
    pub refetch: Duration,
    /// The scope for each of its roles and of the words of a token's `scope` claim.
    #[serde(deserialize_with = "map::<_, ScopeWord>")]
    pub scopes: BTreeMap<String, Scope>,
    /// The claim that lists retailers; `*` in it means all.
    #[serde(deserialize_with = "text::<_, Claim>")]
    pub retailers_claim: String,
    /// The claim that lists stores.
    #[serde(deserialize_with = "text::<_, Claim>")]
    pub stores_claim: String,
}

/// The defaults of one issuer. conf/host.toml shows them in a comment, because it configures none.
impl Default for TokenIssuer {
    fn default() -> Self {
        Self {
            issuer: String::new(),
            audience: String::new(),
            jwks_url: None,
            skew: Duration::from_secs(60),
            refetch: Duration::from_secs(30),
            scopes: BTreeMap::new(),
            retailers_claim: "retailers".into(),
            stores_claim: "stores".into(),
        }
    }
}

impl Access {
    /// Checks what concerns several keys, and keys that must be set.
    pub(crate) fn validate(&self, checks: &mut Checks) {
        let mut seen: BTreeMap<&str, &str> = BTreeMap::new();
        for (name, issuer) in &self.issuers {
            let key = format!("access.issuers.{name}");
            let at = |field: &str| format!("{key}.{field}");
            checks.check(
                is_id(name),
                &key,
                "must be a name of letters, digits, '-' and '_'",
            );
            if issuer.issuer.is_empty() {
                checks.wrong(at("issuer"), format!("must be {ADDRESS}"));
            } else if let Some(other) = seen.insert(&issuer.issuer, name) {
                let message = format!("must differ from access.issuers.{other}.issuer");
                checks.wrong(at("issuer"), message);
            }
            checks.check(
                !issuer.audience.is_empty(),
                &at("audience"),
                "must be the audience of the tokens, such as galleria: the host rejects a token for another application",
            );
            checks.check(
                !issuer.scopes.is_empty(),
                &at("scopes"),
                "must map at least one role to a scope, such as { cashier = \"till\" }",
            );
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn issuer() -> TokenIssuer {
        TokenIssuer {
            issuer: "https://id.example.com/realms/shops".into(),
            audience: "galleria".into(),
            scopes: [("cashier".to_owned(), Scope::Till)].into(),
            ..TokenIssuer::default()
        }
    }

    fn problems(issuers: &[(&str, TokenIssuer)]) -> Vec<String> {
        let issuers = issuers
            .iter()
            .map(|(name, one)| ((*name).to_owned(), one.clone()));
        let access = Access {
            anonymous: Vec::new(),
            issuers: issuers.collect(),
        };
        let mut checks = Checks::default();
        access.validate(&mut checks);
        checks.problems.into_iter().map(|one| one.field).collect()
    }

    #[test]
    fn an_issuer_needs_address_audience_and_scopes() {
        assert!(problems(&[("shops", issuer())]).is_empty());
        assert_eq!(
            problems(&[("a", TokenIssuer::default())]),
            ["issuer", "audience", "scopes"].map(|name| format!("access.issuers.a.{name}"))
        );
        assert_eq!(
            problems(&[("a", issuer()), ("b", issuer())]),
            ["access.issuers.b.issuer"]
        );
    }

    #[test]
    fn insecure_addresses_and_incomplete_routes_are_rejected() {
        assert!(Issuer::parse("http://id.example.com/realms/shops").is_none());
        assert!(KeysAddress::parse("http://id.example.com/keys").is_none());
        assert_eq!(KeysAddress::parse(""), Some(None));
        assert_eq!(ScopeWord::parse("till"), Some(Scope::Till));
        assert!(ScopeWord::expected("tills").contains("did you mean `till`?"));
        assert!(Route::parse("GET /v1/stores").is_some());
        for bad in ["/v1/stores", "get /v1"] {
            assert_eq!(Route::parse(bad), None, "{bad}");
        }
    }
}
