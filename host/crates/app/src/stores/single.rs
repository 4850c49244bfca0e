//! Creates, replaces and lists stores.

use crate::core::store_of;
use crate::core::{IdempotencyKey, Reply};
use crate::request::{answer, check_id, refuse};
use crate::stores::Stores;
use galleria_domain::{Attribute, Decimal, Store};
use galleria_ports::Error;
use galleria_ports::in_tx;
use galleria_ports::records::{OperationRow, Tx};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::json;

/// A store; its id is in the path.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct NewStore {
    /// The retailer's id of the store.
    pub external_id: String,
    /// A configured retailer.
    pub retailer: String,
    /// Such as `scan-and-go`.
    pub store_type: String,
    /// ISO 3166-1 alpha-2.
    pub country: String,
    /// ISO 4217.
    pub currency: String,
    /// Digits after the decimal mark of the currency.
    #[cfg_attr(feature = "openapi", schema(maximum = 255))]
    pub minor_digits: u8,
    /// IANA name of the time zone, of the form `Area/Place`, or `UTC`.
    pub zone: String,
    /// Start of the business day, in minutes after midnight. If a clock change repeats this time, the day starts at the
    /// first occurrence; if it skips it, at the end of the gap.
    #[serde(default)]
    #[cfg_attr(feature = "openapi", schema(maximum = 1439))]
    pub day_starts_minute: u16,
    /// The smallest cash amount in major units, such as `0.05`; if absent, that of the currency.
    pub cash_step: Option<Decimal>,
    /// Further named values.
    #[serde(default)]
    pub attributes: Vec<Attribute>,
}

/// The fields of an existing store that must not change but would, each with its current value.
pub(crate) fn kept(before: &Store, store: &Store) -> Vec<(&'static str, String)> {
    let mut kept = Vec::new();
    if before.retailer != store.retailer {
        kept.push(("retailer", before.retailer.clone()));
    }
    if before.currency != store.currency {
        kept.push(("currency", before.currency.clone()));
    }
    if before.minor_digits != store.minor_digits {
        kept.push(("minor_digits", before.minor_digits.to_string()));
    }
    kept
}

/// Returns a conflict if a field that must not change would change.
pub(crate) fn keeps(before: &Store, store: &Store) -> Result<(), Error> {
    match kept(before, store).is_empty() {
        true => Ok(()),
        false => Err(Error::Conflict {
            code: "store_identity",
            message: format!(
                "store {} keeps its retailer, currency and minor digits",
                store.id
            ),
        }),
    }
}

impl Stores {
    /// Creates or replaces a store. A store never changes its retailer or its currency, because
    /// that would change the meaning of its sales.
    ///
    /// Changes are recorded with `actor` and `reason`.
    pub async fn put(
        &self,
        key: impl Into<Option<IdempotencyKey>>,
        id: &str,
        new: NewStore,
        actor: &str,
        reason: &str,
    ) -> Result<Reply, Error> {
        check_id("id", id)?;
        let signed = (self.core.clock.now(), actor.to_owned(), reason.to_owned());
        let NewStore {
            external_id,
            retailer,
            store_type,
            country,
            currency,
            minor_digits,
            zone,
            day_starts_minute,
            cash_step,
            attributes,
        } = new;
        let store = Store {
            id: id.to_owned(),
            external_id,
            retailer,
            store_type,
            country,
            currency,
            minor_digits,
            zone,
            day_starts_minute,
            cash_step,
            attributes,
        };
        refuse(store.problems())?;
        self.core
            .once(
                key,
                200,
                in_tx!(|tx, store, signed| {
                    let before = tx.store_get(&store.id).await?;
                    if let Some(before) = &before {
                        keeps(before, &store)?;
                    }
                    tx.store_put(&store).await?;
                    if before.as_ref() != Some(&store) {
                        record(tx, before, &store, signed).await?;
                    }
                    answer(&store)
                }),
            )
            .await
    }

    /// A store by its id.
    pub async fn store(&self, id: &str) -> Result<Store, Error> {
        let id = id.to_owned();
        self.core
            .records
            .read(in_tx!(|tx, id| store_of(tx, &id).await))
            .await
    }

    /// Up to `limit` stores after `after`, in the order of ids: of one retailer or of all.
    pub async fn list(
        &self,
        retailer: Option<String>,
        after: &str,
        limit: u32,
    ) -> Result<Vec<Store>, Error> {
        let after = after.to_owned();
        self.core
            .records
            .read(in_tx!(|tx, retailer, after| tx
                .store_list(retailer.as_deref(), &after, limit)
                .await))
            .await
    }
}

async fn record(
    tx: &mut dyn Tx,
    before: Option<Store>,
    after: &Store,
    (at, actor, reason): (Timestamp, String, String),
) -> Result<(), Error> {
    tx.operation_insert(&OperationRow {
        at,
        actor,
        action: "store_put".into(),
        subject: format!("store {}", after.id),
        reason,
        before: json!(before).to_string(),
        after: json!(after).to_string(),
    })
    .await
}
