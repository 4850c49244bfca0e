//! What a provider will settle of a day: tenders with its references, paid and paid back.

use super::Day;
use anyhow::{Context, Result};
use galleria_domain::{Money, Tender};
use jiff::Timestamp;

/// A tender that a provider settles.
#[derive(Clone, Debug)]
pub struct Settled {
    pub at: Timestamp,
    /// Paid back to the customer.
    pub back: bool,
    /// What the shop calls it: the order.
    pub merchant_reference: String,
    /// The provider's reference of the payment.
    pub psp_reference: String,
    /// The provider's reference of the refund, where the shop knows it.
    pub modification_reference: Option<String>,
    pub scheme: String,
    pub currency: String,
    /// Minor units, positive.
    pub amount: Money,
}

impl Day<'_> {
    /// In the order of time. What was undone before the night is never settled, and no training is.
    pub(super) fn settled(&self) -> Result<Vec<Settled>> {
        let mut found = Vec::new();
        let real = |order: &&super::Order| !order.voided && !order.sale.entry.training;
        for order in self.orders.iter().filter(real) {
            let paid = self.instant(order.place, order.paid)?;
            for tender in &order.sale.tenders {
                found.extend(settled(tender, paid, &order.sale.entry.currency, false)?);
            }
            for refund in &order.refunds {
                let at = refund.entry.ended_at.parse()?;
                for tender in &refund.tenders {
                    found.extend(settled(tender, at, &refund.entry.currency, true)?);
                }
            }
        }
        found.sort_by(|a, b| (a.at, &a.psp_reference).cmp(&(b.at, &b.psp_reference)));
        Ok(found)
    }
}

fn settled(tender: &Tender, at: Timestamp, currency: &str, back: bool) -> Result<Option<Settled>> {
    if tender.provider.is_none() {
        return Ok(None);
    }
    let text = |value: &Option<String>, what: &'static str| value.clone().context(what);
    Ok(Some(Settled {
        at,
        back,
        merchant_reference: text(&tender.merchant_reference, "a merchant's reference")?,
        psp_reference: text(&tender.psp_reference, "a provider's reference")?,
        modification_reference: tender.modification_reference.clone(),
        scheme: tender.scheme.clone().unwrap_or_default(),
        currency: currency.to_owned(),
        amount: tender.amount,
    }))
}
