//! Places an order: a basket whose sums must agree.

use super::taxes::{self, Basket, TaxedOrder};
use super::{answer, check_id, store_of};
use crate::core::{IdempotencyKey, Reply};
use crate::orders::Orders;
use crate::orders::lookup::{OrderOutcome, PaidBy, order_outcome};
use crate::tax::taxed_store_of;
use galleria_domain::tax::OrderTaxes;
use galleria_domain::{Attribute, Consent, Line, Member, Money, Store, Tax, selling};
use galleria_ports::Error;
use galleria_ports::in_tx;
use galleria_ports::records::{OrderRow, OrderStatus};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// An order from a till or an app.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct NewOrder {
    /// The caller's id, unique in the platform.
    pub id: String,
    /// The store's id.
    pub store_id: String,
    /// The order number of the retailer's own system.
    pub external_id: Option<String>,
    /// The workstation.
    pub workstation: String,
    /// The cashier; null for self-checkout.
    pub cashier: Option<String>,
    /// A training order is documented, but does not count as turnover.
    #[serde(default)]
    pub training: bool,
    /// Time of the first line, RFC 3339.
    #[cfg_attr(feature = "openapi", schema(value_type = String, format = DateTime))]
    pub begun_at: Timestamp,
    /// The lines of the basket.
    pub lines: Vec<Line>,
    /// The member who buys.
    pub member: Option<Member>,
    /// The consents of the customer.
    #[serde(default)]
    pub consents: Vec<Consent>,
    /// Further named values.
    #[serde(default)]
    pub attributes: Vec<Attribute>,
}

/// An order.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct OrderView {
    /// Its id.
    pub id: String,
    /// The store's id.
    pub store_id: String,
    /// The order number of the retailer's own system.
    pub external_id: Option<String>,
    /// The workstation.
    pub workstation: String,
    /// The cashier; null for self-checkout.
    pub cashier: Option<String>,
    /// A training order does not count as turnover.
    pub training: bool,
    /// `open`, `paid` or `voided`.
    pub status: String,
    /// ISO 4217 code of all amounts.
    pub currency: String,
    /// The total including taxes, minor units.
    pub gross: Money,
    /// The total without taxes.
    pub net: Money,
    /// The taxes of all lines, summed.
    pub taxes: Vec<Tax>,
    /// Which lines got their taxes from the store's tax route, and which were compared with it; null if there are
    /// none.
    #[serde(default)]
    pub tax_evaluation: Option<OrderTaxes>,
    /// The member who buys.
    pub member: Option<Member>,
    /// The basket: each line with its discounts and taxes.
    pub lines: Vec<Line>,
    /// The consents of the customer.
    pub consents: Vec<Consent>,
    /// Further named values.
    pub attributes: Vec<Attribute>,
    /// Time of the first line, RFC 3339.
    pub begun_at: String,
    /// Time at which the host accepted it, RFC 3339.
    pub accepted_at: String,
    /// The payment; null if it is not paid.
    pub payment: Option<PaidBy>,
    /// Ids of its refunds, oldest first.
    pub refunds: Vec<String>,
    /// The id of its void.
    pub void_id: Option<String>,
    /// Ids of its verifications, oldest first.
    pub verifications: Vec<String>,
}

fn view(store: Store, order: OrderRow, became: OrderOutcome) -> Result<OrderView, Error> {
    let sums = selling::sum_lines(&order.lines, store.minor_digits).map_err(Error::Invalid)?;
    Ok(OrderView {
        id: order.id,
        store_id: order.store_id,
        external_id: order.external_id,
        workstation: order.workstation,
        cashier: order.cashier,
        training: order.training,
        status: order.status.name().into(),
        currency: store.currency,
        gross: sums.gross,
        net: sums.net,
        taxes: sums.taxes,
        tax_evaluation: order.taxes,
        member: order.member,
        lines: order.lines,
        consents: order.consents,
        attributes: order.attributes,
        begun_at: order.begun_at.to_string(),
        accepted_at: order.created_at.to_string(),
        payment: became.payment,
        refunds: became.refunds,
        void_id: became.void_id,
        verifications: became.verifications,
    })
}

/// The store of an order uses taxes of this host, which must be known before the order is inserted.
struct StoreTaxed;

impl Orders {
    /// Places an order. Lines without taxes get them through the store's tax route.
    pub async fn place(&self, key: IdempotencyKey, new: NewOrder) -> Result<Reply, Error> {
        check_id("id", &new.id)?;
        check_id("workstation", &new.workstation)?;
        let mut new = Arc::new(new);
        // Most stores do not use taxes of this host: then one transaction does everything.
        if !self.taxed_stores.contains(&new.store_id)
            && let Ok(reply) = self.insert(&key, &new, None).await?
        {
            return Ok(reply);
        }
        let order = Arc::make_mut(&mut new);
        let basket = Basket {
            store_id: &order.store_id,
            begun_at: order.begun_at,
            lines: &mut order.lines,
        };
        let taxes = match self.tax(&key, basket).await? {
            TaxedOrder::Answered(reply) => return Ok(reply),
            TaxedOrder::New(taxes) => taxes,
        };
        let inserted = self.insert(&key, &new, Some(taxes.clone())).await?;
        let reply = inserted.map_err(|StoreTaxed| {
            Error::Internal("an order with known taxes was not inserted".into())
        })?;
        if !reply.repeated {
            taxes::count(&taxes);
        }
        Ok(reply)
    }

    /// Inserts an order. Without `taxes`, it is inserted only if its store uses no taxes of this host.
    async fn insert(
        &self,
        key: &IdempotencyKey,
        new: &Arc<NewOrder>,
        taxes: Option<OrderTaxes>,
    ) -> Result<Result<Reply, StoreTaxed>, Error> {
        let (now, new) = (self.core.clock.now(), Arc::clone(new));
        let insert = self.core.once_unless(
            key.clone(),
            201,
            in_tx!(|tx, new, taxes| {
                let (store, taxes) = match taxes {
                    Some(taxes) => (store_of(tx, &new.store_id).await?, taxes),
                    None => match taxed_store_of(tx, &new.store_id).await? {
                        (store, of_store) if of_store.is_unused() => (store, OrderTaxes::default()),
                        _ => return Ok(Err(StoreTaxed)),
                    },
                };
                let sums =
                    selling::sum_lines(&new.lines, store.minor_digits).map_err(Error::Invalid)?;
                if sums.gross < 0 {
                    return Err(Error::invalid(
                        "lines",
                        "must have a total of at least 0; use a refund to return goods",
                    ));
                }
                let order = placed(NewOrder::clone(&new), sums.gross, taxes, now);
                tx.order_insert(&order).await?;
                // It has no payment, refund, void or verification yet.
                answer(&view(store, order, OrderOutcome::default())?).map(Ok)
            }),
        );
        insert.await
    }

    /// An order.
    pub async fn order(&self, id: &str) -> Result<OrderView, Error> {
        let id = id.to_owned();
        self.core
            .records
            .read(in_tx!(|tx, id| {
                let order = super::order_of(tx, &id).await?;
                let became = order_outcome(tx, &id).await?;
                view(store_of(tx, &order.store_id).await?, order, became)
            }))
            .await
    }
}

fn placed(new: NewOrder, gross: Money, taxes: OrderTaxes, now: Timestamp) -> OrderRow {
    let NewOrder {
        id,
        store_id,
        external_id,
        workstation,
        cashier,
        training,
        begun_at,
        lines,
        member,
        consents,
        attributes,
    } = new;
    OrderRow {
        id,
        store_id,
        external_id,
        workstation,
        cashier,
        training,
        status: OrderStatus::Open,
        lines,
        member,
        consents,
        attributes,
        gross,
        taxes: (taxes != OrderTaxes::default()).then_some(taxes),
        begun_at,
        created_at: now,
    }
}
