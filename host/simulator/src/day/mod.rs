//! `cargo xtask day`: a seeded, realistic day of a retailer, as HTTP requests.
//!
//! Every sum is worked out by the host's own domain rules, so that what the host refuses cannot be
//! in a day. The same seed gives the same bytes.

mod after;
mod basket;
mod drawers;
mod refund;
mod settled;
mod shift;
#[cfg(test)]
mod tests;
mod till;

use crate::assortment::Assortment;
use crate::chance::Chance;
use crate::codes::Codes;
use crate::request::{Counts, MemberIs, Request, lean};
use anyhow::{Context, Result, bail};
use basket::Shelf;
pub(crate) use basket::gtin;
use galleria_domain::{Consent, Entry, Line, Member, Refund, Sale, Store, selling};
use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use serde_json::{Value, json};
pub use settled::Settled;
use shift::Shift;
use std::path::Path;

/// Shifts of each till, in seconds of the day: the morning's and the evening's.
const SHIFTS: [(i64, i64); 2] = [(9 * 3600 + 2700, 15 * 3600), (15 * 3600, 20 * 3600 + 900)];

/// Where orders come from that no till takes.
const APP: &str = "app";

/// Doors are open: seconds of the day.
const OPEN: (i64, i64) = (10 * 3600, 20 * 3600);

/// A day as it was drawn.
pub struct Drawn {
    /// The requests, one JSON object a line.
    pub text: String,
    /// What its provider will settle.
    pub settled: Vec<Settled>,
}

/// A day of the retailer in `folder`.
pub fn generate(folder: &Path, seed: u64, events: usize) -> Result<Drawn> {
    let (assortment, stores) = Assortment::read(folder)?;
    let date: Date = assortment.day.date.parse().context("[day] date")?;
    let mut places = Vec::new();
    for store in &stores {
        places.push(Place::new(&assortment, store, date)?);
    }
    let codes = match &assortment.members.codes {
        Some(codes) => Some(Codes::read(folder, codes)?),
        None => None,
    };
    let mut day = Day {
        chance: Chance::new(seed),
        assortment: &assortment,
        codes,
        date,
        places,
        requests: Vec::new(),
        orders: Vec::new(),
    };
    day.fill(events)?;
    Ok(Drawn {
        settled: day.settled()?,
        text: day.text()?,
    })
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
        for till in &assortment.habits.tills {
            for (number, (opens, closes)) in SHIFTS.into_iter().enumerate() {
                shifts.push(Shift {
                    id: format!("{}-{date}-{till}-{}", store.id, number + 1),
                    till: till.clone(),
                    cashier: format!("{}-{}", store.external_id, 10 + shifts.len()),
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
    verified: bool,
}

/// A request before its time and lane are known.
struct Asked {
    path: String,
    key: String,
    counts: Option<Counts>,
    body: Value,
    member: Option<MemberIs>,
}

impl Asked {
    /// A request that does not depend on a member.
    fn new(path: &str, key: &str, counts: Option<Counts>, body: Value) -> Self {
        Self {
            path: path.into(),
            key: key.into(),
            counts,
            body,
            member: None,
        }
    }
}

/// What was put into an order.
struct Basket {
    lines: Vec<Line>,
    training: bool,
}

struct Day<'a> {
    chance: Chance,
    assortment: &'a Assortment,
    codes: Option<Codes>,
    date: Date,
    places: Vec<Place<'a>>,
    /// With the second since the epoch, by which the day is sorted.
    requests: Vec<(i64, Request)>,
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
        let habits = &self.assortment.habits;
        let refunds = rest * habits.refunds / 100;
        let voids = rest * habits.voids / 100;
        // So many of those that are paid, which are what is left.
        let others = rest - refunds - voids;
        let verified = others * habits.verified / (100 + habits.verified);
        // Every other void undoes a payment; the others are of orders that were never paid.
        let undone = voids / 2;
        for number in 0..others - verified {
            self.sell(number)?;
        }
        for number in 0..refunds {
            self.give_back(number < habits.early_refunds)?;
        }
        for _ in 0..undone {
            self.undo()?;
        }
        for number in 0..voids - undone {
            self.abandon(number)?;
        }
        for number in 0..verified {
            self.verify(number)?;
        }
        self.count_drawers()
    }

    fn text(mut self) -> Result<String> {
        // Stable: what happens in one second keeps the order it was made in.
        self.requests.sort_by_key(|(second, _)| *second);
        let mut text = String::new();
        for (_, request) in &self.requests {
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
    fn send(&mut self, place: usize, lane: &str, sent: i64, request: Asked) -> Result<()> {
        let Asked {
            path,
            key,
            counts,
            body,
            member,
        } = request;
        let store = &self.places[place].shelf.store.id;
        let lane = format!("{store}/{lane}");
        let at = self.instant(place, sent)?;
        let request = Request {
            at: at.to_string(),
            lane,
            path,
            key,
            body,
            counts,
            member,
        };
        self.requests.push((at.as_second(), request));
        Ok(())
    }

    /// A place, a workstation with the shift of its drawer, and when.
    fn somewhere(&mut self) -> (usize, Option<usize>, String, i64) {
        let place = usize::try_from(self.chance.below(self.places.len() as u64)).unwrap_or(0);
        let shifts = &self.places[place].shifts;
        if self.chance.percent(self.assortment.habits.app) {
            let second = self.chance.between(OPEN.0, OPEN.1 - 1200);
            return (place, None, APP.into(), second);
        }
        let index = usize::try_from(self.chance.below(shifts.len() as u64)).unwrap_or(0);
        let shift = &shifts[index];
        let opens = shift.opens.max(OPEN.0 - 300) + 300;
        let second = self.chance.between(opens, shift.closes.min(OPEN.1) - 1200);
        (place, Some(index), shift.till.clone(), second)
    }

    /// Places an order.
    fn order(
        &mut self,
        id: &str,
        place: usize,
        shift: Option<usize>,
        workstation: &str,
        begun: i64,
    ) -> Result<Basket> {
        let begun_at = self.instant(place, begun)?;
        let here = &self.places[place];
        let cashier = shift.map(|index| here.shifts[index].cashier.clone());
        let checked = here.shelf.store.local_text(begun_at);
        let lines = here
            .shelf
            .basket(&mut self.chance, &checked, cashier.as_deref())?;
        let store = here.shelf.store;
        let habits = &self.assortment.habits;
        let (member, asked) = if self.chance.percent(habits.member) {
            self.member(id, store)
        } else {
            (None, None)
        };
        let consents: Vec<Consent> = match &member {
            Some(member) if self.chance.percent(habits.consent) => vec![Consent {
                subject: member.id.clone(),
                channel: "email".into(),
                granted: self.chance.percent(70),
                wording: "news-2026-01".into(),
                at: checked,
            }],
            _ => vec![],
        };
        let training = self.chance.percent(habits.training);
        let mut body = lean(&json!({
            "id": id,
            "store_id": store.id,
            "external_id": format!("{}{}", store.external_id, self.chance.digits(7)),
            "workstation": workstation,
            "cashier": cashier,
            "training": training,
            "begun_at": begun_at.to_string(),
            "lines": lines,
            "member": member,
            "consents": consents,
        }))?;
        let mut request = Asked::new("/v1/orders", &format!("order:{id}"), None, Value::Null);
        if let Some(asked) = asked {
            // Who it is, the host says: the order waits for that answer.
            if let Some(body) = body.as_object_mut() {
                body.remove("member");
            }
            request.member = Some(MemberIs::AnswerTo(asked.key.clone()));
            self.send(place, workstation, begun, asked)?;
        }
        request.body = body;
        self.send(place, workstation, begun, request)?;
        Ok(Basket { lines, training })
    }

    /// A member, and the question that finds out who it is where members show a code.
    fn member(&mut self, order: &str, store: &Store) -> (Option<Member>, Option<Asked>) {
        let programme = self.assortment.members.programme.clone();
        let member = |id: String| Member {
            id,
            programme,
            attributes: vec![],
        };
        let Some(codes) = &self.codes else {
            let id = format!("M{}", self.chance.digits(8));
            return (Some(member(id)), None);
        };
        let shown = codes.shown(&mut self.chance);
        let mut asked = Asked::new(
            &format!("/v1/stores/{}/members/identify", store.id),
            &format!("identify:{order}"),
            None,
            json!({ "code": shown.code }),
        );
        asked.member = Some(match &shown.number {
            Some(number) => MemberIs::Known(number.clone()),
            None => MemberIs::Nobody,
        });
        (shown.number.map(member), Some(asked))
    }

    fn id(&self, place: usize, kind: &str, number: usize) -> String {
        let store = &self.places[place].shelf.store.id;
        format!("{store}-{}-{kind}{:04}", self.date, number + 1)
    }

    fn sell(&mut self, number: usize) -> Result<()> {
        let (place, shift, workstation, begun) = self.somewhere();
        let id = self.id(place, "o", number);
        let Basket { lines, training } = self.order(&id, place, shift, &workstation, begun)?;

        let paid = begun + self.chance.between(40, 400);
        let mut sale = self.pay(place, shift, &id, lines)?;
        sale.entry.training = training;
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
        let request = Asked::new(
            &path,
            &format!("payment:{payment}"),
            Some(Counts::Payment),
            body,
        );
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
            verified: false,
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
        let store = self.places[place].shelf.store;
        let sums = selling::sums(&lines, store.minor_digits)
            .map_err(|problems| anyhow::anyhow!("order {id}: {problems:?}"))?;
        let mut paid = till::pay(
            &mut self.chance,
            self.assortment,
            store,
            sums.gross,
            shift.is_some(),
        )?;
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
        cashier: None,
        business_date: String::new(),
        begun_at: String::new(),
        ended_at: String::new(),
        currency: store.currency.clone(),
        training: false,
    }
}
