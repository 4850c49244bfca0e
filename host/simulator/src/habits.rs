//! What a retailer's customers and tills do: `[habits]`, `[payments]` and `[members]` of
//! `assortment.toml`. What a file leaves out is as here: a shop with two tills and an app.

use galleria_domain::Money;
use serde::Deserialize;

/// How often, in a hundred, something happens; and when tills are served.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Habits {
    /// Each a workstation with a drawer; beside them the app, which has none.
    pub tills: Vec<String>,
    /// Orders that come from the app.
    pub app: u64,
    /// Articles in most baskets, the fewest and the most; and in the large ones.
    pub basket: (i64, i64),
    pub large_basket: (i64, i64),
    pub large: u64,
    /// Lines of several pieces.
    pub several: u64,
    pub line_discount: u64,
    pub basket_discount: u64,
    pub gift_card_sold: u64,
    pub voided_line: u64,
    pub exchange: u64,
    pub member: u64,
    /// Of members.
    pub consent: u64,
    pub training: u64,
    /// Of events that are no shift.
    pub refunds: usize,
    pub voids: usize,
    /// Refunds that are sent before their payment, as an app does that was offline.
    pub early_refunds: usize,
    pub reasons: Vec<String>,
    /// Of paid orders.
    pub verified: usize,
    /// What staff may find when they look into a basket; the first is that all is right.
    pub outcomes: Vec<String>,
}

impl Default for Habits {
    fn default() -> Self {
        let words = |words: &[&str]| words.iter().map(ToString::to_string).collect();
        Self {
            tills: words(&["till-1", "till-2"]),
            app: 35,
            basket: (1, 5),
            large_basket: (7, 14),
            large: 10,
            several: 30,
            line_discount: 12,
            basket_discount: 14,
            gift_card_sold: 4,
            voided_line: 6,
            exchange: 4,
            member: 25,
            consent: 20,
            training: 1,
            refunds: 10,
            voids: 7,
            early_refunds: 3,
            reasons: words(&["defect", "changed mind", "wrong article", "charged twice"]),
            verified: 0,
            outcomes: vec![],
        }
    }
}

/// How baskets are paid; the rest is paid by card.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Payments {
    /// Who settles cards and wallets.
    pub provider: String,
    /// What its references of payments begin with, and how many digits follow.
    pub reference: String,
    pub digits: usize,
    /// What its references of refunds begin with. Without it refunds name the payment alone.
    pub refund_reference: Option<String>,
    /// In a hundred.
    pub cash: u64,
    pub foreign: u64,
    pub gift_card: u64,
    pub wallet: u64,
}

impl Default for Payments {
    fn default() -> Self {
        Self {
            provider: "sample-psp".into(),
            reference: "PSP".into(),
            digits: 13,
            refund_reference: None,
            cash: 40,
            foreign: 10,
            gift_card: 12,
            wallet: 10,
        }
    }
}

/// Who the members are.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Members {
    pub programme: String,
    /// Where members show a code, and the host says whose it is.
    pub codes: Option<Codes>,
}

impl Default for Members {
    fn default() -> Self {
        Self {
            programme: "club".into(),
            codes: None,
        }
    }
}

/// Codes that hide a number: AES-CBC, in hexadecimal digits.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Codes {
    /// A file of `NAME=value` beside `assortment.toml`, with the sample key.
    pub env: String,
    /// The names in it: key and initialisation vector, in hexadecimal digits.
    pub key: String,
    pub iv: String,
    /// What every number begins with.
    pub prefix: String,
    /// All of a number's digits, its EAN-13 check digit the last.
    pub digits: usize,
    /// Codes that are no member's, in a hundred.
    pub broken: u64,
}

/// What a shop takes in cash when nothing smaller exists: the nearest amount, half up.
pub fn to_step(amount: Money, step: Money) -> Money {
    (amount * 2 + step) / (step * 2) * step
}
