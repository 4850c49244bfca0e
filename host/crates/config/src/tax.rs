//! `[tax]`: the evaluation of taxes.

use crate::checks::Checks;
use crate::fields::{HOUR, Rule, UNBOUNDED, duration, optional, rule, text};
use crate::suggest;
use galleria_domain::names::is_id;
use galleria_domain::tax::{Calculator, RoundingMethod, RoundingMode};
use galleria_domain::{Decimal, tax};
use serde::Deserialize;
use std::collections::BTreeMap;
use std::time::Duration;

/// The evaluation of taxes.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Tax {
    /// How long recorded evaluations are kept.
    #[serde(deserialize_with = "duration::<_, HOUR, UNBOUNDED>")]
    pub evaluations_kept: Duration,
    /// Calculators by name, which stores select.
    pub calculators: BTreeMap<String, TaxCalculator>,
}

/// How tax amounts are rounded.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TaxCalculator {
    /// What is rounded.
    #[serde(deserialize_with = "text::<_, Method>", default)]
    pub method: RoundingMethod,
    /// How a value between two multiples of the precision is rounded.
    #[serde(deserialize_with = "text::<_, Mode>", default)]
    pub mode: RoundingMode,
    /// Tax amounts are multiples of it; none means the smallest unit of the store's currency.
    #[serde(deserialize_with = "optional::<_, Precision>", default)]
    pub precision: Option<Decimal>,
}

impl From<TaxCalculator> for Calculator {
    fn from(calculator: TaxCalculator) -> Self {
        Self {
            method: calculator.method,
            mode: calculator.mode,
            precision: calculator.precision,
        }
    }
}

/// A rounding method.
pub(crate) struct Method;

impl Rule for Method {
    type Value = RoundingMethod;

    fn parse(text: &str) -> Option<RoundingMethod> {
        RoundingMethod::ALL
            .into_iter()
            .find(|one| one.name() == text)
    }

    fn expected(text: &str) -> String {
        suggest::one_of(text, &RoundingMethod::ALL.map(RoundingMethod::name))
    }
}

/// A rounding mode.
pub(crate) struct Mode;

impl Rule for Mode {
    type Value = RoundingMode;

    fn parse(text: &str) -> Option<RoundingMode> {
        RoundingMode::ALL.into_iter().find(|one| one.name() == text)
    }

    fn expected(text: &str) -> String {
        suggest::one_of(text, &RoundingMode::ALL.map(RoundingMode::name))
    }
}

rule!(
    /// The precision of tax amounts.
    Precision -> Decimal,
    "a decimal above 0 and at most 10000, such as 0.01, with at most 12 digits after the point",
    |text| text.parse().ok().filter(|precision| tax::is_precision(*precision))
);

impl Tax {
    pub(crate) fn validate(&self, checks: &mut Checks) {
        for name in self.calculators.keys() {
            checks.check(
                is_id(name),
                &format!("tax.calculators.{name}"),
                "must have a name of 1 to 64 letters, digits, '-', '_', '.' and ':'",
            );
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_words_of_a_calculator_are_those_of_a_basket() {
        for method in RoundingMethod::ALL {
            let word = serde_json::to_value(method).expect("JSON");
            assert_eq!(word, method.name());
            assert_eq!(Method::parse(method.name()), Some(method));
        }
        for mode in RoundingMode::ALL {
            assert_eq!(serde_json::to_value(mode).expect("JSON"), mode.name());
            assert_eq!(Mode::parse(mode.name()), Some(mode));
        }
    }

    #[test]
    fn a_precision_is_positive_and_bounded() {
        assert_eq!(
            Precision::parse("0.05").map(|one| one.to_string()),
            Some("0.05".into())
        );
        for bad in ["0", "-0.01", "10001", "0.0000000000001", "1e-2", "x"] {
            assert_eq!(Precision::parse(bad), None, "{bad}");
        }
    }
}
