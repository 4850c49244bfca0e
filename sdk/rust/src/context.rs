//! The context of a call, with parsed settings.

use crate::bindings::words::types::{Context as Raw, PriorDocument, Scope};
use crate::{Fault, Plugin, Store, settings};

/// The context of a call. `S` is the type of the plugin's settings.
#[derive(Clone, Debug)]
pub struct Context<S> {
    settings: S,
    raw: Raw,
}

/// For plugins without settings: every key is unknown.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Deserialize, serde::Serialize)]
pub struct NoSettings {}

impl<S: serde::de::DeserializeOwned> Context<S> {
    pub(crate) fn read<P: Plugin<Settings = S>>(raw: Raw) -> Result<Self, Fault> {
        match serde_json::from_str(&raw.settings) {
            Ok(settings) => Ok(Self { settings, raw }),
            // This case is rare, so the slower reader may find the field.
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
    /// Returns the plugin's settings for this store.
    pub fn settings(&self) -> &S {
        &self.settings
    }

    /// Returns the event's id. Every attempt gets the same one.
    pub fn event_id(&self) -> &str {
        &self.raw.event_id
    }

    /// Returns the number of the attempt, from 1. A decision should not depend on it.
    pub fn attempt(&self) -> u32 {
        self.raw.attempt
    }

    /// Returns when the event happened, in RFC 3339 with the store's offset. A plugin has no other
    /// clock.
    pub fn occurred_at(&self) -> &str {
        &self.raw.occurred_at
    }

    /// Returns the business date, `YYYY-MM-DD`. It accounts for the hour at which the store's
    /// business day starts.
    pub fn business_date(&self) -> &str {
        &self.raw.business_date
    }

    /// Returns the store or the retailer that the call covers.
    pub fn scope(&self) -> &Scope {
        &self.raw.scope
    }

    /// Returns the store of the call. A run over all stores of a retailer has no store: then the
    /// fault is `invalid`.
    pub fn store(&self) -> Result<&Store, Fault> {
        match &self.raw.scope {
            Scope::Store(store) => Ok(store),
            Scope::Retailer(_) => Err(Fault::invalid(
                "context.scope",
                "a store is needed, and this is a run over all stores of a retailer",
            )),
        }
    }

    /// Returns the name of the retailer, for calls of both scopes.
    pub fn retailer(&self) -> &str {
        match &self.raw.scope {
            Scope::Store(store) => &store.retailer,
            Scope::Retailer(name) => name,
        }
    }

    /// Returns the number that the host assigned to this event, by its name under `[counters]` in
    /// `plugin.toml`.
    pub fn counter(&self, name: &str) -> Result<u64, Fault> {
        let found = self
            .raw
            .counters
            .iter()
            .find(|counter| counter.name == name);
        found.map(|counter| counter.value).ok_or_else(|| {
            let message = "unknown counter: declare it under [counters] in plugin.toml";
            Fault::misconfigured(["counters.", name].concat(), message)
        })
    }

    /// Returns the documents that earlier decisions about the same order wrote, in that order.
    pub fn prior(&self) -> &[PriorDocument] {
        &self.raw.prior
    }
}
