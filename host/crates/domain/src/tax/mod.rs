//! The tax engine: evaluates the taxes of a basket in exact decimals, and those of a request with the table of its
//! store. Pure; the storage of tables and the services that share them are elsewhere.
//!
//! Rules and their sources:
//!
//! - A tax that the price includes is `gross × r / (100 + r)`, otherwise `net × r / 100` (Council Directive
//!   2006/112/EC, articles 73 and 78).
//! - Amounts are rounded per line by default. Per rate is EN 16931-1, rule BR-CO-17. HMRC's VAT Notice 700, section 17.5,
//!   describes the rounding of invoices per line and in total.
//! - A compound tax is part of the base of later taxes, such as the Quebec sales tax before 2013, which applied
//!   to the price with the federal tax.
//! - Zero-rated supplies are taxable, exempt supplies are not; reports show them apart (Directive 2006/112/EC,
//!   articles 132 and 146; UNCL 5305 codes Z and E).
//! - A sum is split by the largest remainder method, so that the parts sum to it.
//!
//! ```
//! use galleria_domain::tax::{TaxBasket, evaluate};
//!
//! let basket: TaxBasket = serde_json::from_str(
//!     r#"{"items": [{"id": "1", "amount": "12.10",
//!         "taxes": [{"code": "IVA", "authority": "ES", "rate": "21", "included": true}]}]}"#,
//! )
//! .expect("a basket");
//! let result = evaluate(&basket).expect("taxes");
//! assert_eq!((result.net.to_string(), result.tax.to_string()), ("10.00".into(), "2.10".into()));
//! ```

mod amounts;
mod basket;
mod by_table;
mod check;
pub mod compare;
mod compare_table;
mod exact;
mod exchange;
mod lines;
mod order;
mod result;
mod row;
mod rules;
mod settings;
mod table;
mod text_amount;

#[cfg(test)]
mod cases;
#[cfg(test)]
mod compare_tests;
#[cfg(test)]
mod drawn;
#[cfg(test)]
mod properties;

pub use basket::{
    BasketDiscount, Rounding, RoundingMethod, RoundingMode, TaxBasket, TaxItem, TaxKind, TaxRule,
    Treatment,
};
pub use by_table::{TableTerms, evaluate_request};
pub use check::{MAX_DISCOUNTS, MAX_ITEMS, MAX_TAXES, is_precision};
pub use compare::TaxDifferences;
pub use compare_table::{
    AmountRow, BasketItems, DifferenceSums, DifferenceTable, MessageRow, TaxDifferenceRow,
};
pub use exchange::{ItemTax, LevelTax, RequestItem, StoreData, TaxRequest, TaxResponse};
pub use lines::MAX_LISTS;
pub use order::{
    ComparedLines, EvaluatedLines, OrderTaxes, TAX_CODE, TaxDifference, differences, is_evaluated,
    item_of, line_taxes, named_code, recorded_evaluation,
};
pub use result::{ItemResult, TaxAmount, TaxResult};
pub use settings::{Calculator, LineTaxes, TaxRoute, TaxSettings};
pub use table::{MAX_CODE_LENGTH, MAX_TABLE_ROWS, TaxRow, TaxRowKey, TaxTable};
pub use text_amount::amount_text;

use crate::fault::Problem;

/// Evaluates the taxes of a basket.
///
/// # Errors
///
/// Returns every violated rule with its field, such as `items.3.taxes.0.rate`.
pub fn evaluate(basket: &TaxBasket) -> Result<TaxResult, Vec<Problem>> {
    let problems = check::problems(basket);
    if !problems.is_empty() {
        return Err(problems);
    }
    let amounts = amounts::gross(basket)?;
    let discounts = amounts::discounts(basket, &amounts)?;
    let prices: Vec<_> = amounts
        .iter()
        .zip(&discounts)
        .map(|(a, d)| amounts::discounted(*a, *d))
        .collect();
    let lines = lines::Lines::new(basket, &prices)?;
    result::total(basket, &lines, &amounts, &discounts)
}
