//! Compares the taxes that a line was sent with and those of the store's route.

use super::lines::KIND;
use crate::basket::{Line, Tax};
use crate::number::{Decimal, Money};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fmt;

/// A tax whose amounts differ. Amounts are in minor units, without the sign of the line.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct TaxDifference {
    /// The number of the line.
    pub line: u32,
    /// The code of the tax.
    pub code: String,
    /// In per cent; null for a fixed amount per unit and a division tax, whose rates are not compared.
    pub rate: Option<Decimal>,
    /// Whether the line's amount contains the tax.
    pub included: bool,
    /// The amount that the line was sent with; null if it has no such tax.
    pub sent: Option<Money>,
    /// The amount of the route; null if it has no such tax.
    pub evaluated: Option<Money>,
}

impl fmt::Display for TaxDifference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let amount = |amount: Option<Money>| match amount {
            Some(amount) => amount.to_string(),
            None => "no such tax".to_owned(),
        };
        write!(f, "code {:?}", self.code)?;
        if let Some(rate) = self.rate {
            write!(f, " at {rate} %")?;
        }
        let included = if self.included { "" } else { "not " };
        write!(
            f,
            " ({included}included): the line has {}, the route has {} (in minor units)",
            amount(self.sent),
            amount(self.evaluated)
        )
    }
}

/// What identifies a tax of a line: its code, its rate without superfluous digits, and whether it is included.
type TaxKey = (String, Option<rust_decimal::Decimal>, bool);

/// The differences between the taxes of a line and those of the route, in the order of code, rate and `included`.
/// Taxes of the same code and rate are summed. Authority and treatment are not compared, because the platform's tables
/// do not have them.
pub fn differences(line: &Line, evaluated: &[Tax]) -> Vec<TaxDifference> {
    // An effective rate depends on the rounding.
    let is_effective = |tax: &&Tax| {
        tax.attributes
            .iter()
            .any(|attribute| attribute.name == KIND)
    };
    let effective: Vec<&str> = evaluated
        .iter()
        .filter(is_effective)
        .map(|tax| tax.code.as_str())
        .collect();
    let key = |tax: &Tax| -> TaxKey {
        let rate = match effective.contains(&tax.code.as_str()) {
            true => None,
            false => tax.rate.exact().map(|rate| rate.normalize()),
        };
        (tax.code.clone(), rate, tax.included)
    };
    let mut sums: BTreeMap<TaxKey, (Option<Money>, Option<Money>)> = BTreeMap::new();
    for tax in &line.taxes {
        let sum = &mut sums.entry(key(tax)).or_default().0;
        *sum = Some(sum.unwrap_or_default() + tax.amount);
    }
    for tax in evaluated {
        let sum = &mut sums.entry(key(tax)).or_default().1;
        *sum = Some(sum.unwrap_or_default() + tax.amount);
    }
    sums.into_iter()
        .filter(|(_, (sent, evaluated))| sent != evaluated)
        .map(
            |((code, rate, included), (sent, evaluated))| TaxDifference {
                line: line.number,
                code,
                rate: rate.and_then(Decimal::from_exact),
                included,
                sent,
                evaluated,
            },
        )
        .collect()
}
