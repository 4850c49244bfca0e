//! The day's own books: what each event must be, reckoned from the requests and the numbers that
//! the host gave, without a look at what the host made of it.

use crate::request::Answered;
use anyhow::{Context, Result, anyhow};
use galleria_domain::refunding::{Extent, Resolved, resolve};
use galleria_domain::{
    Cancellation, Entry, Line, Money, Origin, Problem, Refund, Sale, Shift, Store, Tender,
    TenderTotal, Verification, VoidCause, selling,
};
use jiff::Timestamp;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// An event as it must be told.
pub struct Told {
    /// `sale`, `refund`, `void`, `shift` or `verification`.
    pub kind: &'static str,
    /// The host's id of the event.
    pub event: String,
    /// The order it is about; none for a shift.
    pub order: Option<String>,
    /// Whose it is.
    pub retailer: String,
    /// The store's id, and its digits after the mark.
    pub store: String,
    pub minor_digits: u8,
    /// In the contract's JSON.
    pub argument: Value,
}

/// Drawers that were counted.
#[derive(Default)]
pub struct Drawers {
    pub even: usize,
    pub over: usize,
    pub short: usize,
}

/// Everything that was told.
pub struct Books<'a> {
    stores: Vec<&'a Store>,
    orders: BTreeMap<String, Value>,
    sales: BTreeMap<String, Sale>,
    refunds: BTreeMap<String, Vec<Refund>>,
    shifts: BTreeMap<String, Opened>,
    pub told: Vec<Told>,
    pub drawers: Drawers,
    /// By retailer.
    pub codes: BTreeMap<String, Codes>,
}

/// Codes that were shown.
#[derive(Default)]
pub struct Codes {
    /// Members whom the host told.
    pub identified: usize,
    /// The bodies of the refusals, and how often each was read.
    pub refused: BTreeMap<String, usize>,
}

struct Opened {
    body: Value,
    sums: Sums,
}

#[derive(Default)]
struct Sums {
    tenders: Vec<TenderTotal>,
    transactions: u32,
    net_sales: Money,
    net_refunds: Money,
    tax: Money,
}

impl<'a> Books<'a> {
    /// Reckons a day that was sent.
    pub fn of(stores: Vec<&'a Store>, day: &[Answered]) -> Result<Self> {
        let mut books = Self {
            stores,
            orders: BTreeMap::new(),
            sales: BTreeMap::new(),
            refunds: BTreeMap::new(),
            shifts: BTreeMap::new(),
            told: Vec::new(),
            drawers: Drawers::default(),
            codes: BTreeMap::new(),
        };
        // A refund may come before its payment: it is reckoned when the payment is known.
        let mut early: Vec<&Answered> = Vec::new();
        for one in day {
            let path = one.request.path.trim_start_matches("/v1/");
            let parts: Vec<&str> = path.split('/').collect();
            let told = match parts[..] {
                ["orders", order, "refunds"] if !books.sales.contains_key(order) => {
                    early.push(one);
                    Ok(())
                }
                ["orders", order, "payments"] => books.sale(order, one).and_then(|()| {
                    let waiting = format!("/v1/orders/{order}/refunds");
                    let ready = early.iter().filter(|other| other.request.path == waiting);
                    ready
                        .into_iter()
                        .try_for_each(|other| books.refund(order, other))
                }),
                ["orders", order, "refunds"] => books.refund(order, one),
                ["orders", order, "voids"] => books.void(order, one),
                ["orders", order, "verifications"] => books.verification(order, one),
                ["stores", store, "members", "identify"] => books.code(store, one),
                ["shifts", id, "end"] => books.shift(id, one),
                ["orders"] => books.keep(one),
                ["shifts"] => books.open(one),
                _ => Err(anyhow!("no such request in a day")),
            };
            told.with_context(|| format!("{} {}", one.request.path, one.request.key))?;
        }
        Ok(books)
    }

    fn keep(&mut self, one: &Answered) -> Result<()> {
        let body = &one.request.body;
        self.orders.insert(field(body, "id")?, body.clone());
        Ok(())
    }

    fn open(&mut self, one: &Answered) -> Result<()> {
        let body = one.request.body.clone();
        let sums = Sums::default();
        self.shifts
            .insert(field(&body, "id")?, Opened { body, sums });
        Ok(())
    }

    fn store(&self, id: &str) -> Result<&'a Store> {
        let found = self.stores.iter().copied().find(|store| store.id == id);
        found.with_context(|| format!("store {id}"))
    }

    fn store_of(&self, order: &str) -> Result<&'a Store> {
        let order = self.orders.get(order).context("its order")?;
        self.store(&field::<String>(order, "store_id")?)
    }

    fn sale(&mut self, order_id: &str, one: &Answered) -> Result<()> {
        let order = self.orders.get(order_id).context("its order")?;
        let store = self.store_of(order_id)?;
        let body = &one.request.body;
        let lines: Vec<Line> = field(order, "lines")?;
        let sums = selling::sums(&lines, store.minor_digits).map_err(wrong)?;
        let sale = Sale {
            entry: field(&one.answer, "entry")?,
            member: optional(order, "member")?,
            lines,
            tenders: field(body, "tenders")?,
            taxes: sums.taxes,
            rounding: optional(body, "rounding")?.unwrap_or_default(),
            net: sums.net,
            gross: sums.gross,
            consents: optional(order, "consents")?.unwrap_or_default(),
            attributes: optional(order, "attributes")?.unwrap_or_default(),
        };
        let tax = sale.gross - sale.net;
        self.book(body, &sale.tenders, sale.net, tax, false)?;
        self.tell("sale", one, Some(order_id), store, &sale)?;
        self.sales.insert(order_id.to_owned(), sale);
        Ok(())
    }

    fn refund(&mut self, order_id: &str, one: &Answered) -> Result<()> {
        let store = self.store_of(order_id)?;
        let sale = self.sales.get(order_id).context("its sale")?;
        let body = &one.request.body;
        let earlier = self.refunds.get(order_id).cloned().unwrap_or_default();
        let extent: Extent = field(body, "extent")?;
        let tenders: Vec<Tender> = optional(body, "tenders")?.unwrap_or_default();
        let resolved = resolve(
            sale,
            &earlier,
            &extent,
            tenders,
            optional(body, "rounding")?,
        );
        let Resolved {
            lines,
            tenders,
            taxes,
            gross,
            net,
            rounding,
        } = resolved.map_err(wrong)?;
        let refund = Refund {
            entry: field(&one.answer, "entry")?,
            origin: Origin::Sale(Box::new(sale.clone())),
            earlier: earlier.into_iter().map(|refund| refund.entry).collect(),
            reason: field(body, "reason")?,
            lines,
            tenders,
            taxes,
            rounding,
            net,
            gross,
            attributes: vec![],
        };
        self.book(body, &refund.tenders, net, gross - net, true)?;
        self.tell("refund", one, Some(order_id), store, &refund)?;
        self.refunds
            .entry(order_id.to_owned())
            .or_default()
            .push(refund);
        Ok(())
    }

    fn void(&mut self, order_id: &str, one: &Answered) -> Result<()> {
        let store = self.store_of(order_id)?;
        let body = &one.request.body;
        let sale = self.sales.get(order_id).cloned();
        if let Some(sale) = &sale {
            self.book(body, &sale.tenders, sale.net, sale.gross - sale.net, true)?;
        }
        let order = self.orders.get(order_id).context("its order")?;
        let cancellation = Cancellation {
            entry: field(&one.answer, "entry")?,
            cause: field::<VoidCause>(body, "cause")?,
            origin: sale.map_or(Origin::None, |sale| Origin::Sale(Box::new(sale))),
            lines: field(order, "lines")?,
            attributes: vec![],
        };
        self.tell("void", one, Some(order_id), store, &cancellation)
    }

    fn verification(&mut self, order_id: &str, one: &Answered) -> Result<()> {
        let store = self.store_of(order_id)?;
        let body = &one.request.body;
        let verification = Verification {
            sale: self.sales.get(order_id).context("its sale")?.clone(),
            cashier: field(body, "cashier")?,
            outcome: field(body, "outcome")?,
            refused_lines: optional(body, "refused_lines")?.unwrap_or_default(),
            business_date: field(&one.answer, "business_date")?,
            at: store.local_text(field::<Timestamp>(body, "at")?),
        };
        self.tell("verification", one, Some(order_id), store, &verification)
    }

    fn code(&mut self, store: &str, one: &Answered) -> Result<()> {
        let retailer = self.store(store)?.retailer.clone();
        let codes = self.codes.entry(retailer).or_default();
        match &one.answer {
            Value::String(refusal) => *codes.refused.entry(refusal.clone()).or_default() += 1,
            _ => codes.identified += 1,
        }
        Ok(())
    }

    /// Puts tenders into the drawer that the request names.
    fn book(
        &mut self,
        body: &Value,
        tenders: &[Tender],
        net: Money,
        tax: Money,
        back: bool,
    ) -> Result<()> {
        let Some(id) = optional::<String>(body, "shift_id")? else {
            return Ok(());
        };
        let sums = &mut self.shifts.get_mut(&id).context("its shift")?.sums;
        for tender in tenders {
            let known = sums
                .tenders
                .iter()
                .position(|total| total.kind == tender.kind);
            let at = known.unwrap_or(sums.tenders.len());
            if known.is_none() {
                let kind = tender.kind.clone();
                sums.tenders.push(TenderTotal {
                    kind,
                    sales: 0,
                    refunds: 0,
                    count: 0,
                });
            }
            let total = &mut sums.tenders[at];
            total.count += 1;
            *(if back {
                &mut total.refunds
            } else {
                &mut total.sales
            }) += tender.amount;
        }
        sums.transactions += 1;
        *(if back {
            &mut sums.net_refunds
        } else {
            &mut sums.net_sales
        }) += net;
        sums.tax += if back { -tax } else { tax };
        Ok(())
    }

    fn shift(&mut self, id: &str, one: &Answered) -> Result<()> {
        let Opened { body: open, sums } = self.shifts.remove(id).context("its shift")?;
        let store = self.store(&field::<String>(&open, "store_id")?)?;
        let body = &one.request.body;
        let amount =
            |name: &str| Ok::<Money, anyhow::Error>(optional(body, name)?.unwrap_or_default());
        let (paid_in, paid_out, pickups) =
            (amount("paid_in")?, amount("paid_out")?, amount("pickups")?);
        let float: Money = field(&open, "opening_float")?;
        let counted: Money = field(body, "counted")?;
        let cash = sums.tenders.iter().filter(|total| total.kind == "cash");
        let cash: Money = cash.map(|total| total.sales - total.refunds).sum();
        let expected = float + cash + paid_in - paid_out - pickups;
        match counted.cmp(&expected) {
            std::cmp::Ordering::Equal => self.drawers.even += 1,
            std::cmp::Ordering::Greater => self.drawers.over += 1,
            std::cmp::Ordering::Less => self.drawers.short += 1,
        }
        let local = |value: &Value, name: &str| {
            Ok::<String, anyhow::Error>(store.local_text(field::<Timestamp>(value, name)?))
        };
        let shift = Shift {
            entry: field::<Entry>(&one.answer, "entry")?,
            till: field(&open, "till")?,
            opened_at: local(&open, "opened_at")?,
            closed_at: local(body, "at")?,
            opening_float: float,
            tenders: sums.tenders,
            paid_in,
            paid_out,
            pickups,
            expected,
            counted,
            transactions: sums.transactions,
            net_sales: sums.net_sales,
            net_refunds: sums.net_refunds,
            tax: sums.tax,
            attributes: vec![],
        };
        self.tell("shift", one, None, store, &shift)
    }

    fn tell(
        &mut self,
        kind: &'static str,
        one: &Answered,
        order: Option<&str>,
        store: &Store,
        argument: &impl serde::Serialize,
    ) -> Result<()> {
        self.told.push(Told {
            kind,
            event: field(&one.answer, "event_id")?,
            order: order.map(str::to_owned),
            retailer: store.retailer.clone(),
            store: store.id.clone(),
            minor_digits: store.minor_digits,
            argument: json!(argument),
        });
        Ok(())
    }
}

fn wrong(problems: Vec<Problem>) -> anyhow::Error {
    anyhow!("{problems:?}")
}

fn field<T: DeserializeOwned>(value: &Value, name: &str) -> Result<T> {
    let found = value
        .get(name)
        .cloned()
        .with_context(|| format!("no {name}"))?;
    serde_json::from_value(found).with_context(|| name.to_owned())
}

fn optional<T: DeserializeOwned>(value: &Value, name: &str) -> Result<Option<T>> {
    match value.get(name) {
        None | Some(Value::Null) => Ok(None),
        Some(found) => Ok(Some(
            serde_json::from_value(found.clone()).with_context(|| name.to_owned())?,
        )),
    }
}
