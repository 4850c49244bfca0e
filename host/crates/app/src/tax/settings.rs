//! The tax settings of stores.

use super::Taxes;
use super::tables::subject;
use crate::core::{IdempotencyKey, Reply};
use crate::request::{answer, refuse};
use galleria_domain::tax::{Calculator, TaxRoute, TaxSettings};
use galleria_domain::{Problem, Store};
use galleria_ports::Error;
use galleria_ports::in_tx;
use galleria_ports::records::{OperationRow, Tx};
use galleria_ports::tax::{TaxFault, TaxUpstream};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::json;
use std::sync::Arc;

/// The result of the removal of tax settings.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct TaxSettingsDeleted {
    /// The removed settings; null if the store had none.
    pub before: Option<TaxSettings>,
    /// Whether the store has a tax table with rows: its orders are still evaluated then.
    pub has_table: bool,
}

impl Taxes {
    /// The tax settings of a store; the defaults if it has none.
    pub async fn settings(&self, store: &str) -> Result<TaxSettings, Error> {
        Ok(self.evaluated_store(store).await?.settings.clone())
    }

    /// Up to `limit` stores after `after`, in the order of ids, with their tax settings.
    pub async fn settings_list(
        &self,
        after: &str,
        limit: u32,
    ) -> Result<Vec<(Store, TaxSettings)>, Error> {
        let after = after.to_owned();
        let read = self.core.records.read(in_tx!(|tx, after| {
            let stores = tx.store_list(None, &after, limit).await?;
            let ids: Vec<String> = stores.iter().map(|store| store.id.clone()).collect();
            Ok((stores, tx.tax_settings_list(&ids).await?))
        }));
        let (stores, mut settings) = read.await?;
        let with_settings = stores.into_iter().map(|store| {
            let settings = settings.remove(&store.id).unwrap_or_default();
            (store, settings)
        });
        Ok(with_settings.collect())
    }

    /// Replaces the tax settings of a store. They apply to the next evaluation on every host. The change is recorded
    /// with `actor` and `reason`.
    pub async fn put_settings(
        &self,
        key: impl Into<Option<IdempotencyKey>>,
        store: &str,
        settings: TaxSettings,
        actor: &str,
        reason: &str,
    ) -> Result<Reply, Error> {
        self.change_settings(key, store, actor, reason, move |_| settings.clone())
            .await
    }

    /// Changes the tax settings of a store: `change` gets the current ones.
    pub async fn change_settings(
        &self,
        key: impl Into<Option<IdempotencyKey>>,
        store: &str,
        actor: &str,
        reason: &str,
        change: impl Fn(TaxSettings) -> TaxSettings + Send + Sync + 'static,
    ) -> Result<Reply, Error> {
        let (taxes, change) = (self.clone(), Arc::new(change));
        let (id, at) = (store.to_owned(), self.core.clock.now());
        let signed = (actor.to_owned(), reason.to_owned());
        self.core
            .once(
                key,
                200,
                in_tx!(|tx, taxes, change, id, signed| {
                    lock_store(tx, &id).await?;
                    let before = tx.tax_store_get(&id).await?.settings;
                    let current = before.clone().unwrap_or_default();
                    let after = change(current.clone());
                    if before.as_ref() == Some(&after) {
                        return answer(&after);
                    }
                    refuse(taxes.settings_problems(&current, &after))?;
                    tx.tax_settings_put(&id, &after).await?;
                    let states = (before.as_ref(), Some(&after));
                    record(tx, at, "tax_settings_put", &id, signed, states).await?;
                    answer(&after)
                }),
            )
            .await
    }

    /// Removes the tax settings of a store, so that the defaults apply, and orders are evaluated only if the store
    /// has a tax table with rows. It is effective with the next evaluation on every host. The change is recorded
    /// with `actor` and `reason`.
    pub async fn delete_settings(
        &self,
        key: impl Into<Option<IdempotencyKey>>,
        store: &str,
        actor: &str,
        reason: &str,
    ) -> Result<Reply, Error> {
        let (id, at) = (store.to_owned(), self.core.clock.now());
        let signed = (actor.to_owned(), reason.to_owned());
        self.core
            .once(
                key,
                200,
                in_tx!(|tx, id, signed| {
                    lock_store(tx, &id).await?;
                    let before = tx.tax_store_get(&id).await?.settings;
                    if let Some(before) = &before {
                        tx.tax_settings_delete(&id).await?;
                        let after = None;
                        record(
                            tx,
                            at,
                            "tax_settings_delete",
                            &id,
                            signed,
                            (Some(before), after),
                        )
                        .await?;
                    }
                    answer(&TaxSettingsDeleted {
                        has_table: !tx.tax_row_list(&id, None, 1).await?.is_empty(),
                        before,
                    })
                }),
            )
            .await
    }

    /// The violated rules of new settings. A route that a store has already is not checked again, because another host
    /// may have its address.
    pub(super) fn settings_problems(
        &self,
        before: &TaxSettings,
        after: &TaxSettings,
    ) -> Vec<Problem> {
        let mut problems = after.problems();
        let routes = |settings: &TaxSettings| {
            let TaxSettings {
                route,
                fallback,
                shadow,
                ..
            } = *settings;
            [
                ("route", Some(route)),
                ("fallback", fallback),
                ("shadow", shadow),
            ]
        };
        let known = routes(before).map(|(_, route)| route);
        for (field, route) in routes(after) {
            if let Some(route) = route
                && !known.contains(&Some(route))
                && !self.is_configured(route)
            {
                let rule = format!(
                    "must be a route of this host, which has no address of the tax service {route}: set \
                     tax.{route}.address"
                );
                problems.push(Problem::new(field, rule));
            }
        }
        if let Some(name) = &after.calculator
            && !self.policy.calculators.contains_key(name)
        {
            problems.push(Problem::new("calculator", self.calculator_rule(name)));
        }
        problems
    }

    /// The rule that an unknown name of a calculator violates.
    pub(super) fn calculator_rule(&self, name: &str) -> String {
        let names: Vec<&str> = self.policy.calculators.keys().map(String::as_str).collect();
        let names = if names.is_empty() {
            Calculator::DEFAULT.to_owned()
        } else {
            names.join(", ")
        };
        format!("must be one of {names}, got {name:?}")
    }

    /// Whether this host can evaluate by a route.
    pub fn is_configured(&self, route: TaxRoute) -> bool {
        route == TaxRoute::Embedded || self.upstreams().iter().any(|one| one.route == route)
    }

    /// The configured tax services, as this process sees them.
    pub fn upstreams(&self) -> Vec<TaxUpstream> {
        self.upstreams
            .as_ref()
            .map(|upstreams| upstreams.upstreams())
            .unwrap_or_default()
    }

    /// Connects to the tax service of a route.
    pub async fn check_upstream(&self, route: TaxRoute) -> Result<(), TaxFault> {
        match &self.upstreams {
            Some(upstreams) => upstreams.check(route).await,
            None => Err(TaxFault::NotConfigured),
        }
    }
}

/// Locks a store, so that concurrent changes of its settings follow each other.
pub(super) async fn lock_store(tx: &mut dyn Tx, id: &str) -> Result<(), Error> {
    let found = tx.store_get_many(&[id.to_owned()]).await?;
    match found.is_empty() {
        false => Ok(()),
        true => Err(Error::NotFound {
            what: "store",
            id: id.to_owned(),
        }),
    }
}

/// Records a change of the settings of a store, with the settings before and after.
async fn record(
    tx: &mut dyn Tx,
    at: Timestamp,
    action: &str,
    store: &str,
    (actor, reason): (String, String),
    (before, after): (Option<&TaxSettings>, Option<&TaxSettings>),
) -> Result<(), Error> {
    tx.operation_insert(&OperationRow {
        at,
        actor,
        action: action.into(),
        subject: subject(store),
        reason,
        before: json!(before).to_string(),
        after: json!(after).to_string(),
    })
    .await
}
