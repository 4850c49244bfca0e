//! Sales, refunds, voids and shifts. Each field is documented in `wit/v0.2.0/types.wit`.

use crate::basket::{Attribute, Line, Tax, Tender};
use crate::number::Money;
use serde::{Deserialize, Serialize};

/// The fields common to sales, refunds, voids and shifts, with one numbering for each workstation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct Entry {
    /// The id of the payment, refund, void or shift, unique over the platform.
    pub id: String,
    /// The order's id; empty for a shift.
    pub order_id: String,
    /// The order's id in the retailer's own system.
    pub external_id: Option<String>,
    /// The workstation.
    pub workstation: String,
    /// The number at the workstation, from 1 without gaps.
    pub sequence: u64,
    /// The receipt number printed for the customer.
    pub receipt: String,
    /// The cashier; none for self-service.
    pub cashier: Option<String>,
    /// `YYYY-MM-DD`.
    pub business_date: String,
    /// The start time, RFC 3339.
    pub begun_at: String,
    /// The end time, RFC 3339.
    pub ended_at: String,
    /// The ISO 4217 code of all amounts in the record.
    pub currency: String,
    /// Whether this is a training record, which is documented but is not turnover.
    #[serde(default)]
    pub training: bool,
}

/// A member of a loyalty programme.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct Member {
    /// The member's number in the programme.
    pub id: String,
    /// The loyalty programme.
    pub programme: String,
    /// Further attributes.
    #[serde(default)]
    pub attributes: Vec<Attribute>,
}

/// A consent that a customer granted or refused.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct Consent {
    /// The subject, such as `news`.
    pub subject: String,
    /// The channel: `email`, `sms`, `post` or another one.
    pub channel: String,
    /// Whether the consent was granted.
    pub granted: bool,
    /// The version of the text that was shown.
    pub wording: String,
    /// The time, RFC 3339.
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

/// The record that a refund or void refers to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum Origin {
    /// The whole sale.
    Sale(Box<Sale>),
    /// The numbers of the sale only.
    Reference(Box<Entry>),
    /// No sale is known.
    None,
}

/// A refund; its amounts are positive.
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

/// The cause of a void.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum VoidCause {
    /// The order was voided after its payment.
    PostVoid,
    PaymentFailed,
    Abandoned,
    Suspended,
    /// Another cause.
    Other(String),
}

/// A voided order.
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

/// The verification of a basket by staff.
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

/// The fiscal mark that a tax authority returned.
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

/// The totals of one kind of tender in a shift.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct TenderTotal {
    /// `cash`, `card`, `wallet`, `gift-card`, `voucher`, `account`, or another value.
    pub kind: String,
    /// The sum of the payments, minor units.
    pub sales: Money,
    /// The sum of the refunds, minor units.
    pub refunds: Money,
    /// The number of tenders, of sales and refunds together.
    pub count: u32,
}

/// A closed shift of a drawer.
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

/// Any activity of a business day.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum Activity {
    /// A paid order.
    Sale(Sale),
    /// A refund.
    Refund(Refund),
    /// A voided order.
    Cancellation(Cancellation),
    /// A closed shift.
    Shift(Shift),
    /// The verification of a basket.
    Verification(Verification),
}
