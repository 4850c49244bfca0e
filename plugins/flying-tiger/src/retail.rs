//! `RetailTransaction`: a basket's line items in the standard's order, its totals, and its origin.
//! Sales, refunds and voids differ only in the content.

use crate::poslog::Poslog;
use crate::settings::ReturnStyle;
use crate::{lines, taxes, tenders};
use galleria_sdk::money;
use galleria_sdk::prelude::*;

/// The direction of the basket's own sums.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Direction {
    /// Goods to the customer, money to the store.
    Sold,
    /// A refund: its positive sums are repaid.
    GivenBack,
}

/// The content of a retail transaction.
pub struct Basket<'a> {
    pub direction: Direction,
    pub lines: &'a [Line],
    pub taxes: &'a [Tax],
    pub tenders: &'a [Tender],
    pub rounding: Money,
    pub net: Money,
    pub gross: Money,
    pub member: Option<&'a Member>,
    /// `TransactionStatus`.
    pub status: String,
    /// The original transaction, and the reason.
    pub origin: Option<(&'a Entry, &'static str)>,
    pub reason: Option<&'a str>,
}

impl Basket<'_> {
    /// Returns whether the customer returns the line.
    pub fn is_back(&self, line: &Line) -> bool {
        self.direction == Direction::GivenBack || comes_back(line)
    }

    /// Returns the `TypeCode` of the transaction.
    pub fn type_code(&self, style: ReturnStyle) -> &'static str {
        let counted = || self.lines.iter().filter(|line| !line.voided);
        match (self.direction, style) {
            (Direction::GivenBack, ReturnStyle::Return) => "ReturnTransaction",
            (Direction::GivenBack, ReturnStyle::NegativeSale) => "SaleTransaction",
            (Direction::Sold, _) => {
                let exchange =
                    counted().any(|line| line.returned) && counted().any(|line| !line.returned);
                if exchange {
                    "ExchangeTransaction"
                } else {
                    "SaleTransaction"
                }
            }
        }
    }
}

/// Returned in a sale.
pub fn comes_back(line: &Line) -> bool {
    line.returned || line.kind == LineKind::DepositReturn
}

/// Numbers of the line items: lines keep their numbers, so that a return can refer to them; the other
/// items follow.
pub struct Numbers(u32);

impl Numbers {
    pub fn after(lines: &[Line]) -> Self {
        Self(lines.iter().map(|line| line.number).max().unwrap_or(0))
    }

    pub fn next(&mut self) -> u32 {
        self.0 = self.0.saturating_add(1);
        self.0
    }
}

/// Writes the whole element.
pub fn write(poslog: &mut Poslog, basket: &Basket) -> Result<(), Fault> {
    poslog
        .xml
        .start("RetailTransaction")
        .attribute("TransactionStatus", &basket.status);
    let items = basket.lines.iter().filter(|line| !line.voided).count();
    poslog.xml.element("ItemCount", &items.to_string());
    let mut numbers = Numbers::after(basket.lines);
    for line in basket.lines {
        lines::write(poslog, basket, line)?;
    }
    if basket.direction == Direction::GivenBack && basket.lines.is_empty() {
        lines::write_amount(poslog, basket, numbers.next());
    }
    if poslog.settings.tax_lines {
        for tax in basket.taxes {
            poslog.xml.start("LineItem");
            taxes::write(poslog, tax, 1, basket.direction == Direction::GivenBack);
            poslog
                .xml
                .integer_element("SequenceNumber", numbers.next().into())
                .end();
        }
    }
    for tender in basket.tenders {
        tenders::write(poslog, basket.direction, tender, &mut numbers);
    }
    if basket.rounding != 0 {
        poslog.xml.start("LineItem");
        poslog.open_amount("Rounding");
        let direction = if basket.rounding > 0 { "Up" } else { "Down" };
        poslog.xml.attribute("RoundingDirection", direction);
        poslog.close_amount(basket.rounding);
        poslog
            .xml
            .integer_element("SequenceNumber", numbers.next().into())
            .end();
    }
    totals(poslog, basket)?;
    loyalty(poslog, basket.member);
    if let Some((origin, reason)) = basket.origin {
        poslog.link(reason, origin, None);
    }
    if let Some(reason) = basket.reason.filter(|reason| !reason.is_empty()) {
        poslog.xml.element("Reason", reason);
    }
    poslog.xml.end();
    Ok(())
}

/// The totals as the schema's notes define them: gross is before discounts; net is after discounts,
/// with included taxes; grand is net plus the other taxes. The amount of the tenders is separate,
/// because of cash rounding.
fn totals(poslog: &mut Poslog, basket: &Basket) -> Result<(), Fault> {
    let sums = Sums::of(basket)?;
    let (sign, type_code) = match (basket.direction, poslog.settings.return_style) {
        (Direction::Sold, _) => (1, "Sale"),
        (Direction::GivenBack, ReturnStyle::Return) => (1, "Return"),
        (Direction::GivenBack, ReturnStyle::NegativeSale) => (-1, "Sale"),
    };
    let totals = [
        ("TransactionGrossAmount", sums.before_discounts),
        ("DiscountAmount", sums.discounts),
        ("TransactionNetAmount", basket.gross - sums.tax_added),
        ("TransactionTaxAmount", basket.gross - basket.net),
        ("TransactionTaxIncluded", sums.tax_included),
        ("TransactionTaxSurcharge", sums.tax_added),
        ("TransactionGrandAmount", basket.gross),
        ("TransactionTenderApplied", sums.tendered),
    ];
    for (total_type, amount) in totals {
        poslog.total(total_type, type_code, sign * amount);
    }
    Ok(())
}

/// Sums over a basket, in its own direction.
struct Sums {
    before_discounts: Money,
    discounts: Money,
    tax_included: Money,
    tax_added: Money,
    tendered: Money,
}

impl Sums {
    fn of(basket: &Basket) -> Result<Self, Fault> {
        let sign = |line: &Line| match basket.direction {
            Direction::Sold if comes_back(line) => -1,
            _ => 1,
        };
        let counted = || basket.lines.iter().filter(|line| !line.voided);
        let off = |line: &Line| money::sum(line.discounts.iter().map(|discount| discount.amount));
        let mut discounts = Vec::new();
        for line in counted() {
            discounts.push(sign(line) * off(line)?);
        }
        let discounts = money::sum(discounts)?;
        let tax = |included: bool| {
            money::sum(
                basket
                    .taxes
                    .iter()
                    .filter(|tax| tax.included == included)
                    .map(|tax| tax.amount),
            )
        };
        let tax_added = tax(false)?;
        Ok(Self {
            before_discounts: money::sum([basket.gross, discounts, -tax_added])?,
            discounts,
            tax_included: tax(true)?,
            tax_added,
            tendered: money::sum(basket.tenders.iter().map(|tender| tender.amount))?,
        })
    }
}

fn loyalty(poslog: &mut Poslog, member: Option<&Member>) {
    let Some(member) = member else { return };
    let xml = &mut poslog.xml;
    xml.start("LoyaltyAccount")
        .element("CustomerID", &member.id)
        .start("LoyaltyAccount");
    if !member.programme.is_empty() {
        xml.element("LoyaltyProgramID", &member.programme);
    }
    xml.element("LoyaltyAccountID", &member.id).end().end();
}
