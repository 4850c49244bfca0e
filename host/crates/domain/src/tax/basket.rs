//! The input of an evaluation. Its JSON is the format of `galleria tax evaluate`.

use crate::number::Decimal;
use serde::{Deserialize, Serialize};

/// Items with the taxes that apply to them. All amounts are in major units of one currency.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct TaxBasket {
    /// The items in the order of the receipt.
    pub items: Vec<TaxItem>,
    /// Discounts on the whole basket, which are spread over the items before tax.
    #[serde(default)]
    pub discounts: Vec<BasketDiscount>,
    /// The rounding of tax amounts.
    #[serde(default)]
    pub rounding: Rounding,
}

/// One item.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct TaxItem {
    /// The caller's name of the item. Two items may have the same one.
    pub id: String,
    /// The amount of the whole quantity, after the item's own discounts; negative for a refund. It contains the
    /// taxes that are `included`. Without it, the amount is `unit_amount` × `quantity`, rounded to the precision.
    #[serde(default)]
    pub amount: Option<Decimal>,
    /// The amount of one unit.
    #[serde(default)]
    pub unit_amount: Option<Decimal>,
    /// Pieces, weight or length, not 0.
    #[serde(default = "one")]
    pub quantity: Decimal,
    /// The taxes in the order in which they apply. An item without taxes is not taxed.
    #[serde(default)]
    pub taxes: Vec<TaxRule>,
}

const fn one() -> Decimal {
    Decimal::whole(1)
}

/// One tax of an item.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct TaxRule {
    /// The code in the tax table, such as `VAT-STD`.
    pub code: String,
    /// The authority that levies it, such as `DE` or `US-NY`.
    #[serde(default)]
    pub authority: String,
    /// The meaning of `rate`.
    #[serde(default)]
    pub kind: TaxKind,
    /// In per cent; for `fixed_per_unit` the amount per unit.
    pub rate: Decimal,
    /// Whether the item's amount contains the tax.
    #[serde(default)]
    pub included: bool,
    /// The class of the rate.
    #[serde(default)]
    pub treatment: Treatment,
    /// Whether the base of later taxes contains this tax (a compound tax).
    #[serde(default)]
    pub affects_later_taxes: bool,
    /// Whether the base of this tax is the net amount even after a tax that affects later taxes.
    #[serde(default)]
    pub ignores_earlier_taxes: bool,
}

/// The meaning of a tax's rate `r`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum TaxKind {
    /// `base × r / 100`.
    #[default]
    Percent,
    /// `quantity × r`, with the sign of the item's amount.
    FixedPerUnit,
    /// `base × r / (100 − r)`: the tax is `r` per cent of the amount that contains it.
    Division,
}

impl TaxKind {
    /// The name in JSON.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Percent => "percent",
            Self::FixedPerUnit => "fixed_per_unit",
            Self::Division => "division",
        }
    }
}

/// The class of a rate. Zero-rated and exempt items have no tax, and are reported apart.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum Treatment {
    /// The standard rate.
    #[default]
    Standard,
    /// A reduced rate.
    Reduced,
    /// A higher rate, for luxury goods.
    Luxury,
    /// Taxable at 0 per cent. The rate must be 0.
    Zero,
    /// Exempt from the tax. The rate must be 0.
    Exempt,
}

impl Treatment {
    /// The name in JSON.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Standard => "standard",
            Self::Reduced => "reduced",
            Self::Luxury => "luxury",
            Self::Zero => "zero",
            Self::Exempt => "exempt",
        }
    }
}

/// A discount on the whole basket, spread over the items in proportion to their amounts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct BasketDiscount {
    /// The amount, positive; negative if the basket's total is negative.
    pub amount: Decimal,
}

/// The rounding of tax amounts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields, default)]
pub struct Rounding {
    /// What is rounded.
    pub method: RoundingMethod,
    /// How a value between two multiples of the precision is rounded.
    pub mode: RoundingMode,
    /// Tax amounts are multiples of it: `0.01` for euro, `1` for yen, `0.001` for Bahraini dinar, `0.05` for a
    /// coarser step.
    pub precision: Decimal,
}

impl Default for Rounding {
    fn default() -> Self {
        Self {
            method: RoundingMethod::default(),
            mode: RoundingMode::default(),
            precision: Decimal {
                unscaled: 1,
                scale: 2,
            },
        }
    }
}

impl Rounding {
    /// Tax amounts are multiples of it.
    pub(super) fn step(&self) -> Decimal {
        match self.method {
            RoundingMethod::Unrounded => Decimal {
                unscaled: 1,
                scale: 12,
            },
            _ => self.precision,
        }
    }
}

/// What is rounded.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum RoundingMethod {
    /// Each tax of each item.
    #[default]
    PerLine,
    /// Each tax of one unit; the result is multiplied by the quantity, and rounded again if the quantity has
    /// digits after the point.
    PerUnit,
    /// The sum of each row of the breakdown, such as all items at 21 %. It is the rule of EN 16931 (BR-CO-17).
    PerRate,
    /// The sum of all taxes of the basket.
    PerTotal,
    /// Nothing. Amounts have 12 digits after the point.
    Unrounded,
}

impl RoundingMethod {
    /// All methods.
    pub const ALL: [Self; 5] = [
        Self::PerLine,
        Self::PerUnit,
        Self::PerRate,
        Self::PerTotal,
        Self::Unrounded,
    ];

    /// The name in JSON and in configuration files.
    pub const fn name(self) -> &'static str {
        match self {
            Self::PerLine => "per_line",
            Self::PerUnit => "per_unit",
            Self::PerRate => "per_rate",
            Self::PerTotal => "per_total",
            Self::Unrounded => "unrounded",
        }
    }
}

/// How a value between two multiples of the precision is rounded. All modes are symmetrical: a refund has the
/// amounts of its sale.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum RoundingMode {
    /// To the nearest; the middle away from zero.
    #[default]
    HalfUp,
    /// To the nearest; the middle to the even multiple.
    HalfEven,
    /// Away from zero.
    Up,
    /// Towards zero.
    Down,
}

impl RoundingMode {
    /// All modes.
    pub const ALL: [Self; 4] = [Self::HalfUp, Self::HalfEven, Self::Up, Self::Down];

    /// The name in JSON and in configuration files.
    pub const fn name(self) -> &'static str {
        match self {
            Self::HalfUp => "half_up",
            Self::HalfEven => "half_even",
            Self::Up => "up",
            Self::Down => "down",
        }
    }
}
