//! The ledger of a day: the content of each event, derived from the requests and the numbers that the host
//! assigned, without reading any result of the host.

use crate::request::Exchange;
use anyhow::{Context, Result, anyhow};
use galleria_domain::refunding::{Extent, ResolvedRefund, resolve};
use galleria_domain::{
    Cancellation, Entry, Line, Money, Origin, Problem, Refund, Sale, Shift, Store, Tender,
    TenderTotal, Verification, VoidCause, selling,
};
use jiff::Timestamp;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// An event with its expected content.
pub struct RecordedEvent {
    /// `sale`, `refund`, `void`, `shift` or `verification`.
    pub kind: &'static str,
    /// The event id of the host.
    pub event: String,
    /// The order id; none for a shift.
    pub order: Option<String>,
    /// The retailer of the store.
    pub retailer: String,
    /// The store id.
    pub store: String,
    /// Decimals of the currency of the store.
    pub minor_digits: u8,
    /// The event in the JSON of the contract.
    pub argument: Value,
}

/// Number of counted drawers by result.
#[derive(Default)]
pub struct Drawers {
    pub even: usize,
    pub over: usize,
    pub short: usize,
}

/// All events of one or more days.
pub struct Ledger<'a> {
    stores: Vec<&'a Store>,
    orders: BTreeMap<String, Value>,
    sales: BTreeMap<String, Sale>,
    refunds: BTreeMap<String, Vec<Refund>>,
    shifts: BTreeMap<String, OpenShift>,
    pub events: Vec<RecordedEvent>,
    pub drawers: Drawers,
    /// Results of member identification, by retailer.
    pub identifications: BTreeMap<String, Identifications>,
}

/// Results of identifying members by their codes.
#[derive(Default)]
pub struct Identifications {
    /// Codes with a member.
    pub identified: usize,
    /// Number of rejected codes, by response body.
    pub rejected: BTreeMap<String, usize>,
}

struct OpenShift {
    body: Value,
    totals: DrawerTotals,
}

#[derive(Default)]
struct DrawerTotals {
    tenders: Vec<TenderTotal>,
    transactions: u32,
    net_sales: Money,
    net_refunds: Money,
    tax: Money,
}

impl<'a> Ledger<'a> {
    /// Derives the events of the exchanges, which are in the order of the day.
    pub fn new(stores: Vec<&'a Store>, day: &[Exchange]) -> Result<Self> {
        let mut ledger = Self {
            stores,
            orders: BTreeMap::new(),
            sales: BTreeMap::new(),
            refunds: BTreeMap::new(),
            shifts: BTreeMap::new(),
            events: Vec::new(),
            drawers: Drawers::default(),
            identifications: BTreeMap::new(),
        };
        // A refund may precede its payment. It is recorded after the payment.
        let mut early: Vec<&Exchange> = Vec::new();
        for exchange in day {
            let path = exchange.request.path.trim_start_matches("/v1/");
            let parts: Vec<&str> = path.split('/').collect();
            let recorded = match parts[..] {
                ["orders", order, "refunds"] if !ledger.sales.contains_key(order) => {
                    early.push(exchange);
                    Ok(())
                }
                ["orders", order, "payments"] => ledger.sale(order, exchange).and_then(|()| {
                    let refunds = format!("/v1/orders/{order}/refunds");
                    let ready = early.iter().filter(|other| other.request.path == refunds);
                    ready
                        .into_iter()
                        .try_for_each(|other| ledger.refund(order, other))
                }),
                ["orders", order, "refunds"] => ledger.refund(order, exchange),
                ["orders", order, "voids"] => ledger.void(order, exchange),
                ["orders", order, "verifications"] => ledger.verification(order, exchange),
                ["stores", store, "members", "identify"] => ledger.code(store, exchange),
                ["shifts", id, "end"] => ledger.shift(id, exchange),
                ["orders"] => ledger.order(exchange),
                ["shifts"] => ledger.open(exchange),
                _ => Err(anyhow!("unexpected request")),
            };
            let request = &exchange.request;
            recorded.with_context(|| format!("{} {}", request.path, request.key))?;
        }
        Ok(ledger)
    }

    fn order(&mut self, exchange: &Exchange) -> Result<()> {
        let body = &exchange.request.body;
        self.orders.insert(field(body, "id")?, body.clone());
        Ok(())
    }

    fn open(&mut self, exchange: &Exchange) -> Result<()> {
        let body = exchange.request.body.clone();
        let totals = DrawerTotals::default();
        self.shifts
            .insert(field(&body, "id")?, OpenShift { body, totals });
        Ok(())
    }

    fn store(&self, id: &str) -> Result<&'a Store> {
        let store = self.stores.iter().copied().find(|store| store.id == id);
        store.with_context(|| format!("store {id}"))
    }

    fn store_of(&self, order: &str) -> Result<&'a Store> {
        let order = self.orders.get(order).context("no such order")?;
        self.store(&field::<String>(order, "store_id")?)
    }

    fn sale(&mut self, order_id: &str, exchange: &Exchange) -> Result<()> {
        let order = self.orders.get(order_id).context("no such order")?;
        let store = self.store_of(order_id)?;
        let body = &exchange.request.body;
        let lines: Vec<Line> = field(order, "lines")?;
        let sums = selling::sum_lines(&lines, store.minor_digits).map_err(invalid)?;
        let sale = Sale {
            entry: field(&exchange.response, "entry")?,
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
        self.post(body, &sale.tenders, sale.net, tax, false)?;
        self.record("sale", exchange, Some(order_id), store, &sale)?;
        self.sales.insert(order_id.to_owned(), sale);
        Ok(())
    }

    fn refund(&mut self, order_id: &str, exchange: &Exchange) -> Result<()> {
        let store = self.store_of(order_id)?;
        let sale = self.sales.get(order_id).context("no such sale")?;
        let body = &exchange.request.body;
        let earlier = self.refunds.get(order_id).cloned().unwrap_or_default();
        let extent: Extent = field(body, "extent")?;
        let tenders: Vec<Tender> = optional(body, "tenders")?.unwrap_or_default();
        let resolved = resolve(
            sale,
            &earlier,
            &extent,
            tenders,
            optional(body, "rounding")?,
            store.cash_step_in_minor(),
        );
        let ResolvedRefund {
            lines,
            tenders,
            taxes,
            gross,
            net,
            rounding,
        } = resolved.map_err(invalid)?;
        let refund = Refund {
            entry: field(&exchange.response, "entry")?,
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
        self.post(body, &refund.tenders, net, gross - net, true)?;
        self.record("refund", exchange, Some(order_id), store, &refund)?;
        self.refunds
            .entry(order_id.to_owned())
            .or_default()
            .push(refund);
        Ok(())
    }

    fn void(&mut self, order_id: &str, exchange: &Exchange) -> Result<()> {
        let store = self.store_of(order_id)?;
        let body = &exchange.request.body;
        let sale = self.sales.get(order_id).cloned();
        if let Some(sale) = &sale {
            self.post(body, &sale.tenders, sale.net, sale.gross - sale.net, true)?;
        }
        let order = self.orders.get(order_id).context("no such order")?;
        let cancellation = Cancellation {
            entry: field(&exchange.response, "entry")?,
            cause: field::<VoidCause>(body, "cause")?,
            origin: sale.map_or(Origin::None, |sale| Origin::Sale(Box::new(sale))),
            lines: field(order, "lines")?,
            attributes: vec![],
        };
        self.record("void", exchange, Some(order_id), store, &cancellation)
    }

    fn verification(&mut self, order_id: &str, exchange: &Exchange) -> Result<()> {
        let store = self.store_of(order_id)?;
        let body = &exchange.request.body;
        let verification = Verification {
            sale: self.sales.get(order_id).context("no such sale")?.clone(),
            cashier: field(body, "cashier")?,
            outcome: field(body, "outcome")?,
            refused_lines: optional(body, "refused_lines")?.unwrap_or_default(),
            business_date: field(&exchange.response, "business_date")?,
            at: store.local_text(field::<Timestamp>(body, "at")?),
        };
        self.record(
            "verification",
            exchange,
            Some(order_id),
            store,
            &verification,
        )
    }

    fn code(&mut self, store: &str, exchange: &Exchange) -> Result<()> {
        let retailer = self.store(store)?.retailer.clone();
        let counts = self.identifications.entry(retailer).or_default();
        match &exchange.response {
            Value::String(body) => *counts.rejected.entry(body.clone()).or_default() += 1,
            _ => counts.identified += 1,
        }
        Ok(())
    }

    /// Posts tenders to the drawer of the shift in the request body.
    fn post(
        &mut self,
        body: &Value,
        tenders: &[Tender],
        net: Money,
        tax: Money,
        refunded: bool,
    ) -> Result<()> {
        let Some(id) = optional::<String>(body, "shift_id")? else {
            return Ok(());
        };
        let totals = &mut self.shifts.get_mut(&id).context("no such shift")?.totals;
        for tender in tenders {
            let known = totals
                .tenders
                .iter()
                .position(|total| total.kind == tender.kind);
            let at = known.unwrap_or(totals.tenders.len());
            if known.is_none() {
                let kind = tender.kind.clone();
                totals.tenders.push(TenderTotal {
                    kind,
                    sales: 0,
                    refunds: 0,
                    count: 0,
                });
            }
            let total = &mut totals.tenders[at];
            total.count += 1;
            *(if refunded {
                &mut total.refunds
            } else {
                &mut total.sales
            }) += tender.amount;
        }
        totals.transactions += 1;
        *(if refunded {
            &mut totals.net_refunds
        } else {
            &mut totals.net_sales
        }) += net;
        totals.tax += if refunded { -tax } else { tax };
        Ok(())
    }

    fn shift(&mut self, id: &str, exchange: &Exchange) -> Result<()> {
        let OpenShift { body: open, totals } = self.shifts.remove(id).context("no such shift")?;
        let store = self.store(&field::<String>(&open, "store_id")?)?;
        let body = &exchange.request.body;
        let amount =
            |name: &str| Ok::<Money, anyhow::Error>(optional(body, name)?.unwrap_or_default());
        let (paid_in, paid_out, pickups) =
            (amount("paid_in")?, amount("paid_out")?, amount("pickups")?);
        let float: Money = field(&open, "opening_float")?;
        let counted: Money = field(body, "counted")?;
        let cash = totals.tenders.iter().filter(|total| total.kind == "cash");
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
            entry: field::<Entry>(&exchange.response, "entry")?,
            till: field(&open, "till")?,
            opened_at: local(&open, "opened_at")?,
            closed_at: local(body, "at")?,
            opening_float: float,
            tenders: totals.tenders,
            paid_in,
            paid_out,
            pickups,
            expected,
            counted,
            transactions: totals.transactions,
            net_sales: totals.net_sales,
            net_refunds: totals.net_refunds,
            tax: totals.tax,
            attributes: vec![],
        };
        self.record("shift", exchange, None, store, &shift)
    }

    fn record(
        &mut self,
        kind: &'static str,
        exchange: &Exchange,
        order: Option<&str>,
        store: &Store,
        argument: &impl serde::Serialize,
    ) -> Result<()> {
        self.events.push(RecordedEvent {
            kind,
            event: field(&exchange.response, "event_id")?,
            order: order.map(str::to_owned),
            retailer: store.retailer.clone(),
            store: store.id.clone(),
            minor_digits: store.minor_digits,
            argument: json!(argument),
        });
        Ok(())
    }
}

fn invalid(problems: Vec<Problem>) -> anyhow::Error {
    anyhow!("{problems:?}")
}

fn field<T: DeserializeOwned>(value: &Value, name: &str) -> Result<T> {
    let value = value
        .get(name)
        .cloned()
        .with_context(|| format!("{name} is missing"))?;
    serde_json::from_value(value).with_context(|| name.to_owned())
}

fn optional<T: DeserializeOwned>(value: &Value, name: &str) -> Result<Option<T>> {
    match value.get(name) {
        None | Some(Value::Null) => Ok(None),
        Some(value) => Ok(Some(
            serde_json::from_value(value.clone()).with_context(|| name.to_owned())?,
        )),
    }
}
