//! The rules for the fields of a product, for cells of files and fields of requests.
//!
//! Each check returns the violated rule, if any.

use crate::tabular::Wrong;
use galleria_domain::Decimal;
use galleria_ports::records::Price;

/// The most digits before the decimal mark: enough for a thousand billion in any currency.
const WHOLE_DIGITS: usize = 12;
/// The most digits after it: a unit price may be finer than a cent, and 18 digits fit an `i64`.
const SCALE: usize = 6;
/// The most characters of a name and of a category, so that they fit receipts and spreadsheets.
const TEXT_CHARS: usize = 200;

pub(super) fn sku(text: &str) -> Wrong {
    let good = (1..=64).contains(&text.len()) && plain(text) && text == text.trim();
    (!good).then_some("must have 1 to 64 characters and no control characters")
}

pub(super) fn name(text: &str) -> Wrong {
    let good = !text.is_empty() && text.chars().count() <= TEXT_CHARS && plain(text);
    (!good).then_some("must have 1 to 200 characters and no control characters")
}

pub(super) fn category(text: &str) -> Wrong {
    let good = text.chars().count() <= TEXT_CHARS && plain(text);
    (!good).then_some(
        "must have at most 200 characters, separated by / from the top, and no control characters",
    )
}

pub(super) fn tax_code(text: &str) -> Wrong {
    let good = text.len() <= 64 && plain(text);
    (!good).then_some("must have at most 64 characters and no control characters")
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

/// Parses a price without floating point. Insignificant digits are dropped, so that 1.50 and 1.5 are equal.
pub(super) fn amount(text: &str, decimal_comma: bool) -> Result<Decimal, &'static str> {
    let (mark, other) = if decimal_comma {
        (',', '.')
    } else {
        ('.', ',')
    };
    if text.starts_with('-') {
        return Err("must not be negative");
    }
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let (whole, part) = match text.split_once(mark) {
        Some((whole, part)) => (whole, part),
        None => (text, "0"),
    };
    if !digits(whole) || !digits(part) {
        return Err(match (text.contains(other), decimal_comma) {
            (true, false) => {
                "must have a decimal point, such as 12.99; for a file with decimal commas, set that option"
            }
            (true, true) => {
                "must have a decimal comma, such as 12,99, as the option for this file says"
            }
            (false, _) => {
                "must have only digits and at most one decimal mark: no exponent, sign or separators"
            }
        });
    }
    let (whole, part) = (whole.trim_start_matches('0'), part.trim_end_matches('0'));
    if whole.len() > WHOLE_DIGITS || part.len() > SCALE {
        return Err("must have at most 12 digits before the decimal mark and 6 after it");
    }
    let digits = [whole, part].concat();
    let unscaled = match digits.as_str() {
        "" => 0,
        digits => digits.parse().map_err(|_| "must be a price")?,
    };
    let scale = u8::try_from(part.len()).map_err(|_| "must be a price")?;
    Ok(Decimal { unscaled, scale })
}

/// Normalises the price of a request by the same rules.
pub(super) fn price(price: &Price) -> Result<Price, (&'static str, &'static str)> {
    if let Some(message) = currency(&price.currency) {
        return Err(("currency", message));
    }
    let Decimal {
        mut unscaled,
        mut scale,
    } = price.amount;
    while scale > 0 && unscaled % 10 == 0 {
        (unscaled, scale) = (unscaled / 10, scale - 1);
    }
    let most = 10_i64.pow(12) * 10_i64.pow(u32::from(scale).min(6));
    if unscaled < 0 || usize::from(scale) > SCALE || unscaled >= most {
        return Err((
            "amount",
            "must not be negative and must have at most 12 digits before the decimal mark and 6 after it",
        ));
    }
    Ok(Price {
        amount: Decimal { unscaled, scale },
        currency: price.currency.clone(),
    })
}

fn plain(text: &str) -> bool {
    !text.chars().any(char::is_control)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Option<(i64, u8)> {
        let price = amount(text, false).ok()?;
        Some((price.unscaled, price.scale))
    }

    #[test]
    fn a_price_is_exact_and_bounded() {
        assert_eq!(read("12.99"), Some((1299, 2)));
        assert_eq!(read("1.50"), Some((15, 1)));
        assert_eq!(read("007"), Some((7, 0)));
        assert_eq!(read("0"), Some((0, 0)));
        assert_eq!(read("0.00"), Some((0, 0)));
        assert_eq!(
            read("999999999999.999999"),
            Some((999_999_999_999_999_999, 6))
        );
        for bad in [
            "",
            ".",
            "1.",
            ".5",
            "-1",
            "+1",
            "1e3",
            "1E-80000000",
            "1,5",
            "1 000",
            "1.2.3",
            "1000000000000",
            "0.0000001",
            "NaN",
            "\u{661}",
        ] {
            assert_eq!(read(bad), None, "{bad}");
        }
        assert_eq!(
            amount("1,5", true).map(|price| (price.unscaled, price.scale)),
            Ok((15, 1))
        );
        assert!(amount("1.5", true).is_err());
    }

    #[test]
    fn a_price_of_a_request_is_the_same_price() {
        let of = |unscaled, scale| {
            let amount = Decimal { unscaled, scale };
            let currency = "EUR".to_owned();
            price(&Price { amount, currency }).map(|price| price.amount)
        };
        assert_eq!(of(1500, 3), amount("1.5", false).map_err(|_| ("", "")));
        assert_eq!(of(0, 18), amount("0", false).map_err(|_| ("", "")));
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
        assert!(sku("a\u{7f}").is_some() && sku(" a").is_some() && name("").is_some());
    }
}
