//! An order is placed: a basket whose sums agree.

use super::{answer, check_id, store_of};
use crate::app::{App, IdempotencyKey, Reply};
use crate::lookup::{OrderOutcome, PaidBy, order_outcome};
use galleria_domain::{Attribute, Consent, Line, Member, Money, Tax, selling};
use galleria_ports::Error;
use galleria_ports::records::Tx;
use galleria_ports::records::{InTx, OrderRow, OrderStatus};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// An order as a till or app places it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct NewOrder {
    /// The caller's id, unique over the platform.
    pub id: String,
    /// The store's id.
    pub store_id: String,
    /// What the retailer's own system calls it.
    pub external_id: Option<String>,
    /// Where it is rung up.
    pub workstation: String,
    /// Who rings it up; none where the customer does.
    pub cashier: Option<String>,
    /// A training order is documented but is no turnover.
    #[serde(default)]
    pub training: bool,
    /// When the basket was begun, RFC 3339.
    #[cfg_attr(feature = "openapi", schema(value_type = String, format = DateTime))]
    pub begun_at: Timestamp,
    /// The basket.
    pub lines: Vec<Line>,
    /// Who buys.
    pub member: Option<Member>,
    /// What they allowed.
    #[serde(default)]
    pub consents: Vec<Consent>,
    /// Further facts.
    #[serde(default)]
    pub attributes: Vec<Attribute>,
}

/// An order as it stands.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct OrderView {
    /// Its id.
    pub id: String,
    /// The store's id.
    pub store_id: String,
    /// What the retailer's own system calls it.
    pub external_id: Option<String>,
    /// Where it was rung up.
    pub workstation: String,
    /// Who rang it up; none where the customer did.
    pub cashier: Option<String>,
    /// A training order is no turnover.
    pub training: bool,
    /// `open`, `paid` or `voided`.
    pub status: String,
    /// ISO 4217, of all amounts.
    pub currency: String,
    /// What it comes to, minor units.
    pub gross: Money,
    /// Without taxes.
    pub net: Money,
    /// The lines' taxes, summed.
    pub taxes: Vec<Tax>,
    /// Who buys.
    pub member: Option<Member>,
    /// The basket: each line with its discounts and taxes.
    pub lines: Vec<Line>,
    /// What the customer allowed.
    pub consents: Vec<Consent>,
    /// Further facts.
    pub attributes: Vec<Attribute>,
    /// When the basket was begun, RFC 3339.
    pub begun_at: String,
    /// When the host accepted it, RFC 3339.
    pub accepted_at: String,
    /// How it was paid; none while it was not.
    pub payment: Option<PaidBy>,
    /// Ids of its refunds, the earliest first.
    pub refunds: Vec<String>,
    /// The void that ended it.
    pub void_id: Option<String>,
    /// Ids of its verifications, the earliest first.
    pub verifications: Vec<String>,
}

async fn view(tx: &mut dyn Tx, order: OrderRow, became: OrderOutcome) -> Result<OrderView, Error> {
    let store = store_of(tx, &order.store_id).await?;
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

impl App {
    /// Places an order.
    pub async fn order_place(&self, key: IdempotencyKey, new: NewOrder) -> Result<Reply, Error> {
        check_id("id", &new.id)?;
        check_id("workstation", &new.workstation)?;
        let now = self.clock.now();
        self.once(key, 201, move |tx| {
            let new = new.clone();
            Box::pin(async move {
                let store = store_of(tx, &new.store_id).await?;
                let sums =
                    selling::sum_lines(&new.lines, store.minor_digits).map_err(Error::Invalid)?;
                if sums.gross < 0 {
                    return Err(Error::invalid(
                        "lines",
                        "a basket that comes to less than nothing is a refund",
                    ));
                }
                let order = placed(new, sums.gross, now);
                tx.order_insert(&order).await?;
                // Nothing can have become of it yet.
                answer(&view(tx, order, OrderOutcome::default()).await?)
            }) as InTx<'_, _>
        })
        .await
    }

    /// An order as it stands.
    pub async fn order(&self, id: &str) -> Result<OrderView, Error> {
        let id = id.to_owned();
        self.records
            .read(move |tx| {
                let id = id.clone();
                Box::pin(async move {
                    let order = super::order_of(tx, &id).await?;
                    let became = order_outcome(tx, &id).await?;
                    view(tx, order, became).await
                })
            })
            .await
    }
}

fn placed(new: NewOrder, gross: Money, now: Timestamp) -> OrderRow {
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
        begun_at,
        created_at: now,
    }
}
