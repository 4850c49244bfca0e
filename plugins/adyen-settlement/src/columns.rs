//! The report's columns. They are found by name, in any order.

use galleria_sdk::csv::Columns;
use galleria_sdk::prelude::*;

pub const ACCOUNT: &str = "Merchant Account";
pub const PSP: &str = "Psp Reference";
pub const MERCHANT: &str = "Merchant Reference";
pub const METHOD: &str = "Payment Method";
pub const CREATED: &str = "Creation Date";
pub const ZONE: &str = "TimeZone";
pub const TYPE: &str = "Type";
pub const MODIFICATION: &str = "Modification Reference";
pub const GROSS_CURRENCY: &str = "Gross Currency";
pub const GROSS_DEBIT: &str = "Gross Debit (GC)";
pub const GROSS_CREDIT: &str = "Gross Credit (GC)";
pub const RATE: &str = "Exchange Rate";
pub const NET_CURRENCY: &str = "Net Currency";
pub const NET_DEBIT: &str = "Net Debit (NC)";
pub const NET_CREDIT: &str = "Net Credit (NC)";
pub const COMMISSION: &str = "Commission (NC)";
/// The parts of a fee: a commission, or the parts of an interchange contract.
pub const FEES: [&str; 4] = [
    COMMISSION,
    "Markup (NC)",
    "Scheme Fees (NC)",
    "Interchange (NC)",
];
pub const BATCH: &str = "Batch Number";

/// Returns the debit or the credit column of an amount.
pub fn side(amount: Money, debit: &'static str, credit: &'static str) -> &'static str {
    if amount < 0 { debit } else { credit }
}

/// The index of each column.
pub struct At {
    pub account: usize,
    pub psp: usize,
    pub merchant: usize,
    pub method: Option<usize>,
    pub created: usize,
    pub zone: Option<usize>,
    pub kind: usize,
    pub modification: usize,
    pub gross_currency: usize,
    pub gross_debit: usize,
    pub gross_credit: usize,
    pub rate: usize,
    pub net_currency: usize,
    pub net_debit: usize,
    pub net_credit: usize,
    pub fees: [usize; 4],
    pub batch: usize,
}

impl At {
    /// Reports all missing and repeated columns together.
    pub fn find(header: &Columns) -> Result<Self, Fault> {
        let mut problems = Problems::default();
        let mut require = |name: &str| problems.take(header.require(name)).unwrap_or_default();
        let mut at = Self {
            account: require(ACCOUNT),
            psp: require(PSP),
            merchant: require(MERCHANT),
            method: None,
            created: require(CREATED),
            zone: None,
            kind: require(TYPE),
            modification: require(MODIFICATION),
            gross_currency: require(GROSS_CURRENCY),
            gross_debit: require(GROSS_DEBIT),
            gross_credit: require(GROSS_CREDIT),
            rate: require(RATE),
            net_currency: require(NET_CURRENCY),
            net_debit: require(NET_DEBIT),
            net_credit: require(NET_CREDIT),
            fees: FEES.map(&mut require),
            batch: require(BATCH),
        };
        at.method = problems.take(header.find(METHOD)).flatten();
        at.zone = problems.take(header.find(ZONE)).flatten();
        problems.finish()?;
        Ok(at)
    }
}
