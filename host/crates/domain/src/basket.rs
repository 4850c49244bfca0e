//! What is in a basket and how it was paid. Each field is documented in `wit/v0.2.0/types.wit`.

use crate::number::{Decimal, Money};
use serde::{Deserialize, Serialize};

/// A named value; names are lower-case with dashes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct Attribute {
    /// Lower-case, with dashes.
    pub name: String,
    /// Text, whatever it means.
    pub value: String,
}

/// One tax on a line, or one tax summed over a basket.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct Tax {
    /// The tax service's code, such as `VAT-STD`.
    pub code: String,
    /// Who levies it.
    pub authority: String,
    /// In per cent.
    pub rate: Decimal,
    /// What the rate applies to, without the tax.
    pub taxable: Money,
    /// The tax.
    pub amount: Money,
    /// Whether the line's amount contains it.
    pub included: bool,
    /// `standard`, `reduced`, `zero`, `exempt` or `luxury`.
    pub treatment: String,
    /// Further facts.
    #[serde(default)]
    pub attributes: Vec<Attribute>,
}

/// What was taken off a line.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct Discount {
    /// The promotion's or voucher's id.
    pub id: String,
    /// Readable.
    pub reason: String,
    /// Positive.
    pub amount: Money,
    /// In per cent, where it was a rate.
    pub percent: Option<Decimal>,
    /// The code scanned.
    pub coupon: Option<String>,
    /// Whether it is the line's share of a basket discount.
    #[serde(default)]
    pub basket: bool,
    /// Further facts.
    #[serde(default)]
    pub attributes: Vec<Attribute>,
}

/// How an age check ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum AgeOutcome {
    Pending,
    Passed,
    Refused,
}

/// Proof of age for a line.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct AgeCheck {
    /// Years.
    #[cfg_attr(feature = "openapi", schema(maximum = 255))]
    pub minimum: u8,
    /// How it ended.
    pub outcome: AgeOutcome,
    /// Who looked; none while it is pending.
    pub cashier: Option<String>,
    /// When, RFC 3339.
    pub at: Option<String>,
}

/// What a line is.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum LineKind {
    /// An article.
    #[default]
    Item,
    /// A container's deposit.
    Deposit,
    /// A deposit paid out: counts against the basket.
    DepositReturn,
    /// A gift card sold or loaded, with its masked number.
    GiftCardSale(String),
    /// Work done.
    Service,
    /// A charge.
    Fee,
    /// A gift to a third party.
    Donation,
    /// The retailer's own word.
    Other(String),
}

/// One line of a basket.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct Line {
    /// From 1, unique in the basket.
    pub number: u32,
    /// The line it belongs to.
    pub parent: Option<u32>,
    /// What it is.
    #[serde(default)]
    pub kind: LineKind,
    /// Handed back.
    #[serde(default)]
    pub returned: bool,
    /// Does not count.
    #[serde(default)]
    pub voided: bool,
    /// For a returned line, the line of the origin.
    pub origin_line: Option<u32>,
    /// The retailer's number of the article.
    pub sku: String,
    /// The number in its bar code.
    pub gtin: Option<String>,
    /// As it is printed on the receipt.
    pub description: String,
    /// Merchandise hierarchy, from the top, separated by `/`.
    pub category: Option<String>,
    /// Pieces, weight or length: greater than 0, with at most nine digits after the point.
    pub quantity: Decimal,
    /// UN/ECE Recommendation 20, such as `EA` or `KGM`.
    pub unit: String,
    /// Major units for one unit, without promotion.
    pub regular_price: Decimal,
    /// Major units for one unit, before discounts.
    pub unit_price: Decimal,
    /// After its discounts, never negative.
    pub amount: Money,
    /// What was taken off.
    #[serde(default)]
    pub discounts: Vec<Discount>,
    /// Those of this line.
    #[serde(default)]
    pub taxes: Vec<Tax>,
    /// Proof of age, where it needs one.
    pub age: Option<AgeCheck>,
    /// Further facts.
    #[serde(default)]
    pub attributes: Vec<Attribute>,
}

/// A tender in another currency than the store's.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct Foreign {
    /// ISO 4217.
    pub currency: String,
    /// Minor units of that currency.
    pub amount: Money,
    /// Store currency for one unit of it.
    pub rate: Decimal,
}

/// How it was paid, or paid back.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct Tender {
    /// From 1, unique in the payment or refund.
    pub number: u32,
    /// `cash`, `card`, `wallet`, `gift-card`, `voucher`, `account`, or another word.
    pub kind: String,
    /// Tendered less change.
    pub amount: Money,
    /// What was handed over, minor units.
    pub tendered: Money,
    /// What was handed back, minor units.
    pub change: Money,
    /// Where it was in another currency than the store's.
    pub foreign: Option<Foreign>,
    /// The payment service provider, such as `adyen`.
    pub provider: Option<String>,
    /// The provider's reference of the payment.
    pub psp_reference: Option<String>,
    /// The provider's reference of this capture or refund.
    pub modification_reference: Option<String>,
    /// Our reference at the provider.
    pub merchant_reference: Option<String>,
    /// The issuer's code.
    pub authorisation: Option<String>,
    /// Such as `visa`, `mc` or `swish`.
    pub scheme: Option<String>,
    /// At most the first six and last four digits.
    pub masked: Option<String>,
    /// Masked.
    pub stored_value: Option<String>,
    /// Further facts.
    #[serde(default)]
    pub attributes: Vec<Attribute>,
}

impl Line {
    /// What the line adds to the basket: its amount, negative where it is handed back, nothing where voided.
    pub fn counts(&self) -> Money {
        match (self.voided, self.is_return()) {
            (true, _) => 0,
            (false, true) => -self.amount,
            (false, false) => self.amount,
        }
    }

    /// Whether it counts against the basket.
    pub fn is_return(&self) -> bool {
        self.returned || self.kind == LineKind::DepositReturn
    }
}
