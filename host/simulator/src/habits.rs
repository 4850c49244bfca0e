//! The behaviour of a retailer's customers and tills: `[habits]`, `[payments]` and `[members]` of
//! `assortment.toml`. The defaults describe a shop with two tills and an app.

use galleria_domain::Money;
use serde::Deserialize;

/// The frequency of each habit, in per cent unless noted otherwise.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Habits {
    /// Workstations with a cash drawer. The app is a further workstation, without a drawer.
    pub tills: Vec<String>,
    /// Orders placed by the app.
    pub app: u64,
    /// Least and greatest number of articles in most baskets.
    pub basket: (i64, i64),
    /// Least and greatest number of articles in a large basket.
    pub large_basket: (i64, i64),
    /// Baskets that are large.
    pub large: u64,
    /// Lines with a quantity above one.
    pub several: u64,
    pub line_discount: u64,
    pub basket_discount: u64,
    pub gift_card_sold: u64,
    pub voided_line: u64,
    pub exchange: u64,
    pub member: u64,
    /// Per cent of orders with a member.
    pub consent: u64,
    pub training: u64,
    /// Per cent of the events that are not shifts.
    pub refunds: usize,
    /// Per cent of the events that are not shifts.
    pub voids: usize,
    /// Number of refunds sent before their payment, as by an app that was offline.
    pub early_refunds: usize,
    /// Reasons for refunds.
    pub reasons: Vec<String>,
    /// Per cent of paid orders that staff verify.
    pub verified: usize,
    /// Outcomes of a verification. The first one means that the basket is correct.
    pub outcomes: Vec<String>,
}

impl Default for Habits {
    fn default() -> Self {
        let texts = |texts: &[&str]| texts.iter().map(ToString::to_string).collect();
        Self {
            tills: texts(&["till-1", "till-2"]),
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
            reasons: texts(&["defect", "changed mind", "wrong article", "charged twice"]),
            verified: 0,
            outcomes: vec![],
        }
    }
}

/// How baskets are paid, in per cent. The rest is paid by card.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Payments {
    /// The payment provider of cards and wallets.
    pub provider: String,
    /// Prefix of the payment references of the provider.
    pub reference: String,
    /// Number of digits after the prefix.
    pub digits: usize,
    /// Prefix of its refund references. Without it, a refund has only the reference of the payment.
    pub refund_reference: Option<String>,
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

/// The members of the loyalty programme.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Members {
    pub programme: String,
    /// Set if members show a code that the host identifies.
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

/// Codes that encrypt a member number: AES-CBC, in hexadecimal digits.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Codes {
    /// Name of the file beside `assortment.toml` with the sample key, as `NAME=value` lines.
    pub env: String,
    /// Name of the key in that file. The value is in hexadecimal digits.
    pub key: String,
    /// Name of the initialisation vector in that file.
    pub iv: String,
    /// Prefix of every member number.
    pub prefix: String,
    /// Length of a member number. Its last digit is the EAN-13 check digit.
    pub digits: usize,
    /// Per cent of codes that identify no member.
    pub broken: u64,
}

/// Rounds an amount to a multiple of the smallest coin, half up.
pub fn to_step(amount: Money, step: Money) -> Money {
    (amount * 2 + step) / (step * 2) * step
}
