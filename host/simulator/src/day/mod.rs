//! A realistic day of a retailer, as HTTP requests.
//!
//! The sums follow the rules of `galleria-domain`, so a day contains no request that the host rejects. The
//! same seed gives the same bytes.

mod after;
mod basket;
mod draft;
mod drawers;
mod refund;
mod settled;
mod shift;
mod store_day;
#[cfg(test)]
mod tests;
mod till;

use crate::assortment::Assortment;
use crate::codes::CodeMaker;
use crate::random::Random;
use crate::request::{EventKind, MemberExpectation, Request, lean};
use anyhow::{Context, Result, bail};
use draft::Draft;
use galleria_domain::{Consent, Entry, Line, Member, Refund, Sale, Store, selling};
use jiff::Timestamp;
use jiff::civil::Date;
use serde_json::{Value, json};
pub use settled::SettledTender;
use std::path::Path;
use store_day::StoreDay;

/// The workstation of orders that are not placed at a till.
const APP: &str = "app";

/// Opening hours, in seconds of the day.
const OPEN: (i64, i64) = (10 * 3600, 20 * 3600);

/// A generated day.
pub struct SampleDay {
    /// The requests, one JSON object per line.
    pub text: String,
    /// The tenders that the payment provider will settle.
    pub settled: Vec<SettledTender>,
}

/// Generates a day of the retailer in `folder` with the given number of events.
pub fn generate(folder: &Path, seed: u64, events: usize) -> Result<SampleDay> {
    let (assortment, stores) = Assortment::read(folder)?;
    let date: Date = assortment.day.date.parse().context("[day] date")?;
    let mut store_days = Vec::new();
    for store in &stores {
        store_days.push(StoreDay::new(&assortment, store, date)?);
    }
    let codes = match &assortment.members.codes {
        Some(codes) => Some(CodeMaker::read(folder, codes)?),
        None => None,
    };
    let mut day = Day {
        random: Random::new(seed),
        assortment: &assortment,
        codes,
        date,
        stores: store_days,
        requests: Vec::new(),
        orders: Vec::new(),
    };
    day.fill(events)?;
    Ok(SampleDay {
        settled: day.settled()?,
        text: day.text()?,
    })
}

/// A paid order with its later events.
struct Order {
    id: String,
    /// Index of the store.
    store: usize,
    /// Index of the shift in its store; none for the app.
    shift: Option<usize>,
    workstation: String,
    /// Second of the day.
    paid: i64,
    sale: Sale,
    refunds: Vec<Refund>,
    voided: bool,
    verified: bool,
}

/// The content of an order.
struct Basket {
    lines: Vec<Line>,
    training: bool,
}

struct Day<'a> {
    random: Random,
    assortment: &'a Assortment,
    codes: Option<CodeMaker>,
    date: Date,
    stores: Vec<StoreDay<'a>>,
    /// With the second since the epoch, by which the day is sorted.
    requests: Vec<(i64, Request)>,
    orders: Vec<Order>,
}

impl Day<'_> {
    fn fill(&mut self, events: usize) -> Result<()> {
        let shifts: usize = self.stores.iter().map(|store| store.shifts.len()).sum();
        let Some(remaining) = events
            .checked_sub(shifts)
            .filter(|remaining| *remaining >= 50)
        else {
            bail!(
                "events: must be at least {}, because the day has {shifts} shifts",
                shifts + 50
            );
        };
        let habits = &self.assortment.habits;
        let refunds = remaining * habits.refunds / 100;
        let voids = remaining * habits.voids / 100;
        // `verified` is a percentage of the payments, so both together are `others`.
        let others = remaining - refunds - voids;
        let verified = others * habits.verified / (100 + habits.verified);
        // Half of the voids cancel a payment. The other half cancel orders that were not paid.
        let post_voids = voids / 2;
        for number in 0..others - verified {
            self.add_sale(number)?;
        }
        for number in 0..refunds {
            self.add_refund(number < habits.early_refunds)?;
        }
        for _ in 0..post_voids {
            self.add_post_void()?;
        }
        for number in 0..voids - post_voids {
            self.add_unpaid_void(number)?;
        }
        for number in 0..verified {
            self.add_verification(number)?;
        }
        self.count_drawers()
    }

    fn text(mut self) -> Result<String> {
        // A stable sort keeps the order of requests within one second.
        self.requests.sort_by_key(|(second, _)| *second);
        let mut text = String::new();
        for (_, request) in &self.requests {
            text.push_str(&request.line()?);
            text.push('\n');
        }
        Ok(text)
    }

    fn instant(&self, store: usize, second: i64) -> Result<Timestamp> {
        let civil = self
            .date
            .at(0, 0, 0, 0)
            .checked_add(jiff::Span::new().seconds(second))?;
        Ok(self.stores[store].zone.to_timestamp(civil)?)
    }

    /// Adds a request that is sent at the second `sent`.
    fn send(&mut self, store: usize, lane: &str, sent: i64, request: Draft) -> Result<()> {
        let Draft {
            path,
            key,
            counts,
            body,
            member,
        } = request;
        let store_id = &self.stores[store].baskets.store.id;
        let lane = format!("{store_id}/{lane}");
        let at = self.instant(store, sent)?;
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

    /// Draws a store, the shift if it is at a till, the workstation, and the second of the day.
    fn draw_workstation(&mut self) -> (usize, Option<usize>, String, i64) {
        let store = usize::try_from(self.random.below(self.stores.len() as u64)).unwrap_or(0);
        let shifts = &self.stores[store].shifts;
        if self.random.percent(self.assortment.habits.app) {
            let second = self.random.between(OPEN.0, OPEN.1 - 1200);
            return (store, None, APP.into(), second);
        }
        let index = usize::try_from(self.random.below(shifts.len() as u64)).unwrap_or(0);
        let shift = &shifts[index];
        let opens = shift.opens.max(OPEN.0 - 300) + 300;
        let second = self.random.between(opens, shift.closes.min(OPEN.1) - 1200);
        (store, Some(index), shift.till.clone(), second)
    }

    /// Adds the request that places an order.
    fn add_order(
        &mut self,
        id: &str,
        store_index: usize,
        shift: Option<usize>,
        workstation: &str,
        begun: i64,
    ) -> Result<Basket> {
        let begun_at = self.instant(store_index, begun)?;
        let here = &self.stores[store_index];
        let cashier = shift.map(|index| here.shifts[index].cashier.clone());
        let local_time = here.baskets.store.local_text(begun_at);
        let lines = here
            .baskets
            .basket(&mut self.random, &local_time, cashier.as_deref())?;
        let store = here.baskets.store;
        let habits = &self.assortment.habits;
        let (member, identification) = if self.random.percent(habits.member) {
            self.member(id, store)
        } else {
            (None, None)
        };
        let consents: Vec<Consent> = match &member {
            Some(member) if self.random.percent(habits.consent) => vec![Consent {
                subject: member.id.clone(),
                channel: "email".into(),
                granted: self.random.percent(70),
                wording: "news-2026-01".into(),
                at: local_time,
            }],
            _ => vec![],
        };
        let training = self.random.percent(habits.training);
        let mut body = lean(&json!({
            "id": id,
            "store_id": store.id,
            "external_id": format!("{}{}", store.external_id, self.random.digits(7)),
            "workstation": workstation,
            "cashier": cashier,
            "training": training,
            "begun_at": begun_at.to_string(),
            "lines": lines,
            "member": member,
            "consents": consents,
        }))?;
        let mut request = Draft::new("/v1/orders", &format!("order:{id}"), None, Value::Null);
        if let Some(identification) = identification {
            // The order gets the member from the response of the host.
            if let Some(body) = body.as_object_mut() {
                body.remove("member");
            }
            request.member = Some(MemberExpectation::AnswerTo(identification.key.clone()));
            self.send(store_index, workstation, begun, identification)?;
        }
        request.body = body;
        self.send(store_index, workstation, begun, request)?;
        Ok(Basket { lines, training })
    }

    /// Draws a member, and the identification request if members show a code.
    fn member(&mut self, order: &str, store: &Store) -> (Option<Member>, Option<Draft>) {
        let programme = self.assortment.members.programme.clone();
        let member = |id: String| Member {
            id,
            programme,
            attributes: vec![],
        };
        let Some(codes) = &self.codes else {
            let id = format!("M{}", self.random.digits(8));
            return (Some(member(id)), None);
        };
        let shown = codes.draw(&mut self.random);
        let mut identification = Draft::new(
            &format!("/v1/stores/{}/members/identify", store.id),
            &format!("identify:{order}"),
            None,
            json!({ "code": shown.code }),
        );
        identification.member = Some(match &shown.number {
            Some(number) => MemberExpectation::Known(number.clone()),
            None => MemberExpectation::Nobody,
        });
        (shown.number.map(member), Some(identification))
    }

    fn id(&self, store: usize, kind: &str, number: usize) -> String {
        let store = &self.stores[store].baskets.store.id;
        format!("{store}-{}-{kind}{:04}", self.date, number + 1)
    }

    fn add_sale(&mut self, number: usize) -> Result<()> {
        let (store, shift, workstation, begun) = self.draw_workstation();
        let id = self.id(store, "o", number);
        let Basket { lines, training } = self.add_order(&id, store, shift, &workstation, begun)?;

        let paid = begun + self.random.between(40, 400);
        let mut sale = self.pay(store, shift, &id, lines)?;
        sale.entry.training = training;
        let payment = format!("p-{id}");
        let shift_id = shift.map(|index| self.stores[store].shifts[index].id.clone());
        let body = lean(&json!({
            "id": payment,
            "at": self.instant(store, paid)?.to_string(),
            "tenders": sale.tenders,
            "rounding": sale.rounding,
            "shift_id": shift_id,
        }))?;
        let path = format!("/v1/orders/{id}/payments");
        let request = Draft::new(
            &path,
            &format!("payment:{payment}"),
            Some(EventKind::Payment),
            body,
        );
        self.send(store, &workstation, paid, request)?;
        self.orders.push(Order {
            id,
            store,
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

    /// Draws the tenders. Returns the sale of the host, as far as refunds need it.
    fn pay(
        &mut self,
        store_index: usize,
        shift: Option<usize>,
        id: &str,
        lines: Vec<Line>,
    ) -> Result<Sale> {
        let store = self.stores[store_index].baskets.store;
        let sums = selling::sum_lines(&lines, store.minor_digits)
            .map_err(|problems| anyhow::anyhow!("order {id}: {problems:?}"))?;
        let mut paid = till::pay(
            &mut self.random,
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
        selling::check_paid(
            &paid.tenders,
            sums.gross,
            paid.rounding,
            store.cash_step_in_minor(),
        )
        .map_err(|problems| anyhow::anyhow!("order {id}: {problems:?}"))?;
        if let Some(index) = shift {
            self.stores[store_index].shifts[index].post(&paid.tenders, false);
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

/// Returns an entry without the numbers that the host assigns. Refunds do not need them.
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
