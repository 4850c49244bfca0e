//! The taxes of a placed order as the request and the response of the evaluation that gave them, so that another route
//! can be compared with it.

use super::lines::KIND;
use super::{item_of, named_code};
use crate::basket::{Line, Tax};
use crate::number::Money;
use crate::tax::basket::{TaxKind, Treatment};
use crate::tax::exchange::{ItemTax, LevelTax, RequestItem, TaxResponse};
use rust_decimal::Decimal;

/// The items and the response of an evaluation of these lines, whose taxes it gave. `code` returns the tax code of a
/// line that names none. A response has no breakdown. Returns `None` if a rate is not a number.
pub fn recorded_evaluation<'c>(
    lines: &[&'c Line],
    minor_digits: u8,
    code: impl Fn(&Line) -> &'c str,
) -> Option<(Vec<RequestItem>, TaxResponse)> {
    let items = lines.iter().map(|line| {
        let code = named_code(line).unwrap_or_else(|| code(line));
        item_of(line, code.to_owned(), minor_digits)
    });
    let items: Vec<RequestItem> = items.collect();
    let item_tax = lines.iter().map(|line| item_tax(line, minor_digits));
    let item_tax: Vec<ItemTax> = item_tax.collect::<Option<_>>()?;
    let sum = |amount: fn(&ItemTax) -> Decimal| item_tax.iter().map(amount).sum();
    let taxable = item_tax.iter().filter(|item| {
        let mut taxes = item.taxes.iter();
        taxes.any(|tax| tax.treatment != Treatment::Exempt)
    });
    let response = TaxResponse {
        total_basket_amount: sum(|item| item.total_amount),
        total_taxable_amount: taxable.map(|item| item.taxable_amount).sum(),
        total_tax: sum(|item| item.total_tax),
        total_basket_amount_after_tax: sum(|item| item.total_amount_after_tax),
        tax_breakup: Vec::new(),
        item_tax,
    };
    Some((items, response))
}

fn item_tax(line: &Line, minor_digits: u8) -> Option<ItemTax> {
    // As in the evaluation: fixed taxes of a free article have the sign of a sale.
    let sign = if line.is_return() && line.amount != 0 {
        -1
    } else {
        1
    };
    let major = |amount: Money| Decimal::new(amount, minor_digits.into());
    let sum = |included: bool| -> Money {
        let taxes = line.taxes.iter().filter(|tax| tax.included == included);
        taxes.map(|tax| sign * tax.amount).sum()
    };
    let (included, added, counts) = (sum(true), sum(false), line.counts());
    let taxes = line.taxes.iter().map(|tax| {
        Some(LevelTax {
            tax_code: tax.code.clone(),
            tax_level: attribute(tax, "level").to_owned(),
            retailer_tax_level_id: attribute(tax, "level-id").to_owned(),
            authority: tax.authority.clone(),
            kind: kind(tax),
            tax_percent: percent(tax)?,
            treatment: treatment(tax),
            included: tax.included,
            taxable_amount: major(sign * tax.taxable),
            tax_amount: major(sign * tax.amount),
        })
    });
    Some(ItemTax {
        item_id: line.number.to_string(),
        total_amount: major(counts),
        taxable_amount: major(counts - included),
        total_tax: major(included + added),
        total_amount_after_tax: major(counts + added),
        taxes: taxes.collect::<Option<_>>()?,
    })
}

fn attribute<'a>(tax: &'a Tax, name: &str) -> &'a str {
    let mut attributes = tax.attributes.iter();
    let found = attributes.find(|attribute| attribute.name == name);
    found.map_or("", |attribute| attribute.value.as_str())
}

fn kind(tax: &Tax) -> TaxKind {
    let name = attribute(tax, KIND);
    let others = [TaxKind::FixedPerUnit, TaxKind::Division];
    let other = others.into_iter().find(|kind| kind.name() == name);
    other.unwrap_or_default()
}

/// The rate of the table: an attribute, unless it is in per cent.
fn percent(tax: &Tax) -> Option<Decimal> {
    match attribute(tax, "table-rate") {
        "" => tax.rate.exact(),
        rate => rate.parse().ok(),
    }
}

fn treatment(tax: &Tax) -> Treatment {
    let all = [
        Treatment::Reduced,
        Treatment::Luxury,
        Treatment::Zero,
        Treatment::Exempt,
    ];
    let found = all.into_iter().find(|one| one.name() == tax.treatment);
    found.unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tax::order::line_taxes;
    use crate::tax::order::tests::{coded, response};
    use crate::tax::{Rounding, TaxDifferences};

    #[test]
    fn an_order_has_the_items_and_the_response_of_its_evaluation() {
        for included in [true, false] {
            let mut back = coded(4, 605, "STD");
            back.returned = true;
            let mut lines = [
                coded(1, 1210, "STD"),
                coded(2, 999, "DIV"),
                coded(3, 333, "BAG"),
                back,
                coded(5, 110, "RED"),
            ];
            let evaluation = response(&lines, included, Rounding::default(), 2);
            let all: Vec<&Line> = lines.iter().collect();
            let taxes = line_taxes(&all, &evaluation, 2, "ES").expect("taxes");
            for (line, taxes) in lines.iter_mut().zip(taxes) {
                line.taxes = taxes;
            }
            // The code of the taxes, if the line names none.
            lines[0].attributes.clear();
            let all: Vec<&Line> = lines.iter().collect();
            let (items, recorded) = recorded_evaluation(&all, 2, |_| "").expect("recorded");
            let differences = TaxDifferences::between(&evaluation, &recorded);
            assert_eq!(differences, TaxDifferences::default());
            let codes: Vec<&str> = items.iter().map(|item| &*item.tax_code).collect();
            assert_eq!(codes, ["STD", "DIV", "BAG", "STD", "RED"]);
            assert_eq!(items[3].total_amount.to_string(), "-6.05");
        }
    }

    #[test]
    fn the_product_names_the_code_of_a_line_without_taxes() {
        let mut line = coded(1, 100, "");
        line.taxes.clear();
        let (items, recorded) = recorded_evaluation(&[&line], 2, |_| "RED").expect("recorded");
        assert_eq!(items[0].tax_code, "RED");
        assert_eq!(
            (recorded.total_tax, recorded.item_tax[0].taxes.len()),
            (Decimal::ZERO, 0)
        );
    }
}
