//! Callers and their reach, and the verification of tokens.

pub use galleria_domain::access::Scope;

use async_trait::async_trait;
use galleria_domain::{Digest, Store};
use jiff::Timestamp;
use std::collections::BTreeSet;
use std::fmt;

/// The retailers and stores that a caller may act on. A retailer includes all its stores.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reach {
    /// All retailers, and the host itself.
    Everything,
    /// Only these.
    Some {
        /// Retailers with all their stores.
        retailers: BTreeSet<String>,
        /// Single stores, by the host's ids.
        stores: BTreeSet<String>,
    },
}

impl Reach {
    /// A unique text of at most 64 characters; none for [`Reach::Everything`].
    pub fn label(&self) -> Option<String> {
        let Self::Some { retailers, stores } = self else {
            return None;
        };
        let retailers = retailers.iter().map(|name| format!("retailer:{name}"));
        let stores = stores.iter().map(|id| format!("store:{id}"));
        let all: Vec<String> = retailers.chain(stores).collect();
        let text = all.join(",");
        Some(match text.len() {
            0..=64 => text,
            _ => Digest::of(text.as_bytes()).to_string(),
        })
    }

    /// Whether it includes all stores of a retailer.
    pub fn has_retailer(&self, retailer: &str) -> bool {
        match self {
            Self::Everything => true,
            Self::Some { retailers, .. } => retailers.contains(retailer),
        }
    }

    /// Whether it includes a store.
    pub fn has_store(&self, store: &Store) -> bool {
        match self {
            Self::Everything => true,
            Self::Some { retailers, stores } => {
                retailers.contains(&store.retailer) || stores.contains(&store.id)
            }
        }
    }
}

/// An authenticated caller.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Caller {
    /// The name recorded with its actions: the API key's name, or the token's user name.
    pub name: String,
    /// The name in the log, which never names a person: the API key's name, or the issuer's.
    pub log_name: String,
    /// Its scope.
    pub scope: Scope,
    /// The retailers and stores it may act on.
    pub reach: Reach,
}

impl Caller {
    /// The actor to record: the caller, with the person it names if there is one.
    pub fn actor(&self, person: &str) -> String {
        match person {
            "" => self.name.clone(),
            person => format!("{person} by {}", self.name),
        }
    }
}

/// Why a token does not authenticate a caller.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TokenFault {
    /// It is invalid; the reason is for the log and does not quote the token.
    Refused(&'static str),
    /// It is valid but grants nothing.
    Powerless(&'static str),
    /// The issuer is unavailable.
    Unavailable(String),
}

/// Verifies the tokens of identity providers.
#[async_trait]
pub trait Tokens: Send + Sync + fmt::Debug {
    /// Returns the caller of a token that is valid at `now`.
    async fn caller(&self, token: &str, now: Timestamp) -> Result<Caller, TokenFault>;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_actor_always_includes_the_caller() {
        let caller = Caller {
            name: "office-1".into(),
            log_name: "office-1".into(),
            scope: Scope::BackOffice,
            reach: Reach::Everything,
        };
        assert_eq!(caller.actor(""), "office-1");
        assert_eq!(caller.actor("ana"), "ana by office-1");
    }
}
