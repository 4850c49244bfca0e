//! Checks the response of a tax service: an order with sums that disagree would be wrong in every report.

use galleria_domain::tax::{TaxRequest, TaxResponse};
use rust_decimal::Decimal;

/// The maximum size of a response: about the size of the largest basket, with every tax that an item can have.
pub(crate) const MAX_BYTES: usize = 16 << 20;

/// Checks that the items are those of the request, in order, and that all sums agree. Returns the violated rule.
pub(crate) fn check(request: &TaxRequest, response: &TaxResponse) -> Result<(), String> {
    let (items, taxed) = (&request.items, &response.item_tax);
    if items.len() != taxed.len() {
        let (expected, got) = (items.len(), taxed.len());
        return Err(format!("item_tax: must have {expected} items, got {got}"));
    }
    for (index, (item, taxed)) in items.iter().zip(taxed).enumerate() {
        let at = |field: &str| format!("item_tax.{index}.{field}");
        if item.item_id != taxed.item_id {
            let (expected, got) = (&item.item_id, super::fault::safe_text(&taxed.item_id));
            let field = at("item_id");
            return Err(format!("{field}: must be {expected:?}, got {got:?}"));
        }
        if request.discounts.is_empty() {
            let amount = Decimal::try_from_i128_with_scale(
                item.total_amount.unscaled.into(),
                item.total_amount.scale.into(),
            );
            let amount = amount.map_err(|error| error.to_string())?;
            agree(
                &at("total_amount"),
                "the request",
                taxed.total_amount,
                Some(amount),
            )?;
        }
        let taxes = sum(taxed.taxes.iter().map(|tax| tax.tax_amount));
        agree(
            &at("total_tax"),
            "the sum of its taxes",
            taxed.total_tax,
            taxes,
        )?;
        let gross = taxed.taxable_amount.checked_add(taxed.total_tax);
        let field = at("total_amount_after_tax");
        agree(
            &field,
            "taxable_amount and total_tax",
            taxed.total_amount_after_tax,
            gross,
        )?;
    }
    let of_items =
        |value: fn(&galleria_domain::tax::ItemTax) -> Decimal| sum(taxed.iter().map(value));
    let rule = "the sum of the items";
    let amount = of_items(|item| item.total_amount);
    agree(
        "total_basket_amount",
        rule,
        response.total_basket_amount,
        amount,
    )?;
    let tax = of_items(|item| item.total_tax);
    agree("total_tax", rule, response.total_tax, tax)?;
    let gross = of_items(|item| item.total_amount_after_tax);
    let field = "total_basket_amount_after_tax";
    agree(field, rule, response.total_basket_amount_after_tax, gross)?;
    let parts = sum(response.tax_breakup.iter().map(|tax| tax.tax_amount));
    agree(
        "total_tax",
        "the sum of tax_breakup",
        response.total_tax,
        parts,
    )
}

/// `None` if the sum has too many digits.
fn sum(mut values: impl Iterator<Item = Decimal>) -> Option<Decimal> {
    values.try_fold(Decimal::ZERO, |sum, value| sum.checked_add(value))
}

fn agree(field: &str, rule: &str, found: Decimal, expected: Option<Decimal>) -> Result<(), String> {
    match expected {
        Some(expected) if expected == found => Ok(()),
        Some(expected) => Err(format!(
            "{field}: must agree with {rule}, {expected}, got {found}"
        )),
        None => Err(format!(
            "{field}: must agree with {rule}, which has too many digits"
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn request() -> TaxRequest {
        let request = json!({"store_data": {"store_id": "s"}, "items": [
            {"item_id": "a", "total_amount": "12.10", "tax_code": "STD"},
            {"item_id": "b", "total_amount": "1", "tax_code": "NONE"},
        ]});
        serde_json::from_value(request).expect("a request")
    }

    fn valid() -> Value {
        let tax = json!({"tax_code": "STD", "tax_percent": "21", "included": true,
            "taxable_amount": "10.00", "tax_amount": "2.10"});
        json!({
            "total_basket_amount": "13.10", "total_taxable_amount": "10.00", "total_tax": "2.10",
            "total_basket_amount_after_tax": "13.10", "tax_breakup": [tax],
            "item_tax": [
                {"item_id": "a", "total_amount": "12.1", "taxable_amount": "10.00", "total_tax": "2.10",
                 "total_amount_after_tax": "12.10", "taxes": [tax]},
                {"item_id": "b", "total_amount": "1.00", "taxable_amount": "1.00", "total_tax": "0",
                 "total_amount_after_tax": "1.00", "taxes": []},
            ],
        })
    }

    fn checked(response: Value) -> Result<(), String> {
        let response: TaxResponse = serde_json::from_value(response).expect("a response");
        check(&request(), &response)
    }

    #[test]
    fn a_consistent_response_is_accepted() {
        assert_eq!(checked(valid()), Ok(()));
    }

    #[test]
    fn each_inconsistency_names_its_field() {
        for (pointer, value, expected) in [
            (
                "/item_tax/0/item_id",
                json!("b"),
                "item_tax.0.item_id: must be \"a\", got \"b\"",
            ),
            (
                "/item_tax/0/total_amount",
                json!("12.11"),
                "item_tax.0.total_amount: must agree with the request, 12.10, got 12.11",
            ),
            (
                "/item_tax/0/total_tax",
                json!("2.00"),
                "item_tax.0.total_tax: must agree with the sum of its taxes, 2.10, got 2.00",
            ),
            (
                "/item_tax/1/total_amount_after_tax",
                json!("1.01"),
                "item_tax.1.total_amount_after_tax: must agree with taxable_amount and total_tax, 1.00, got 1.01",
            ),
            (
                "/total_basket_amount",
                json!("13"),
                "total_basket_amount: must agree with the sum of the items, 13.10, got 13",
            ),
            (
                "/total_tax",
                json!("2"),
                "total_tax: must agree with the sum of the items, 2.10, got 2",
            ),
            (
                "/total_basket_amount_after_tax",
                json!("13"),
                "total_basket_amount_after_tax: must agree with the sum of the items, 13.10, got 13",
            ),
            (
                "/tax_breakup/0/tax_amount",
                json!("2"),
                "total_tax: must agree with the sum of tax_breakup, 2, got 2.10",
            ),
        ] {
            let mut response = valid();
            *response.pointer_mut(pointer).expect(pointer) = value;
            assert_eq!(checked(response), Err(expected.to_owned()));
        }
        let mut short = valid();
        short["item_tax"].as_array_mut().expect("items").pop();
        assert_eq!(
            checked(short),
            Err("item_tax: must have 2 items, got 1".into())
        );
        let mut swapped = valid();
        swapped["item_tax"].as_array_mut().expect("items").reverse();
        assert!(
            checked(swapped)
                .expect_err("swapped")
                .starts_with("item_tax.0.item_id")
        );
    }

    #[test]
    fn sums_that_do_not_fit_are_rejected() {
        let mut response = valid();
        response["item_tax"][0]["taxable_amount"] = json!("79228162514264337593543950335");
        assert!(
            checked(response)
                .expect_err("too large")
                .ends_with("too many digits")
        );
    }
}
