//! Evaluates a request with the table of its store.

use super::amounts::discounted;
use super::basket::{Rounding, TaxBasket, TaxItem, Treatment};
use super::exchange::{ItemTax, LevelTax, RequestItem, TaxRequest, TaxResponse};
use super::result::{ItemResult, TaxAmount};
use super::table::{TaxRow, TaxTable};
use crate::fault::Problem;
use jiff::civil::Date;
use std::collections::BTreeMap;

/// What a request is evaluated with.
#[derive(Clone, Copy, Debug)]
pub struct TableTerms<'a> {
    /// The table of the store.
    pub table: &'a TaxTable,
    /// The taxes of items whose code is not in the table; without any, such a basket is rejected.
    pub default_taxes: &'a TaxTable,
    /// The rounding.
    pub rounding: Rounding,
    /// The business date.
    pub date: Date,
    /// Whether the amounts contain the taxes.
    pub included: bool,
}

impl<'a> TableTerms<'a> {
    /// The rows of an item; none if its code is unknown.
    fn rows(&self, item: &RequestItem) -> &'a [TaxRow] {
        let rows = self.table.rows(&item.tax_code, self.date);
        match rows.is_empty() {
            true => self.default_taxes.rows(TaxTable::ANY, self.date),
            false => rows,
        }
    }
}

/// Evaluates the taxes of a request.
///
/// # Errors
///
/// Returns every violated rule with its field, such as `items.3.tax_code`.
pub fn evaluate_request(
    request: &TaxRequest,
    terms: TableTerms<'_>,
) -> Result<TaxResponse, Vec<Problem>> {
    let rows: Vec<&[TaxRow]> = request.items.iter().map(|item| terms.rows(item)).collect();
    let unknown = rows.iter().enumerate().filter(|(_, rows)| rows.is_empty());
    let problems: Vec<_> = unknown
        .map(|(index, _)| unknown_code(index, &request.items[index], terms))
        .collect();
    if !problems.is_empty() {
        return Err(problems);
    }
    let items = request.items.iter().zip(&rows);
    let items = items.map(|(item, rows)| TaxItem {
        id: item.item_id.clone(),
        amount: Some(item.total_amount),
        unit_amount: None,
        quantity: item.quantity,
        taxes: rows.iter().map(|row| row.rule(terms.included)).collect(),
    });
    let basket = TaxBasket {
        items: items.collect(),
        discounts: request.discounts.clone(),
        rounding: terms.rounding,
    };
    let result = super::evaluate(&basket).map_err(renamed)?;
    let items = result.items.into_iter().zip(&rows);
    let item_tax: Vec<ItemTax> = items.map(|(item, rows)| item_tax(item, rows)).collect();
    let taxed = item_tax.iter().filter(|item| {
        let mut taxes = item.taxes.iter();
        taxes.any(|tax| tax.treatment != Treatment::Exempt)
    });
    Ok(TaxResponse {
        total_basket_amount: discounted(result.amount, result.discount),
        total_taxable_amount: taxed.map(|item| item.taxable_amount).sum(),
        total_tax: result.tax,
        total_basket_amount_after_tax: result.gross,
        tax_breakup: breakup(&item_tax, &rows),
        item_tax,
    })
}

fn unknown_code(index: usize, item: &RequestItem, terms: TableTerms<'_>) -> Problem {
    let rule = match terms.table.is_empty() {
        true => "must be in the store's tax table, which is empty: import it".to_owned(),
        false => format!(
            "must be in the store's tax table on {}, got {:?}",
            terms.date, item.tax_code
        ),
    };
    let rule = format!("{rule} (item {})", item.item_id);
    Problem::new(format!("items.{index}.tax_code"), rule)
}

/// Names the fields of the request instead of those of the basket.
fn renamed(problems: Vec<Problem>) -> Vec<Problem> {
    let renamed = |problem: Problem| {
        let field = match problem.field.strip_suffix(".amount") {
            Some(item) if item.starts_with("items.") => format!("{item}.total_amount"),
            _ => problem.field,
        };
        Problem { field, ..problem }
    };
    problems.into_iter().map(renamed).collect()
}

fn item_tax(item: ItemResult, rows: &[TaxRow]) -> ItemTax {
    let taxes = item.taxes.into_iter().zip(rows);
    ItemTax {
        item_id: item.id,
        total_amount: discounted(item.amount, item.discount),
        taxable_amount: item.net,
        total_tax: item.gross - item.net,
        total_amount_after_tax: item.gross,
        taxes: taxes.map(|(tax, row)| level_tax(tax, row)).collect(),
    }
}

fn level_tax(tax: TaxAmount, row: &TaxRow) -> LevelTax {
    LevelTax {
        tax_code: tax.code,
        tax_level: row.tax_level.clone(),
        retailer_tax_level_id: row.retailer_tax_level_id.clone(),
        authority: tax.authority,
        kind: tax.kind,
        tax_percent: tax.rate,
        treatment: tax.treatment,
        included: tax.included,
        taxable_amount: tax.taxable,
        tax_amount: tax.amount,
    }
}

/// The taxes of all items, summed by authority, code and level id.
fn breakup(items: &[ItemTax], rows: &[&[TaxRow]]) -> Vec<LevelTax> {
    fn key(tax: &LevelTax) -> (&str, &str, &str) {
        (&tax.authority, &tax.tax_code, &tax.retailer_tax_level_id)
    }
    fn add(sum: &mut LevelTax, tax: &LevelTax) {
        sum.taxable_amount += tax.taxable_amount;
        sum.tax_amount += tax.tax_amount;
    }
    // By row first: most items share one of few rows, and addresses are compared faster than three texts.
    let mut by_row: BTreeMap<*const TaxRow, LevelTax> = BTreeMap::new();
    let taxes = items.iter().zip(rows);
    for (tax, row) in taxes.flat_map(|(item, rows)| item.taxes.iter().zip(*rows)) {
        by_row
            .entry(row)
            .and_modify(|sum| add(sum, tax))
            .or_insert_with(|| tax.clone());
    }
    let mut sums: Vec<LevelTax> = by_row.into_values().collect();
    sums.sort_by(|one, other| key(one).cmp(&key(other)));
    sums.dedup_by(|next, sum| {
        let is_same = key(next) == key(sum);
        if is_same {
            add(sum, next);
        }
        is_same
    });
    sums
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn table(rows: serde_json::Value) -> TaxTable {
        TaxTable::new(serde_json::from_value::<Vec<TaxRow>>(rows).expect("rows"))
    }

    fn spain() -> TaxTable {
        table(json!([
            {"tax_code": "STD", "tax_level": "IVA 21", "retailer_tax_level_id": "1", "tax_percent": "21.00"},
            {"tax_code": "RED", "tax_level": "IVA 10", "retailer_tax_level_id": "2", "tax_percent": "10.00"},
        ]))
    }

    fn request(items: serde_json::Value) -> TaxRequest {
        let request = json!({"store_data": {"store_id": "madrid-1"}, "items": items});
        serde_json::from_value(request).expect("a request")
    }

    fn evaluated(
        request: &TaxRequest,
        table: &TaxTable,
        default_taxes: &TaxTable,
    ) -> Result<TaxResponse, Vec<String>> {
        let terms = TableTerms {
            table,
            default_taxes,
            rounding: Rounding::default(),
            date: "2026-11-30".parse().expect("a date"),
            included: true,
        };
        let text = |problems: Vec<Problem>| problems.iter().map(ToString::to_string).collect();
        evaluate_request(request, terms).map_err(text)
    }

    #[test]
    fn a_request_is_evaluated_with_the_table_of_its_store() {
        let request = request(json!([
            {"item_id": "1", "total_amount": "12.10", "tax_code": "STD"},
            {"item_id": "2", "total_amount": "11.00", "tax_code": "RED"},
            {"item_id": "3", "total_amount": "1.21", "tax_code": "STD"},
        ]));
        let response = evaluated(&request, &spain(), &TaxTable::default()).expect("taxes");
        let sums = response.tax_breakup.iter();
        let sums: Vec<_> = sums
            .map(|tax| {
                format!(
                    "{} {} {}",
                    tax.tax_level, tax.taxable_amount, tax.tax_amount
                )
            })
            .collect();
        assert_eq!(sums, ["IVA 10 10.00 1.00", "IVA 21 11.00 2.31"]);
        assert_eq!(response.total_basket_amount.to_string(), "24.31");
        assert_eq!(response.total_taxable_amount.to_string(), "21.00");
        assert_eq!(response.total_tax.to_string(), "3.31");
        let text = serde_json::to_string(&response).expect("JSON");
        assert_eq!(
            serde_json::from_str::<TaxResponse>(&text).ok(),
            Some(response)
        );
    }

    #[test]
    fn unknown_codes_are_rejected_together() {
        let request = request(json!([
            {"item_id": "a", "total_amount": "1", "tax_code": "STD"},
            {"item_id": "b", "total_amount": "1", "tax_code": "NONE"},
            {"item_id": "c", "total_amount": "1"},
        ]));
        let problems = evaluated(&request, &spain(), &TaxTable::default()).expect_err("unknown");
        assert_eq!(
            problems,
            [
                "items.1.tax_code: must be in the store's tax table on 2026-11-30, got \"NONE\" (item b)",
                "items.2.tax_code: must be in the store's tax table on 2026-11-30, got \"\" (item c)",
            ]
        );
        let problems = evaluated(&request, &TaxTable::default(), &TaxTable::default());
        assert_eq!(problems.expect_err("empty").len(), 3);
    }

    #[test]
    fn default_taxes_apply_to_unknown_codes_and_to_an_empty_table() {
        let default = TaxTable::any(&serde_json::from_value::<Vec<TaxRow>>(json!([
            {"tax_code": "ANY", "tax_level": "IVA 4", "retailer_tax_level_id": "9", "tax_percent": "4"},
        ])).expect("rows"));
        let request = request(json!([
            {"item_id": "a", "total_amount": "1.21", "tax_code": "STD"},
            {"item_id": "b", "total_amount": "1.04", "tax_code": "NONE"},
        ]));
        let tax = |table: &TaxTable| {
            let response = evaluated(&request, table, &default).expect("taxes");
            response.total_tax.to_string()
        };
        assert_eq!(tax(&spain()), "0.25");
        assert_eq!(tax(&TaxTable::default()), "0.09");
    }

    #[test]
    fn rows_with_the_same_names_are_one_row_of_the_breakup() {
        let row = json!({"tax_code": "STD", "tax_level": "IVA 21", "retailer_tax_level_id": "1", "tax_percent": "21"});
        let default = TaxTable::any(&[serde_json::from_value(row).expect("a row")]);
        let request = request(json!([
            {"item_id": "a", "total_amount": "1.21", "tax_code": "STD"},
            {"item_id": "b", "total_amount": "12.10", "tax_code": "NONE"},
            {"item_id": "c", "total_amount": "1.10", "tax_code": "RED"},
        ]));
        let response = evaluated(&request, &spain(), &default).expect("taxes");
        let sums = response.tax_breakup.iter();
        let sums: Vec<_> = sums
            .map(|tax| format!("{} {}", tax.tax_code, tax.tax_amount))
            .collect();
        assert_eq!(sums, ["RED 0.10", "STD 2.31"]);
    }

    #[test]
    fn free_items_keep_their_digits() {
        let request = request(json!([
            {"item_id": "a", "total_amount": "0.00", "tax_code": "STD"},
        ]));
        let response = evaluated(&request, &spain(), &TaxTable::default()).expect("taxes");
        let text = serde_json::to_string(&response).expect("JSON");
        assert!(!text.contains(r#":"0""#), "{text}");
    }

    #[test]
    fn an_invalid_amount_names_the_field_of_the_request() {
        let request = request(json!([
            {"item_id": "a", "total_amount": "9000000000000", "tax_code": "STD"},
        ]));
        let problems = evaluated(&request, &spain(), &TaxTable::default()).expect_err("too much");
        assert!(
            problems[0].starts_with("items.0.total_amount: "),
            "{problems:?}"
        );
    }
}
