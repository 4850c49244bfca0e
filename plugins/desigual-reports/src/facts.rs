//! The counted facts: lines of sales, and the discounts, refunds, tenders, taxes and verifications of
//! activities.
//!
//! A sale adds to turnover, and a refund reduces it. A void of a paid order reduces it by the whole
//! order. Both feeds exclude training.

use crate::columns::Report;
use crate::groups::{AMOUNTS, COUNTS, Fact, KEYS, LABELS};
use crate::settings::Settings;
use crate::table::Table;
use galleria_sdk::money;
use galleria_sdk::prelude::*;

/// Digits of a rate after the decimal point in a key: more than any tax has.
const RATE_DIGITS: u8 = 6;

fn fact<'a>(store: &'a str, date: &'a str, currency: &'a str, digits: u8) -> Fact<'a> {
    Fact {
        store,
        date,
        currency,
        digits,
        entry: 0,
        keys: [""; KEYS],
        labels: [""; LABELS],
        counts: [0; COUNTS],
        amounts: [0; AMOUNTS],
        quantity: Decimal::whole(0),
    }
}

fn keys<const N: usize>(some: [&str; N]) -> [&str; KEYS] {
    let mut keys = [""; KEYS];
    keys[..N].copy_from_slice(&some);
    keys
}

fn amounts<const N: usize>(some: [Money; N]) -> [Money; AMOUNTS] {
    let mut amounts = [0; AMOUNTS];
    amounts[..N].copy_from_slice(&some);
    amounts
}

fn counts<const N: usize>(some: [i64; N]) -> [i64; COUNTS] {
    let mut counts = [0; COUNTS];
    counts[..N].copy_from_slice(&some);
    counts
}

/// Digits of the latest currency: rows of one currency are adjacent.
struct Digits<'a> {
    cx: &'a Context<Settings>,
    currency: String,
    digits: u8,
}

impl Digits<'_> {
    fn of(&mut self, currency: &str) -> u8 {
        if self.currency != currency {
            currency.clone_into(&mut self.currency);
            self.digits = match self.cx.scope() {
                Scope::Store(store) if store.currency == currency => store.minor_digits,
                _ => money::minor_digits(currency),
            };
        }
        self.digits
    }
}

/// Sales by day, hour, article or category, from the feed of lines.
pub fn sales(cx: &Context<Settings>, report: Report, table: &mut Table<'_>) -> Result<(), Fault> {
    let depth = cx.settings().category_depth;
    let mut digits = Digits {
        cx,
        currency: String::new(),
        digits: 2,
    };
    let (mut entry, mut ordinal) = (String::new(), 0_u64);
    for line in SaleLines::open() {
        // The lines of an entry are adjacent.
        if line.entry() != entry {
            line.entry().clone_into(&mut entry);
            ordinal += 1;
        }
        let digits = digits.of(line.currency());
        let mut fact = fact(line.store(), line.business_date(), line.currency(), digits);
        fact.entry = ordinal;
        let category = top(line.category(), depth);
        match report {
            Report::SalesByHour => fact.keys = keys([hour(line.begun_at())?]),
            Report::SalesByArticle => {
                fact.keys = keys([line.sku()]);
                fact.labels[0] = line.description();
                fact.labels[1] = category;
            }
            Report::SalesByCategory => fact.keys = keys([category]),
            _ => {}
        }
        let sign = if line.returned() { -1 } else { 1 };
        let paid = line.net().checked_add(line.tax());
        let paid = paid.ok_or_else(|| Fault::invalid("sum", "does not fit into 64 bits"))?;
        fact.counts = counts([0, 1]);
        fact.amounts = [
            if line.returned() { 0 } else { paid },
            if line.returned() { paid } else { 0 },
            sign * paid,
            sign * line.net(),
            sign * line.tax(),
            sign * line.discount(),
        ];
        let quantity = line.quantity();
        fact.quantity = Decimal::new(sign * quantity.unscaled, quantity.scale);
        table.add(&fact)?;
    }
    Ok(())
}

/// Returns the first `depth` levels of a category; all levels if `depth` is 0.
fn top(category: &str, depth: usize) -> &str {
    let Some(last) = depth.checked_sub(1) else {
        return category;
    };
    let end = category.match_indices('/').nth(last);
    end.map_or(category, |(end, _)| &category[..end])
}

/// Returns `17` of `2026-11-24T17:03:11.000+01:00`: the store's local hour.
fn hour(begun_at: &str) -> Result<&str, Fault> {
    let hour = begun_at.get(11..13);
    hour.filter(|hour| hour.bytes().all(|byte| byte.is_ascii_digit()))
        .ok_or_else(|| {
            let message = [
                "`",
                begun_at,
                "` is not an instant such as 2026-11-24T17:03:11.000+01:00",
            ];
            Fault::invalid("begun_at", message.concat())
        })
}

/// Reports that need complete sales, refunds, voids and verifications.
pub fn activities(report: Report, table: &mut Table<'_>) -> Result<(), Fault> {
    let mut refunds = 0;
    for (store, activity) in Activities::open() {
        let at = At { store: &store };
        match (report, &activity) {
            (Report::Verifications, Activity::Verification(verified)) => {
                at.verification(table, verified)?;
            }
            (Report::Discounts | Report::Coupons, activity) => {
                at.reductions(table, report, activity)?;
            }
            (Report::Tenders, activity) => at.tenders(table, activity)?,
            (Report::Taxes, activity) => at.taxes(table, activity)?,
            (Report::Refunds, activity) => {
                refunds += 1;
                at.refund(table, activity, refunds)?;
            }
            _ => {}
        }
    }
    Ok(())
}

/// Returns the store of an activity.
struct At<'a> {
    store: &'a Store,
}

/// The effect of an activity on turnover.
enum Effect<'a> {
    For(&'a Entry, &'a Sale),
    Back(&'a Entry, &'a Refund),
    /// A void that cancels a sale.
    Undone(&'a Entry, &'a Sale),
    None,
}

fn effect(activity: &Activity) -> Effect<'_> {
    match activity {
        Activity::Sale(sale) => Effect::For(&sale.entry, sale),
        Activity::Refund(refund) => Effect::Back(&refund.entry, refund),
        Activity::Cancellation(cancelled) => match &cancelled.origin {
            Origin::Sale(sale) if cancelled.cause == VoidCause::PostVoid => {
                Effect::Undone(&cancelled.entry, sale)
            }
            _ => Effect::None,
        },
        _ => Effect::None,
    }
}

impl At<'_> {
    fn fact<'a>(&'a self, date: &'a str, currency: &'a str) -> Fact<'a> {
        let digits = match self.store.currency == currency {
            true => self.store.minor_digits,
            false => money::minor_digits(currency),
        };
        fact(&self.store.external_id, date, currency, digits)
    }

    fn reductions(
        &self,
        table: &mut Table<'_>,
        report: Report,
        activity: &Activity,
    ) -> Result<(), Fault> {
        let (entry, lines, sign) = match effect(activity) {
            Effect::For(entry, sale) => (entry, &sale.lines, 1),
            Effect::Back(entry, refund) => (entry, &refund.lines, -1),
            Effect::Undone(entry, sale) => (entry, &sale.lines, -1),
            Effect::None => return Ok(()),
        };
        let refund = matches!(activity, Activity::Refund(_));
        for line in lines.iter().filter(|line| !line.voided) {
            // In a refund all lines reduce turnover; elsewhere a returned line has the opposite
            // sign.
            let returned = line.returned || line.kind == LineKind::DepositReturn;
            let sign = if returned && !refund { -sign } else { sign };
            for discount in &line.discounts {
                let mut fact = self.fact(&entry.business_date, &entry.currency);
                fact.keys = match (report, &discount.coupon) {
                    (Report::Coupons, None) => continue,
                    (Report::Coupons, Some(code)) => keys([code, &discount.id, &discount.reason]),
                    _ => {
                        let basket = if discount.basket { "1" } else { "0" };
                        keys([&discount.id, &discount.reason, basket])
                    }
                };
                let amount = discount.amount;
                let (given, back) = if sign > 0 { (amount, 0) } else { (0, amount) };
                fact.counts = counts([1]);
                fact.amounts = amounts([given, back, sign * amount]);
                table.add(&fact)?;
            }
        }
        Ok(())
    }

    fn tenders(&self, table: &mut Table<'_>, activity: &Activity) -> Result<(), Fault> {
        let (entry, tenders, back) = match effect(activity) {
            Effect::For(entry, sale) => (entry, &sale.tenders, false),
            Effect::Back(entry, refund) => (entry, &refund.tenders, true),
            Effect::Undone(entry, sale) => (entry, &sale.tenders, true),
            Effect::None => return Ok(()),
        };
        for tender in tenders {
            let mut fact = self.fact(&entry.business_date, &entry.currency);
            fact.keys = keys([
                &tender.kind,
                tender.scheme.as_deref().unwrap_or_default(),
                tender.provider.as_deref().unwrap_or_default(),
            ]);
            let amount = tender.amount;
            (fact.counts, fact.amounts) = match back {
                false => (counts([1, 0]), amounts([amount, 0, amount])),
                true => (counts([0, 1]), amounts([0, amount, -amount])),
            };
            table.add(&fact)?;
        }
        Ok(())
    }

    fn taxes(&self, table: &mut Table<'_>, activity: &Activity) -> Result<(), Fault> {
        let (entry, taxes, sign) = match effect(activity) {
            Effect::For(entry, sale) => (entry, &sale.taxes, 1),
            Effect::Back(entry, refund) => (entry, &refund.taxes, -1),
            Effect::Undone(entry, sale) => (entry, &sale.taxes, -1),
            Effect::None => return Ok(()),
        };
        for tax in taxes {
            let rate = rate_key(tax.rate)?;
            let mut fact = self.fact(&entry.business_date, &entry.currency);
            fact.keys = [&tax.authority, &tax.code, &tax.treatment, &rate];
            let gross = money::sum([tax.taxable, tax.amount])?;
            fact.amounts = amounts([sign * tax.taxable, sign * tax.amount, sign * gross]);
            table.add(&fact)?;
        }
        Ok(())
    }

    /// One row each, in the order of the feed: the number keeps them separate.
    fn refund(&self, table: &mut Table<'_>, activity: &Activity, number: u64) -> Result<(), Fault> {
        let number = sortable(number);
        let cashier = |entry: &Entry| entry.cashier.clone().unwrap_or_default();
        let (entry, kind, reason, origin, lines, gross, net) = match (effect(activity), activity) {
            (Effect::Back(entry, refund), _) => {
                let origin = match &refund.origin {
                    Origin::Sale(sale) => sale.entry.receipt.as_str(),
                    Origin::Reference(entry) => entry.receipt.as_str(),
                    Origin::None => "",
                };
                let lines = refund.lines.len();
                (
                    entry,
                    "refund",
                    &*refund.reason,
                    origin,
                    lines,
                    refund.gross,
                    refund.net,
                )
            }
            (Effect::Undone(entry, sale), _) => {
                let lines = sale.lines.iter().filter(|line| !line.voided).count();
                let receipt = sale.entry.receipt.as_str();
                (
                    entry,
                    "post-void",
                    "post-void",
                    receipt,
                    lines,
                    sale.gross,
                    sale.net,
                )
            }
            _ => return Ok(()),
        };
        let cashier = cashier(entry);
        let mut fact = self.fact(&entry.business_date, &entry.currency);
        fact.keys = keys([&number]);
        fact.labels = [
            kind,
            &entry.id,
            &entry.begun_at,
            &entry.receipt,
            &entry.order_id,
            origin,
            &cashier,
            reason,
        ];
        fact.counts = counts([i64::try_from(lines).unwrap_or(i64::MAX)]);
        fact.amounts = amounts([gross, net, money::sum([gross, -net])?]);
        table.add(&fact)
    }

    fn verification(&self, table: &mut Table<'_>, verified: &Verification) -> Result<(), Fault> {
        let sale = &verified.sale;
        let number = |count: usize| i64::try_from(count).unwrap_or(i64::MAX);
        let lines = sale.lines.iter().filter(|line| !line.voided).count();
        let mut fact = self.fact(&verified.business_date, &sale.entry.currency);
        fact.keys = keys([&verified.outcome, &verified.cashier]);
        fact.counts = [1, number(lines), number(verified.refused_lines.len())];
        fact.amounts = amounts([sale.gross]);
        table.add(&fact)
    }
}

/// Returns a rate as text that sorts like a number.
fn rate_key(rate: Decimal) -> Result<String, Fault> {
    let fixed = rate.rescale(RATE_DIGITS)?;
    let exact = fixed.compare(rate) == std::cmp::Ordering::Equal;
    match u64::try_from(fixed.unscaled) {
        Ok(unscaled) if exact => Ok(sortable(unscaled)),
        _ => Err(Fault::invalid(
            "taxes.rate",
            "must be a rate in per cent, not below 0, with at most six digits after the decimal point",
        )),
    }
}

/// Returns the rate of such a key.
pub fn rate_of(key: &str) -> Result<Decimal, Fault> {
    let unscaled = Decimal::parse(key)?.unscaled;
    Ok(Decimal::new(unscaled, RATE_DIGITS).trimmed())
}

fn sortable(number: u64) -> String {
    let digits = number.to_string();
    let zeros = "0".repeat(20_usize.saturating_sub(digits.len()));
    [zeros, digits].concat()
}
