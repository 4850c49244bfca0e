//! Cash steps: cash amounts of a currency are multiples of its step, because no smaller coin is in use.

use crate::number::{Decimal, Money};

/// The cash step of a currency.
#[derive(Clone, Copy, Debug)]
pub struct CashStep {
    /// ISO 4217.
    pub currency: &'static str,
    /// In major units.
    pub step: Decimal,
    /// The publication of the step.
    pub source: &'static str,
}

const fn row(currency: &'static str, step: (i64, u8), source: &'static str) -> CashStep {
    let (unscaled, scale) = step;
    CashStep {
        currency,
        step: Decimal { unscaled, scale },
        source,
    }
}

/// CLDR 45, `supplemental/currencyData.json`: the currency has digits, but cash is paid without them.
const NO_DIGITS: &str = "CLDR 45: cashDigits 0";

/// CLDR 45, `supplemental/currencyData.json`: amounts have no digits. A store may have more, such as ISO 4217 or a
/// payment provider.
const WHOLE: &str = "CLDR 45: digits 0";

/// The currencies whose cash step is larger than the smallest unit that a store may use.
///
/// The euro is not one of them: Belgium, Estonia, Finland, Ireland, Italy, Lithuania, the Netherlands and
/// Slovakia round to 0.05, other countries pay cents. A store in these countries sets its own step.
pub const CASH_STEPS: &[CashStep] = &[
    row("AFN", (1, 0), WHOLE),
    row("ALL", (1, 0), WHOLE),
    row("AMD", (1, 0), NO_DIGITS),
    row(
        "AUD",
        (5, 2),
        "Reserve Bank of Australia: 1 and 2 cent coins withdrawn from 1992",
    ),
    row("BIF", (1, 0), WHOLE),
    row("CAD", (5, 2), "CLDR 45: cashRounding 5"),
    row("CHF", (5, 2), "CLDR 45: cashRounding 5"),
    row(
        "CLP",
        (10, 0),
        "Chile, Ley 20.956: cash totals end in 0 since 1 November 2017",
    ),
    row("COP", (1, 0), NO_DIGITS),
    row("CRC", (1, 0), NO_DIGITS),
    row("CZK", (1, 0), NO_DIGITS),
    row("DJF", (1, 0), WHOLE),
    row("DKK", (50, 2), "CLDR 45: cashRounding 50"),
    row("GNF", (1, 0), WHOLE),
    row("GYD", (1, 0), NO_DIGITS),
    row(
        "HKD",
        (10, 2),
        "Hong Kong Monetary Authority: the smallest coin is 10 cents",
    ),
    row(
        "HUF",
        (5, 0),
        "Magyar Nemzeti Bank: 1 and 2 forint coins withdrawn on 1 March 2008",
    ),
    row("IDR", (1, 0), NO_DIGITS),
    row(
        "ILS",
        (10, 2),
        "Bank of Israel: 5 agorot coin withdrawn on 1 January 2008",
    ),
    row("IQD", (1, 0), WHOLE),
    row("IRR", (1, 0), WHOLE),
    row("ISK", (1, 0), WHOLE),
    row("JPY", (1, 0), WHOLE),
    row("KMF", (1, 0), WHOLE),
    row("KPW", (1, 0), WHOLE),
    row("KRW", (1, 0), WHOLE),
    row("LAK", (1, 0), WHOLE),
    row("LBP", (1, 0), WHOLE),
    row("MGA", (1, 0), WHOLE),
    row("MMK", (1, 0), WHOLE),
    row("MNT", (1, 0), NO_DIGITS),
    row("MUR", (1, 0), NO_DIGITS),
    row(
        "MYR",
        (5, 2),
        "Bank Negara Malaysia: Rounding Mechanism of 1 April 2008",
    ),
    row("NOK", (1, 0), NO_DIGITS),
    row(
        "NZD",
        (10, 2),
        "Reserve Bank of New Zealand: 5 cent coin withdrawn in 2006",
    ),
    row("PKR", (1, 0), NO_DIGITS),
    row("PYG", (1, 0), WHOLE),
    row("RSD", (1, 0), WHOLE),
    row("RWF", (1, 0), WHOLE),
    row("SEK", (1, 0), NO_DIGITS),
    row(
        "SGD",
        (5, 2),
        "Monetary Authority of Singapore: 1 cent coin not issued since 2002",
    ),
    row("SOS", (1, 0), WHOLE),
    row("SYP", (1, 0), WHOLE),
    row("TWD", (1, 0), NO_DIGITS),
    row("TZS", (1, 0), NO_DIGITS),
    row(
        "UAH",
        (10, 2),
        "National Bank of Ukraine: 1, 2, 5 and 25 kopiyka coins not issued since 2018",
    ),
    row("UGX", (1, 0), WHOLE),
    row("UZS", (1, 0), NO_DIGITS),
    row("VND", (1, 0), WHOLE),
    row("VUV", (1, 0), WHOLE),
    row("XAF", (1, 0), WHOLE),
    row("XOF", (1, 0), WHOLE),
    row("XPF", (1, 0), WHOLE),
    row("YER", (1, 0), WHOLE),
    row(
        "ZAR",
        (10, 2),
        "South African Reserve Bank: 5 cent coin not minted since 2012",
    ),
];

/// The cash step in minor units: of the store if it has one, otherwise of its currency. 1 if neither has one.
pub(crate) fn step_in_minor(own: Option<Decimal>, currency: &str, minor_digits: u8) -> Money {
    let of_currency = || {
        let mut rows = CASH_STEPS.iter();
        rows.find(|row| row.currency == currency)
            .map(|row| row.step)
    };
    let step = own.or_else(of_currency);
    step.and_then(|step| least_payable(step, minor_digits))
        .unwrap_or(1)
}

/// The smallest multiple of `step` that is an integer of minor units. None if it is not positive or does not fit.
fn least_payable(step: Decimal, minor_digits: u8) -> Option<Money> {
    let power = |digits: u8| 10_i128.checked_pow(digits.into());
    let (top, bottom) = (
        i128::from(step.unscaled).checked_mul(power(minor_digits)?)?,
        power(step.scale)?,
    );
    let (mut divisor, mut rest) = (top, bottom);
    while rest != 0 {
        (divisor, rest) = (rest, divisor % rest);
    }
    Money::try_from(top / divisor).ok().filter(|step| *step > 0)
}

/// Whether a step is positive, at most a million major units, and a whole number of minor units.
pub(crate) fn is_step(step: Decimal, minor_digits: u8) -> bool {
    let exact = step.exact();
    exact.is_some_and(|exact| {
        exact <= 1_000_000.into() && exact.is_sign_positive() && !exact.is_zero()
    }) && exact.is_some_and(|exact| exact.normalize().scale() <= u32::from(minor_digits))
}

/// The multiple of `step` nearest to an amount of zero or more, half up.
pub(crate) fn nearest(amount: Money, step: Money) -> Money {
    let below = floor(amount, step);
    // Do not add half a step: an odd step has no half.
    match amount - below < step - (amount - below) {
        true => below,
        false => below + step,
    }
}

/// The largest multiple of `step` up to an amount of zero or more.
pub(crate) fn floor(amount: Money, step: Money) -> Money {
    amount - amount % step
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(currency: &str, minor_digits: u8) -> Money {
        step_in_minor(None, currency, minor_digits)
    }

    #[test]
    fn the_table_is_sorted_and_each_row_has_a_source() {
        assert!(CASH_STEPS.is_sorted_by(|one, two| one.currency < two.currency));
        for row in CASH_STEPS {
            assert_eq!(row.currency.len(), 3);
            assert!(row.source.len() > 10, "{}", row.currency);
            assert!(is_step(row.step, 2), "{}", row.currency);
            assert!(of(row.currency, 2) > 1, "{}", row.currency);
        }
    }

    #[test]
    fn steps_scale_to_the_digits_of_the_store() {
        for (currency, digits, step) in [
            ("DKK", 2, 50),
            ("DKK", 3, 500),
            ("DKK", 1, 5),
            ("CHF", 2, 5),
            // Multiples of 0.1 are multiples of 0.05.
            ("CHF", 1, 1),
            ("CHF", 0, 1),
            ("HUF", 0, 5),
            ("HUF", 2, 500),
            ("HUF", 4, 50_000),
            ("SEK", 2, 100),
            ("NOK", 2, 100),
            ("CZK", 2, 100),
            ("CLP", 0, 10),
            ("NZD", 2, 10),
            ("ILS", 2, 10),
            ("EUR", 2, 1),
            ("PLN", 2, 1),
            ("USD", 2, 1),
            ("JPY", 0, 1),
            // Providers state two digits of the króna.
            ("ISK", 0, 1),
            ("ISK", 2, 100),
            ("ALL", 2, 100),
            ("IQD", 3, 1000),
        ] {
            assert_eq!(of(currency, digits), step, "{currency} {digits}");
        }
    }

    #[test]
    fn the_step_of_a_store_replaces_that_of_its_currency() {
        let own = |text: &str| Some(text.parse().expect("a decimal"));
        assert_eq!(step_in_minor(own("0.05"), "EUR", 2), 5);
        assert_eq!(step_in_minor(own("1"), "DKK", 2), 100);
        assert_eq!(step_in_minor(own("0.01"), "DKK", 2), 1);
        assert_eq!(step_in_minor(own("0.25"), "THB", 1), 5);
    }

    #[test]
    fn only_payable_steps_are_valid() {
        let valid = |text: &str, digits| is_step(text.parse().expect("a decimal"), digits);
        assert!(valid("0.05", 2) && valid("0.50", 1) && valid("1000000", 0) && valid("5", 0));
        for (text, digits) in [
            ("0", 2),
            ("0.00", 2),
            ("-0.05", 2),
            ("0.05", 1),
            ("0.001", 2),
            ("1000001", 2),
        ] {
            assert!(!valid(text, digits), "{text} {digits}");
        }
    }

    #[test]
    fn halves_round_up() {
        for (amount, step, rounded) in [
            (2713, 50, 2700),
            (2724, 50, 2700),
            (2725, 50, 2750),
            (2750, 50, 2750),
            (2, 5, 0),
            (3, 5, 5),
            (0, 5, 0),
            (7, 1, 7),
        ] {
            assert_eq!(nearest(amount, step), rounded, "{amount} by {step}");
        }
    }
}
