//! The tenders of a day that a payment provider will settle: payments and refunds.

use super::Day;
use anyhow::{Context, Result};
use galleria_domain::{Money, Tender};
use jiff::Timestamp;

/// A tender that a provider settles.
#[derive(Clone, Debug)]
pub struct SettledTender {
    pub at: Timestamp,
    /// Whether the money went back to the customer.
    pub refunded: bool,
    /// The reference of the merchant: the order id.
    pub merchant_reference: String,
    /// The provider's reference of the payment.
    pub psp_reference: String,
    /// The provider's reference of the refund, if the merchant knows it.
    pub modification_reference: Option<String>,
    pub scheme: String,
    pub currency: String,
    /// Minor units, positive.
    pub amount: Money,
}

impl Day<'_> {
    /// Returns them in order of time. Orders that were voided on the same day and training orders are not
    /// settled.
    pub(super) fn settled(&self) -> Result<Vec<SettledTender>> {
        let mut tenders = Vec::new();
        let counts = |order: &&super::Order| !order.voided && !order.sale.entry.training;
        for order in self.orders.iter().filter(counts) {
            let paid = self.instant(order.store, order.paid)?;
            for tender in &order.sale.tenders {
                tenders.extend(settled(tender, paid, &order.sale.entry.currency, false)?);
            }
            for refund in &order.refunds {
                let at = refund.entry.ended_at.parse()?;
                for tender in &refund.tenders {
                    tenders.extend(settled(tender, at, &refund.entry.currency, true)?);
                }
            }
        }
        tenders.sort_by(|a, b| (a.at, &a.psp_reference).cmp(&(b.at, &b.psp_reference)));
        Ok(tenders)
    }
}

fn settled(
    tender: &Tender,
    at: Timestamp,
    currency: &str,
    refunded: bool,
) -> Result<Option<SettledTender>> {
    if tender.provider.is_none() {
        return Ok(None);
    }
    let text = |value: &Option<String>, what: &'static str| value.clone().context(what);
    Ok(Some(SettledTender {
        at,
        refunded,
        merchant_reference: text(&tender.merchant_reference, "merchant reference")?,
        psp_reference: text(&tender.psp_reference, "provider reference")?,
        modification_reference: tender.modification_reference.clone(),
        scheme: tender.scheme.clone().unwrap_or_default(),
        currency: currency.to_owned(),
        amount: tender.amount,
    }))
}
