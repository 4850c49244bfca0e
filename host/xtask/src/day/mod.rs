//! `cargo xtask day`: a seeded, realistic day of a retailer, as HTTP requests.
//!
//! Every sum is worked out by the host's own domain rules, so that what the host refuses cannot be
//! in a day. The same seed gives the same bytes.

pub mod assortment;
mod basket;
mod chance;
mod refund;
mod request;
mod shift;
#[cfg(test)]
mod tests;
mod till;

use anyhow::{Context, Result, bail};
use assortment::{Assortment, Market};
use basket::Shelf;
use chance::Chance;
use galleria_domain::refunding::Extent;
use galleria_domain::{Consent, Entry, Line, Member, Refund, Sale, Store, VoidCause, selling};
use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use request::{Counts, Request, lean};
use serde_json::{Value, json};
use shift::Shift;
use std::path::Path;

/// Shifts of each till, in seconds of the day: the morning's and the evening's.
const SHIFTS: [(i64, i64); 2] = [(9 * 3600 + 2700, 15 * 3600), (15 * 3600, 20 * 3600 + 900)];

/// Tills of a store, each a workstation with a drawer; beside them the app, which has none.
const TILLS: [&str; 2] = ["till-1", "till-2"];
const APP: &str = "app";

/// Doors are open: seconds of the day.
const OPEN: (i64, i64) = (10 * 3600, 20 * 3600);

/// Refunds that are sent before their payment, as an app does that was offline.
const EARLY_REFUNDS: usize = 3;

/// Of a hundred events that are no shift.
const REFUNDS_PERCENT: usize = 10;
const VOIDS_PERCENT: usize = 7;

/// A day of the retailer in `folder`, one JSON object a line.
pub fn generate(folder: &Path, seed: u64, events: usize) -> Result<String> {
    let (assortment, stores) = Assortment::read(folder)?;
    let date: Date = assortment.day.date.parse().context("[day] date")?;
    let mut places = Vec::new();
    for store in &stores {
        places.push(Place::new(&assortment, store, date)?);
    }
    let mut day = Day {
        chance: Chance::new(seed),
        date,
        places,
        requests: Vec::new(),
        orders: Vec::new(),
    };
    day.fill(events)?;
    day.text()
}

/// A store on that day.
struct Place<'a> {
    shelf: Shelf<'a>,
    zone: TimeZone,
    shifts: Vec<Shift>,
}

impl<'a> Place<'a> {
    fn new(assortment: &'a Assortment, store: &'a Store, date: Date) -> Result<Self> {
        let mut shifts = Vec::new();
        for till in TILLS {
            for (number, (opens, closes)) in SHIFTS.into_iter().enumerate() {
                shifts.push(Shift {
                    id: format!("{}-{date}-{till}-{}", store.id, number + 1),
                    till: till.into(),
                    operator: format!("{}-{}", store.external_id, 10 + shifts.len()),
                    opens,
                    closes,
                    cash: 0,
                });
            }
        }
        Ok(Self {
            shelf: Shelf {
                assortment,
                store,
                market: assortment.market(store)?,
            },
            zone: TimeZone::get(&store.zone)?,
            shifts,
        })
    }
}

/// An order that was paid, and what came after.
struct Order {
    id: String,
    place: usize,
    /// Its shift in the place; none for the app.
    shift: Option<usize>,
    workstation: String,
    paid: i64,
    sale: Sale,
    refunds: Vec<Refund>,
    voided: bool,
}

struct Day<'a> {
    chance: Chance,
    date: Date,
    places: Vec<Place<'a>>,
    requests: Vec<Request>,
    orders: Vec<Order>,
}

impl Day<'_> {
    fn fill(&mut self, events: usize) -> Result<()> {
        let shifts: usize = self.places.iter().map(|place| place.shifts.len()).sum();
        let Some(rest) = events.checked_sub(shifts).filter(|rest| *rest >= 50) else {
            bail!(
                "a day of {shifts} shifts has at least {} events",
                shifts + 50
            );
        };
        let refunds = rest * REFUNDS_PERCENT / 100;
        let voids = rest * VOIDS_PERCENT / 100;
        // Every other void undoes a payment; the others are of orders that were never paid.
        let undone = voids / 2;
        for number in 0..rest - refunds - voids {
            self.sell(number)?;
        }
        for number in 0..refunds {
            self.give_back(number < EARLY_REFUNDS)?;
        }
        for _ in 0..undone {
            self.undo()?;
        }
        for number in 0..voids - undone {
            self.abandon(number)?;
        }
        self.count_drawers()
    }

    fn text(mut self) -> Result<String> {
        // Stable: what happens in one second keeps the order it was made in.
        self.requests.sort_by_key(|request| request.second);
        let mut text = String::new();
        for request in &self.requests {
            text.push_str(&request.line()?);
            text.push('\n');
        }
        Ok(text)
    }

    fn instant(&self, place: usize, second: i64) -> Result<Timestamp> {
        let civil = self
            .date
            .at(0, 0, 0, 0)
            .checked_add(jiff::Span::new().seconds(second))?;
        Ok(self.places[place].zone.to_timestamp(civil)?)
    }

    /// Adds a request that is sent at `sent` and tells what happened at `second`.
    fn send(
        &mut self,
        place: usize,
        lane: &str,
        sent: i64,
        request: (String, String, Counts, Value),
    ) -> Result<()> {
        let (path, key, counts, body) = request;
        let store = &self.places[place].shelf.store.id;
        let lane = format!("{store}/{lane}");
        let at = self.instant(place, sent)?;
        self.requests.push(Request {
            second: at.as_second(),
            at: at.to_string(),
            lane,
            path,
            key,
            body,
            counts,
        });
        Ok(())
    }

    /// A place, a workstation with the shift of its drawer, and when.
    fn somewhere(&mut self) -> (usize, Option<usize>, String, i64) {
        let place = usize::try_from(self.chance.below(self.places.len() as u64)).unwrap_or(0);
        let shifts = &self.places[place].shifts;
        if self.chance.percent(35) {
            let second = self.chance.between(OPEN.0, OPEN.1 - 1200);
            return (place, None, APP.into(), second);
        }
        let index = usize::try_from(self.chance.below(shifts.len() as u64)).unwrap_or(0);
        let shift = &shifts[index];
        let opens = shift.opens.max(OPEN.0 - 300) + 300;
        let second = self.chance.between(opens, shift.closes.min(OPEN.1) - 1200);
        (place, Some(index), shift.till.clone(), second)
    }

    /// Places an order; its lines and when it was begun.
    fn order(
        &mut self,
        id: &str,
        place: usize,
        shift: Option<usize>,
        workstation: &str,
        begun: i64,
    ) -> Result<(Vec<Line>, Value)> {
        let begun_at = self.instant(place, begun)?;
        let here = &self.places[place];
        let operator = shift.map(|index| here.shifts[index].operator.clone());
        let checked = here.shelf.store.local_text(begun_at);
        let lines = here
            .shelf
            .basket(&mut self.chance, &checked, operator.as_deref())?;
        let store = here.shelf.store;
        let member = self.chance.percent(25).then(|| Member {
            id: format!("M{}", self.chance.digits(8)),
            programme: "club".into(),
            attributes: vec![],
        });
        let consents: Vec<Consent> = match &member {
            Some(member) if self.chance.percent(20) => vec![Consent {
                subject: member.id.clone(),
                channel: "email".into(),
                granted: self.chance.percent(70),
                wording: "news-2026-01".into(),
                at: checked,
            }],
            _ => vec![],
        };
        let training = self.chance.percent(1);
        let body = lean(&json!({
            "id": id,
            "store_id": store.id,
            "external_id": format!("{}{}", store.external_id, self.chance.digits(7)),
            "workstation": workstation,
            "operator": operator,
            "training": training,
            "begun_at": begun_at.to_string(),
            "lines": lines,
            "member": member,
            "consents": consents,
        }))?;
        Ok((lines, body))
    }

    fn id(&self, place: usize, kind: &str, number: usize) -> String {
        let store = &self.places[place].shelf.store.id;
        format!("{store}-{}-{kind}{:04}", self.date, number + 1)
    }

    fn sell(&mut self, number: usize) -> Result<()> {
        let (place, shift, workstation, begun) = self.somewhere();
        let id = self.id(place, "o", number);
        let (lines, body) = self.order(&id, place, shift, &workstation, begun)?;
        let request = (
            "/v1/orders".into(),
            format!("order:{id}"),
            Counts::Nothing,
            body,
        );
        self.send(place, &workstation, begun, request)?;

        let paid = begun + self.chance.between(40, 400);
        let sale = self.pay(place, shift, &id, lines)?;
        let payment = format!("p-{id}");
        let shift_id = shift.map(|index| self.places[place].shifts[index].id.clone());
        let body = lean(&json!({
            "id": payment,
            "at": self.instant(place, paid)?.to_string(),
            "tenders": sale.tenders,
            "rounding": sale.rounding,
            "shift_id": shift_id,
        }))?;
        let path = format!("/v1/orders/{id}/payments");
        let request = (path, format!("payment:{payment}"), Counts::Payment, body);
        self.send(place, &workstation, paid, request)?;
        self.orders.push(Order {
            id,
            place,
            shift,
            workstation,
            paid,
            sale,
            refunds: vec![],
            voided: false,
        });
        Ok(())
    }

    /// The sale as the host will see it, as far as refunds need it.
    fn pay(
        &mut self,
        place: usize,
        shift: Option<usize>,
        id: &str,
        lines: Vec<Line>,
    ) -> Result<Sale> {
        let Shelf { store, market, .. } = self.places[place].shelf;
        let sums = selling::sums(&lines, store.minor_digits)
            .map_err(|problems| anyhow::anyhow!("order {id}: {problems:?}"))?;
        let mut paid = till::pay(&mut self.chance, store, market, sums.gross, shift.is_some())?;
        for tender in paid
            .tenders
            .iter_mut()
            .filter(|tender| tender.provider.is_some())
        {
            tender.merchant_reference = Some(id.to_owned());
        }
        selling::check_paid(&paid.tenders, sums.gross, paid.rounding)
            .map_err(|problems| anyhow::anyhow!("order {id}: {problems:?}"))?;
        if let Some(index) = shift {
            self.places[place].shifts[index].book(&paid.tenders, false);
        }
        Ok(Sale {
            entry: entry_of(id, store),
            member: None,
            lines,
            tenders: paid.tenders,
            taxes: sums.taxes,
            rounding: paid.rounding,
            net: sums.net,
            gross: sums.gross,
            consents: vec![],
            attributes: vec![],
        })
    }

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

    fn give_back(&mut self, early: bool) -> Result<()> {
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
            if let Some(back) =
                refund::refund(&mut self.chance, market, &order.sale, &order.refunds)
            {
                return self.refund(chosen, back, early);
            }
        }
        bail!("no order could be refunded")
    }

    fn refund(&mut self, chosen: usize, back: refund::Back, early: bool) -> Result<()> {
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
            "rounding": back.rounding,
            "shift_id": shift.map(|shift| &shift.id),
            "operator": shift.map(|shift| &shift.operator),
        }))?;
        debug_assert!(!matches!(back.extent, Extent::Lines(ref lines) if lines.is_empty()));
        // A second before its payment, or when it happens.
        let sent = if early { order.paid - 1 } else { after };
        if let Some(index) = order.shift {
            self.places[place].shifts[index].book(&back.refund.tenders, true);
        }
        self.orders[chosen].refunds.push(back.refund);
        let path = format!("/v1/orders/{id}/refunds");
        self.send(
            place,
            &lane,
            sent,
            (path, format!("refund:{refund}"), Counts::Refund, body),
        )
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

    fn undo(&mut self) -> Result<()> {
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
        let (shift_id, operator) = shift
            .map(|shift| (shift.id.clone(), shift.operator.clone()))
            .unzip();
        self.void(
            place,
            &lane,
            &id,
            at,
            json!({
                "cause": VoidCause::PostVoid,
                "shift_id": shift_id,
                "operator": operator,
            }),
        )
    }

    fn abandon(&mut self, number: usize) -> Result<()> {
        let (place, shift, workstation, begun) = self.somewhere();
        let id = self.id(place, "x", number);
        let (_, body) = self.order(&id, place, shift, &workstation, begun)?;
        let request = (
            "/v1/orders".into(),
            format!("order:{id}"),
            Counts::Nothing,
            body,
        );
        self.send(place, &workstation, begun, request)?;
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
        self.send(
            place,
            lane,
            at,
            (path, format!("void:{id}"), Counts::Void, lean(&body)?),
        )
    }

    fn count_drawers(&mut self) -> Result<()> {
        let mut number = 0;
        for place in 0..self.places.len() {
            for index in 0..self.places[place].shifts.len() {
                self.count_drawer(place, index, number)?;
                number += 1;
            }
        }
        Ok(())
    }

    fn count_drawer(&mut self, place: usize, index: usize, number: usize) -> Result<()> {
        let Place { shelf, shifts, .. } = &self.places[place];
        let shift = &shifts[index];
        let count = shift.count(&mut self.chance, shelf.market, number);
        let (id, lane, opens, closes) = (
            shift.id.clone(),
            shift.till.clone(),
            shift.opens,
            shift.closes,
        );
        let open = lean(&json!({
            "id": id,
            "store_id": shelf.store.id,
            "workstation": lane,
            "till": lane,
            "operator": shift.operator,
            "opened_at": self.instant(place, opens)?.to_string(),
            "opening_float": shelf.market.opening_float,
        }))?;
        // A second before the next shift of the till opens.
        let ended = closes - 1;
        let end = lean(&json!({
            "at": self.instant(place, ended)?.to_string(),
            "counted": count.counted,
            "paid_in": count.paid_in,
            "paid_out": count.paid_out,
            "pickups": count.pickups,
            "operator": shift.operator,
        }))?;
        let request = (
            "/v1/shifts".into(),
            format!("shift:{id}"),
            Counts::Nothing,
            open,
        );
        self.send(place, &lane, opens, request)?;
        let path = format!("/v1/shifts/{id}/end");
        self.send(
            place,
            &lane,
            ended,
            (path, format!("shift-end:{id}"), Counts::Shift, end),
        )
    }
}

/// The numbers of an entry are the host's; refunds are worked out without them.
fn entry_of(id: &str, store: &Store) -> Entry {
    Entry {
        id: format!("p-{id}"),
        order_id: id.into(),
        external_id: None,
        workstation: String::new(),
        sequence: 0,
        receipt: String::new(),
        operator: None,
        business_date: String::new(),
        begun_at: String::new(),
        ended_at: String::new(),
        currency: store.currency.clone(),
        training: false,
    }
}
