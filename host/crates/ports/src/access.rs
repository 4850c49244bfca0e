//! Callers: who sends a request, and what they may act on.

pub use galleria_domain::access::Scope;

use async_trait::async_trait;
use galleria_domain::{Digest, Store};
use jiff::Timestamp;
use std::collections::BTreeSet;
use std::fmt;

/// What a caller may act on. A retailer's caller reaches all its stores.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reach {
    /// All retailers, and what belongs to none.
    Everything,
    /// These alone.
    Some {
        /// Whole retailers.
        retailers: BTreeSet<String>,
        /// Single stores, by the host's ids.
        stores: BTreeSet<String>,
    },
}

impl Reach {
    /// What tells it from other ones, within 64 characters; none is everything.
    pub fn named(&self) -> Option<String> {
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

    /// Whether all of a retailer is in it.
    pub fn has_retailer(&self, retailer: &str) -> bool {
        match self {
            Self::Everything => true,
            Self::Some { retailers, .. } => retailers.contains(retailer),
        }
    }

    /// Whether a store is in it.
    pub fn has_store(&self, store: &Store) -> bool {
        match self {
            Self::Everything => true,
            Self::Some { retailers, stores } => {
                retailers.contains(&store.retailer) || stores.contains(&store.id)
            }
        }
    }
}

/// Somebody who asks, and is known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Caller {
    /// Stands with what it did: a key's name, or who a token was given to.
    pub name: String,
    /// The same for the log, where no person is named: a key's name, or the provider's.
    pub told: String,
    /// What it may do.
    pub scope: Scope,
    /// What it may do it to.
    pub reach: Reach,
}

impl Caller {
    /// Who is said to have acted: the caller, and whom it names as the one who asked it to.
    pub fn signs(&self, named: &str) -> String {
        match named {
            "" => self.name.clone(),
            named => format!("{named} by {}", self.name),
        }
    }
}

/// Why a token makes nobody a caller.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TokenFault {
    /// It is not good; the reason is for the log and quotes nothing of it.
    Refused(&'static str),
    /// It is good, and says of nothing that its bearer may do it.
    Powerless(&'static str),
    /// Whoever could tell does not answer.
    Unavailable(String),
}

/// Checks tokens of identity providers.
#[async_trait]
pub trait Tokens: Send + Sync + fmt::Debug {
    /// Whose token it is, at this time.
    async fn caller(&self, token: &str, now: Timestamp) -> Result<Caller, TokenFault>;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_acted_is_the_caller_whoever_it_names() {
        let caller = Caller {
            name: "office-1".into(),
            told: "office-1".into(),
            scope: Scope::BackOffice,
            reach: Reach::Everything,
        };
        assert_eq!(caller.signs(""), "office-1");
        assert_eq!(caller.signs("ana"), "ana by office-1");
    }
}
