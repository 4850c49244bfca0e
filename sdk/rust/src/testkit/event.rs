//! `fixtures/<case>/event.json`: an event, its context, and what the feeds hold.

use super::host::Host;
use super::keys::{RealKey, TestKey};
use super::rows::{ProductRow, SaleLineRow, SettlementRow};
use crate::bindings::words::types::{Context as RawContext, Counter, Scope, Written};
use crate::{Activity, Outgoing, Reply, Store, Window};
use galleria_domain::contract;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::BTreeMap;
use std::path::Path;

/// One event of a fixture.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Event {
    /// The contract that recorded it, as the journal writes it; this one if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub contract: Option<String>,
    /// The extension point, as the contract names it: `on-payment`.
    pub point: String,
    /// What surrounds the call.
    pub context: EventContext,
    /// The argument in the contract's JSON; `{"request": ..., "reply": ...}` for `on-reply`, the code
    /// for `identify-member`. Absent for stream points.
    #[serde(default, skip_serializing_if = "Value::is_null")]
    pub argument: Value,
    /// The argument of a stream point.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub window: Option<Window>,
    /// The feed `sale-lines`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub sale_lines: Vec<SaleLineRow>,
    /// The feed `products`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub products: Vec<ProductRow>,
    /// The feed `settlement`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub settlement: Vec<SettlementRow>,
    /// The feed `activities`: pairs of store and activity.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub activities: Vec<(Store, Activity)>,
    /// The file that the run reads, as the name of a file beside `event.json`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub input: Option<String>,
    /// Secrets by name, as a retailer would declare them.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub keys: BTreeMap<String, TestKey>,
    /// The bytes of `input`.
    #[serde(skip)]
    pub input_bytes: Vec<u8>,
}

/// What surrounds the call, with the settings as JSON rather than as text.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EventContext {
    /// The event's identity.
    pub event_id: String,
    /// 1 for the first attempt.
    #[serde(default = "first_attempt")]
    pub attempt: u32,
    /// RFC 3339 with the store's offset.
    pub occurred_at: String,
    /// `YYYY-MM-DD`.
    pub business_date: String,
    /// `{"store": {...}}` or `{"retailer": "name"}`.
    pub scope: Scope,
    /// The plugin's settings.
    pub settings: Value,
    /// Numbers that the host took.
    #[serde(default)]
    pub counters: Vec<Counter>,
    /// What earlier decisions about the same order wrote.
    #[serde(default)]
    pub prior: Vec<Written>,
}

fn first_attempt() -> u32 {
    1
}

impl Event {
    /// Reads the event of a case.
    pub fn read(case: &Path) -> Result<Self, String> {
        let file = case.join("event.json");
        let text = std::fs::read(&file).map_err(|error| format!("{}: {error}", file.display()))?;
        let value =
            serde_json::from_slice(&text).map_err(|error| format!("event.json: {error}"))?;
        contract::check_replayable(&value).map_err(|error| format!("event.json: {error}"))?;
        // From the text again: so an error has its line.
        let mut event: Self =
            serde_json::from_slice(&text).map_err(|error| format!("event.json: {error}"))?;
        if let Some(name) = &event.input {
            let file = case.join(name);
            event.input_bytes =
                std::fs::read(&file).map_err(|error| format!("{}: {error}", file.display()))?;
        }
        for (name, key) in &event.keys {
            key.read()
                .map_err(|error| format!("event.json, keys.{name}: {error}"))?;
        }
        Ok(event)
    }

    /// The point as `plugin!` names it: `OnPayment` for `on-payment`.
    pub fn point_name(&self) -> String {
        let capital = |word: &str| {
            let (first, rest) = word.split_at(word.len().min(1));
            [&first.to_ascii_uppercase(), rest].concat()
        };
        self.point.split('-').map(capital).collect()
    }

    /// The context as the contract has it.
    #[doc(hidden)]
    pub fn raw_context(&self) -> RawContext {
        let context = self.context.clone();
        RawContext {
            event_id: context.event_id,
            attempt: context.attempt,
            occurred_at: context.occurred_at,
            business_date: context.business_date,
            scope: context.scope,
            settings: context.settings.to_string(),
            counters: context.counters,
            prior: context.prior,
        }
    }

    /// The same event, tried again.
    pub fn later_attempt(mut self) -> Self {
        self.context.attempt += 1;
        self
    }

    /// A host whose feeds hold what the event says, with its keys. A key that cannot be read is not
    /// there; [`Event::read`] says what is wrong with it.
    pub fn host(&self) -> Host {
        Host {
            sale_lines: self.sale_lines.clone().into(),
            products: self.products.clone().into(),
            settlement: self.settlement.clone().into(),
            activities: self.activities.clone().into(),
            input_name: self.input.clone().unwrap_or_default(),
            input: self.input_bytes.clone().into(),
            keys: RealKey::all(&self.keys, &self.context.event_id),
            ..Host::default()
        }
    }

    /// The argument, read.
    #[doc(hidden)]
    pub fn arguments<A: Arguments>(&self) -> Result<A, String> {
        A::read(self)
    }
}

/// What an extension point takes beside the context.
#[doc(hidden)]
pub trait Arguments: Sized {
    /// Reads it from the event.
    fn read(event: &Event) -> Result<Self, String>;
}

impl Arguments for () {
    fn read(_: &Event) -> Result<Self, String> {
        Ok(())
    }
}

impl<A: DeserializeOwned> Arguments for (A,) {
    fn read(event: &Event) -> Result<Self, String> {
        let argument = match &event.window {
            Some(window) => {
                serde_json::to_value(window).map_err(|error| format!("window: {error}"))?
            }
            None => event.argument.clone(),
        };
        let argument = serde_json::from_value(argument);
        Ok((argument.map_err(|error| format!("event.json, argument: {error}"))?,))
    }
}

impl Arguments for (Outgoing, Reply) {
    fn read(event: &Event) -> Result<Self, String> {
        #[derive(Deserialize)]
        struct Answered {
            request: Outgoing,
            reply: Reply,
        }
        let answered: Answered = serde_json::from_value(event.argument.clone())
            .map_err(|error| format!("event.json, argument: {error}"))?;
        Ok((answered.request, answered.reply))
    }
}
