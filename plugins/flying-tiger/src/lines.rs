//! Line items of goods: `Sale` and `Return`, with prices, discounts and taxes.

use crate::poslog::{Poslog, flag};
use crate::retail::{Basket, Direction};
use crate::settings::ReturnStyle;
use crate::{codes, taxes};
use galleria_sdk::prelude::*;
use galleria_sdk::{AgeOutcome, money};

/// The standard's percentages have five digits in total, and are at most 100.
const PERCENT_DIGITS: u32 = 5;

/// Writes one line.
pub fn write(poslog: &mut Poslog, basket: &Basket, line: &Line) -> Result<(), Fault> {
    let back = basket.is_back(line);
    let method = entry_method(poslog, line);
    poslog
        .xml
        .start("LineItem")
        .attribute("EntryMethod", &method);
    if line.voided {
        poslog
            .xml
            .attribute("CancelFlag", "true")
            .attribute("VoidFlag", "true");
    }
    let unit = codes::unit(&line.unit, &poslog.settings.extension_prefix);
    poslog.xml.start(element(poslog, back));
    poslog
        .xml
        .attribute("ItemType", &item_type(poslog, &line.kind, back));
    poslog
        .xml
        .attribute("TaxableFlag", flag(!line.taxes.is_empty()));
    identity(poslog, line);
    describe(poslog, &line.description);
    poslog.price("RegularSalesUnitPrice", line.regular_price, &unit);
    poslog.price("ActualSalesUnitPrice", line.unit_price, &unit);
    poslog.amount("ExtendedAmount", line.amount);
    let off = money::sum(line.discounts.iter().map(|discount| discount.amount))?;
    poslog.amount("ExtendedDiscountAmount", off);
    quantity(poslog, line.quantity, &unit, &method, back);
    for (discount, number) in line.discounts.iter().zip(1..) {
        modifier(poslog, discount, number);
    }
    for (tax, number) in line.taxes.iter().zip(1..) {
        taxes::write(poslog, tax, number, back);
    }
    let origin = basket
        .origin
        .filter(|_| line.returned && basket.direction == Direction::GivenBack);
    if let Some((origin, reason)) = origin {
        poslog.link(reason, origin, line.origin_line);
    }
    if let Some(parent) = line.parent {
        poslog.xml.integer_element("ItemLink", parent.into());
    }
    if !line.taxes.is_empty() {
        let included = line.taxes.iter().all(|tax| tax.included);
        poslog.xml.element("TaxIncludedInPriceFlag", flag(included));
    }
    poslog.xml.end();
    gift_card(poslog, line)?;
    poslog
        .xml
        .integer_element("SequenceNumber", line.number.into());
    age(poslog, line);
    poslog.xml.end();
    Ok(())
}

/// A refund by amount returns no goods. One item represents it, so that the lines add up to the repaid
/// amount.
pub fn write_amount(poslog: &mut Poslog, basket: &Basket, number: u32) {
    let added = basket
        .taxes
        .iter()
        .filter(|tax| !tax.included)
        .map(|tax| tax.amount);
    let amount = basket.gross - added.sum::<Money>();
    let settings = poslog.settings;
    poslog
        .xml
        .start("LineItem")
        .attribute("EntryMethod", "Keyed");
    poslog.xml.start(element(poslog, true));
    poslog
        .xml
        .attribute("ItemType", &settings.extension("amount"));
    poslog.xml.attribute("TaxableFlag", "false");
    poslog
        .xml
        .start("ItemID")
        .attribute("Type", "SKU")
        .text(&settings.amount_item)
        .end();
    describe(poslog, basket.reason.unwrap_or_default());
    poslog.amount("ExtendedAmount", amount);
    poslog.amount("ExtendedDiscountAmount", 0);
    quantity(poslog, Decimal::whole(1), "EA", "Keyed", true);
    if let Some((origin, reason)) = basket.origin {
        poslog.link(reason, origin, None);
    }
    poslog.xml.end();
    poslog
        .xml
        .integer_element("SequenceNumber", number.into())
        .end();
}

fn element(poslog: &Poslog, back: bool) -> &'static str {
    match (back, poslog.settings.return_style) {
        (true, ReturnStyle::Return) => "Return",
        _ => "Sale",
    }
}

/// `RetailTransactionItemType` has no donation and no gift card.
fn item_type(poslog: &Poslog, kind: &LineKind, back: bool) -> String {
    match (kind, back) {
        (LineKind::Item, _) => "Stock".into(),
        (LineKind::Deposit, false) => "Deposit".into(),
        (LineKind::Deposit, true) | (LineKind::DepositReturn, _) => "DepositRefund".into(),
        (LineKind::Service, _) => "Service".into(),
        (LineKind::Fee, false) => "Fee".into(),
        (LineKind::Fee, true) => "FeeRefund".into(),
        (LineKind::GiftCardSale(_), _) => poslog.settings.extension("gift-card"),
        (LineKind::Donation, _) => poslog.settings.extension("donation"),
        (LineKind::Other(kind), _) => poslog.settings.extension(kind),
    }
}

/// Weighed goods have their own entry method; for others the settings define it.
fn entry_method(poslog: &Poslog, line: &Line) -> String {
    match line.unit.as_str() {
        "KGM" | "GRM" => "Weighed".into(),
        "LTR" | "MTR" => "Measured".into(),
        _ => poslog.settings.entry_method.clone(),
    }
}

fn identity(poslog: &mut Poslog, line: &Line) {
    if let Some(gtin) = &line.gtin {
        poslog
            .xml
            .start("POSIdentity")
            .attribute("POSIDType", "GTIN");
        poslog.xml.element("POSItemID", gtin).end();
    }
    poslog
        .xml
        .start("ItemID")
        .attribute("Type", "SKU")
        .text(&line.sku)
        .end();
    if let Some(category) = &line.category {
        poslog
            .xml
            .start("MerchandiseHierarchy")
            .attribute("Level", "Category")
            .text(category)
            .end();
    }
}

fn describe(poslog: &mut Poslog, description: &str) {
    if description.is_empty() {
        return;
    }
    poslog.xml.start("Description");
    if !poslog.settings.language.is_empty() {
        poslog.xml.attribute("Language", &poslog.settings.language);
    }
    poslog
        .xml
        .attribute("TypeCode", "Short")
        .text(description)
        .end();
}

/// Negative only for returned goods that are written as a `Sale`.
fn quantity(poslog: &mut Poslog, quantity: Decimal, unit: &str, method: &str, back: bool) {
    let negative = back && poslog.settings.return_style == ReturnStyle::NegativeSale;
    let sign = if negative { -1 } else { 1 };
    poslog
        .xml
        .start("Quantity")
        .attribute("UnitOfMeasureCode", unit)
        .attribute("EntryMethod", method);
    poslog
        .xml
        .decimal(Decimal::new(sign * quantity.unscaled, quantity.scale))
        .end();
}

/// Writes one discount. The method distinguishes a share of a basket's discount from a line's own
/// discount.
fn modifier(poslog: &mut Poslog, discount: &Discount, number: i64) {
    let method = match (discount.basket, &discount.coupon) {
        (true, _) => poslog.settings.extension("basket-discount"),
        (false, Some(_)) => "Coupon".into(),
        (false, None) => "Promotion".into(),
    };
    poslog
        .xml
        .start("RetailPriceModifier")
        .attribute("MethodCode", &method);
    poslog.xml.integer_element("SequenceNumber", number);
    poslog.open_amount("Amount");
    poslog.xml.attribute("Action", "Subtract");
    poslog.close_amount(discount.amount);
    if let Some(percent) = discount.percent.and_then(percentage) {
        poslog
            .xml
            .start("Percent")
            .attribute("Action", "Subtract")
            .decimal(percent)
            .end();
    }
    poslog.xml.element("PromotionID", &discount.id);
    describe(poslog, &discount.reason);
    poslog
        .xml
        .optional("ReasonCode", discount.coupon.as_deref());
    poslog.xml.end();
}

/// Returns a percentage in the standard's form, rounded half up to five digits; `None` above 100.
pub fn percentage(percent: Decimal) -> Option<Decimal> {
    let percent = percent.trimmed();
    let digits = percent
        .unscaled
        .unsigned_abs()
        .checked_ilog10()
        .unwrap_or(0)
        + 1;
    // One rounding: rounding digit by digit could round twice.
    let excess = digits.saturating_sub(PERCENT_DIGITS);
    let scale = u32::from(percent.scale)
        .checked_sub(excess)?
        .min(PERCENT_DIGITS);
    let percent = percent.rescale(u8::try_from(scale).ok()?).ok()?.trimmed();
    let hundred = Decimal::whole(100);
    (percent.unscaled >= 0 && percent.compare(hundred).is_le()).then_some(percent)
}

/// The `Sale` carries the amount; this element names the gift card.
fn gift_card(poslog: &mut Poslog, line: &Line) -> Result<(), Fault> {
    let LineKind::GiftCardSale(card) = &line.kind else {
        return Ok(());
    };
    let off = money::sum(line.discounts.iter().map(|discount| discount.amount))?;
    poslog
        .xml
        .start("SaleOfGiftCard")
        .element("CardNumber", card);
    poslog.amount("InitialBalance", money::sum([line.amount, off])?);
    poslog.xml.end();
    Ok(())
}

/// Writes the age check: its outcome and the cashier.
fn age(poslog: &mut Poslog, line: &Line) {
    let Some(check) = &line.age else { return };
    let (answer, passed) = match check.outcome {
        AgeOutcome::Pending => ("pending", false),
        AgeOutcome::Passed => ("passed", true),
        AgeOutcome::Refused => ("refused", false),
    };
    let question = poslog.settings.extension("age");
    let xml = &mut poslog.xml;
    let minimum = check.minimum.to_string();
    xml.element("RequiredAge", &minimum);
    xml.start("RestrictionValidation")
        .attribute("CustomerQuestionID", &question);
    xml.element("QuestionAnswer", answer);
    if let Some(cashier) = &check.cashier {
        xml.start("OperatorBypassApproval")
            .integer_element("SequenceNumber", 1);
        xml.element("ApproverID", cashier)
            .optional("ApprovalDateTime", check.at.as_deref())
            .end();
    }
    xml.start("SalesRestrictionValidation")
        .attribute("ValidationFlag", flag(passed));
    xml.attribute("RuleID", &["minimum-age-", &minimum].concat())
        .end();
    xml.end();
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentages_have_five_digits_and_stay_below_a_hundred() {
        let shown =
            |unscaled, scale| percentage(Decimal::new(unscaled, scale)).map(|p| p.to_string());
        assert_eq!(shown(2100, 2).as_deref(), Some("21"));
        assert_eq!(shown(333_333, 4).as_deref(), Some("33.333"));
        assert_eq!(shown(12_345_678, 6).as_deref(), Some("12.346"));
        assert_eq!(shown(1_234_567, 9).as_deref(), Some("0.00123"));
        assert_eq!(shown(99_999_999, 6).as_deref(), Some("100"));
        assert_eq!(shown(100, 0).as_deref(), Some("100"));
        assert_eq!(shown(101, 0), None);
        assert_eq!(shown(-1, 0), None);
    }
}
