//! Events after an order: refunds, voids and verifications.

use super::{Day, Draft, OPEN, Order, refund};
use crate::request::{EventKind, lean};
use anyhow::{Result, bail};
use galleria_domain::refunding::Extent;
use galleria_domain::{LineKind, Tender, VoidCause};
use serde_json::{Value, json};

impl Day<'_> {
    /// Draws one of the orders that meet the condition.
    fn draw_order(&mut self, condition: impl Fn(&Order) -> bool) -> Result<usize> {
        let candidates: Vec<usize> = (0..self.orders.len())
            .filter(|index| condition(&self.orders[*index]))
            .collect();
        if candidates.is_empty() {
            bail!("too few orders for the number of refunds, voids and verifications");
        }
        Ok(*self.random.pick(&candidates))
    }

    pub(super) fn add_refund(&mut self, early: bool) -> Result<()> {
        // A drawn order or extent may be unsuitable. More than 1,000 in a row is a bug.
        for _ in 0..1000 {
            let chosen = self.draw_order(|order| {
                let app = order.shift.is_none();
                !order.voided
                    && order.refunds.len() < 2
                    && (!early || app && order.refunds.is_empty())
            })?;
            let order = &self.orders[chosen];
            let store = self.stores[order.store].baskets.store;
            if let Some(refund) = refund::draw(
                &mut self.random,
                &self.assortment.habits,
                store.cash_step_in_minor(),
                &order.sale,
                &order.refunds,
            ) {
                return self.send_refund(chosen, refund, early);
            }
        }
        bail!("no order could be refunded")
    }

    fn send_refund(
        &mut self,
        chosen: usize,
        mut drawn: refund::DrawnRefund,
        early: bool,
    ) -> Result<()> {
        let with_tenders = self.add_references(&mut drawn.refund.tenders);
        let number = self.orders[chosen].refunds.len() + 1;
        let at = self.second_after(chosen, number);
        let order = &self.orders[chosen];
        let (id, store, lane) = (order.id.clone(), order.store, order.workstation.clone());
        let refund = format!("r-{id}-{number}");
        let shift = order.shift.map(|index| &self.stores[store].shifts[index]);
        let body = lean(&json!({
            "id": refund,
            "at": self.instant(store, at)?.to_string(),
            "reason": drawn.reason,
            "extent": drawn.extent,
            "tenders": with_tenders.then_some(&drawn.refund.tenders),
            "shift_id": shift.map(|shift| &shift.id),
            "cashier": shift.map(|shift| &shift.cashier),
        }))?;
        debug_assert!(!matches!(drawn.extent, Extent::Lines(ref lines) if lines.is_empty()));
        // An early refund is sent one second before its payment.
        let sent = if early { order.paid - 1 } else { at };
        if let Some(index) = order.shift {
            self.stores[store].shifts[index].post(&drawn.refund.tenders, true);
        }
        drawn.refund.entry.ended_at = self.instant(store, at)?.to_string();
        self.orders[chosen].refunds.push(drawn.refund);
        let path = format!("/v1/orders/{id}/refunds");
        let request = Draft::new(
            &path,
            &format!("refund:{refund}"),
            Some(EventKind::Refund),
            body,
        );
        self.send(store, &lane, sent, request)
    }

    /// Draws a second after the payment and before the drawer is counted. `number` is the position of the
    /// event among those after the payment.
    fn second_after(&mut self, chosen: usize, number: usize) -> i64 {
        let order = &self.orders[chosen];
        let closes = order.shift.map_or(OPEN.1 + 900, |index| {
            self.stores[order.store].shifts[index].closes
        });
        let span = (closes - order.paid - 60) / 3;
        let from = order.paid + span * (number.cast_signed() as i64 - 1) + 30;
        self.random.between(from, from + span.max(31) - 31)
    }

    pub(super) fn add_post_void(&mut self) -> Result<()> {
        let chosen = self.draw_order(|order| !order.voided && order.refunds.is_empty())?;
        let at = self.second_after(chosen, 1);
        let order = &mut self.orders[chosen];
        order.voided = true;
        let (id, store, lane) = (order.id.clone(), order.store, order.workstation.clone());
        let mut shift = order
            .shift
            .map(|index| &mut self.stores[store].shifts[index]);
        if let Some(shift) = shift.as_mut() {
            shift.post(&order.sale.tenders, true);
        }
        let (shift_id, cashier) = shift
            .map(|shift| (shift.id.clone(), shift.cashier.clone()))
            .unzip();
        self.void(
            store,
            &lane,
            &id,
            at,
            json!({
                "cause": VoidCause::PostVoid,
                "shift_id": shift_id,
                "cashier": cashier,
            }),
        )
    }

    pub(super) fn add_unpaid_void(&mut self, number: usize) -> Result<()> {
        let (store, shift, workstation, begun) = self.draw_workstation();
        let id = self.id(store, "x", number);
        self.add_order(&id, store, shift, &workstation, begun)?;
        let cause = match number % 4 {
            0 => VoidCause::PaymentFailed,
            1 => VoidCause::Suspended,
            _ => VoidCause::Abandoned,
        };
        let at = begun + self.random.between(60, 600);
        self.void(store, &workstation, &id, at, json!({ "cause": cause }))
    }

    fn void(
        &mut self,
        store: usize,
        lane: &str,
        order: &str,
        at: i64,
        mut body: Value,
    ) -> Result<()> {
        let id = format!("v-{order}");
        body["id"] = json!(id);
        body["at"] = json!(self.instant(store, at)?.to_string());
        let path = format!("/v1/orders/{order}/voids");
        let request = Draft::new(
            &path,
            &format!("void:{id}"),
            Some(EventKind::Void),
            lean(&body)?,
        );
        self.send(store, lane, at, request)
    }

    /// Gives each tender of a payment provider a refund reference. Returns false if the provider has no such
    /// references: then the request omits the tenders, and the host derives them from the sale.
    fn add_references(&mut self, tenders: &mut [Tender]) -> bool {
        let payments = &self.assortment.payments;
        let Some(reference) = &payments.refund_reference else {
            return false;
        };
        for tender in tenders
            .iter_mut()
            .filter(|tender| tender.provider.is_some())
        {
            let digits = self.random.digits(payments.digits);
            tender.modification_reference = Some(format!("{reference}{digits}"));
        }
        true
    }

    /// Adds a verification: staff compare a paid basket with its order.
    pub(super) fn add_verification(&mut self, number: usize) -> Result<()> {
        let chosen = self.draw_order(|order| !order.voided && !order.verified)?;
        let at = self.orders[chosen].paid + self.random.between(5, 25);
        // Every fourth verification finds a difference, with the outcomes in turn.
        let outcomes = &self.assortment.habits.outcomes;
        let Some((correct, differences)) = outcomes.split_first() else {
            bail!("[habits] outcomes: must not be empty if `verified` is set");
        };
        let difference = (number % 4 == 3)
            .then(|| differences.get(number / 4 % differences.len().max(1)))
            .flatten();
        let order = &mut self.orders[chosen];
        order.verified = true;
        let articles = order
            .sale
            .lines
            .iter()
            .filter(|line| line.kind == LineKind::Item);
        let refused: Vec<u32> = match difference {
            Some(_) => articles.take(1).map(|line| line.number).collect(),
            None => vec![],
        };
        let (id, store, lane) = (order.id.clone(), order.store, order.workstation.clone());
        let staff = format!("{}-guard", self.stores[store].baskets.store.external_id);
        let verification = format!("c-{id}");
        let body = lean(&json!({
            "id": verification,
            "at": self.instant(store, at)?.to_string(),
            "cashier": staff,
            "outcome": difference.unwrap_or(correct),
            "refused_lines": refused,
        }))?;
        let path = format!("/v1/orders/{id}/verifications");
        let key = format!("verification:{verification}");
        self.send(
            store,
            &lane,
            at,
            Draft::new(&path, &key, Some(EventKind::Verification), body),
        )
    }
}
