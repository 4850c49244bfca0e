//! `[access]`: who is let in beside those with a key, checked.

use crate::checks::Checks;
use crate::raw::{RawAccess, RawIssuer};
use crate::suggest;
use galleria_domain::access::{Scope, is_trustworthy};
use galleria_domain::names::is_id;
use std::collections::BTreeMap;
use std::time::Duration;

/// Who is let in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Access {
    /// Routes that may be asked without a key, each a method and a path.
    pub anonymous: Vec<String>,
    /// Whose tokens are good, by a name of the host's own.
    pub issuers: BTreeMap<String, TokenIssuer>,
}

/// Whose tokens are good.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TokenIssuer {
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
    /// The claim that lists retailers; `*` in it is everything.
    pub retailers_claim: String,
    /// The claim that lists stores.
    pub stores_claim: String,
}

pub(crate) fn convert(raw: RawAccess, checks: &mut Checks) -> Access {
    let RawAccess { anonymous, issuers } = raw;
    for (index, route) in anonymous.iter().enumerate() {
        let formed = route.split_once(' ').is_some_and(|(method, path)| {
            !method.is_empty()
                && method.bytes().all(|byte| byte.is_ascii_uppercase())
                && path.starts_with('/')
        });
        checks.check(
            formed,
            &format!("access.anonymous.{index}"),
            "a method and a path as /openapi.json has it, such as GET /v1/stores/{id}",
        );
    }
    let mut seen: BTreeMap<String, String> = BTreeMap::new();
    let mut all = BTreeMap::new();
    for (name, raw) in issuers {
        let key = format!("access.issuers.{name}");
        checks.check(is_id(&name), &key, "a name of letters, digits, '-' and '_'");
        if let Some(other) = seen.insert(raw.issuer.clone(), name.clone()) {
            let message = format!("another issuer than access.issuers.{other}");
            checks.wrong(format!("{key}.issuer"), message);
        }
        all.insert(name, issuer(&key, raw, checks));
    }
    Access {
        anonymous,
        issuers: all,
    }
}

fn issuer(key: &str, raw: RawIssuer, checks: &mut Checks) -> TokenIssuer {
    let RawIssuer {
        issuer,
        audience,
        jwks_url,
        skew,
        refetch,
        scopes,
        retailers_claim,
        stores_claim,
    } = raw;
    let at = |name: &str| format!("{key}.{name}");
    let address = "an address that begins with https://, or one of this machine: who can change \
                   keys on their way can make tokens";
    checks.check(is_trustworthy(&issuer), &at("issuer"), address);
    let good = jwks_url.is_empty() || is_trustworthy(&jwks_url);
    checks.check(good, &at("jwks_url"), address);
    checks.check(
        !audience.is_empty(),
        &at("audience"),
        "whom tokens are for, such as galleria: a token for another application is not good here",
    );
    for (name, claim) in [
        ("retailers_claim", &retailers_claim),
        ("stores_claim", &stores_claim),
    ] {
        checks.check(!claim.is_empty(), &at(name), "the name of a claim");
    }
    let mut within = |name: &str, text: &str, most: Duration| {
        let value = checks.duration(&at(name), text);
        let message = format!("at most {most:?}");
        checks.check(value <= most, &at(name), &message);
        value
    };
    let skew = within("skew", &skew, Duration::from_secs(300));
    let refetch = within("refetch", &refetch, Duration::from_secs(3600));
    checks.check(
        refetch >= Duration::from_secs(1),
        &at("refetch"),
        "at least 1s: whoever sends a token with an unknown key makes the host ask",
    );
    checks.check(
        !scopes.is_empty(),
        &at("scopes"),
        "what roles may do, such as { cashier = \"till\" }",
    );
    let known: Vec<&str> = Scope::ALL.iter().map(|scope| scope.name()).collect();
    let mut meant = BTreeMap::new();
    for (role, word) in scopes {
        match Scope::by_name(&word) {
            Some(scope) => drop(meant.insert(role, scope)),
            None => {
                let message = suggest::one_of(&word, &known);
                checks.wrong(format!("{key}.scopes.{role}"), message);
            }
        }
    }
    TokenIssuer {
        issuer,
        audience,
        jwks_url: (!jwks_url.is_empty()).then_some(jwks_url),
        skew,
        refetch,
        scopes: meant,
        retailers_claim,
        stores_claim,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn raw() -> RawIssuer {
        RawIssuer {
            issuer: "https://id.example.com/realms/shops".into(),
            audience: "galleria".into(),
            scopes: [("cashier".to_owned(), "till".to_owned())].into(),
            ..RawIssuer::default()
        }
    }

    fn told(issuers: &[(&str, RawIssuer)], anonymous: &[&str]) -> Vec<String> {
        let raw = RawAccess {
            anonymous: anonymous.iter().map(|one| (*one).to_owned()).collect(),
            issuers: issuers
                .iter()
                .map(|(name, raw)| ((*name).to_owned(), raw.clone()))
                .collect(),
        };
        let mut checks = Checks::default();
        convert(raw, &mut checks);
        checks.problems.into_iter().map(|one| one.field).collect()
    }

    #[test]
    fn a_whole_issuer_is_taken() {
        assert!(told(&[("shops", raw())], &["GET /v1/stores"]).is_empty());
    }

    #[test]
    fn what_would_let_anybody_in_is_told_by_its_key() {
        let bad = RawIssuer {
            issuer: "http://id.example.com/realms/shops".into(),
            audience: String::new(),
            jwks_url: "http://id.example.com/keys".into(),
            skew: "10m".into(),
            refetch: "0s".into(),
            scopes: [("cashier".to_owned(), "tills".to_owned())].into(),
            stores_claim: String::new(),
            ..raw()
        };
        let wanted = [
            "issuer",
            "jwks_url",
            "audience",
            "stores_claim",
            "skew",
            "refetch",
            "scopes.cashier",
        ];
        let wanted = wanted.map(|name| format!("access.issuers.a.{name}"));
        assert_eq!(told(&[("a", bad)], &[]), wanted);
        let twice = told(&[("a", raw()), ("b", raw())], &["/v1/stores", "get /v1"]);
        let wanted = [
            "access.anonymous.0",
            "access.anonymous.1",
            "access.issuers.b.issuer",
        ];
        assert_eq!(twice, wanted);
    }
}
