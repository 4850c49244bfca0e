//! Baskets and tenders. Each field is documented in `wit/v0.2.0/types.wit`.

use crate::number::{Decimal, Money};
use serde::{Deserialize, Serialize};

/// A named value. Names are lower-case with dashes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct Attribute {
    /// Lower-case, with dashes.
    pub name: String,
    /// Any text.
    pub value: String,
}

/// One tax on a line, or one tax summed over a basket.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct Tax {
    /// The code of the tax service, such as `VAT-STD`.
    pub code: String,
    /// The authority that levies it.
    pub authority: String,
    /// In per cent. A tax with a fixed amount per unit or a division tax has its effective rate, and the attributes
    /// `kind` and `table-rate`.
    pub rate: Decimal,
    /// The amount that the rate applies to, without the tax.
    pub taxable: Money,
    /// The amount of the tax.
    pub amount: Money,
    /// Whether the line's amount contains it.
    pub included: bool,
    /// `standard`, `reduced`, `zero`, `exempt` or `luxury`.
    pub treatment: String,
    /// Further attributes.
    #[serde(default)]
    pub attributes: Vec<Attribute>,
}

/// A discount on a line.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct Discount {
    /// The id of the promotion or voucher.
    pub id: String,
    /// The reason, for people.
    pub reason: String,
    /// The amount, positive.
    pub amount: Money,
    /// The rate in per cent, if the discount was a rate.
    pub percent: Option<Decimal>,
    /// The coupon code that was scanned.
    pub coupon: Option<String>,
    /// Whether it is the share of this line in a basket discount.
    #[serde(default)]
    pub basket: bool,
    /// Further attributes.
    #[serde(default)]
    pub attributes: Vec<Attribute>,
}

/// The outcome of an age check.
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
    /// The minimum age in years.
    #[cfg_attr(feature = "openapi", schema(maximum = 255))]
    pub minimum: u8,
    /// The outcome.
    pub outcome: AgeOutcome,
    /// Who checked; null while it is pending.
    pub cashier: Option<String>,
    /// The time of the check, RFC 3339.
    pub at: Option<String>,
}

/// The kind of a line.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum LineKind {
    /// An article.
    #[default]
    Item,
    /// A container's deposit.
    Deposit,
    /// A deposit that is paid out; it reduces the basket.
    DepositReturn,
    /// A gift card that is sold or loaded, with its masked number.
    GiftCardSale(String),
    /// A service.
    Service,
    /// A charge.
    Fee,
    /// A donation.
    Donation,
    /// Another kind, named by the retailer.
    Other(String),
}

/// One line of a basket.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct Line {
    /// From 1, unique in the basket.
    pub number: u32,
    /// The number of the line it belongs to.
    pub parent: Option<u32>,
    /// The kind of the line.
    #[serde(default)]
    pub kind: LineKind,
    /// Whether the article is returned.
    #[serde(default)]
    pub returned: bool,
    /// Whether the line is voided; a voided line does not count.
    #[serde(default)]
    pub voided: bool,
    /// For a returned line, the number of the line in the original sale.
    pub origin_line: Option<u32>,
    /// The retailer's article number.
    pub sku: String,
    /// The number in the bar code.
    pub gtin: Option<String>,
    /// The text on the receipt.
    pub description: String,
    /// The path in the merchandise hierarchy from the top, separated by `/`.
    pub category: Option<String>,
    /// Pieces, weight or length: greater than 0, with at most nine digits after the point.
    pub quantity: Decimal,
    /// The unit by UN/ECE Recommendation 20, such as `EA` or `KGM`.
    pub unit: String,
    /// The regular price of one unit in major units, without promotions.
    pub regular_price: Decimal,
    /// The price of one unit in major units, before discounts.
    pub unit_price: Decimal,
    /// The amount after discounts, never negative.
    pub amount: Money,
    /// The discounts on this line.
    #[serde(default)]
    pub discounts: Vec<Discount>,
    /// The taxes on this line.
    #[serde(default)]
    pub taxes: Vec<Tax>,
    /// The age check, if the article requires one.
    pub age: Option<AgeCheck>,
    /// Further attributes.
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
    /// The amount in minor units of that currency.
    pub amount: Money,
    /// The price of one unit in the store's currency.
    pub rate: Decimal,
}

/// A means of payment, used for a payment or a refund.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct Tender {
    /// From 1, unique in the payment or refund.
    pub number: u32,
    /// `cash`, `card`, `wallet`, `gift-card`, `voucher`, `account`, or another value.
    pub kind: String,
    /// `tendered` minus `change`, minor units.
    pub amount: Money,
    /// The amount the customer handed over, minor units.
    pub tendered: Money,
    /// The amount of the change, minor units.
    pub change: Money,
    /// The foreign amount, if the currency is not the store's.
    pub foreign: Option<Foreign>,
    /// The payment service provider, such as `adyen`.
    pub provider: Option<String>,
    /// The provider's reference of the payment.
    pub psp_reference: Option<String>,
    /// The provider's reference of this capture or refund.
    pub modification_reference: Option<String>,
    /// Our reference at the provider.
    pub merchant_reference: Option<String>,
    /// The authorisation code of the issuer.
    pub authorisation: Option<String>,
    /// The scheme, such as `visa`, `mc` or `swish`.
    pub scheme: Option<String>,
    /// The masked card number: at most the first six and the last four digits.
    pub masked: Option<String>,
    /// The masked number of a gift card or voucher.
    pub stored_value: Option<String>,
    /// Further attributes.
    #[serde(default)]
    pub attributes: Vec<Attribute>,
}

impl Tender {
    /// Whether it is paid in coins and notes.
    pub fn is_cash(&self) -> bool {
        self.kind == "cash"
    }
}

impl Line {
    /// The amount that the line adds to the basket: negative for a return, zero for a voided line.
    pub fn counts(&self) -> Money {
        match (self.voided, self.is_return()) {
            (true, _) => 0,
            (false, true) => -self.amount,
            (false, false) => self.amount,
        }
    }

    /// Whether the line reduces the basket.
    pub fn is_return(&self) -> bool {
        self.returned || self.kind == LineKind::DepositReturn
    }
}
