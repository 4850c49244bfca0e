//! The report's columns. They are found by name, in any order.

use crate::settings::{PspReference, Settings};
use galleria_sdk::csv::Columns;
use galleria_sdk::prelude::*;

pub const ID: &str = "balance_transaction_id";
pub const CATEGORY: &str = "reporting_category";
pub const CURRENCY: &str = "currency";
pub const GROSS: &str = "gross";
pub const FEE: &str = "fee";
pub const NET: &str = "net";
pub const SOURCE: &str = "source_id";
pub const PAYOUT: &str = "automatic_payout_id";
pub const CUSTOMER_AMOUNT: &str = "customer_facing_amount";
pub const CUSTOMER_CURRENCY: &str = "customer_facing_currency";
pub const DESCRIPTION: &str = "description";
pub const CHARGE: &str = "charge_id";
pub const INTENT: &str = "payment_intent_id";
/// With and without `_utc`: the report has one or both.
const CREATED: &str = "created";
const EFFECTIVE: &str = "automatic_payout_effective_at";

/// The index of each column.
pub struct At {
    pub id: usize,
    pub category: usize,
    pub currency: usize,
    pub gross: usize,
    pub fee: usize,
    pub net: usize,
    pub source: usize,
    pub payout: usize,
    pub charge: Option<usize>,
    pub intent: Option<usize>,
    pub merchant: Option<usize>,
    pub customer: Option<(usize, usize)>,
    pub description: Option<usize>,
    /// With its name.
    pub effective: (usize, String),
    /// With its name, and whether its values are certainly in UTC.
    pub created: (usize, String, bool),
}

impl At {
    /// Reports all missing and repeated columns together.
    pub fn find(header: &Columns, settings: &Settings) -> Result<Self, Fault> {
        let mut problems = Problems::default();
        let mut find = |name: &str| problems.take(header.find(name)).flatten();
        // The day of the payout is the day in the account's time zone, which the column without `_utc` has.
        let effective = match find(EFFECTIVE) {
            Some(_) => EFFECTIVE.to_owned(),
            None => dated(&mut find, EFFECTIVE).0,
        };
        let created = dated(&mut find, CREATED);
        let customer = find(CUSTOMER_AMOUNT).or(find(CUSTOMER_CURRENCY));
        let description = find(DESCRIPTION);
        // A report may omit the reference of the charge, but not the reference that the settings name.
        let charge = find(CHARGE);
        let intent = match settings.psp_reference {
            PspReference::ChargeId => find(INTENT),
            PspReference::PaymentIntentId => problems.take(header.require(INTENT)),
        };
        let mut require = |name: &str| problems.take(header.require(name)).unwrap_or_default();
        let at = Self {
            id: require(ID),
            category: require(CATEGORY),
            currency: require(CURRENCY),
            gross: require(GROSS),
            fee: require(FEE),
            net: require(NET),
            source: require(SOURCE),
            payout: require(PAYOUT),
            charge,
            intent,
            merchant: match settings.merchant_reference.as_str() {
                "" => None,
                name => Some(require(name)),
            },
            customer: customer.map(|_| (require(CUSTOMER_AMOUNT), require(CUSTOMER_CURRENCY))),
            description,
            effective: (require(&effective), effective),
            created: (require(&created.0), created.0, created.1),
        };
        problems.finish()?;
        Ok(at)
    }
}

/// Returns the column of a date, and whether it is certainly in UTC.
fn dated(find: &mut impl FnMut(&str) -> Option<usize>, name: &str) -> (String, bool) {
    let utc = [name, "_utc"].concat();
    match find(&utc) {
        Some(_) => (utc, true),
        None => (name.to_owned(), false),
    }
}
