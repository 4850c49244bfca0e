//! The rules for the fields of a product, for cells of files and fields of requests.
//!
//! Each check returns the violated rule, if any.

use crate::tabular::Wrong;
use galleria_domain::Decimal;
use galleria_number_format::{NumberError, NumberFormat};
use galleria_ports::records::Price;

/// The maximum number of digits before the decimal mark: enough for a thousand billion in any currency.
const WHOLE_DIGITS: u32 = 12;
/// The maximum number of digits after it: a unit price may be finer than a cent, and 18 digits fit an `i64`.
const SCALE: u8 = 6;
/// The maximum number of characters of a wrong price in a message.
const SHOWN_CHARS: usize = 40;
/// The maximum number of characters of a name and of a category, so that they fit receipts and spreadsheets.
const TEXT_CHARS: usize = 200;

pub(super) fn sku(text: &str) -> Wrong {
    let good = (1..=64).contains(&text.len()) && plain(text);
    (!good)
        .then_some("must have 1 to 64 characters, without control characters or blanks at its ends")
}

pub(super) fn name(text: &str) -> Wrong {
    let good = !text.is_empty() && text.chars().count() <= TEXT_CHARS && plain(text);
    (!good).then_some(
        "must have 1 to 200 characters, without control characters or blanks at its ends",
    )
}

pub(super) fn category(text: &str) -> Wrong {
    let good = text.chars().count() <= TEXT_CHARS && plain(text);
    (!good).then_some(
        "must have at most 200 characters, separated by / from the top, without control characters or blanks at its ends",
    )
}

pub(super) fn tax_code(text: &str) -> Wrong {
    let good = text.len() <= 64 && plain(text);
    (!good).then_some(
        "must have at most 64 characters, without control characters or blanks at its ends",
    )
}

pub(super) fn unit(text: &str) -> Wrong {
    let capital = |byte: u8| byte.is_ascii_uppercase() || byte.is_ascii_digit();
    let good = (2..=3).contains(&text.len()) && text.bytes().all(capital);
    (!good).then_some("must be a code of UN/ECE Recommendation 20, such as EA, KGM, LTR or MTR")
}

/// Checks a GTIN-8, 12, 13 or 14. The weights of the digits alternate between 1 and 3 from the right, starting
/// with the check digit.
pub(super) fn gtin(text: &str) -> Wrong {
    if text.is_empty() {
        return None;
    }
    if !matches!(text.len(), 8 | 12 | 13 | 14) || !text.bytes().all(|byte| byte.is_ascii_digit()) {
        return Some("must be empty or have 8, 12, 13 or 14 digits");
    }
    let weighed = text.bytes().rev().enumerate().map(|(place, byte)| {
        let weight = if place % 2 == 0 { 1 } else { 3 };
        u32::from(byte - b'0') * weight
    });
    (!weighed.sum::<u32>().is_multiple_of(10)).then_some("must end with the correct check digit")
}

pub(super) fn currency(text: &str) -> Wrong {
    let known = text.len() == 3 && iso_currency::Currency::from_code(text).is_some();
    (!known).then_some("must be a code of ISO 4217 in capital letters, such as EUR")
}

pub(super) fn active(text: &str) -> Result<bool, &'static str> {
    match text.to_ascii_lowercase().as_str() {
        "true" | "1" | "yes" => Ok(true),
        "false" | "0" | "no" => Ok(false),
        _ => Err("must be true or false, 1 or 0, yes or no"),
    }
}

/// Parses a price in a file. Trailing zeros are removed, so that 1.50 and 1.5 are equal. The text may contain a valid
/// currency.
pub(super) fn amount(text: &str, currency: &str, format: &NumberFormat) -> Result<Decimal, String> {
    let currency = Some(currency).filter(|code| self::currency(code).is_none());
    match format.number(text, currency, SCALE) {
        Ok(number) => {
            let amount = Decimal {
                unscaled: number.unscaled,
                scale: number.scale,
            };
            bounded(amount).map_err(str::to_owned)
        }
        Err(NumberError::SurplusDigits(_) | NumberError::TooLarge) => Err(BOUNDS.to_owned()),
        Err(error) => {
            let plain = text.chars().filter(|letter| !letter.is_control());
            let shown: String = plain.take(SHOWN_CHARS).collect();
            Err(format!("`{shown}` {}", format.explain(&error, "a price")))
        }
    }
}

/// Normalises the price of a request by the same rules.
pub(super) fn price(price: &Price) -> Result<Price, (&'static str, &'static str)> {
    if let Some(message) = currency(&price.currency) {
        return Err(("currency", message));
    }
    Ok(Price {
        amount: bounded(price.amount).map_err(|message| ("amount", message))?,
        currency: price.currency.clone(),
    })
}

const BOUNDS: &str =
    "must not be negative and must have at most 12 digits before the decimal mark and 6 after it";

/// Removes zeros at the end, and checks the bounds.
fn bounded(amount: Decimal) -> Result<Decimal, &'static str> {
    let Decimal {
        mut unscaled,
        mut scale,
    } = amount;
    while scale > 0 && unscaled % 10 == 0 {
        (unscaled, scale) = (unscaled / 10, scale - 1);
    }
    let most = 10_i64.pow(WHOLE_DIGITS) * 10_i64.pow(u32::from(scale.min(SCALE)));
    match unscaled < 0 || scale > SCALE || unscaled >= most {
        true => Err(BOUNDS),
        false => Ok(Decimal { unscaled, scale }),
    }
}

/// Files cannot contain leading or trailing whitespace in a cell: an import would remove it.
fn plain(text: &str) -> bool {
    text == text.trim() && !text.chars().any(char::is_control)
}

#[cfg(test)]
mod tests {
    use super::*;

    const POINT: NumberFormat = NumberFormat::new('.', None);

    fn read(text: &str) -> Option<(i64, u8)> {
        let price = amount(text, "EUR", &POINT).ok()?;
        Some((price.unscaled, price.scale))
    }

    #[test]
    fn a_price_is_exact_and_bounded() {
        for (text, unscaled, scale) in [
            ("12.99", 1299, 2),
            ("1.50", 15, 1),
            ("007", 7, 0),
            ("0", 0, 0),
            ("0.00", 0, 0),
            ("-0.00", 0, 0),
            ("+1", 1, 0),
            ("€ 12.99", 1299, 2),
            ("12.99 EUR", 1299, 2),
            ("1.2500000000", 125, 2),
            ("999999999999.999999", 999_999_999_999_999_999, 6),
        ] {
            assert_eq!(read(text), Some((unscaled, scale)), "{text}");
        }
        for bad in [
            "",
            ".",
            "1.",
            ".5",
            "-1",
            "1-",
            "(1)",
            "1e3",
            "1E-80000000",
            "1,5",
            "1 000",
            "1'000",
            "1\u{a0}000",
            "1.2.3",
            "$1",
            "1000000000000",
            "0.0000001",
            "99999999999999999999",
            "NaN",
            "\u{661}",
        ] {
            assert_eq!(read(bad), None, "{bad}");
        }
    }

    #[test]
    fn a_price_has_the_marks_of_the_options() {
        let format = NumberFormat::new(',', Some('.'));
        let read = |text| amount(text, "EUR", &format).map(|price| (price.unscaled, price.scale));
        assert_eq!(read("1,5"), Ok((15, 1)));
        assert_eq!(read("1.249,90"), Ok((12_499, 1)));
        assert_eq!(read("1.249"), Ok((1249, 0)));
        assert!(read("1.5").is_err());
        let comma =
            NumberFormat::new(',', None).with_settings("the options decimal_comma and thousands");
        assert_eq!(
            amount("1.249", "EUR", &comma),
            Err("`1.249` contains `.`, but the decimal mark is `,` and there is no thousands mark: check the options decimal_comma and thousands".to_owned())
        );
        assert_eq!(
            amount("$5", "EUR", &comma),
            Err("`$5` has the currency `$`, but the currency of the amount is EUR".to_owned())
        );
        assert_eq!(amount("-5", "EUR", &comma), Err(BOUNDS.to_owned()));
    }

    #[test]
    fn a_price_of_a_request_is_the_same_price() {
        let of = |unscaled, scale| {
            let amount = Decimal { unscaled, scale };
            let currency = "EUR".to_owned();
            price(&Price { amount, currency }).map(|price| price.amount)
        };
        assert_eq!(
            of(1500, 3),
            amount("1.5", "EUR", &POINT).map_err(|_| ("", ""))
        );
        assert_eq!(of(0, 18), amount("0", "EUR", &POINT).map_err(|_| ("", "")));
        for (unscaled, scale) in [(-1, 0), (1, 7), (1_000_000_000_000, 0), (i64::MAX, 6)] {
            assert!(of(unscaled, scale).is_err(), "{unscaled} {scale}");
        }
    }

    #[test]
    fn a_gtin_carries_its_check_digit() {
        for good in [
            "",
            "96385074",
            "036000291452",
            "4006381333931",
            "10012345678902",
        ] {
            assert_eq!(gtin(good), None, "{good}");
        }
        for bad in [
            "4006381333932",
            "400638133393",
            "4006381333931x",
            "1",
            "٤٠٠٦٣٨١٣",
        ] {
            assert!(gtin(bad).is_some(), "{bad}");
        }
    }

    #[test]
    fn codes_have_their_shape() {
        assert_eq!(
            ["EUR", "DKK", "XXX", "eur", "EURO", ""].map(|c| currency(c).is_none()),
            [true, true, true, false, false, false]
        );
        assert_eq!(
            ["EA", "KGM", "ea", "E", "C622"].map(|c| unit(c).is_none()),
            [true, true, false, false, false]
        );
        assert_eq!(active("Yes"), Ok(true));
        assert!(active("maybe").is_err());
        assert!(name("a ").is_some() && category("\u{a0}a").is_some() && tax_code(" ").is_some());
        assert!(sku("a\u{7f}").is_some() && sku(" a").is_some() && name("").is_some());
    }
}
