//! What comes after orders: refunds, voids, and staff who look into baskets.

use super::{Asked, Day, OPEN, Order, refund};
use crate::assortment::Market;
use crate::request::{Counts, lean};
use anyhow::{Result, bail};
use galleria_domain::refunding::Extent;
use galleria_domain::{LineKind, Tender, VoidCause};
use serde_json::{Value, json};

impl Day<'_> {
    /// Some order that fits, by chance.
    fn some_order(&mut self, fits: impl Fn(&Order) -> bool) -> Result<usize> {
        let fitting: Vec<usize> = (0..self.orders.len())
            .filter(|index| fits(&self.orders[*index]))
            .collect();
        if fitting.is_empty() {
            bail!("too few orders for so many refunds and voids");
        }
        Ok(*self.chance.pick(&fitting))
    }

    pub(super) fn give_back(&mut self, early: bool) -> Result<()> {
        // Chance may propose what does not fit; a day that never fits would be a mistake here.
        for _ in 0..1000 {
            let chosen = self.some_order(|order| {
                let app = order.shift.is_none();
                !order.voided
                    && order.refunds.len() < 2
                    && (!early || app && order.refunds.is_empty())
            })?;
            let order = &self.orders[chosen];
            let market: &Market = self.places[order.place].shelf.market;
            if let Some(back) = refund::refund(
                &mut self.chance,
                &self.assortment.habits,
                market,
                &order.sale,
                &order.refunds,
            ) {
                return self.refund(chosen, back, early);
            }
        }
        bail!("no order could be refunded")
    }

    fn refund(&mut self, chosen: usize, mut back: refund::Back, early: bool) -> Result<()> {
        let refers = self.refer(&mut back.refund.tenders);
        let number = self.orders[chosen].refunds.len() + 1;
        let after = self.after(chosen, number);
        let order = &self.orders[chosen];
        let (id, place, lane) = (order.id.clone(), order.place, order.workstation.clone());
        let refund = format!("r-{id}-{number}");
        let shift = order.shift.map(|index| &self.places[place].shifts[index]);
        let body = lean(&json!({
            "id": refund,
            "at": self.instant(place, after)?.to_string(),
            "reason": back.reason,
            "extent": back.extent,
            "tenders": refers.then_some(&back.refund.tenders),
            "rounding": back.rounding,
            "shift_id": shift.map(|shift| &shift.id),
            "cashier": shift.map(|shift| &shift.cashier),
        }))?;
        debug_assert!(!matches!(back.extent, Extent::Lines(ref lines) if lines.is_empty()));
        // A second before its payment, or when it happens.
        let sent = if early { order.paid - 1 } else { after };
        if let Some(index) = order.shift {
            self.places[place].shifts[index].book(&back.refund.tenders, true);
        }
        back.refund.entry.ended_at = self.instant(place, after)?.to_string();
        self.orders[chosen].refunds.push(back.refund);
        let path = format!("/v1/orders/{id}/refunds");
        let request = Asked::new(
            &path,
            &format!("refund:{refund}"),
            Some(Counts::Refund),
            body,
        );
        self.send(place, &lane, sent, request)
    }

    /// A moment after the payment, and before the drawer is counted. `number` counts what came after.
    fn after(&mut self, chosen: usize, number: usize) -> i64 {
        let order = &self.orders[chosen];
        let closes = order.shift.map_or(OPEN.1 + 900, |index| {
            self.places[order.place].shifts[index].closes
        });
        let span = (closes - order.paid - 60) / 3;
        let from = order.paid + span * (number.cast_signed() as i64 - 1) + 30;
        self.chance.between(from, from + span.max(31) - 31)
    }

    pub(super) fn undo(&mut self) -> Result<()> {
        let chosen = self.some_order(|order| !order.voided && order.refunds.is_empty())?;
        let at = self.after(chosen, 1);
        let order = &mut self.orders[chosen];
        order.voided = true;
        let (id, place, lane) = (order.id.clone(), order.place, order.workstation.clone());
        let mut shift = order
            .shift
            .map(|index| &mut self.places[place].shifts[index]);
        if let Some(shift) = shift.as_mut() {
            shift.book(&order.sale.tenders, true);
        }
        let (shift_id, cashier) = shift
            .map(|shift| (shift.id.clone(), shift.cashier.clone()))
            .unzip();
        self.void(
            place,
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

    pub(super) fn abandon(&mut self, number: usize) -> Result<()> {
        let (place, shift, workstation, begun) = self.somewhere();
        let id = self.id(place, "x", number);
        self.order(&id, place, shift, &workstation, begun)?;
        let cause = match number % 4 {
            0 => VoidCause::PaymentFailed,
            1 => VoidCause::Suspended,
            _ => VoidCause::Abandoned,
        };
        let at = begun + self.chance.between(60, 600);
        self.void(place, &workstation, &id, at, json!({ "cause": cause }))
    }

    fn void(
        &mut self,
        place: usize,
        lane: &str,
        order: &str,
        at: i64,
        mut body: Value,
    ) -> Result<()> {
        let id = format!("v-{order}");
        body["id"] = json!(id);
        body["at"] = json!(self.instant(place, at)?.to_string());
        let path = format!("/v1/orders/{order}/voids");
        let request = Asked::new(
            &path,
            &format!("void:{id}"),
            Some(Counts::Void),
            lean(&body)?,
        );
        self.send(place, lane, at, request)
    }

    /// Gives each tender that a provider pays back the provider's reference of the refund. False
    /// where the provider has none: then the host works the tenders out from the sale's.
    fn refer(&mut self, tenders: &mut [Tender]) -> bool {
        let payments = &self.assortment.payments;
        let Some(reference) = &payments.refund_reference else {
            return false;
        };
        for tender in tenders
            .iter_mut()
            .filter(|tender| tender.provider.is_some())
        {
            let digits = self.chance.digits(payments.digits);
            tender.modification_reference = Some(format!("{reference}{digits}"));
        }
        true
    }

    /// Staff look into a basket that was paid, before the customer leaves.
    pub(super) fn verify(&mut self, number: usize) -> Result<()> {
        let chosen = self.some_order(|order| !order.voided && !order.verified)?;
        let at = self.orders[chosen].paid + self.chance.between(5, 25);
        // Every fourth finds something, each outcome in its turn.
        let outcomes = &self.assortment.habits.outcomes;
        let Some((right, wrong)) = outcomes.split_first() else {
            bail!("[habits] verified needs outcomes");
        };
        let found = (number % 4 == 3)
            .then(|| wrong.get(number / 4 % wrong.len().max(1)))
            .flatten();
        let order = &mut self.orders[chosen];
        order.verified = true;
        let articles = order
            .sale
            .lines
            .iter()
            .filter(|line| line.kind == LineKind::Item);
        let refused: Vec<u32> = match found {
            Some(_) => articles.take(1).map(|line| line.number).collect(),
            None => vec![],
        };
        let (id, place, lane) = (order.id.clone(), order.place, order.workstation.clone());
        let staff = format!("{}-guard", self.places[place].shelf.store.external_id);
        let verification = format!("c-{id}");
        let body = lean(&json!({
            "id": verification,
            "at": self.instant(place, at)?.to_string(),
            "cashier": staff,
            "outcome": found.unwrap_or(right),
            "refused_lines": refused,
        }))?;
        let path = format!("/v1/orders/{id}/verifications");
        let key = format!("verification:{verification}");
        self.send(
            place,
            &lane,
            at,
            Asked::new(&path, &key, Some(Counts::Verification), body),
        )
    }
}
