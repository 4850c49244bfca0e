//! Finds facts that a POSLOG cannot contain: values outside of the schema, and inconsistent sums.
//!
//! The host has checked its own rules before. This module checks the rules of the standard: no sign on
//! an amount, eight digits before the point, dates and instants of XML Schema. It reports all problems
//! together, so that they can be corrected at once.

use crate::{Settings, poslog, retail};
use galleria_sdk::prelude::*;

/// `DecimalCommonData` ends at 99999999.999999.
const MAJOR_BELOW: i128 = 100_000_000;
/// XML Schema allows offsets up to 14 hours.
const OFFSET_MINUTES: i16 = 14 * 60;

/// Collects problems under dotted fields.
struct Check {
    digits: u8,
    problems: Vec<Problem>,
}

/// Checks the argument of `on-payment`.
pub fn sale(cx: &Context<Settings>, sale: &Sale) -> Result<(), Fault> {
    let mut check = Check::begin(cx, &sale.entry, "entry")?;
    check.sale("", sale);
    check.end()
}

/// Checks the argument of `on-refund`.
pub fn refund(cx: &Context<Settings>, refund: &Refund) -> Result<(), Fault> {
    let mut check = Check::begin(cx, &refund.entry, "entry")?;
    check.origin(&refund.origin);
    check.lines("", &refund.lines);
    check.taxes("taxes", &refund.taxes, true);
    check.tenders("", &refund.tenders);
    check.amount("gross", refund.gross);
    check.amount("rounding", refund.rounding.saturating_abs());
    let added = added_tax(&refund.taxes);
    if i128::from(refund.gross) < added {
        check.refuse(
            "taxes",
            "must be less than gross: taxes on top are part of the refund",
        );
    }
    let lines = refund
        .lines
        .iter()
        .filter(|line| !line.voided)
        .map(|line| i128::from(line.amount));
    if !refund.lines.is_empty() {
        check.agrees(
            "gross",
            "lines and taxes on top",
            lines.sum::<i128>() + added,
            refund.gross,
        );
    }
    check.agrees(
        "net",
        "gross less taxes",
        i128::from(refund.gross) - all_tax(&refund.taxes),
        refund.net,
    );
    check.agrees(
        "tenders",
        "the tenders",
        paid(&refund.tenders),
        refund.gross.saturating_add(refund.rounding),
    );
    check.end()
}

/// Checks the argument of `on-void`.
pub fn cancellation(cx: &Context<Settings>, cancelled: &Cancellation) -> Result<(), Fault> {
    let mut check = Check::begin(cx, &cancelled.entry, "entry")?;
    check.origin(&cancelled.origin);
    if let Origin::Sale(sale) = &cancelled.origin {
        check.sale("origin.", sale);
    } else {
        check.lines("", &cancelled.lines);
    }
    check.end()
}

/// Checks the argument of `on-shift-end`.
pub fn shift(cx: &Context<Settings>, shift: &Shift) -> Result<(), Fault> {
    let mut check = Check::begin(cx, &shift.entry, "entry")?;
    check.present("till", &shift.till);
    check.instant("opened_at", &shift.opened_at);
    check.instant("closed_at", &shift.closed_at);
    let amounts = [
        ("opening_float", shift.opening_float),
        ("paid_in", shift.paid_in),
        ("paid_out", shift.paid_out),
        ("pickups", shift.pickups),
        ("counted", shift.counted),
        ("net_sales", shift.net_sales),
        ("net_refunds", shift.net_refunds),
    ];
    for (field, amount) in amounts {
        check.amount(field, amount);
    }
    check.amount("tax", shift.tax.saturating_abs());
    check.amount(
        "expected",
        shift
            .counted
            .saturating_sub(shift.expected)
            .saturating_abs(),
    );
    let (mut sales, mut refunds) = (0, 0);
    for (index, total) in shift.tenders.iter().enumerate() {
        check.amount(&format!("tenders.{index}.sales"), total.sales);
        check.amount(&format!("tenders.{index}.refunds"), total.refunds);
        if total.kind == "cash" {
            sales += i128::from(total.sales);
            refunds += i128::from(total.refunds);
        }
    }
    let expected_cash = i128::from(shift.opening_float) + sales - refunds
        + i128::from(shift.paid_in)
        - i128::from(shift.paid_out)
        - i128::from(shift.pickups);
    check.agrees(
        "expected",
        "float, cash, paid in, paid out and pickups",
        expected_cash,
        shift.expected,
    );
    check.end()
}

impl Check {
    fn begin(cx: &Context<Settings>, entry: &Entry, field: &str) -> Result<Self, Fault> {
        let store = cx.store()?;
        let digits = if store.minor_digits <= 18 {
            store.minor_digits
        } else {
            18
        };
        let mut check = Self {
            digits,
            problems: Vec::new(),
        };
        if store.minor_digits > 6 {
            check.refuse("context.scope.store.minor_digits", "must be 0 to 6");
        }
        check.present("context.scope.store", poslog::unit_id(cx)?);
        check.entry(field, entry);
        Ok(check)
    }

    fn end(self) -> Result<(), Fault> {
        if self.problems.is_empty() {
            Ok(())
        } else {
            Err(Fault::Invalid(self.problems))
        }
    }

    fn sale(&mut self, at: &str, sale: &Sale) {
        self.lines(at, &sale.lines);
        self.taxes(&format!("{at}taxes"), &sale.taxes, false);
        self.tenders(at, &sale.tenders);
        self.amount(&format!("{at}rounding"), sale.rounding.saturating_abs());
        let counted = sale.lines.iter().filter(|line| !line.voided);
        let lines: i128 = counted
            .map(|line| i128::from(line.amount) * if retail::comes_back(line) { -1 } else { 1 })
            .sum();
        let gross = i128::from(sale.gross);
        self.agrees(
            &format!("{at}gross"),
            "lines and taxes on top",
            lines + added_tax(&sale.taxes),
            sale.gross,
        );
        self.agrees(
            &format!("{at}net"),
            "gross less taxes",
            gross - all_tax(&sale.taxes),
            sale.net,
        );
        let due = sale.gross.saturating_add(sale.rounding);
        self.agrees(
            &format!("{at}tenders"),
            "the tenders",
            paid(&sale.tenders),
            due,
        );
    }

    fn origin(&mut self, origin: &Origin) {
        match origin {
            Origin::Sale(sale) => self.entry("origin.entry", &sale.entry),
            Origin::Reference(entry) => self.entry("origin", entry),
            Origin::None => {}
        }
    }

    fn entry(&mut self, at: &str, entry: &Entry) {
        self.present(&format!("{at}.id"), &entry.id);
        self.present(&format!("{at}.workstation"), &entry.workstation);
        let currency = entry.currency.as_bytes();
        if currency.len() != 3 || !currency.iter().all(u8::is_ascii_uppercase) {
            self.refuse(
                &format!("{at}.currency"),
                "must be three capital letters of ISO 4217",
            );
        }
        if Date::parse(&entry.business_date).map_or(true, |date| date.year == 0) {
            self.refuse(
                &format!("{at}.business_date"),
                "must be a date such as 2026-11-24",
            );
        }
        self.instant(&format!("{at}.begun_at"), &entry.begun_at);
        self.instant(&format!("{at}.ended_at"), &entry.ended_at);
    }

    fn lines(&mut self, at: &str, lines: &[Line]) {
        for (index, line) in lines.iter().enumerate() {
            let at = format!("{at}lines.{index}");
            self.present(&format!("{at}.sku"), &line.sku);
            self.amount(&format!("{at}.amount"), line.amount);
            self.price(&format!("{at}.regular_price"), line.regular_price);
            self.price(&format!("{at}.unit_price"), line.unit_price);
            if line.quantity.unscaled <= 0 || line.quantity.scale > 18 {
                self.refuse(&format!("{at}.quantity"), "must be greater than 0");
            }
            if line.parent == Some(0) {
                self.refuse(
                    &format!("{at}.parent"),
                    "must be the number of a line, from 1",
                );
            }
            for (number, discount) in line.discounts.iter().enumerate() {
                self.amount(&format!("{at}.discounts.{number}.amount"), discount.amount);
            }
            let before = line.discounts.iter().fold(line.amount, |sum, discount| {
                sum.saturating_add(discount.amount)
            });
            if before > line.amount {
                self.amount(&format!("{at}.discounts"), before);
            }
            self.taxes(&format!("{at}.taxes"), &line.taxes, true);
            if let Some(checked_at) = line.age.as_ref().and_then(|age| age.at.as_ref()) {
                self.instant(&format!("{at}.age.at"), checked_at);
            }
        }
    }

    /// `positive`: for lines and refunds. A sale's own sums may be negative after an exchange.
    fn taxes(&mut self, at: &str, taxes: &[Tax], positive: bool) {
        for (index, tax) in taxes.iter().enumerate() {
            let size = |amount: Money| {
                if positive {
                    amount
                } else {
                    amount.saturating_abs()
                }
            };
            self.amount(&format!("{at}.{index}.amount"), size(tax.amount));
            self.amount(&format!("{at}.{index}.taxable"), size(tax.taxable));
            if tax.rate.unscaled < 0 || tax.rate.scale > 18 {
                self.refuse(&format!("{at}.{index}.rate"), "must be at least 0 per cent");
            }
        }
    }

    fn tenders(&mut self, at: &str, tenders: &[Tender]) {
        for (index, tender) in tenders.iter().enumerate() {
            let at = format!("{at}tenders.{index}");
            self.present(&format!("{at}.kind"), &tender.kind);
            self.amount(&format!("{at}.amount"), tender.amount);
            self.amount(&format!("{at}.tendered"), tender.tendered);
            self.amount(&format!("{at}.change"), tender.change);
            let less_change = i128::from(tender.tendered) - i128::from(tender.change);
            self.agrees(
                &format!("{at}.amount"),
                "tendered less change",
                less_change,
                tender.amount,
            );
            if let Some(foreign) = &tender.foreign {
                self.amount(&format!("{at}.foreign.amount"), foreign.amount);
                self.price(&format!("{at}.foreign.rate"), foreign.rate);
            }
        }
    }

    fn agrees(&mut self, field: &str, what: &str, sum: i128, stated: Money) {
        if sum != i128::from(stated) {
            self.refuse(
                field,
                &format!("does not agree: {what} add up to {sum}, but {stated} is stated"),
            );
        }
    }

    fn amount(&mut self, field: &str, amount: Money) {
        if amount < 0 || i128::from(amount) >= MAJOR_BELOW * 10_i128.pow(self.digits.into()) {
            self.refuse(
                field,
                "must be at least 0 and below 100000000 major units, the standard's largest amount",
            );
        }
    }

    fn price(&mut self, field: &str, price: Decimal) {
        let fits = price.scale <= 18
            && price.unscaled >= 0
            && i128::from(price.unscaled) < MAJOR_BELOW * 10_i128.pow(price.scale.into());
        if !fits {
            self.refuse(
                field,
                "must be at least 0 and below 100000000, the standard's largest amount",
            );
        }
    }

    fn instant(&mut self, field: &str, at: &str) {
        let good = |at: Instant| at.date.year > 0 && at.offset_minutes.abs() <= OFFSET_MINUTES;
        if !Instant::parse(at).is_ok_and(good) {
            self.refuse(
                field,
                "must be an instant such as 2026-11-24T18:03:07.000+01:00",
            );
        }
    }

    fn present(&mut self, field: &str, text: &str) {
        if text.trim().is_empty() {
            self.refuse(field, "is required: it identifies the document");
        }
    }

    fn refuse(&mut self, field: &str, message: &str) {
        self.problems.push(Problem::new(field, message));
    }
}

fn added_tax(taxes: &[Tax]) -> i128 {
    taxes
        .iter()
        .filter(|tax| !tax.included)
        .map(|tax| i128::from(tax.amount))
        .sum()
}

fn all_tax(taxes: &[Tax]) -> i128 {
    taxes.iter().map(|tax| i128::from(tax.amount)).sum()
}

fn paid(tenders: &[Tender]) -> i128 {
    tenders.iter().map(|tender| i128::from(tender.amount)).sum()
}
