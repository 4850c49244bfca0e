//! What surrounds a call, with the settings already read.

use crate::bindings::words::types::{Context as Raw, Scope, Written};
use crate::{Fault, Plugin, Store, settings};

/// What surrounds a call. `S` is the author's settings.
#[derive(Clone, Debug)]
pub struct Context<S> {
    settings: S,
    raw: Raw,
}

/// For a plugin that has no settings: every key is one too many.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Deserialize, serde::Serialize)]
pub struct NoSettings {}

impl<S: serde::de::DeserializeOwned> Context<S> {
    pub(crate) fn read<P: Plugin<Settings = S>>(raw: Raw) -> Result<Self, Fault> {
        match serde_json::from_str(&raw.settings) {
            Ok(settings) => Ok(Self { settings, raw }),
            // Rare, so the slower reader may find out which field it is.
            Err(error) => {
                let mut problems = settings::check::<P>(&raw.settings);
                if problems.is_empty() {
                    problems.push(crate::Problem::new("settings", error.to_string()));
                }
                Err(Fault::Misconfigured(problems))
            }
        }
    }
}

impl<S> Context<S> {
    /// The plugin's settings for this store.
    pub fn settings(&self) -> &S {
        &self.settings
    }

    /// The event's identity: the same on every attempt.
    pub fn event_id(&self) -> &str {
        &self.raw.event_id
    }

    /// 1 for the first attempt. A decision should not depend on it.
    pub fn attempt(&self) -> u32 {
        self.raw.attempt
    }

    /// When the thing happened, RFC 3339 with the store's offset; the only clock there is.
    pub fn occurred_at(&self) -> &str {
        &self.raw.occurred_at
    }

    /// `YYYY-MM-DD`, with the hour at which the store's day turns over applied.
    pub fn business_date(&self) -> &str {
        &self.raw.business_date
    }

    /// What the call is about.
    pub fn scope(&self) -> &Scope {
        &self.raw.scope
    }

    /// The store it is about. A run over all stores of a retailer has none: then the fault is `invalid`.
    pub fn store(&self) -> Result<&Store, Fault> {
        match &self.raw.scope {
            Scope::Store(store) => Ok(store),
            Scope::Retailer(_) => Err(Fault::invalid(
                "context.scope",
                "a store is needed, and this is a run over all stores of a retailer",
            )),
        }
    }

    /// The retailer's name, whether the call is about one store or all.
    pub fn retailer(&self) -> &str {
        match &self.raw.scope {
            Scope::Store(store) => &store.retailer,
            Scope::Retailer(name) => name,
        }
    }

    /// The number that the host took for this event, by its name under `[counters]` in `plugin.toml`.
    pub fn counter(&self, name: &str) -> Result<u64, Fault> {
        let found = self
            .raw
            .counters
            .iter()
            .find(|counter| counter.name == name);
        found.map(|counter| counter.value).ok_or_else(|| {
            let message = "the host took no such number: name it under [counters] in plugin.toml";
            Fault::misconfigured(["counters.", name].concat(), message)
        })
    }

    /// Documents that earlier decisions about the same order wrote, in that order.
    pub fn prior(&self) -> &[Written] {
        &self.raw.prior
    }
}
