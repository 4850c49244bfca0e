//! How a store's taxes are evaluated.

use super::basket::{Rounding, RoundingMethod, RoundingMode};
use super::table::TaxRow;
use crate::fault::Problem;
use crate::number::Decimal;
use serde::{Deserialize, Serialize};
use std::fmt;

/// The service that evaluates a basket.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum TaxRoute {
    /// The engine of this host, with the table of the store.
    #[default]
    Embedded,
    /// The platform's earlier service, over gRPC.
    Grpc,
    /// The platform's newer service, over HTTP.
    Http,
}

impl TaxRoute {
    /// All routes.
    pub const ALL: [Self; 3] = [Self::Embedded, Self::Grpc, Self::Http];

    /// The name in JSON, on the command line and in metrics.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Embedded => "embedded",
            Self::Grpc => "grpc",
            Self::Http => "http",
        }
    }
}

impl fmt::Display for TaxRoute {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// The treatment of order lines that already carry taxes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum LineTaxes {
    /// They are accepted without an evaluation.
    #[default]
    Keep,
    /// They must agree with the route; otherwise the order is rejected.
    Require,
    /// They are accepted, and a difference is recorded.
    Record,
}

/// The tax settings of a store. A store without settings has the defaults.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields, default)]
pub struct TaxSettings {
    /// The service that evaluates.
    pub route: TaxRoute,
    /// The service that evaluates if the first one fails; the response says so.
    pub fallback: Option<TaxRoute>,
    /// The service that evaluates in the background, so that its results can be compared.
    pub shadow: Option<TaxRoute>,
    /// The name of the calculator; null for `default`.
    pub calculator: Option<String>,
    /// Whether prices contain the taxes.
    pub tax_included_in_price: bool,
    /// The taxes of items whose code is not in the table. Without them such a basket is rejected.
    pub default_taxes: Vec<TaxRow>,
    /// The treatment of order lines that already carry taxes.
    pub line_taxes: LineTaxes,
}

impl Default for TaxSettings {
    fn default() -> Self {
        Self {
            route: TaxRoute::default(),
            fallback: None,
            shadow: None,
            calculator: None,
            tax_included_in_price: true,
            default_taxes: Vec::new(),
            line_taxes: LineTaxes::default(),
        }
    }
}

impl TaxSettings {
    /// The violated rules, except for names of calculators and routes that the host does not have.
    pub fn problems(&self) -> Vec<Problem> {
        let mut problems = Vec::new();
        for (field, route) in [("fallback", self.fallback), ("shadow", self.shadow)] {
            if route == Some(self.route) {
                let rule = format!("must differ from `route`, which is {}", self.route);
                problems.push(Problem::new(field, rule));
            }
        }
        for (index, row) in self.default_taxes.iter().enumerate() {
            for problem in row.problems() {
                let field = format!("default_taxes.{index}.{}", problem.field);
                problems.push(Problem::new(field, problem.message));
            }
            if row.valid_from.is_some() {
                let field = format!("default_taxes.{index}.valid_from");
                problems.push(Problem::new(field, "must be absent: defaults always apply"));
            }
        }
        problems
    }
}

/// A named rounding, which stores select.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Calculator {
    /// What is rounded.
    pub method: RoundingMethod,
    /// How a value between two multiples of the precision is rounded.
    pub mode: RoundingMode,
    /// Tax amounts are multiples of it; `None` for the smallest unit of the store's currency.
    pub precision: Option<Decimal>,
}

impl Calculator {
    /// The name of the calculator of stores that select none.
    pub const DEFAULT: &str = "default";

    /// The rounding in a currency with this many digits after the point.
    pub fn rounding(&self, minor_digits: u8) -> Rounding {
        Rounding {
            method: self.method,
            mode: self.mode,
            precision: self.precision.unwrap_or(Decimal {
                unscaled: 1,
                scale: minor_digits,
            }),
        }
    }
}
