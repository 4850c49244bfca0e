//! Parses and formats exact numbers. All other modules use these functions.
//!
//! No floating point, and no `std::fmt`: in a guest it costs more than the number itself.

use crate::fault::BadValue;

pub(crate) use galleria_number_format::MAX_SCALE;

/// Returns 10 to the power of `scale`, up to [`MAX_SCALE`].
pub(crate) fn power(scale: u8) -> Result<i128, BadValue> {
    if scale > MAX_SCALE {
        return Err(BadValue::new("scale", "must be 0 to 18"));
    }
    Ok(10_i128.pow(scale.into()))
}

/// Writes `unscaled × 10^-scale` with `mark` as the decimal mark. The scale is at most 255 by its type.
pub(crate) fn push(out: &mut Vec<u8>, unscaled: i64, scale: u8, mark: u8) {
    if unscaled < 0 {
        out.push(b'-');
    }
    let mut digits = [0_u8; 20];
    let mut at = digits.len();
    let mut rest = unscaled.unsigned_abs();
    loop {
        at -= 1;
        // A remainder of ten fits into a byte.
        digits[at] = b'0' + (rest % 10) as u8;
        rest /= 10;
        if rest == 0 {
            break;
        }
    }
    let digits = &digits[at..];
    let scale = usize::from(scale);
    if scale == 0 {
        out.extend_from_slice(digits);
    } else if digits.len() > scale {
        let (whole, fraction) = digits.split_at(digits.len() - scale);
        out.extend_from_slice(whole);
        out.push(mark);
        out.extend_from_slice(fraction);
    } else {
        out.extend_from_slice(&[b'0', mark]);
        out.resize(out.len() + scale - digits.len(), b'0');
        out.extend_from_slice(digits);
    }
}

/// Formats as text.
pub(crate) fn text(unscaled: i64, scale: u8, mark: u8) -> String {
    let mut out = Vec::with_capacity(24);
    push(&mut out, unscaled, scale, mark);
    // Digits, a sign and an ASCII mark.
    String::from_utf8(out).unwrap_or_default()
}

/// Divides, and rounds half away from zero.
pub(crate) fn divide(value: i128, by: i128) -> i128 {
    let (whole, rest) = (value / by, value % by);
    if rest.abs() * 2 >= by {
        whole + value.signum()
    } else {
        whole
    }
}

/// Converts to 64 bits, or fails.
pub(crate) fn narrow(what: &'static str, value: i128) -> Result<i64, BadValue> {
    i64::try_from(value).map_err(|_| BadValue::new(what, "is too large"))
}

/// Parses `-12.50`: digits, at most one point, no exponent, no grouping, no blanks.
pub(crate) fn parse(text: &str) -> Result<(i64, u8), BadValue> {
    let bad = || {
        BadValue::new(
            "number",
            ["`", text, "` is not a decimal such as -12.50"].concat(),
        )
    };
    let (negative, digits) = match text.as_bytes() {
        [b'-', rest @ ..] => (true, rest),
        rest => (false, rest),
    };
    let (mut value, mut scale, mut seen_mark) = (0_i128, 0_u8, false);
    let ends_in_digit = digits.last().is_some_and(u8::is_ascii_digit);
    if !ends_in_digit || !digits[0].is_ascii_digit() || digits.len() > 38 {
        return Err(bad());
    }
    for byte in digits {
        match byte {
            b'0'..=b'9' => {
                value = value * 10 + i128::from(byte - b'0');
                scale += u8::from(seen_mark);
            }
            b'.' if !seen_mark => seen_mark = true,
            _ => return Err(bad()),
        }
    }
    if scale > MAX_SCALE {
        return Err(bad());
    }
    let value = if negative { -value } else { value };
    Ok((narrow("number", value)?, scale))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digits_surround_the_mark() {
        assert_eq!(text(0, 2, b'.'), "0.00");
        assert_eq!(text(-5, 2, b'.'), "-0.05");
        assert_eq!(text(123_456, 3, b','), "123,456");
        assert_eq!(text(i64::MIN, 0, b'.'), "-9223372036854775808");
        assert_eq!(text(i64::MIN, 18, b'.'), "-9.223372036854775808");
        assert_eq!(text(7, 18, b'.'), "0.000000000000000007");
    }

    #[test]
    fn written_values_are_read_again() {
        for (value, scale) in [(0, 0), (-5, 2), (i64::MIN, 18), (i64::MAX, 0), (100, 2)] {
            assert_eq!(parse(&text(value, scale, b'.')), Ok((value, scale)));
        }
    }

    #[test]
    fn invalid_numbers_are_rejected() {
        for bad in [
            "",
            "-",
            ".5",
            "5.",
            "1e3",
            "1.2.3",
            " 1",
            "+1",
            "9223372036854775808",
            "1,5",
            "1'000",
            "1 000",
            "1\u{a0}000",
            "\u{2212}1",
            "1-",
            "(1)",
            "€1",
            "١٢",
            "１",
        ] {
            assert!(parse(bad).is_err(), "{bad}");
        }
        assert!(parse("0.0000000000000000001").is_err());
    }

    #[test]
    fn half_rounds_away_from_zero() {
        assert_eq!(
            [divide(5, 10), divide(-5, 10), divide(4, 10), divide(15, 10)],
            [1, -1, 0, 2]
        );
    }
}
