//! The taxes of order lines: which lines are evaluated, as items of a request; and how an order got its taxes.

mod compare;
mod lines;
mod recorded;

#[cfg(test)]
mod refunds;
#[cfg(test)]
mod tests;

pub use compare::{TaxDifference, differences};
pub use lines::line_taxes;
pub use recorded::recorded_evaluation;

use super::exchange::RequestItem;
use super::settings::TaxRoute;
use crate::basket::{Line, LineKind};
use crate::number::Decimal;
use serde::{Deserialize, Serialize};
use std::fmt;

/// The attribute of an order line with its code in the store's tax table.
pub const TAX_CODE: &str = "tax-code";

/// How an order got its taxes. An order of a store that does not evaluate taxes has none.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct OrderTaxes {
    /// The lines that were sent without taxes and got them from the store's route; null if there are none.
    pub evaluated: Option<EvaluatedLines>,
    /// The lines that were sent with taxes and compared with the route; null if there are none, or if the store's tax
    /// settings do not say so.
    pub compared: Option<ComparedLines>,
}

/// Order lines that got their taxes from the store's route.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct EvaluatedLines {
    /// Their numbers.
    pub lines: Vec<u32>,
    /// The service that evaluated.
    pub route: TaxRoute,
    /// Whether it is the store's fallback, because the service of the store's route failed.
    pub fallback: bool,
}

/// Order lines whose taxes were compared with the store's route.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ComparedLines {
    /// Their numbers.
    pub lines: Vec<u32>,
    /// The service that evaluated; null if none could.
    pub route: Option<TaxRoute>,
    /// Whether it is the store's fallback, because the service of the store's route failed.
    pub fallback: bool,
    /// The taxes that differ; empty if all agree.
    pub differences: Vec<TaxDifference>,
    /// Why the lines could not be compared; null if they were.
    pub error: Option<String>,
}

/// Whether a line without taxes is evaluated. Deposits, gift cards and donations are taxed only with a tax code.
pub fn is_evaluated(line: &Line, tax_code: &str) -> bool {
    match line.kind {
        _ if line.voided => false,
        LineKind::Item | LineKind::Service | LineKind::Fee | LineKind::Other(_) => true,
        LineKind::Deposit
        | LineKind::DepositReturn
        | LineKind::GiftCardSale(_)
        | LineKind::Donation => !tax_code.is_empty(),
    }
}

/// The tax code that a line names: its attribute, or the code of its first tax.
pub fn named_code(line: &Line) -> Option<&str> {
    let mut attributes = line.attributes.iter();
    let attribute = attributes.find(|attribute| attribute.name == TAX_CODE);
    let taxed = line.taxes.first().map(|tax| tax.code.as_str());
    attribute
        .map(|attribute| attribute.value.as_str())
        .filter(|code| !code.is_empty())
        .or(taxed)
}

/// The item of a line. A line that reduces the basket has a negative amount.
pub fn item_of(line: &Line, tax_code: String, minor_digits: u8) -> RequestItem {
    RequestItem {
        item_id: line.number.to_string(),
        total_amount: Decimal {
            unscaled: line.counts(),
            scale: minor_digits,
        },
        tax_code,
        quantity: line.quantity,
    }
}

/// Numbers of lines for people: `1, 2, 5`.
struct Numbers<'a>(&'a [u32]);

impl fmt::Display for Numbers<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, number) in self.0.iter().enumerate() {
            let comma = if index == 0 { "" } else { ", " };
            write!(f, "{comma}{number}")?;
        }
        Ok(())
    }
}

impl OrderTaxes {
    /// The facts for a timeline, by name.
    pub fn facts(&self) -> Vec<(&'static str, String)> {
        let mut facts = Vec::new();
        if let Some(evaluated) = &self.evaluated {
            facts.push(("evaluated_lines", Numbers(&evaluated.lines).to_string()));
            facts.push(("route", evaluated.route.to_string()));
            if evaluated.fallback {
                facts.push(("fallback", "true".to_owned()));
            }
        }
        let Some(compared) = &self.compared else {
            return facts;
        };
        facts.push(("compared_lines", Numbers(&compared.lines).to_string()));
        if let Some(route) = compared.route {
            facts.push(("compared_route", route.to_string()));
        }
        if compared.fallback {
            facts.push(("compared_fallback", "true".to_owned()));
        }
        if let Some(error) = &compared.error {
            facts.push(("not_compared", error.clone()));
        } else {
            let differences: Vec<String> = compared
                .differences
                .iter()
                .map(|difference| format!("line {}: {difference}", difference.line))
                .collect();
            facts.push(("differences", compared.differences.len().to_string()));
            facts.extend((!differences.is_empty()).then(|| ("differing", differences.join("; "))));
        }
        facts
    }
}
