//! What happens in a store: sales, refunds, voids, shifts. Each field is documented in `wit/v0.2.0/types.wit`.

use crate::basket::{Attribute, Line, Tax, Tender};
use crate::number::Money;
use serde::{Deserialize, Serialize};

/// One numbering for sales, refunds, voids and shifts of a workstation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct Entry {
    /// The payment's, refund's, void's or shift's id, unique over the platform.
    pub id: String,
    /// Empty for a shift.
    pub order_id: String,
    /// What the retailer's own system calls the order.
    pub external_id: Option<String>,
    /// Where it was rung up.
    pub workstation: String,
    /// From 1, no gaps.
    pub sequence: u64,
    /// The number printed for the customer.
    pub receipt: String,
    /// Who rang it up; none where the customer did.
    pub cashier: Option<String>,
    /// `YYYY-MM-DD`.
    pub business_date: String,
    /// When it was begun, RFC 3339.
    pub begun_at: String,
    /// When it was done, RFC 3339.
    pub ended_at: String,
    /// ISO 4217, of all amounts beside it.
    pub currency: String,
    /// Documented, and no turnover.
    #[serde(default)]
    pub training: bool,
}

/// A member of a loyalty programme.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct Member {
    /// The number in the programme.
    pub id: String,
    /// The loyalty programme.
    pub programme: String,
    /// Further facts.
    #[serde(default)]
    pub attributes: Vec<Attribute>,
}

/// What a customer allowed or refused.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct Consent {
    /// What it is about, such as `news`.
    pub subject: String,
    /// `email`, `sms`, `post`...
    pub channel: String,
    /// Whether it was allowed.
    pub granted: bool,
    /// The version of the text that was shown.
    pub wording: String,
    /// When, RFC 3339.
    pub at: String,
}

/// A paid order.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct Sale {
    pub entry: Entry,
    pub member: Option<Member>,
    #[serde(default)]
    pub lines: Vec<Line>,
    #[serde(default)]
    pub tenders: Vec<Tender>,
    #[serde(default)]
    pub taxes: Vec<Tax>,
    pub rounding: Money,
    pub net: Money,
    pub gross: Money,
    #[serde(default)]
    pub consents: Vec<Consent>,
    #[serde(default)]
    pub attributes: Vec<Attribute>,
}

/// What a refund or void goes back to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum Origin {
    /// The whole sale.
    Sale(Box<Sale>),
    /// Its numbers only.
    Reference(Box<Entry>),
    /// Nothing.
    None,
}

/// Money given back; amounts positive.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct Refund {
    pub entry: Entry,
    pub origin: Origin,
    #[serde(default)]
    pub earlier: Vec<Entry>,
    pub reason: String,
    #[serde(default)]
    pub lines: Vec<Line>,
    #[serde(default)]
    pub tenders: Vec<Tender>,
    #[serde(default)]
    pub taxes: Vec<Tax>,
    pub rounding: Money,
    pub net: Money,
    pub gross: Money,
    #[serde(default)]
    pub attributes: Vec<Attribute>,
}

/// Why an order came to nothing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum VoidCause {
    /// Undone after it was paid.
    PostVoid,
    PaymentFailed,
    Abandoned,
    Suspended,
    /// Another word.
    Other(String),
}

/// An order that came to nothing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct Cancellation {
    pub entry: Entry,
    pub cause: VoidCause,
    pub origin: Origin,
    #[serde(default)]
    pub lines: Vec<Line>,
    #[serde(default)]
    pub attributes: Vec<Attribute>,
}

/// Staff looked into the basket.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct Verification {
    pub sale: Sale,
    /// `YYYY-MM-DD`.
    pub business_date: String,
    pub cashier: String,
    pub outcome: String,
    #[serde(default)]
    pub refused_lines: Vec<u32>,
    pub at: String,
}

/// What a tax authority answered.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct FiscalMark {
    pub of: Origin,
    pub scheme: String,
    pub mark: String,
    pub issued_at: String,
    #[serde(default)]
    pub attributes: Vec<Attribute>,
}

/// One kind of tender in a shift.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct TenderTotal {
    /// `cash`, `card`, `wallet`, `gift-card`, `voucher`, `account`, or another word.
    pub kind: String,
    /// What was paid, minor units.
    pub sales: Money,
    /// What was paid back, minor units.
    pub refunds: Money,
    /// Tenders counted, sales and refunds together.
    pub count: u32,
}

/// A drawer's day, closed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct Shift {
    pub entry: Entry,
    pub till: String,
    pub opened_at: String,
    pub closed_at: String,
    pub opening_float: Money,
    #[serde(default)]
    pub tenders: Vec<TenderTotal>,
    pub paid_in: Money,
    pub paid_out: Money,
    pub pickups: Money,
    pub expected: Money,
    pub counted: Money,
    pub transactions: u32,
    pub net_sales: Money,
    pub net_refunds: Money,
    pub tax: Money,
    #[serde(default)]
    pub attributes: Vec<Attribute>,
}

/// Anything that a day is made of.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum Activity {
    /// A paid order.
    Sale(Sale),
    /// Money given back.
    Refund(Refund),
    /// An order that came to nothing.
    Cancellation(Cancellation),
    /// A drawer closed.
    Shift(Shift),
    /// Staff looked into a basket.
    Verification(Verification),
}
